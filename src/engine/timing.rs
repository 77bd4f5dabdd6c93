//! How long each part took, kept in the status so that it survives restarts.

use jiff::{SignedDuration, Timestamp};

use super::journal::Journal;
use super::observations::Observations;
use crate::api::plan::PlanItem;
use crate::api::rollback_status::{InFlight, Phase, RollbackStatus, Timing};
use crate::model::time::{later, seconds_between};

/// Notes when the present phase began, once.
pub fn phase_began(status: &mut RollbackStatus, now: Timestamp) {
    let phase = status.phase;
    let timing = status.timing.get_or_insert_with(Timing::default);
    let field = match phase {
        Phase::Planning => &mut timing.planning_at,
        Phase::AwaitingApproval | Phase::Planned => &mut timing.planned_at,
        Phase::Executing => &mut timing.executing_at,
        Phase::Verifying => &mut timing.verifying_at,
        _ => return,
    };
    field.get_or_insert(now);
}

/// Adds the requests that were made since the last write.
pub fn count(status: &mut RollbackStatus, observations: &Observations) {
    let timing = status.timing.get_or_insert_with(Timing::default);
    timing.aws_requests += observations.requests;
    timing.throttled += observations.throttled;
    timing.conflicts += observations.conflicts;
}

/// Takes in the provisioning latency of one request.
pub fn provisioned(status: &mut RollbackStatus, entry: Option<&InFlight>, ended_at: Timestamp) {
    let Some(requested_at) = entry.and_then(|entry| entry.requested_at) else { return };
    let timing = status.timing.get_or_insert_with(Timing::default);
    let seconds = seconds_between(requested_at, ended_at).max(0.0);
    let known = as_f64(timing.provisioned);
    let mean = (timing.provisioning_seconds.unwrap_or(0.0) * known + seconds) / (known + 1.0);
    timing.provisioned += 1;
    timing.provisioning_seconds = Some(round(mean));
}

/// Says when it will be over at the pace so far, whenever another action has ended. Says nothing
/// before a tenth of them has, because the first ones wait for nobody.
pub fn expect(
    status: &mut RollbackStatus,
    items: &[PlanItem],
    (before, after): (&Journal, &Journal),
    settle: SignedDuration,
    now: Timestamp,
) {
    let (ended, total) = after.ended(items);
    let timing = status.timing.get_or_insert_with(Timing::default);
    if ended == total {
        timing.expected_at = None;
        return;
    }
    let Some(began) = timing.executing_at.filter(|_| ended * 10 >= total) else { return };
    if before.ended(items) == (ended, total) && timing.expected_at.is_some() {
        return;
    }
    let pace = seconds_between(began, now) / as_f64_usize(ended.max(1));
    let left = SignedDuration::try_from_secs_f64(pace * as_f64_usize(total - ended));
    let at = later(later(now, left.unwrap_or(SignedDuration::ZERO)), settle);
    timing.expected_at = at.round(jiff::Unit::Second).ok();
}

/// Seconds that AWS's limits require for `actions` requests of `latency` seconds each, with
/// `slots` at once, `rate` requests a second and at most `in_one_account` in one account.
///
/// Source: one account's roles are updated one at a time, so the third term.
#[must_use]
pub fn bound(actions: usize, latency: f64, slots: usize, rate: f64, in_one_account: usize) -> f64 {
    if actions == 0 {
        return 0.0;
    }
    let (actions, slots, in_one_account) =
        (as_f64_usize(actions), as_f64_usize(slots.max(1)), as_f64_usize(in_one_account));
    let by_slots = actions * latency / slots;
    let by_rate = latency + (actions - 1.0) / rate.max(1.0);
    let by_account = in_one_account * latency;
    by_slots.max(by_rate).max(by_account)
}

/// Sums up when it is over.
pub fn finished(status: &mut RollbackStatus, now: Timestamp, bound_seconds: Option<f64>) {
    let sent = status.timing.as_ref().map_or(0, |timing| timing.provisioned);
    let timing = status.timing.get_or_insert_with(Timing::default);
    timing.finished_at = Some(now);
    timing.expected_at = None;
    let Some(began) = timing.executing_at else { return };
    let seconds =
        seconds_between(timing.approved_at.map_or(began, |approved| approved.max(began)), now);
    timing.execution_seconds = Some(round(seconds));
    if seconds > 0.0 && sent > 0 {
        timing.actions_per_second = Some(round(as_f64(sent) / seconds));
        if let Some(bound) = bound_seconds.filter(|bound| *bound > 0.0) {
            timing.bound_seconds = Some(round(bound));
            timing.efficiency = Some(round((bound / seconds).min(1.0)));
        }
    }
}

/// Three decimals: what a person reads, and equal after it was written and read again.
#[must_use]
pub fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_f64(count: i64) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_f64_usize(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn the_bound_is_the_largest_of_its_three_terms() {
        assert!(close(bound(1000, 2.0, 10, 20.0, 5), 200.0));
        assert!(close(bound(100, 0.1, 10, 20.0, 1), 0.1 + 99.0 / 20.0));
        assert!(close(bound(12, 3.0, 10, 20.0, 12), 36.0));
        assert!(close(bound(0, 3.0, 10, 20.0, 0), 0.0));
    }

    #[test]
    fn the_end_is_told_from_a_tenth_on_and_only_when_something_ended() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let items = crate::engine::fixtures::deletes(20);
        let journal = |ended: usize| {
            let mut journal = Journal::fresh(&items);
            (0..ended).for_each(|item| journal.set(item, crate::model::ActionState::Settled));
            journal
        };
        let settle = SignedDuration::from_secs(2);
        let mut status = RollbackStatus::default();
        status.timing.get_or_insert_default().executing_at = Some(at(0));
        let mut told = |before: usize, after: usize, now: i64| {
            let journals = (&journal(before), &journal(after));
            expect(&mut status, &items, journals, settle, at(now));
            status.timing.as_ref().unwrap().expected_at
        };
        assert_eq!(told(0, 1, 5), None);
        assert_eq!(told(1, 2, 10), Some(at(102)));
        assert_eq!(told(2, 2, 50), Some(at(102)), "nothing ended, so nothing is written");
        assert_eq!(told(2, 10, 60), Some(at(122)));
        assert_eq!(told(10, 20, 130), None);
    }

    #[test]
    fn the_mean_latency_adds_up_over_restarts() {
        let mut status = RollbackStatus::default();
        for seconds in [1, 2, 6] {
            let entry = InFlight {
                item: 0,
                action: crate::model::ActionKind::DeleteAssignment,
                intent_at: Timestamp::UNIX_EPOCH,
                attempt: 1,
                unsent: 0,
                first_at: Timestamp::UNIX_EPOCH,
                request_id: None,
                requested_at: Some(Timestamp::UNIX_EPOCH),
                ended_at: None,
            };
            provisioned(&mut status, Some(&entry), Timestamp::from_second(seconds).unwrap());
            status = serde_json::from_value(serde_json::to_value(&status).unwrap()).unwrap();
        }
        assert_eq!(status.timing.unwrap().provisioning_seconds, Some(3.0));
    }
}
