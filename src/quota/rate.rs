//! Requests a second: at most so many leave in any window of one second.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::model::time::{later, seconds_between};

/// What a request is for. Earlier ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Finding out what became of intents after a restart.
    Recovery,
    /// Changing something.
    Mutation,
    /// Finding out what is still at work: it frees slots.
    Poll,
    /// Reading back.
    Verify,
    /// Reading for a plan.
    PreRead,
}

/// One request in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

const WINDOW: SignedDuration = SignedDuration::from_secs(1);
/// A request that has waited this long goes before younger ones of any priority.
const PATIENCE: SignedDuration = SignedDuration::from_secs(3);
/// What is left of the rate after AWS throttled.
const DECREASE: f64 = 0.7;
/// What is added to the rate in each second without throttling.
const INCREASE: f64 = 0.5;

/// The rate of one instance.
#[derive(Debug, Clone)]
pub struct Rate {
    limit: f64,
    allowed: f64,
    changed_at: Timestamp,
    left: VecDeque<Timestamp>,
    queue: BTreeMap<Ticket, (Priority, Timestamp)>,
    next_ticket: u64,
}

impl Rate {
    pub(super) fn new(limit: u32, now: Timestamp) -> Self {
        let limit = f64::from(limit.max(1));
        Self {
            limit,
            allowed: limit,
            changed_at: now,
            left: VecDeque::new(),
            queue: BTreeMap::new(),
            next_ticket: 0,
        }
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        let limit = f64::from(limit.max(1));
        let recovered = self.is_recovered();
        self.limit = limit;
        if recovered || self.allowed > limit {
            self.allowed = limit;
        }
    }

    pub(super) fn enqueue(&mut self, priority: Priority, now: Timestamp) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.queue.insert(ticket, (priority, now));
        ticket
    }

    pub(super) fn cancel(&mut self, ticket: Ticket) {
        self.queue.remove(&ticket);
    }

    pub(super) fn admit(&mut self, now: Timestamp) -> Vec<Ticket> {
        while self.left.front().is_some_and(|left| now.duration_since(*left) >= WINDOW) {
            self.left.pop_front();
        }
        let mut admitted = Vec::new();
        while self.left.len() < self.in_one_window() {
            let first = self.queue.iter().min_by_key(|(ticket, (priority, since))| {
                let patient = now.duration_since(*since) < PATIENCE;
                (patient, if patient { Some(*priority) } else { None }, **ticket)
            });
            let Some(ticket) = first.map(|(ticket, _)| *ticket) else { break };
            self.queue.remove(&ticket);
            self.left.push_back(now);
            admitted.push(ticket);
        }
        admitted
    }

    pub(super) fn next_admission(&self, now: Timestamp) -> Option<Timestamp> {
        if self.queue.is_empty() {
            return None;
        }
        let over = (self.left.len() + 1).checked_sub(self.in_one_window()).filter(|over| *over > 0);
        let blocking = over.and_then(|over| self.left.get(over - 1));
        Some(blocking.map_or(now, |left| later(*left, WINDOW).max(now)))
    }

    pub(super) fn throttled(&mut self, now: Timestamp) {
        // A burst that left together is throttled together: that is one message, not many.
        if self.allowed < self.limit && now.duration_since(self.changed_at) < WINDOW / 2 {
            return;
        }
        self.allowed = (self.allowed * DECREASE).max(1.0);
        self.changed_at = now;
    }

    pub(super) fn answered(&mut self, now: Timestamp) {
        let seconds = seconds_between(self.changed_at, now);
        if self.allowed < self.limit && seconds >= 1.0 {
            self.allowed = (self.allowed + INCREASE * seconds.floor()).min(self.limit);
            self.changed_at = now;
        }
    }

    pub(super) fn is_recovered(&self) -> bool {
        self.allowed >= self.limit
    }

    pub(super) const fn allowed(&self) -> f64 {
        self.allowed
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and a u32"
    )]
    fn in_one_window(&self) -> usize {
        self.allowed.floor().max(1.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    proptest! {
        #[test]
        fn no_window_of_one_second_holds_more_than_the_limit(
            limit in 1_u32..30,
            steps in prop::collection::vec((0_i64..400, 0_usize..30, 0_u8..10), 1..80),
        ) {
            let mut rate = Rate::new(limit, at(0));
            let (mut now, mut left) = (0, Vec::new());
            for (pause, requests, throttled) in steps {
                now += pause;
                for _ in 0..requests {
                    rate.enqueue(Priority::Verify, at(now));
                }
                if throttled == 0 {
                    rate.throttled(at(now));
                } else {
                    rate.answered(at(now));
                }
                left.extend(rate.admit(at(now)).iter().map(|_| now));
            }
            for first in &left {
                let window = left.iter().filter(|other| (*first..first + 1000).contains(*other)).count();
                prop_assert!(window <= limit as usize, "{window} of {limit}");
            }
        }

        #[test]
        fn whoever_waits_leaves_when_it_was_said(
            limit in 1_u32..10,
            requests in 1_usize..60,
        ) {
            let mut rate = Rate::new(limit, at(0));
            for _ in 0..requests {
                rate.enqueue(Priority::PreRead, at(0));
            }
            let (mut now, mut left) = (at(0), rate.admit(at(0)).len());
            while let Some(next) = rate.next_admission(now) {
                prop_assert!(next > now);
                now = next;
                let admitted = rate.admit(now).len();
                prop_assert!(admitted > 0);
                left += admitted;
            }
            prop_assert_eq!(left, requests);
        }
    }

    #[test]
    fn mutations_go_first_but_nobody_waits_for_ever() {
        let mut rate = Rate::new(1, at(0));
        let read = rate.enqueue(Priority::PreRead, at(0));
        let mut waited = 0;
        for second in 0..10 {
            let mutation = rate.enqueue(Priority::Mutation, at(second * 1000));
            let admitted = rate.admit(at(second * 1000));
            if admitted == [read] {
                waited = second;
                break;
            }
            assert_eq!(admitted, [mutation]);
        }
        assert_eq!(waited, 3);
    }

    #[test]
    fn the_rate_falls_when_throttled_and_comes_back() {
        let mut rate = Rate::new(18, at(0));
        rate.throttled(at(1000));
        rate.throttled(at(1001));
        assert!((rate.allowed() - 12.6).abs() < 1e-9, "one burst counts once");
        for _ in 0..50 {
            rate.throttled(at(1000));
        }
        rate.answered(at(2000));
        assert!((rate.allowed() - 13.1).abs() < 1e-9);
        rate.answered(at(60_000));
        assert!(rate.is_recovered());
    }
}
