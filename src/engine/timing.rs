//! How long each part took, kept in the status so that it survives restarts.

use jiff::{SignedDuration, Timestamp};

use super::journal::Journal;
use crate::api::plan::PlanItem;
use crate::api::rollback_status::{InFlight, Phase, RollbackStatus, Shares, Timing};
pub use crate::api::timing::rounded;
use crate::model::time::{later, seconds_between};
use crate::model::{Histogram, Tally};

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

/// Adds the time in the phase `left`, and notes since when the status is in its present one. Call it
/// for each status that is written; `created` is when the object was.
pub fn phase_left(status: &mut RollbackStatus, left: Phase, created: Timestamp, now: Timestamp) {
    let phase = status.phase;
    let timing = status.timing.get_or_insert_with(Timing::default);
    let began = match left {
        Phase::Planning => timing.planning_at,
        Phase::AwaitingApproval | Phase::Planned => timing.planned_at,
        Phase::Executing => timing.executing_at,
        Phase::Verifying => timing.verifying_at,
        // Another attempt begins when it is first looked at.
        Phase::Pending => None,
        _ => Some(now),
    };
    let first = began.unwrap_or(created).min(now);
    let since = *timing.since.get_or_insert(first);
    if phase == left {
        return;
    }
    let field = match left {
        Phase::Pending | Phase::Planned => Some(&mut timing.queued_seconds),
        Phase::Planning => Some(&mut timing.planning_seconds),
        Phase::AwaitingApproval => Some(&mut timing.awaiting_approval_seconds),
        Phase::Executing => Some(&mut timing.executing_seconds),
        Phase::Verifying => Some(&mut timing.verifying_seconds),
        _ => None,
    };
    if let Some(field) = field {
        let seconds = seconds_between(since, now).max(0.0);
        *field = Some(rounded(field.unwrap_or_default() + seconds));
    }
    timing.since = Some(now);
    if phase.is_terminal() {
        timing.shares = shares(timing);
    }
}

/// Where the time of an attempt went that is over; none if it took no time.
fn shares(timing: &Timing) -> Option<Shares> {
    let seconds = |field: Option<f64>| field.unwrap_or_default();
    let acting = seconds(timing.executing_seconds) + seconds(timing.verifying_seconds);
    let waiting = seconds(timing.awaiting_approval_seconds);
    let whole =
        seconds(timing.queued_seconds) + seconds(timing.planning_seconds) + waiting + acting;
    if whole <= 0.0 {
        return None;
    }
    let aws = seconds(timing.bound_seconds).min(acting);
    let quota = seconds(timing.throttling_seconds) + seconds(timing.sharing_seconds);
    let quota = quota.min(acting - aws);
    let part = |of: f64| rounded(of / whole);
    let (approval, quota, aws) = (part(waiting), part(quota), part(aws));
    let overhead = rounded((1.0 - approval - quota - aws).max(0.0));
    Some(Shares { approval, quota, aws, overhead })
}

/// Adds what was asked of AWS since the last write.
pub fn count(status: &mut RollbackStatus, tally: &Tally) {
    if *tally == Tally::default() {
        return;
    }
    let timing = status.timing.get_or_insert_with(Timing::default);
    timing.aws_requests += tally.requests();
    timing.changes += tally.changes;
    timing.polls += tally.polls;
    timing.reads += tally.reads;
    timing.retried += tally.retried;
    timing.throttled += tally.throttled;
    timing.conflicts += tally.conflicts;
    if tally.latency.count() > 0 {
        timing.request_latency.get_or_insert_default().add(&tally.latency, tally.longest);
    }
    let add = |field: &mut Option<f64>, seconds: f64| {
        if seconds > 0.0 {
            *field = Some(rounded(field.unwrap_or_default() + seconds));
        }
    };
    add(&mut timing.throttling_seconds, tally.throttling_seconds);
    add(&mut timing.sharing_seconds, tally.sharing_seconds);
}

/// Takes in the provisioning latency of one request.
pub fn provisioned(status: &mut RollbackStatus, entry: Option<&InFlight>, ended_at: Timestamp) {
    let Some(requested_at) = entry.and_then(|entry| entry.requested_at) else { return };
    let timing = status.timing.get_or_insert_with(Timing::default);
    let seconds = seconds_between(requested_at, ended_at).max(0.0);
    let known = as_f64(timing.provisioned);
    let mean = (timing.provisioning_seconds.unwrap_or(0.0) * known + seconds) / (known + 1.0);
    timing.provisioned += 1;
    timing.provisioning_seconds = Some(rounded(mean));
    let mut one = Histogram::default();
    one.add(seconds);
    timing.provisioning_latency.get_or_insert_default().add(&one, seconds);
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
    timing.execution_seconds = Some(rounded(seconds));
    if seconds > 0.0 && sent > 0 {
        timing.actions_per_second = Some(rounded(as_f64(sent) / seconds));
        if let Some(bound) = bound_seconds.filter(|bound| *bound > 0.0) {
            timing.bound_seconds = Some(rounded(bound));
            timing.efficiency = Some(rounded((bound / seconds).min(1.0)));
        }
    }
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

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// Takes a status through phases, each at its time, written and read again in between.
    fn through(status: RollbackStatus, steps: &[(Phase, i64)]) -> RollbackStatus {
        steps.iter().fold(status, |mut status, (phase, seconds)| {
            let left = std::mem::replace(&mut status.phase, *phase);
            phase_left(&mut status, left, at(100), at(*seconds));
            serde_json::from_value(serde_json::to_value(&status).unwrap()).unwrap()
        })
    }

    #[test]
    fn the_phases_add_up_to_the_whole_also_over_a_second_plan() {
        let mut status = through(
            RollbackStatus::default(),
            &[
                (Phase::Pending, 102),
                (Phase::Planning, 103),
                (Phase::AwaitingApproval, 105),
                (Phase::AwaitingApproval, 110),
                (Phase::Planning, 125),
                (Phase::AwaitingApproval, 126),
                (Phase::Executing, 146),
                (Phase::Executing, 150),
                (Phase::Verifying, 196),
            ],
        );
        let timing = status.timing.as_mut().unwrap();
        (timing.bound_seconds, timing.throttling_seconds) = (Some(40.0), Some(6.0));
        let status = through(status, &[(Phase::Succeeded, 200), (Phase::Succeeded, 900)]);
        let timing = status.timing.unwrap();
        let seconds = [
            timing.queued_seconds,
            timing.planning_seconds,
            timing.awaiting_approval_seconds,
            timing.executing_seconds,
            timing.verifying_seconds,
        ];
        assert_eq!(seconds, [3.0, 3.0, 40.0, 50.0, 4.0].map(Some));
        let shares = Shares { approval: 0.4, quota: 0.06, aws: 0.4, overhead: 0.14 };
        assert_eq!((timing.shares, timing.since), (Some(shares), Some(at(200))));
    }

    #[test]
    fn another_attempt_begins_when_it_is_looked_at() {
        let mut status = RollbackStatus { phase: Phase::Planning, ..RollbackStatus::default() };
        phase_left(&mut status, Phase::Failed, at(100), at(5000));
        let timing = status.timing.unwrap();
        assert_eq!((timing.since, timing.queued_seconds), (Some(at(5000)), None));
    }

    #[test]
    fn what_was_begun_without_timing_counts_from_its_phase() {
        let mut status = RollbackStatus { phase: Phase::Verifying, ..RollbackStatus::default() };
        status.timing.get_or_insert_default().executing_at = Some(at(5000));
        phase_left(&mut status, Phase::Executing, at(100), at(5060));
        assert_eq!(status.timing.unwrap().executing_seconds, Some(60.0));
    }

    #[test]
    fn a_clock_that_went_back_takes_no_time_away() {
        let steps = [(Phase::Planning, 103), (Phase::AwaitingApproval, 90), (Phase::Failed, 91)];
        let timing = through(RollbackStatus::default(), &steps).timing.unwrap();
        assert_eq!(timing.planning_seconds, Some(0.0));
        assert_eq!(timing.awaiting_approval_seconds, Some(1.0));
    }

    #[test]
    fn what_was_asked_adds_up_over_restarts() {
        let mut status = RollbackStatus::default();
        count(&mut status, &Tally::default());
        assert_eq!(status.timing, None, "nothing was asked");
        for seconds in [0.1, 0.2] {
            let mut tally = Tally { sharing_seconds: 1.5, ..Tally::default() };
            tally.note(crate::model::RequestKind::Change, "throttled", seconds);
            tally.note(crate::model::RequestKind::Read, "ok", seconds);
            count(&mut status, &tally);
            status = serde_json::from_value(serde_json::to_value(&status).unwrap()).unwrap();
        }
        let timing = status.timing.unwrap();
        assert_eq!((timing.aws_requests, timing.changes, timing.reads), (4, 2, 2));
        assert_eq!((timing.retried, timing.throttled, timing.sharing_seconds), (2, 2, Some(3.0)));
        let latency = timing.request_latency.unwrap();
        assert_eq!((latency.count, latency.max, latency.p99), (4, 0.2, 0.2));
        assert!((0.1..=0.11).contains(&latency.p50), "{latency:?}");
    }
}
