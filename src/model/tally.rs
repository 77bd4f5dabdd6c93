//! What was asked of AWS for one piece of work, and what it waited for.

use super::histogram::Histogram;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// It changes something.
    Change,
    /// It asks how changes at work are getting on.
    Poll,
    /// Any other read.
    Read,
}

/// Requests that left for AWS, and time that was lost to the quota. Two of them add up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Requests that change something.
    pub changes: i64,
    /// Requests that ask how changes at work are getting on.
    pub polls: i64,
    /// Other reads.
    pub reads: i64,
    /// Of all of them: throttled.
    pub throttled: i64,
    /// Of all of them: met another change at work.
    pub conflicts: i64,
    /// Of all of them: had no answer that can be used, and were made again.
    pub retried: i64,
    /// Seconds from sending to the reply.
    pub latency: Histogram,
    /// The longest of them.
    pub longest: f64,
    /// Seconds of capacity that AWS's throttling took.
    pub throttling_seconds: f64,
    /// Seconds of capacity that other work took.
    pub sharing_seconds: f64,
}

impl Tally {
    /// Notes a request that left. `outcome` is as metrics name it, `seconds` until the reply.
    pub fn note(&mut self, kind: RequestKind, outcome: &str, seconds: f64) {
        *match kind {
            RequestKind::Change => &mut self.changes,
            RequestKind::Poll => &mut self.polls,
            RequestKind::Read => &mut self.reads,
        } += 1;
        self.throttled += i64::from(outcome == "throttled");
        self.conflicts += i64::from(outcome == "conflict");
        let no_answer = ["throttled", "conflict", "server_error", "timeout", "lost"];
        self.retried += i64::from(no_answer.contains(&outcome));
        self.latency.add(seconds);
        self.longest = self.longest.max(seconds);
    }

    /// Adds all of another one.
    pub fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        self.polls += other.polls;
        self.reads += other.reads;
        self.throttled += other.throttled;
        self.conflicts += other.conflicts;
        self.retried += other.retried;
        self.latency.merge(&other.latency);
        self.longest = self.longest.max(other.longest);
        self.throttling_seconds += other.throttling_seconds;
        self.sharing_seconds += other.sharing_seconds;
    }

    /// All requests.
    #[must_use]
    pub const fn requests(&self) -> i64 {
        self.changes + self.polls + self.reads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_kind_and_outcome() {
        let mut tally = Tally::default();
        tally.note(RequestKind::Change, "ok", 0.1);
        tally.note(RequestKind::Change, "throttled", 0.1);
        tally.note(RequestKind::Poll, "timeout", 10.0);
        tally.note(RequestKind::Read, "conflict", 0.1);
        tally.note(RequestKind::Read, "refused", 0.1);
        assert_eq!((tally.changes, tally.polls, tally.reads), (2, 1, 2));
        assert_eq!((tally.throttled, tally.conflicts, tally.retried), (1, 1, 3));
        assert_eq!((tally.requests(), tally.latency.count()), (5, 5));
        let mut twice = tally.clone();
        twice.add(&tally);
        assert_eq!((twice.requests(), twice.retried, twice.latency.count()), (10, 6, 10));
    }
}
