//! The quota of one Identity Center instance, shared by all its Rollbacks: pure rules.
//!
//! AWS counts two things over the whole organisation: requests a second, and assignment changes
//! that are at work at once. It also changes one account's roles one at a time. The governor keeps
//! below all three, and adapts each when AWS says that others use the quota too.
//! Source: <https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html>.

mod rate;
mod slots;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use rate::{Priority, Ticket};
pub use slots::Grant;

use crate::model::AccountId;
use crate::model::class::Limit;
use rate::Rate;
use slots::Slots;

/// What the governor allows and what is in use now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Requests a second that are allowed now.
    pub requests_per_second: f64,
    /// Changes that are allowed at once now.
    pub slots: usize,
    /// Changes at work.
    pub in_flight: usize,
    /// Actions that wait for a slot.
    pub queued: usize,
    /// Since when AWS has been throttling; none once both limits have recovered.
    pub throttled_since: Option<Timestamp>,
}

/// Parts of the quota, from 0 to 1, that one Rollback cannot have now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lost {
    /// Because AWS throttled, and the quota recovers.
    pub to_throttling: f64,
    /// Because others hold slots.
    pub to_others: f64,
}

impl View {
    /// What of these limits somebody who has `own` changes at work cannot have now.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "slots are few")]
    pub fn lost(&self, requests_per_second: i32, outstanding: i32, own: usize) -> Lost {
        let (rate, slots) = (f64::from(requests_per_second), f64::from(outstanding));
        let missing = |allowed: f64, limit: f64| (1.0 - allowed / limit.max(1.0)).clamp(0.0, 1.0);
        let to_throttling =
            missing(self.requests_per_second, rate).max(missing(self.slots as f64, slots));
        let others = self.in_flight.saturating_sub(own) as f64 / slots.max(1.0);
        Lost { to_throttling, to_others: others.clamp(0.0, 1.0 - to_throttling) }
    }
}

/// The quota of one instance.
#[derive(Debug, Clone)]
pub struct Governor {
    rate: Rate,
    slots: Slots,
    throttled_since: Option<Timestamp>,
}

impl Governor {
    /// A governor with these limits: requests a second, and changes at once.
    #[must_use]
    pub fn new(requests_per_second: u32, outstanding: usize, now: Timestamp) -> Self {
        Self {
            rate: Rate::new(requests_per_second, now),
            slots: Slots::new(outstanding),
            throttled_since: None,
        }
    }

    /// Takes new limits.
    pub fn set_limits(&mut self, requests_per_second: u32, outstanding: usize) {
        self.rate.set_limit(requests_per_second);
        self.slots.set_limit(outstanding);
    }

    /// Queues one request.
    pub fn enqueue(&mut self, priority: Priority) -> Ticket {
        self.rate.enqueue(priority)
    }

    /// The requests that may leave now.
    pub fn admit(&mut self, now: Timestamp) -> Vec<Ticket> {
        self.rate.admit(now)
    }

    /// When the next request may leave, if one waits.
    #[must_use]
    pub fn next_admission(&self, now: Timestamp) -> Option<Timestamp> {
        self.rate.next_admission(now)
    }

    /// Takes a request out of the queue.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.rate.cancel(ticket);
    }

    /// AWS throttled a request.
    pub fn throttled(&mut self, limit: Limit, now: Timestamp) {
        self.throttled_since.get_or_insert(now);
        match limit {
            Limit::Rate => self.rate.throttled(now),
            Limit::Outstanding => self.slots.throttled(now),
        }
    }

    /// AWS answered a request without throttling it.
    pub fn answered(&mut self, now: Timestamp) {
        self.rate.answered(now);
        if self.rate.is_recovered() && self.slots.is_recovered() {
            self.throttled_since = None;
        }
    }

    /// Replaces the list of items of a Rollback that wait for a slot. Their order is kept.
    pub fn want(&mut self, rollback: &str, emergency: bool, items: Vec<(u32, AccountId)>) {
        self.slots.want(rollback, emergency, items);
    }

    /// Hands out what is free. Each grant occupies a slot and its account until it is released.
    pub fn grants(&mut self, now: Timestamp) -> Vec<Grant> {
        self.slots.grants(now)
    }

    /// When an account that was left alone is free again, if one is wanted.
    #[must_use]
    pub fn next_grant(&self, now: Timestamp) -> Option<Timestamp> {
        self.slots.next_grant(now)
    }

    /// Occupies a slot and an account for a change that is, or may be, at work in AWS.
    pub fn adopt(&mut self, rollback: &str, item: u32, account: AccountId) {
        self.slots.adopt(rollback, item, account);
    }

    /// Gives back a slot. One that is not occupied is none.
    pub fn release(&mut self, rollback: &str, item: u32) {
        self.slots.release(rollback, item);
    }

    /// Gives back every slot of a Rollback that has nothing at work any more.
    pub fn release_all(&mut self, rollback: &str) {
        self.slots.release_all(rollback);
    }

    /// Leaves an account alone until this time.
    pub fn hold_account(&mut self, account: AccountId, until: Timestamp) {
        self.slots.hold_account(account, until);
    }

    /// Forgets what a Rollback waits for. What it has at work stays until it is released.
    pub fn forget(&mut self, rollback: &str) {
        self.slots.forget(rollback);
    }

    /// Slots that a Rollback occupies.
    #[must_use]
    pub fn held_by(&self, rollback: &str) -> usize {
        self.slots.held_by(rollback)
    }

    /// What is allowed and in use now.
    #[must_use]
    pub fn view(&self) -> View {
        View {
            requests_per_second: self.rate.allowed(),
            slots: self.slots.allowed(),
            in_flight: self.slots.in_flight(),
            queued: self.slots.queued(),
            throttled_since: self.throttled_since,
        }
    }
}
