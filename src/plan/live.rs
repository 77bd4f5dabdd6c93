//! What was read in AWS, as planning needs it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::api::record::PermissionSetContent;
use crate::model::{
    AccountId, ActionKind, AssignmentKey, Key, PermissionSetArn, Presence, Principal, PrincipalId,
};

/// The state of AWS when the plan is made: fresh, and all pages of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// Those of the touched assignments that are there; the others were read and are absent.
    pub assignments: BTreeSet<AssignmentKey>,
    /// Every touched permission set.
    pub permission_sets: BTreeMap<PermissionSetArn, SetFacts>,
    /// The accounts in which a permission set is provisioned.
    pub provisioned: BTreeMap<PermissionSetArn, BTreeSet<AccountId>>,
    /// The touched accounts.
    pub accounts: BTreeMap<AccountId, AccountState>,
    /// The touched principals.
    pub principals: BTreeMap<Principal, PrincipalState>,
    /// Names of users and groups, as far as they could be read. For people alone: nothing is
    /// decided by a name.
    pub principal_names: BTreeMap<Principal, String>,
    /// Names of accounts, likewise.
    pub account_names: BTreeMap<AccountId, String>,
    /// Those of the missing principals whose recorded names others bear now.
    pub namesakes: BTreeMap<Principal, PrincipalId>,
    /// Those names of deleted permission sets of the selected ledgers that others bear now.
    pub taken_names: BTreeSet<String>,
    /// The account that owns the instance.
    pub owner_account: Option<AccountId>,
    /// Whether the operator works as a delegated administrator.
    pub delegated_administrator: bool,
    /// Changes that the operator's role was last seen not to be allowed.
    pub denied: BTreeMap<ActionKind, Denial>,
}

/// AWS's answer that the operator's role may not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The operation of AWS that was denied.
    pub operation: &'static str,
    /// When.
    pub at: Timestamp,
}

/// What was found out about a permission set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetFacts {
    /// Whether it exists.
    pub exists: bool,
    /// Its name.
    pub name: Option<String>,
    /// Its longest session, as ISO 8601 writes it.
    pub session_duration: Option<String>,
    /// Its content: read for sets whose existence is touched.
    pub content: Option<PermissionSetContent>,
    /// Its assignments in all accounts: read for sets whose existence is touched.
    pub assigned: BTreeSet<AssignmentKey>,
    /// The content of the set that it was cloned from, if that one still exists.
    pub source_content: Option<PermissionSetContent>,
}

/// Whether an account can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountState {
    /// It can.
    Active,
    /// It is suspended or about to be closed: AWS accepts requests for it, which then fail.
    Suspended,
    /// It is not in the organisation.
    Missing,
    /// It could not be found out.
    Unknown,
}

/// Whether a user or group is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrincipalState {
    /// It is there.
    Exists,
    /// It is there and may not sign in.
    Disabled,
    /// It is not there.
    Missing,
    /// It could not be found out.
    Unknown,
}

impl Live {
    /// Whether a key is there. Without its permission set an assignment is not.
    pub(super) fn presence(&self, key: &Key) -> Presence {
        let there = match key {
            Key::Assignment(key) => {
                !self.is_missing(&key.permission_set) && self.assignments.contains(key)
            }
            Key::PermissionSet(set) => {
                self.permission_sets.get(set).is_some_and(|facts| facts.exists)
            }
        };
        Presence::from(there)
    }

    /// Whether a permission set is known not to exist.
    pub(super) fn is_missing(&self, set: &PermissionSetArn) -> bool {
        self.permission_sets.get(set).is_some_and(|facts| !facts.exists)
    }

    /// An account as messages name it.
    pub(super) fn account(&self, account: &AccountId) -> String {
        match self.account_names.get(account) {
            Some(name) => format!("{name} ({account})"),
            None => account.to_string(),
        }
    }

    /// Whether a permission set has its role in an account now.
    #[must_use]
    pub fn is_provisioned(&self, set: &PermissionSetArn, account: &AccountId) -> bool {
        self.provisioned.get(set).is_some_and(|accounts| accounts.contains(account))
    }
}
