//! What the status says in plain words.

use super::situation::Halt;
use crate::api::Reason;
use crate::api::plan::PlanItem;
use crate::api::rollback_status::{Phase, Progress};
use crate::model::{ActionKind, FailureReason};

/// One action in words, with ids that can be pasted.
#[must_use]
pub fn action(item: &PlanItem) -> String {
    let set = match &item.permission_set_name {
        Some(name) => format!("{name} ({})", item.permission_set),
        None => item.permission_set.to_string(),
    };
    let principal = item.principal.as_ref().map(|principal| match &principal.name {
        Some(name) => format!("{} {name} ({})", principal.kind, principal.id),
        None => format!("{} {}", principal.kind, principal.id),
    });
    match (item.action, &item.account, principal) {
        (ActionKind::DeletePermissionSet, ..) => format!("delete permission set {set}"),
        (ActionKind::CreatePermissionSet, ..) => format!("create permission set {set}"),
        (ActionKind::CreateAssignment, Some(account), Some(principal)) => {
            format!("give {principal} {set} in account {account}")
        }
        (_, Some(account), Some(principal)) => {
            format!("take {set} in account {account} from {principal}")
        }
        _ => format!("{} {set}", item.action.as_str()),
    }
}

/// What to do after a failure.
#[must_use]
pub const fn after_failure(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::AsynchronousFailure => "Mend what AWS names, then raise spec.attempt.",
        FailureReason::InvalidRequest => {
            "Report this: the operator sent a request that AWS does not accept."
        }
        FailureReason::NotVerified => "Look at who changed the key, then raise spec.attempt.",
        FailureReason::RetriesExhausted => "Raise spec.attempt when AWS answers again.",
    }
}

/// How a running Rollback stands, as reason and sentence.
#[must_use]
pub fn running(phase: Phase, progress: &Progress, halt: Halt) -> (Reason, String) {
    let so_far = format!("{} of {} undone", progress.done, progress.total);
    let failed = match progress.failed + progress.skipped {
        0 => String::new(),
        count => format!(", {count} failed or blocked"),
    };
    match (halt, phase) {
        (Halt::Suspended, _) => (
            Reason::Suspended,
            format!("suspended with {so_far}{failed}; set spec.suspend to false to go on"),
        ),
        (Halt::NotYet(at), _) => {
            (Reason::NotYet, format!("waits until {at} as spec.notBefore says"))
        }
        (Halt::Final(reason), Phase::Executing) => (
            reason,
            format!("stopping: {so_far}{failed}; waits for {} at work in AWS", progress.in_flight),
        ),
        (_, Phase::Verifying) => {
            (Reason::Verifying, format!("{so_far}{failed}; reads back the last keys"))
        }
        _ => (Reason::Executing, format!("{so_far}{failed}, {} in flight", progress.in_flight)),
    }
}
