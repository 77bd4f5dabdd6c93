//! For tests only: the process ends by itself, as a power cut would end it, at one numbered request.
//!
//! Built with debug assertions alone. A program that is shipped does not have this, whatever its
//! environment says.

use std::process;
use std::str::FromStr;

use futures::future::BoxFuture;

use super::effects::{Effect, Effects};

/// At which request the process ends, and on which side of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortAt {
    /// The number of the request, from 1.
    pub number: u64,
    /// Before it is sent, or after its reply and before anybody has seen that.
    pub side: Side,
}

/// A side of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nothing of it was sent.
    Before,
    /// What it does is done.
    After,
}

/// The text names no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not NUMBER:before or NUMBER:after, such as 12:before")]
pub struct NoSuchPoint;

impl FromStr for AbortAt {
    type Err = NoSuchPoint;

    fn from_str(text: &str) -> Result<Self, NoSuchPoint> {
        let (number, side) = text.split_once(':').ok_or(NoSuchPoint)?;
        let side = match side {
            "before" => Side::Before,
            "after" => Side::After,
            _ => return Err(NoSuchPoint),
        };
        let number = number.parse().map_err(|_| NoSuchPoint)?;
        Ok(Self { number, side })
    }
}

impl AbortAt {
    fn reached(self, side: Side, effect: &Effect) -> BoxFuture<'static, ()> {
        let Effect { number, transport, verb, target } = effect;
        if (self.number, self.side) == (*number, side) {
            // Not through the log, which may hold lines back.
            eprintln!("aborts at {transport:?} {verb} {target}");
            process::abort();
        }
        tracing::debug!(number, ?side, ?transport, verb, target, "an effect");
        Box::pin(std::future::ready(()))
    }
}

impl Effects for AbortAt {
    fn before(&self, effect: Effect) -> BoxFuture<'static, ()> {
        self.reached(Side::Before, &effect)
    }

    fn after(&self, effect: Effect) -> BoxFuture<'static, ()> {
        self.reached(Side::After, &effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_number_and_a_side() {
        let point = |number, side| Ok(AbortAt { number, side });
        assert_eq!("1:before".parse(), point(1, Side::Before));
        assert_eq!("204:after".parse(), point(204, Side::After));
        for text in ["", "7", "7:", ":before", "7:During", "-1:after", "7:after:8"] {
            assert_eq!(text.parse::<AbortAt>(), Err(NoSuchPoint), "{text}");
        }
    }
}
