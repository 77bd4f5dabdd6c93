//! What goes wrong between a client and the API server.

use std::time::Duration;

use jiff::Timestamp;

/// Probabilities, in force until a time; an outage has its own.
#[derive(Debug, Clone, Default)]
pub struct ApiFaults {
    /// From then on nothing of this goes wrong any more.
    pub until: Timestamp,
    /// Refused with 429, 500, 503 or 504 and nothing done.
    pub refused: f64,
    /// Done, and answered with 500 or 504.
    pub done_but_refused: f64,
    /// The connection breaks before anything is done.
    pub request_lost: f64,
    /// The connection breaks after it was done.
    pub reply_lost: f64,
    /// No answer ever comes; it may have been done.
    pub silent: f64,
    /// The answer takes up to this long.
    pub slow: f64,
    pub slowness: Duration,
    /// A batch of watch events comes up to this much later.
    pub watch_lag: f64,
    pub lag: Duration,
    /// Of events about one object in one batch only the last is told.
    pub coalesced: f64,
    /// A watch ends where it is.
    pub watch_cut: f64,
    /// A watch that resumes is told that its version is too old.
    pub expired: f64,
    /// Lists that ask for any version are this many revisions old, at the most.
    pub stale: u64,
    /// A client to which nothing answers, and from when until when.
    pub outages: Vec<(Option<usize>, Timestamp, Timestamp)>,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Served,
    Refused(u16),
    DoneButRefused(u16),
    RequestLost,
    ReplyLost,
    Silent { done: bool },
}

impl ApiFaults {
    pub fn is_out(&self, client: usize, now: Timestamp) -> bool {
        self.outages.iter().any(|(whom, from, until)| {
            whom.is_none_or(|it| it == client) && *from <= now && now < *until
        })
    }

    pub fn fate(
        &self,
        random: &mut fastrand::Rng,
        client: usize,
        now: Timestamp,
    ) -> (Fate, Duration) {
        let quick = Duration::from_millis(random.u64(1..=4));
        if self.is_out(client, now) {
            return (
                if random.bool() { Fate::Silent { done: false } } else { Fate::RequestLost },
                quick,
            );
        }
        if now >= self.until {
            return (Fate::Served, quick);
        }
        let wait = if random.f64() < self.slow {
            quick + self.slowness.mul_f64(random.f64())
        } else {
            quick
        };
        let mut chance = random.f64();
        let fates = [
            (self.refused, Fate::Refused([429, 500, 503, 504][random.usize(0..4)])),
            (self.done_but_refused, Fate::DoneButRefused([500, 504][random.usize(0..2)])),
            (self.request_lost, Fate::RequestLost),
            (self.reply_lost, Fate::ReplyLost),
            (self.silent, Fate::Silent { done: random.bool() }),
        ];
        for (probability, fate) in fates {
            if chance < probability {
                return (fate, wait);
            }
            chance -= probability;
        }
        (Fate::Served, wait)
    }
}
