//! What an assignment is known by.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountId, PermissionSetArn, PrincipalId};

/// Whether a principal is a user or a group.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum PrincipalType {
    /// A user of the identity store.
    User,
    /// A group of the identity store.
    Group,
}

impl PrincipalType {
    /// As AWS spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Group => "GROUP",
        }
    }
}

impl fmt::Display for PrincipalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who is given access: a user or a group of the instance's identity store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Principal {
    /// User or group.
    #[serde(rename = "type")]
    pub kind: PrincipalType,
    /// Its id in the identity store.
    pub id: PrincipalId,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

/// One assignment. AWS gives it no id of its own: these three are its identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AssignmentKey {
    /// The account that is entered.
    pub account: AccountId,
    /// With which permission set.
    pub permission_set: PermissionSetArn,
    /// By whom.
    pub principal: Principal,
}

impl fmt::Display for AssignmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} × {}", self.principal, self.permission_set.short_id(), self.account)
    }
}

/// Something that is either there or not: an assignment, or a permission set itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// An assignment.
    Assignment(AssignmentKey),
    /// The existence of a permission set.
    PermissionSet(PermissionSetArn),
}

impl Key {
    /// The permission set that this key is about.
    #[must_use]
    pub fn permission_set(&self) -> &PermissionSetArn {
        match self {
            Self::Assignment(key) => &key.permission_set,
            Self::PermissionSet(arn) => arn,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assignment(key) => key.fmt(f),
            Self::PermissionSet(arn) => write!(f, "permission set {arn}"),
        }
    }
}
