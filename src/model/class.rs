//! One classification of what can go wrong: it drives the requeue, the event and the metric label.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller does about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Try again later: time-outs, lost connections, internal errors of the other side.
    Retry,
    /// Too much was asked for: wait at least this long.
    Throttled {
        /// The wait that the other side asked for, or zero.
        after: Duration,
        /// Which limit was met.
        limit: Limit,
    },
    /// Another change is at work on the same thing: try again soon.
    Conflict,
    /// This cannot be done, for a reason that the user can mend.
    Blocked(BlockedReason),
    /// This failed for good.
    Terminal(FailureReason),
}

impl Class {
    /// The metric label.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Throttled { .. } => "throttled",
            Self::Conflict => "conflict",
            Self::Blocked(_) => "blocked",
            Self::Terminal(_) => "terminal",
        }
    }
}

/// The two limits of Identity Center, told apart by the message of the throttling error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Requests a second over the whole instance.
    Rate,
    /// Asynchronous requests at work at once.
    Outstanding,
}

/// Why an action cannot be done, found before it is sent or from AWS's refusal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum BlockedReason {
    /// The caller lacks a permission.
    AccessDenied,
    /// The account is suspended, closed or not in the organisation.
    AccountUnavailable,
    /// The key changed since the plan was made.
    Drifted,
    /// The permission set was changed since it was cloned.
    ContentChanged,
    /// The management account cannot be changed by a delegated administrator.
    ManagementAccount,
    /// Another permission set has the name of the one that is to be created.
    NameTaken,
    /// The order of opposite records cannot be told.
    OrderUnknown,
    /// The permission set does not exist any more.
    PermissionSetMissing,
    /// The user or group does not exist any more.
    PrincipalMissing,
    /// The record may have been applied although it was recorded as failed.
    PossiblyApplied,
    /// A quota of AWS would be exceeded.
    QuotaExceeded,
    /// The permission set is still assigned outside the plan.
    StillAssigned,
    /// An action that this one depends on did not succeed.
    DependencyFailed,
    /// What the operator cannot do in this version.
    Unsupported,
}

impl BlockedReason {
    /// What the user can do about it: one imperative sentence.
    #[must_use]
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::AccessDenied => {
                "Give the operator's role the permission that AWS named, then raise spec.attempt."
            }
            Self::AccountUnavailable => {
                "Reopen the account or leave it out; a closed account has no access to undo."
            }
            Self::Drifted => {
                "Look at who changed the key, then raise spec.attempt to plan from the present state."
            }
            Self::ContentChanged => {
                "Restore the permission set's content or delete the set by hand."
            }
            Self::ManagementAccount => {
                "Run the operator with the management account's credentials for this instance."
            }
            Self::NameTaken => {
                "Rename or delete the permission set that has the name, then raise spec.attempt."
            }
            Self::OrderUnknown => {
                "Find out which of the records came first and undo that part by hand."
            }
            Self::PermissionSetMissing => {
                "Nothing can be given back: the set's ARN never returns. Assign a new set by hand."
            }
            Self::PrincipalMissing => {
                "A re-created user or group has a new id. Assign it by hand if it should have access."
            }
            Self::PossiblyApplied => {
                "Check the key in AWS and remove it by hand if it is not wanted."
            }
            Self::QuotaExceeded => "Free quota in AWS, then raise spec.attempt.",
            Self::StillAssigned => {
                "Remove the other assignments of the permission set, then raise spec.attempt."
            }
            Self::DependencyFailed => "Mend the failed actions, then raise spec.attempt.",
            Self::Unsupported => "Make this change by hand.",
        }
    }
}

impl fmt::Display for BlockedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why an action failed for good after it was sent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum FailureReason {
    /// AWS accepted the request and reported its asynchronous failure.
    AsynchronousFailure,
    /// AWS refused the request as invalid.
    InvalidRequest,
    /// The requests ended but reads keep showing another state.
    NotVerified,
    /// AWS kept answering with errors until the time for retries was over.
    RetriesExhausted,
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
