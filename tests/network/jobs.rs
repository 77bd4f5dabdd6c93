//! One run by its name.

use std::fmt;
use std::str::FromStr;

use rollback_operator::model::Rule;

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
    /// The rule that does not hold.
    pub broken: Option<Rule>,
}

impl Job {
    /// With every deadline and every rule in force.
    pub const fn of(seed: u64) -> Self {
        Self { seed, without: None, broken: None }
    }

    /// Plays it here and now.
    pub fn play(&self) -> Report {
        let Self { seed, without, broken } = *self;
        with_chance(seed, move || {
            let play = || run::play(&draw::draw(seed, without));
            broken.map_or_else(play, |rule| rule.broken(play))
        })
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)?;
        match self.without {
            Some(Without::Kubernetes) => write!(f, " --without=kubernetes")?,
            Some(Without::Aws) => write!(f, " --without=aws")?,
            None => {}
        }
        self.broken.map_or(Ok(()), |rule| write!(f, " --broken={rule:?}"))
    }
}

impl FromStr for Job {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || {
            format!(
                "no such job: {text:?}; \
                 write `seed NUMBER [--without=kubernetes|aws] [--broken=RULE]`"
            )
        };
        let mut words = text.split_whitespace();
        let (Some("seed"), Some(number)) = (words.next(), words.next()) else {
            return Err(usage());
        };
        let seed = number.parse().map_err(|_| format!("{number:?} is no number"))?;
        let mut job = Self { seed, without: None, broken: None };
        for word in words {
            match word.split_once('=') {
                Some(("--without", "kubernetes")) => job.without = Some(Without::Kubernetes),
                Some(("--without", "aws")) => job.without = Some(Without::Aws),
                Some(("--broken", rule)) => {
                    let known = Rule::ALL.iter().find(|known| format!("{known:?}") == rule);
                    job.broken = Some(*known.ok_or_else(|| format!("there is no rule {rule}"))?);
                }
                _ => return Err(usage()),
            }
        }
        Ok(job)
    }
}
