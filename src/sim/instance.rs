//! One IAM Identity Center instance.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::assignments::{Assignments, Place};
use super::directory::Directory;
use super::lagged::LaggedSet;
use super::permission_set::PermissionSet;
use super::requests::Requests;
use crate::model::{AccountId, AssignmentKey, InstanceArn, PermissionSetArn};

/// The whole state of an instance.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub arn: InstanceArn,
    pub name: Option<String>,
    pub region: String,
    pub owner: AccountId,
    pub delegated_administrators: BTreeSet<AccountId>,
    pub created: Timestamp,
    pub directory: Directory,
    pub sets: BTreeMap<PermissionSetArn, PermissionSet>,
    /// The permission sets as `ListPermissionSets` shows them.
    pub listed_sets: LaggedSet<PermissionSetArn>,
    pub assignments: Assignments,
    pub provisioned: BTreeMap<Place, Provisioned>,
    pub requests: Requests,
}

/// A permission set that was provisioned to an account: the role `AWSReservedSSO_<set>_<suffix>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Provisioned {
    /// The last part of the role's name: 16 hexadecimal digits.
    pub suffix: String,
    /// The version of the set that the role has.
    pub version: u64,
}

impl Instance {
    /// The instance's own id, such as `ssoins-0123456789abcdef`.
    pub fn id(&self) -> &str {
        self.arn.as_str().rsplit('/').next().unwrap_or_default()
    }

    /// Makes an assignment present, and its role if it is the first. `suffix` is used for a new role.
    pub fn grant(
        &mut self,
        key: &AssignmentKey,
        now: Timestamp,
        seen: Timestamp,
        suffix: String,
    ) -> bool {
        let changed = self.assignments.set(key, true, now, seen);
        let version = self.sets.get(&key.permission_set).map_or(0, |set| set.version);
        let place = (key.account.clone(), key.permission_set.clone());
        self.provisioned.entry(place).or_insert(Provisioned { suffix, version });
        changed
    }

    /// Whether the role at a place has lost its last assignment.
    pub fn is_role_unused(&self, place: &Place) -> bool {
        self.provisioned.contains_key(place) && !self.assignments.any_at(place)
    }
}
