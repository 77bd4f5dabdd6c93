//! One run by its name.

use std::fmt;
use std::str::FromStr;

use super::draw::{self, Without};
use super::run;
use super::simulation::jobs::with_chance;
use super::simulation::play::Report;

/// A world and the weather of its network, drawn by a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    pub seed: u64,
    /// Whose deadline is taken away.
    pub without: Option<Without>,
}

impl Job {
    /// Plays it here and now.
    pub fn play(&self) -> Report {
        let Self { seed, without } = *self;
        with_chance(seed, move || run::play(&draw::draw(seed, without)))
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)?;
        match self.without {
            Some(Without::Kubernetes) => write!(f, " --without=kubernetes"),
            Some(Without::Aws) => write!(f, " --without=aws"),
            None => Ok(()),
        }
    }
}

impl FromStr for Job {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (number, without) = match words.as_slice() {
            ["seed", number] => (number, None),
            ["seed", number, "--without=kubernetes"] => (number, Some(Without::Kubernetes)),
            ["seed", number, "--without=aws"] => (number, Some(Without::Aws)),
            _ => {
                return Err(format!(
                    "no such job: {text:?}; write `seed NUMBER [--without=kubernetes|aws]`"
                ));
            }
        };
        let seed = number.parse().map_err(|_| format!("{number:?} is no number"))?;
        Ok(Self { seed, without })
    }
}
