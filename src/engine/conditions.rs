//! Conditions from phases: one table, as kstatus, Flux, Argo CD and `kubectl wait` read it.

use jiff::Timestamp;

use crate::api::condition::{ConditionType, Reason, remove_condition, set_condition};
use crate::api::rollback_status::{Phase, RollbackStatus};

/// Sets `Ready`, `Reconciling` and `Stalled` for the present phase, and the sentence of the status.
pub fn summarize(status: &mut RollbackStatus, reason: Reason, message: &str, now: Timestamp) {
    message.clone_into(&mut status.summary);
    let generation = Some(status.observed_generation);
    let (ready, reconciling, stalled) = match status.phase {
        Phase::Pending
        | Phase::Planning
        | Phase::AwaitingApproval
        | Phase::Executing
        | Phase::Verifying => (Some(false), true, false),
        Phase::Planned => (None, false, false),
        Phase::Succeeded | Phase::AlreadyRolledBack => (Some(true), false, false),
        Phase::PartiallySucceeded | Phase::Failed | Phase::Cancelled | Phase::Rejected => {
            (Some(false), false, true)
        }
    };
    let conditions = &mut status.conditions;
    match ready {
        Some(ready) => {
            set_condition(
                conditions,
                ConditionType::Ready,
                ready,
                reason,
                message,
                generation,
                now,
            );
        }
        None => remove_condition(conditions, ConditionType::Ready),
    }
    set_condition(
        conditions,
        ConditionType::Reconciling,
        reconciling,
        reason,
        message,
        generation,
        now,
    );
    // A Rollback that was never stuck needs no word about it while it works.
    if stalled || !reconciling {
        set_condition(
            conditions,
            ConditionType::Stalled,
            stalled,
            reason,
            message,
            generation,
            now,
        );
    } else {
        remove_condition(conditions, ConditionType::Stalled);
    }
}

/// Sets one of the step conditions `Planned`, `Approved`, `Executed`, `Verified`.
pub fn step(
    status: &mut RollbackStatus,
    kind: ConditionType,
    done: bool,
    reason: Reason,
    message: &str,
    now: Timestamp,
) {
    let generation = Some(status.observed_generation);
    set_condition(&mut status.conditions, kind, done, reason, message, generation, now);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(phase: Phase) -> (Option<String>, String, Option<String>) {
        let mut status = RollbackStatus { phase, ..RollbackStatus::default() };
        summarize(&mut status, Reason::Pending, "said", Timestamp::UNIX_EPOCH);
        let get = |kind: &str| {
            status.conditions.iter().find(|c| c.type_ == kind).map(|c| c.status.clone())
        };
        (get("Ready"), get("Reconciling").unwrap_or_default(), get("Stalled"))
    }

    fn table(
        ready: Option<&str>,
        reconciling: &str,
        stalled: Option<&str>,
    ) -> (Option<String>, String, Option<String>) {
        (ready.map(Into::into), reconciling.into(), stalled.map(Into::into))
    }

    #[test]
    fn the_table_that_kstatus_reads() {
        for phase in Phase::ALL {
            let expected = match phase {
                Phase::Pending
                | Phase::Planning
                | Phase::AwaitingApproval
                | Phase::Executing
                | Phase::Verifying => table(Some("False"), "True", None),
                Phase::Planned => table(None, "False", Some("False")),
                Phase::Succeeded | Phase::AlreadyRolledBack => {
                    table(Some("True"), "False", Some("False"))
                }
                Phase::PartiallySucceeded | Phase::Failed | Phase::Cancelled | Phase::Rejected => {
                    table(Some("False"), "False", Some("True"))
                }
            };
            assert_eq!(of(phase), expected, "{phase}");
        }
    }
}
