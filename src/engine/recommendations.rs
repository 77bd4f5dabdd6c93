//! What would have made a Rollback shorter: each rule with its evidence, what to change, and the
//! seconds that it would have saved. `tests/simulation/advice.rs` follows each of them.

use std::collections::BTreeMap;

use super::timing::{bound, rounded};
use crate::api::rollback_status::{Recommendation, Timing};
use crate::model::AccountId;
use crate::model::time::seconds_between;

/// Changes that AWS lets every organisation have at work at once. Newer documents say 15 of
/// creations, and nothing of deletions.
/// Source: <https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html>.
const ALLOWED_SLOTS: usize = 10;
/// Requests a second that AWS allows to the whole organisation.
const ALLOWED_RATE: f64 = 20.0;
/// Settle time that has always been enough, in seconds.
const SETTLE: f64 = 2.0;
/// A request within a region is taken to need this long at most, in seconds; AWS says nothing.
const NEAR: f64 = 0.05;
/// From here on the instance may be in another region than the operator, in seconds.
const FAR: f64 = 0.15;
/// An execution takes so many times what AWS's limits require: docs/performance.md.
const USUAL: f64 = 1.12;
/// So many actions may be at work or wait to be read back.
const OPEN: f64 = 100.0;
/// Less is not worth a word: seconds, and a part of the whole.
const LEAST_GAIN: (f64, f64) = (1.0, 0.05);
/// A permission set is slow if it takes so many times longer than the others …
const SLOW: f64 = 2.0;
/// … in so many changes of each.
const ENOUGH: usize = 5;

/// A change that was sent and ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Where it took effect; none for a permission set itself.
    pub account: Option<AccountId>,
    /// Name of its permission set.
    pub permission_set: String,
    /// From the accepted request to its end.
    pub seconds: Option<f64>,
}

/// What the rules look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts<'a> {
    /// Of the attempt that is over.
    pub timing: &'a Timing,
    /// All changes.
    pub sent: &'a [Sent],
    /// Changes that the operator has at work at once.
    pub slots: usize,
    /// Requests a second that it makes.
    pub rate: f64,
    /// Whether somebody had to approve.
    pub approval_was_needed: bool,
    /// How long it waited before it read back.
    pub settle_seconds: f64,
}

/// What would have made it shorter; the largest gain first. Nothing where there is nothing to gain.
#[must_use]
pub fn recommendations(facts: &Facts<'_>) -> Vec<Recommendation> {
    let rules = [
        slots_below_limit,
        competing_client,
        one_account_dominates,
        slow_permission_set,
        distant_region,
        long_settle,
        long_approval,
    ];
    let timing = facts.timing;
    let whole = [
        timing.queued_seconds,
        timing.planning_seconds,
        timing.awaiting_approval_seconds,
        timing.executing_seconds,
        timing.verifying_seconds,
    ];
    let whole: f64 = whole.into_iter().flatten().sum();
    let least = LEAST_GAIN.0.max(whole * LEAST_GAIN.1);
    let mut found: Vec<Recommendation> = rules
        .iter()
        .filter_map(|rule| rule(facts))
        .filter(|(_, gain, _)| *gain >= least)
        .map(|(reason, gain, message)| Recommendation {
            reason: reason.to_owned(),
            message,
            expected_gain_seconds: rounded(gain),
        })
        .collect();
    found.sort_by(|a, b| b.expected_gain_seconds.total_cmp(&a.expected_gain_seconds));
    found
}

/// A stable reason, the seconds that would be saved, and what was seen and what to change.
type Found = (&'static str, f64, String);

impl Facts<'_> {
    /// Seconds of execution.
    fn acting(&self) -> f64 {
        self.timing.executing_seconds.unwrap_or_default()
    }

    fn latency(&self) -> Option<f64> {
        self.timing.provisioning_seconds.filter(|seconds| *seconds > 0.0)
    }

    /// Of the quickest changes: the others were seen to end late, where polls waited or travelled.
    fn quick_latency(&self) -> Option<f64> {
        let all = self.timing.provisioning_latency.as_ref()?.histogram();
        Some(all.quantile(0.05)?.min(self.latency()?))
    }

    fn in_accounts(&self) -> BTreeMap<&AccountId, usize> {
        let mut counts = BTreeMap::new();
        for account in self.sent.iter().filter_map(|sent| sent.account.as_ref()) {
            *counts.entry(account).or_default() += 1;
        }
        counts
    }

    /// What the execution would be shorter, were the bound `then` and not `now`. No more than that
    /// explains: the rest of the time went elsewhere.
    fn gain(&self, now: f64, then: f64) -> f64 {
        (self.acting() - USUAL * then).min(USUAL * (now - then))
    }

    /// What AWS's limits require for so many changes at the operator's own limits.
    fn bound(&self, changes: usize, latency: f64, in_one_account: usize) -> f64 {
        bound(changes, latency, self.slots, self.rate, in_one_account)
    }

    fn most_in_one_account(&self) -> usize {
        self.in_accounts().values().copied().max().unwrap_or_default()
    }
}

fn slots_below_limit(facts: &Facts<'_>) -> Option<Found> {
    let latency = facts.latency().filter(|_| facts.slots < ALLOWED_SLOTS)?;
    let most = facts.most_in_one_account();
    let then = bound(facts.sent.len(), latency, ALLOWED_SLOTS, facts.rate, most);
    let gain = facts.gain(facts.bound(facts.sent.len(), latency, most), then);
    let message = format!(
        "it had at most {} changes at work at once, and AWS allows {ALLOWED_SLOTS}: raise limits.outstandingRequests of the instance",
        facts.slots
    );
    Some(("SlotsBelowLimit", gain, message))
}

/// Who asks for more than AWS allows throttles himself.
fn competing_client(facts: &Facts<'_>) -> Option<Found> {
    let (lost, latency) = (facts.timing.throttling_seconds?, facts.quick_latency()?);
    let then = facts.bound(facts.sent.len(), latency, facts.most_in_one_account());
    let gain = (facts.acting() - USUAL * then).min(lost);
    let share = 100.0 * lost / facts.acting().max(lost);
    let message = format!(
        "AWS throttled {} of {} requests, which took about {share:.0} % of the quota: another client uses it; let that wait, or work at another time",
        facts.timing.throttled, facts.timing.aws_requests
    );
    let within = facts.rate <= ALLOWED_RATE && facts.slots <= ALLOWED_SLOTS;
    within.then_some(("CompetingClient", gain, message))
}

fn one_account_dominates(facts: &Facts<'_>) -> Option<Found> {
    let latency = facts.latency()?;
    let counts = facts.in_accounts();
    let (account, most) = counts.iter().max_by_key(|(_, count)| **count)?;
    let next = counts.iter().filter(|it| it.0 != account).map(|(_, count)| *count).max()?;
    let now = facts.bound(facts.sent.len(), latency, *most);
    let gain = facts.gain(now, facts.bound(facts.sent.len() - most, latency, next));
    // Only where that account alone sets the time.
    let dominates = now > facts.bound(facts.sent.len(), latency, next) * 1.1;
    let message = format!(
        "{most} of {} changes are in account {account}, and AWS makes those one after another: undo that account in a Rollback of its own, and the others are done earlier",
        facts.sent.len()
    );
    dominates.then_some(("OneAccountDominates", gain, message))
}

fn slow_permission_set(facts: &Facts<'_>) -> Option<Found> {
    let mut by_set: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for sent in facts.sent {
        by_set.entry(&sent.permission_set).or_default().extend(sent.seconds);
    }
    let (name, slow) = by_set
        .iter()
        .filter(|(_, all)| all.len() >= ENOUGH)
        .max_by(|a, b| mean(a.1).total_cmp(&mean(b.1)))?;
    let others: Vec<f64> = by_set
        .iter()
        .filter(|(other, _)| *other != name)
        .flat_map(|(_, all)| all.clone())
        .collect();
    if others.len() < ENOUGH || mean(slow) < mean(&others) * SLOW {
        return None;
    }
    let most = facts.most_in_one_account();
    let bound = |latency| facts.bound(facts.sent.len(), latency, most);
    let gain = facts.gain(bound(facts.latency()?), bound(mean(&others)));
    let message = format!(
        "AWS took {:.1} s for a change of the permission set {name}, and {:.1} s for one of the others: see what it has to provision there, such as many or large policies",
        mean(slow),
        mean(&others)
    );
    Some(("SlowPermissionSet", gain, message))
}

#[allow(clippy::cast_precision_loss, reason = "changes are far below 2^52")]
fn mean(seconds: &[f64]) -> f64 {
    seconds.iter().sum::<f64>() / seconds.len().max(1) as f64
}

/// Each change waits for two replies: of its request, and of the poll that sees its end.
#[allow(clippy::cast_precision_loss, reason = "changes and slots are few")]
fn distant_region(facts: &Facts<'_>) -> Option<Found> {
    let reply = facts.timing.request_latency.as_ref()?.p50;
    let changes = facts.sent.len();
    let then = facts.bound(changes, facts.quick_latency()?, facts.most_in_one_account());
    let gain = facts.acting() - USUAL * then;
    let travelled = 2.0 * changes as f64 * (reply - NEAR) / facts.slots.max(1) as f64;
    let message = format!(
        "half of AWS's replies took {:.0} ms or more: if the operator runs in another region than the instance, let it run there",
        reply * 1000.0
    );
    (reply > FAR).then_some(("DistantRegion", gain.min(travelled), message))
}

/// The last actions wait for it; and all do, where more of them wait than may.
#[allow(clippy::cast_precision_loss, reason = "changes are few")]
fn long_settle(facts: &Facts<'_>) -> Option<Found> {
    let latency = facts.latency().filter(|_| facts.settle_seconds > SETTLE)?;
    let changes = facts.sent.len();
    let most = facts.most_in_one_account();
    let waiting = changes as f64 * (facts.settle_seconds + latency) / OPEN;
    let then = facts.bound(changes, latency, most);
    let before = if waiting > then { facts.gain(waiting, then).max(0.0) } else { 0.0 };
    let read_back = facts.timing.verifying_seconds.unwrap_or_default();
    let after = facts.settle_seconds.min(read_back) - SETTLE;
    let message = format!(
        "it waited {:.1} s before it read a key back, and {SETTLE:.0} s are enough: leave out spec.verification.settle",
        facts.settle_seconds
    );
    Some(("LongSettle", before + after, message))
}

/// Only where it is the longest part of all.
fn long_approval(facts: &Facts<'_>) -> Option<Found> {
    let (planned, approved) = (facts.timing.planned_at?, facts.timing.approved_at?);
    let waited = seconds_between(planned, approved).min(facts.timing.awaiting_approval_seconds?);
    let others = [facts.timing.planning_seconds, facts.timing.executing_seconds];
    let longest = others.into_iter().flatten().all(|other| waited > other);
    let message = format!(
        "it waited {waited:.0} s for its approval: let the alert RollbackAwaitingApproval reach those who approve, or let policy.approval of the instance be WhenNotExact"
    );
    let asked = facts.approval_was_needed && longest && waited >= 60.0;
    asked.then_some(("LongApproval", waited, message))
}

#[cfg(test)]
mod tests;
