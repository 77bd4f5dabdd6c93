//! Condition types and reasons: the contract with `kubectl wait`, Flux, Argo CD and Helm.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Condition types on Rollback and `IdentityCenterInstance`. kstatus reads the first three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConditionType {
    /// Undone and verified; or, for an instance, usable.
    Ready,
    /// Work is going on or something is waited for.
    Reconciling,
    /// It will not go on without a change by a person.
    Stalled,
    /// A plan exists.
    Planned,
    /// The plan may be executed.
    Approved,
    /// Every action was sent and has ended.
    Executed,
    /// Every key was read back at its goal.
    Verified,
    /// On an `OperationRecord`: no key of it is open any more.
    RolledBack,
}

impl ConditionType {
    /// The type as it is written in `status.conditions`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Planned => "Planned",
            Self::Approved => "Approved",
            Self::Executed => "Executed",
            Self::Verified => "Verified",
            Self::RolledBack => "RolledBack",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Reasons of conditions and events. They are stable: alerts and scripts match on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $name),+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The reason as it is written in conditions and events.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),+
                }
            }
        }
    };
}

reasons! {
    /// Nothing has been looked at yet.
    Pending,
    /// A named record does not exist yet.
    RecordNotFound,
    /// A named record could not be understood.
    RecordInvalid,
    /// A record that was selected says something else now.
    RecordChanged,
    /// The instance does not exist yet.
    InstanceNotFound,
    /// The instance is not ready.
    InstanceNotReady,
    /// The records belong to different instances.
    InstancesDiffer,
    /// The instance does not allow this namespace.
    NamespaceNotAllowed,
    /// The instance allows a namespace that the operator does not watch.
    NamespaceNotWatched,
    /// The selection found no record.
    NothingSelected,
    /// The selection found more records than one Rollback can undo.
    TooManySelected,
    /// `spec.operations.select.labels` is no label selector.
    SelectorInvalid,
    /// Records and live state are read.
    Planning,
    /// The plan is there and nothing more was asked for.
    Planned,
    /// The plan waits for an approval.
    AwaitingApproval,
    /// The approval names another plan.
    ApprovalForAnotherPlan,
    /// The approval came from somebody without the verb approve.
    ApprovalNotPermitted,
    /// The approval is not known to come from somebody else than the authors.
    ApprovalNotSeparate,
    /// The plan was approved.
    Approved,
    /// The policy asks for no approval.
    ApprovalNotRequired,
    /// The plan was rejected.
    Rejected,
    /// The plan was made anew because the world changed.
    PlanVoid,
    /// The policy refuses the plan.
    RefusedByPolicy,
    /// The plan is larger than what can be handled.
    PlanTooLarge,
    /// Another Rollback holds a key of this one.
    HeldBy,
    /// `spec.suspend` is set.
    Suspended,
    /// `spec.notBefore` has not come.
    NotYet,
    /// `spec.deadline` passed.
    DeadlinePassed,
    /// Actions are sent.
    Executing,
    /// Every action ended.
    Executed,
    /// Keys are read back.
    Verifying,
    /// Every key was read back at its goal.
    Verified,
    /// Every key is as wanted.
    Succeeded,
    /// Some keys are still open.
    PartiallySucceeded,
    /// No key could be undone.
    Failed,
    /// `spec.cancel` was set.
    Cancelled,
    /// No key of these operations is open.
    AlreadyRolledBack,
    /// Every key is kept for another record or was not changed by the operation.
    NothingToUndo,
    /// What was found changed and `spec.onDrift` is Fail.
    Drifted,
    /// AWS denies what is needed.
    AccessDenied,
    /// AWS cannot be reached or answers with errors.
    AwsUnavailable,
    /// AWS asked to slow down.
    Throttled,
    /// An action failed.
    ActionFailed,
    /// The object cannot be decoded.
    InvalidObject,
    /// Two instances name one ARN.
    Duplicate,
    /// An instance that the installation declares could not be applied.
    DeclarationRefused,
    /// The instance is usable.
    InstanceReady,
    /// What the spec asks for is not available in this version.
    Unsupported,
    /// The ledger record was written.
    LedgerWritten,
    /// The Rollback was deleted while it ran.
    DeletedWhileRunning,
    /// What was undone was put back: the record's keys are open again.
    Redone,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Sets one condition. The transition time moves only when the status changes, and nothing moves
/// when all is as before.
pub fn set_condition(
    conditions: &mut Vec<Condition>,
    kind: ConditionType,
    status: bool,
    reason: Reason,
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) {
    let status = if status { "True" } else { "False" };
    let message: String = message.chars().take(2048).collect();
    if let Some(found) = conditions.iter_mut().find(|c| c.type_ == kind.as_str()) {
        if found.status != status {
            found.last_transition_time = Time(whole_second(now));
        }
        status.clone_into(&mut found.status);
        reason.as_str().clone_into(&mut found.reason);
        found.message = message;
        found.observed_generation = generation;
    } else {
        conditions.push(Condition {
            type_: kind.as_str().to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message,
            observed_generation: generation,
            last_transition_time: Time(whole_second(now)),
        });
    }
}

/// Removes one condition.
pub fn remove_condition(conditions: &mut Vec<Condition>, kind: ConditionType) {
    conditions.retain(|c| c.type_ != kind.as_str());
}

/// Whether a condition is `True`.
#[must_use]
pub fn is_true(conditions: &[Condition], kind: ConditionType) -> bool {
    conditions.iter().any(|c| c.type_ == kind.as_str() && c.status == "True")
}

/// Kubernetes writes these times with whole seconds; a fraction would differ after each read.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut conditions = Vec::new();
        set_condition(
            &mut conditions,
            ConditionType::Ready,
            false,
            Reason::Pending,
            "a",
            Some(1),
            at(1),
        );
        set_condition(
            &mut conditions,
            ConditionType::Ready,
            false,
            Reason::Planning,
            "b",
            Some(2),
            at(2),
        );
        assert_eq!(conditions[0].last_transition_time, Time(at(1)));
        assert_eq!(conditions[0].reason, "Planning");
        set_condition(
            &mut conditions,
            ConditionType::Ready,
            true,
            Reason::Succeeded,
            "c",
            Some(2),
            at(3),
        );
        assert_eq!(conditions[0].last_transition_time, Time(at(3)));
        assert_eq!(conditions.len(), 1);
        assert!(is_true(&conditions, ConditionType::Ready));
        remove_condition(&mut conditions, ConditionType::Ready);
        assert!(conditions.is_empty());
    }
}
