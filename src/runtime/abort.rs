//! For tests only: the process ends by itself, as a power cut would end it, at a chosen request.
//!
//! Built with debug assertions alone. A program that is shipped does not have this, whatever its
//! environment says.

use std::process;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;

use super::effects::{Effect, Effects};

/// At which request the process ends, and on which side of it. Clones count together.
///
/// As text: `NUMBER:SIDE` or `NUMBER:SIDE:REQUEST`. The side is `before` or `after`. The request is
/// its verb, a space and its target, in which `*` stands for any one segment; then only such
/// requests are counted.
#[derive(Debug, Clone)]
pub struct AbortAt {
    number: u64,
    side: Side,
    request: Option<String>,
    counted: Arc<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// How many requests have begun.
    begun: AtomicU64,
    /// Which of all requests is the chosen one, once it has begun.
    chosen: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Nothing of it was sent.
    Before,
    /// What it does is done, and nobody has seen the reply.
    After,
}

/// The text names no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is none of NUMBER:before, NUMBER:after, NUMBER:SIDE:REQUEST, such as 12:after or \
     1:before:GET /api/v1/namespaces/*/events"
)]
pub struct NoSuchPoint;

impl FromStr for AbortAt {
    type Err = NoSuchPoint;

    fn from_str(text: &str) -> Result<Self, NoSuchPoint> {
        let mut parts = text.splitn(3, ':');
        let number = parts.next().and_then(|part| part.parse().ok()).ok_or(NoSuchPoint)?;
        let side = match parts.next() {
            Some("before") => Side::Before,
            Some("after") => Side::After,
            _ => return Err(NoSuchPoint),
        };
        let request = parts.next().map(ToOwned::to_owned);
        Ok(Self { number, side, request, counted: Arc::default() })
    }
}

impl AbortAt {
    /// Takes in that a request begins; says whether the process is to end before it.
    fn begins(&self, effect: &Effect) -> bool {
        if !self.request.as_ref().is_none_or(|wanted| fits(wanted, effect)) {
            return false;
        }
        let is_chosen = self.counted.begun.fetch_add(1, Ordering::Relaxed) + 1 == self.number;
        if is_chosen {
            self.counted.chosen.store(effect.number, Ordering::Relaxed);
        }
        is_chosen && self.side == Side::Before
    }

    /// Says whether the process is to end now that a request has its reply.
    fn ends(&self, effect: &Effect) -> bool {
        self.side == Side::After && self.counted.chosen.load(Ordering::Relaxed) == effect.number
    }
}

fn request(effect: &Effect) -> String {
    format!("{} {}", effect.verb, effect.target)
}

fn fits(wanted: &str, effect: &Effect) -> bool {
    let made = request(effect);
    wanted.split('/').count() == made.split('/').count()
        && wanted.split('/').zip(made.split('/')).all(|(want, is)| want == "*" || want == is)
}

fn abort(effect: &Effect) -> ! {
    // Not through the log, which may hold lines back.
    eprintln!("aborts at {}", request(effect));
    process::abort();
}

impl Effects for AbortAt {
    fn before(&self, effect: Effect) -> BoxFuture<'static, ()> {
        tracing::debug!(number = effect.number, request = request(&effect), "on its way");
        if self.begins(&effect) {
            abort(&effect);
        }
        Box::pin(std::future::ready(()))
    }

    fn after(&self, effect: Effect) -> BoxFuture<'static, ()> {
        if self.ends(&effect) {
            abort(&effect);
        }
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Transport;

    fn effect(number: u64, target: &str) -> Effect {
        let (verb, target) = ("GET".to_owned(), target.to_owned());
        Effect { number, transport: Transport::Kubernetes, verb, target }
    }

    /// Where a process ends that makes these requests, all at the same time.
    fn end(point: &str, targets: &[&str]) -> Option<(Side, u64)> {
        let point: AbortAt = point.parse().unwrap();
        let effects: Vec<Effect> =
            targets.iter().zip(1..).map(|(target, number)| effect(number, target)).collect();
        let before = effects.iter().find(|effect| point.begins(effect));
        let before = before.map(|effect| (Side::Before, effect.number));
        let after = || effects.iter().find(|effect| point.ends(effect));
        before.or_else(|| after().map(|effect| (Side::After, effect.number)))
    }

    #[test]
    fn it_ends_at_one_side_of_the_request_with_that_number() {
        let made = ["/a", "/b", "/a/b"];
        assert_eq!(end("2:before", &made), Some((Side::Before, 2)));
        assert_eq!(end("3:after", &made), Some((Side::After, 3)));
        assert_eq!(end("4:after", &made), None);
    }

    #[test]
    fn only_requests_of_the_given_kind_are_counted() {
        let made = ["/a/1", "/b/1", "/a/2", "/a/2/c"];
        assert_eq!(end("2:before:GET /a/*", &made), Some((Side::Before, 3)));
        assert_eq!(end("1:after:GET /a/*/c", &made), Some((Side::After, 4)));
        assert_eq!(end("3:before:GET /a/*", &made), None);
        assert_eq!(end("1:before:PUT /a/*", &made), None);
    }

    #[test]
    fn what_names_no_point_is_refused() {
        for text in ["", "7", "7:", ":before", "7:During", "-1:after"] {
            assert_eq!(text.parse::<AbortAt>().unwrap_err(), NoSuchPoint, "{text}");
        }
    }
}
