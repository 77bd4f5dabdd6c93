//! What would have made an attempt shorter that is over.

use std::collections::BTreeMap;

use super::instance_handle::InstanceHandle;
use crate::api::condition::ConditionType;
use crate::api::plan::{ActionRecord, PlanItem};
use crate::api::rollback_status::{Recommendation, RollbackStatus};
use crate::api::{Reason, Rollback};
use crate::engine::Situation;
use crate::engine::recommendations::{Facts, Sent, recommendations};
use crate::model::time::seconds_between;

/// Looks at what became of the actions and at the timing of a status, which is up to now.
#[must_use]
pub fn of(
    rollback: &Rollback,
    status: &RollbackStatus,
    instance: &InstanceHandle,
    items: &[PlanItem],
    actions: &BTreeMap<usize, ActionRecord>,
) -> Vec<Recommendation> {
    let Some(timing) = &status.timing else { return Vec::new() };
    let ended = |index: &usize, action: &ActionRecord| {
        let item = items.get(*index)?;
        let requested_at = action.requested_at?;
        Some(Sent {
            account: item.account.clone(),
            permission_set: item
                .permission_set_name
                .clone()
                .unwrap_or_else(|| item.permission_set.to_string()),
            seconds: action.ended_at.map(|ended_at| seconds_between(requested_at, ended_at)),
        })
    };
    let sent: Vec<Sent> =
        actions.iter().filter_map(|(index, action)| ended(index, action)).collect();
    let limits = &instance.spec().limits;
    let slots = usize::try_from(limits.outstanding_requests).unwrap_or(1);
    let situation = Situation { items, spec: &rollback.spec, status, deleting: false, slots };
    recommendations(&Facts {
        timing,
        sent: &sent,
        slots,
        rate: f64::from(limits.requests_per_second),
        approval_was_needed: !status.conditions.iter().any(|condition| {
            condition.type_ == ConditionType::Approved.as_str()
                && condition.reason == Reason::ApprovalNotRequired.as_str()
        }),
        settle_seconds: situation.settle().as_secs_f64(),
    })
}
