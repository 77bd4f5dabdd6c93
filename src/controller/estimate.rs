//! How long a plan will take, and what AWS's limits would have required.

use std::collections::BTreeMap;

use super::instance_handle::InstanceHandle;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::Estimate;
use crate::api::rollback_status::RollbackStatus;
use crate::engine::cover::cover;
use crate::engine::polling::Pool;
use crate::engine::{Journal, timing};
use crate::model::{AccountId, ActionState};

/// Provisioning latency that is assumed before one was seen, in seconds.
const ASSUMED_LATENCY: f64 = 3.0;
/// Reads back at the end, settle time included, in seconds.
const TAIL: f64 = 3.0;

/// How long the plan will take, alone on the instance, at the latency seen so far.
#[must_use]
pub fn estimate(items: &[PlanItem], instance: &InstanceHandle) -> Estimate {
    let acting: Vec<&PlanItem> =
        items.iter().filter(|item| item.disposition == Disposition::Act).collect();
    if acting.is_empty() {
        return Estimate::default();
    }
    let keys: Vec<_> = acting.iter().map(|item| item.key()).collect();
    let list_calls = cover(&keys, &instance.hints()).calls;
    let latency = latency(&acting, instance);
    let seconds = bound_of(&acting, latency, instance) * 1.1 + TAIL;
    // A call and a poll for each action, and two rounds of lists: before the writes and after them.
    let calls = acting.len() * 2 + list_calls * 2;
    Estimate { seconds: timing::rounded(seconds), calls: i32::try_from(calls).unwrap_or(i32::MAX) }
}

/// What AWS's limits would have required for what was sent, at the latency that was seen.
#[must_use]
pub fn bound(
    items: &[PlanItem],
    journal: &Journal,
    status: &RollbackStatus,
    instance: &InstanceHandle,
) -> Option<f64> {
    let latency = status.timing.as_ref()?.provisioning_seconds?;
    let sent: Vec<&PlanItem> = items
        .iter()
        .enumerate()
        .filter(|(index, _)| {
            matches!(journal.state(*index), ActionState::Verified | ActionState::Failed)
        })
        .map(|(_, item)| item)
        .collect();
    Some(bound_of(&sent, latency, instance))
}

fn bound_of(items: &[&PlanItem], latency: f64, instance: &InstanceHandle) -> f64 {
    let limits = &instance.spec().limits;
    let mut by_account: BTreeMap<&AccountId, usize> = BTreeMap::new();
    for account in items.iter().filter_map(|item| item.account.as_ref()) {
        *by_account.entry(account).or_default() += 1;
    }
    let slots = usize::try_from(limits.outstanding_requests).unwrap_or(1);
    let in_one_account = by_account.values().copied().max().unwrap_or(0);
    timing::bound(
        items.len(),
        latency,
        slots,
        f64::from(limits.requests_per_second),
        in_one_account,
    )
}

fn latency(items: &[&PlanItem], instance: &InstanceHandle) -> f64 {
    let poller = instance.poller();
    let known: Vec<f64> = items
        .iter()
        .filter_map(|item| Pool::of(item.action))
        .map(|pool| poller.latency(pool).unwrap_or(ASSUMED_LATENCY))
        .collect();
    if known.is_empty() {
        return ASSUMED_LATENCY;
    }
    known.iter().sum::<f64>() / f64::from(u32::try_from(known.len()).unwrap_or(u32::MAX))
}
