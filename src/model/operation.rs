//! What operations do to keys.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of operations that are recorded.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum OperationType {
    /// A principal was given a permission set in accounts.
    Assign,
    /// It was taken away.
    Revoke,
    /// The assignments of one principal were given to another as well.
    CopyAssignments,
    /// A permission set was created as a copy of another.
    ClonePermissionSet,
    /// The operator undid other operations: the ledger.
    Rollback,
}

impl OperationType {
    /// The name as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assign => "Assign",
            Self::Revoke => "Revoke",
            Self::CopyAssignments => "CopyAssignments",
            Self::ClonePermissionSet => "ClonePermissionSet",
            Self::Rollback => "Rollback",
        }
    }
}

impl fmt::Display for OperationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether something is there.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum Presence {
    /// It is not there.
    Absent,
    /// It is there.
    Present,
}

impl Presence {
    /// The other one.
    #[must_use]
    pub const fn inverse(self) -> Self {
        match self {
            Self::Absent => Self::Present,
            Self::Present => Self::Absent,
        }
    }
}

impl From<bool> for Presence {
    fn from(present: bool) -> Self {
        if present { Self::Present } else { Self::Absent }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Present => "present",
        })
    }
}

/// What was there before an operation, as far as its record knows.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[schemars(inline)]
pub enum Before {
    /// It was not there.
    Absent,
    /// It was there already.
    Present,
    /// The record does not say.
    #[default]
    Unknown,
}

impl Before {
    /// The state, when it is known.
    #[must_use]
    pub const fn known(self) -> Option<Presence> {
        match self {
            Self::Absent => Some(Presence::Absent),
            Self::Present => Some(Presence::Present),
            Self::Unknown => None,
        }
    }
}

impl From<Presence> for Before {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Absent => Self::Absent,
            Presence::Present => Self::Present,
        }
    }
}

/// What an operation did to a key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum Effect {
    /// Access was given.
    Granted,
    /// Access was taken away.
    Revoked,
}

impl Effect {
    /// The state of the key after the operation.
    #[must_use]
    pub const fn after(self) -> Presence {
        match self {
            Self::Granted => Presence::Present,
            Self::Revoked => Presence::Absent,
        }
    }
}
