//! Requests a second: at most so many leave in any window of one second.
//!
//! Two rules at once. The window keeps the promise. The spacing keeps most of the window from
//! leaving in one breath, so that an urgent request never finds a whole second used up before it,
//! and so that requests which the network bunches up do not meet AWS's own window as a burst.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

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

const PRIORITIES: usize = 5;

/// One request in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// One of so many requests is not the most urgent but of the priority that has waited longest.
const RESERVED: u64 = 8;
/// The part of a second's requests that may leave in one breath. Small, because what waits for a
/// new connection arrives together with what left after it.
const BREATH: f64 = 0.1;
/// What is left of the rate after AWS throttled. Between this and the whole goes the rate that is used
/// beside another client; a throttled call costs no more than its repetition.
const DECREASE: f64 = 0.8;
/// What is added to the rate in each second without throttling.
const INCREASE: f64 = 0.5;

/// Those who wait with one priority.
#[derive(Debug, Clone, Default)]
struct Line {
    tickets: BTreeSet<Ticket>,
    /// How many requests had left when the last of this line did, or when the line formed.
    served_at: u64,
}

/// The rate of one instance.
#[derive(Debug, Clone)]
pub struct Rate {
    limit: f64,
    allowed: f64,
    /// Since when AWS has not throttled, less the seconds that were rewarded already.
    quiet_since: Timestamp,
    decreased_at: Option<Timestamp>,
    /// When the last requests left, as many as fit into one window.
    left: VecDeque<Timestamp>,
    /// When the next request would leave if all were spaced evenly.
    spaced: Timestamp,
    lines: [Line; PRIORITIES],
    waiting: BTreeMap<Ticket, Priority>,
    next_ticket: u64,
    count: u64,
}

impl Rate {
    pub(super) fn new(limit: u32, now: Timestamp) -> Self {
        let limit = f64::from(limit.max(1));
        Self {
            limit,
            allowed: limit,
            quiet_since: now,
            decreased_at: None,
            left: VecDeque::new(),
            spaced: now,
            lines: Default::default(),
            waiting: BTreeMap::new(),
            next_ticket: 0,
            count: 0,
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

    pub(super) fn enqueue(&mut self, priority: Priority) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.waiting.insert(ticket, priority);
        let count = self.count;
        let line = self.line(priority);
        if line.tickets.is_empty() {
            line.served_at = count;
        }
        line.tickets.insert(ticket);
        ticket
    }

    pub(super) fn cancel(&mut self, ticket: Ticket) {
        if let Some(priority) = self.waiting.remove(&ticket) {
            self.line(priority).tickets.remove(&ticket);
        }
    }

    pub(super) fn admit(&mut self, now: Timestamp) -> Vec<Ticket> {
        let mut admitted = Vec::new();
        while self.next_admission(now).is_some_and(|at| at <= now) {
            let Some(ticket) = self.take_first() else { break };
            self.note_left(now);
            admitted.push(ticket);
        }
        admitted
    }

    pub(super) fn next_admission(&self, now: Timestamp) -> Option<Timestamp> {
        if self.waiting.is_empty() {
            return None;
        }
        let (requests, window) = self.window();
        let full = self.left.len().checked_sub(requests).and_then(|first| self.left.get(first));
        let window_ends = full.map_or(now, |left| later(*left, window));
        let breath = (self.allowed * BREATH).ceil().max(1.0);
        let spacing_ends = later(self.spaced, -seconds((breath - 1.0) / self.allowed));
        Some(window_ends.max(spacing_ends).max(now))
    }

    fn note_left(&mut self, now: Timestamp) {
        self.count += 1;
        self.left.push_back(now);
        // The window never holds more than the limit.
        while self.left.len() > whole(self.limit) {
            self.left.pop_front();
        }
        self.spaced = later(self.spaced.max(now), seconds(1.0 / self.allowed));
    }

    /// So many requests in so long. A rate of 14.4 is 15 requests in 15/14.4 s: never more in one
    /// second than the rate rounded up, and the rate itself in the long run.
    fn window(&self) -> (usize, SignedDuration) {
        let requests = self.allowed.ceil();
        (whole(requests), seconds(requests / self.allowed).max(SECOND))
    }

    /// The most urgent first; but now and then whoever was passed over longest, so that nobody
    /// waits for ever.
    fn take_first(&mut self) -> Option<Ticket> {
        let reserved = self.count % RESERVED == RESERVED - 1;
        let count = self.count;
        let waiting = self.lines.iter_mut().filter(|line| !line.tickets.is_empty());
        let line = if reserved {
            waiting.min_by_key(|line| line.served_at)?
        } else {
            waiting.into_iter().next()?
        };
        let ticket = line.tickets.pop_first()?;
        line.served_at = count;
        self.waiting.remove(&ticket);
        Some(ticket)
    }

    fn line(&mut self, priority: Priority) -> &mut Line {
        let [recovery, mutation, poll, verify, pre_read] = &mut self.lines;
        match priority {
            Priority::Recovery => recovery,
            Priority::Mutation => mutation,
            Priority::Poll => poll,
            Priority::Verify => verify,
            Priority::PreRead => pre_read,
        }
    }

    pub(super) fn throttled(&mut self, now: Timestamp) {
        self.quiet_since = now;
        // A burst that left together is throttled together: that is one message, not many.
        if self.decreased_at.is_some_and(|at| now.duration_since(at) < SECOND) {
            return;
        }
        self.decreased_at = Some(now);
        self.allowed = (self.allowed * DECREASE).max(1.0);
    }

    pub(super) fn answered(&mut self, now: Timestamp) {
        let quiet = seconds_between(self.quiet_since, now).floor();
        if quiet >= 1.0 {
            self.allowed = (self.allowed + INCREASE * quiet).min(self.limit);
            self.quiet_since = later(self.quiet_since, seconds(quiet));
        }
    }

    pub(super) fn is_recovered(&self) -> bool {
        self.allowed >= self.limit
    }

    pub(super) const fn allowed(&self) -> f64 {
        self.allowed
    }
}

fn seconds(seconds: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers between 1 and a u32"
)]
const fn whole(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests;
