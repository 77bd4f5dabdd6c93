//! What the status says in plain words.

use super::situation::Halt;
use crate::api::Reason;
use crate::api::plan::PlanItem;
use crate::api::rollback_status::{Phase, Progress, RollbackStatus};
pub use crate::model::words::count;
use crate::model::{ActionKind, FailureReason, OperationType};

/// What a Rollback of records of this type, or of `Mixed` types, does to what they did. The undo of
/// a ledger puts back what an undo took, or takes what a redo put back: the type does not say which.
#[must_use]
pub fn participle(operation_type: Option<&str>) -> &'static str {
    if operation_type == Some(OperationType::Rollback.as_str()) { "reversed" } else { "undone" }
}

/// One action in words, with ids that can be pasted.
#[must_use]
pub fn action(item: &PlanItem) -> String {
    let account = item.account.as_ref().map(|account| match &item.account_name {
        Some(name) => format!("{name} ({account})"),
        None => account.to_string(),
    });
    let set = match &item.permission_set_name {
        Some(name) => format!("{name} ({})", item.permission_set),
        None => item.permission_set.to_string(),
    };
    let principal = item.principal.as_ref().map(|principal| match &principal.name {
        Some(name) => format!("{} {name} ({})", principal.kind, principal.id),
        None => format!("{} {}", principal.kind, principal.id),
    });
    match (item.action, account, principal) {
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
pub fn running(status: &RollbackStatus, progress: &Progress, halt: Halt) -> (Reason, String) {
    let done = participle(status.operation_type.as_deref());
    let written = match progress.unread() {
        0 => String::new(),
        count => format!(", {count} written and not read back yet"),
    };
    let so_far = format!("{} of {} {done}{written}", progress.done, progress.total);
    let failed = match progress.failed + progress.skipped {
        0 => String::new(),
        count => format!(", {count} failed or blocked"),
    };
    match (halt, status.phase) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;
    use crate::engine::journal::Journal;
    use crate::model::ActionState;

    #[test]
    fn what_is_written_and_not_read_back_is_told() {
        let items = fixtures::deletes(3);
        let mut journal = Journal::fresh(&items);
        let mut status = RollbackStatus { phase: Phase::Executing, ..RollbackStatus::default() };
        let said = |status: &RollbackStatus, journal: &Journal| {
            running(status, &journal.progress(&items), Halt::None).1
        };
        assert_eq!(said(&status, &journal), "0 of 3 undone, 0 in flight");
        journal.set(0, ActionState::Settled);
        journal.set(1, ActionState::Settled);
        journal.set(2, ActionState::Requested);
        assert_eq!(
            said(&status, &journal),
            "0 of 3 undone, 2 written and not read back yet, 1 in flight"
        );
        journal.set(2, ActionState::Verified);
        (status.phase, status.operation_type) = (Phase::Verifying, Some("Rollback".to_owned()));
        assert_eq!(
            said(&status, &journal),
            "1 of 3 reversed, 2 written and not read back yet; reads back the last keys"
        );
    }
}
