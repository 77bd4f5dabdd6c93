//! The organization: its accounts, who may call, and which roles may be assumed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::permission_set::PolicyReference;
use crate::model::AccountId;

/// AWS Organizations as far as Identity Center meets it.
#[derive(Debug, Clone)]
pub(super) struct Organization {
    pub id: String,
    pub partition: String,
    pub management: AccountId,
    pub accounts: BTreeMap<AccountId, Account>,
}

impl Organization {
    pub fn account_arn(&self, account: &AccountId) -> String {
        let Self { id, partition, management, .. } = self;
        format!("arn:{partition}:organizations::{management}:account/{id}/{account}")
    }
}

/// A member account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub name: String,
    pub email: String,
    pub status: AccountStatus,
    pub joined: Timestamp,
    /// Customer managed policies that exist in this account.
    pub policies: BTreeSet<PolicyReference>,
}

/// The status of an account in its organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountStatus {
    /// Open.
    #[default]
    Active,
    /// Closed by its owner or suspended by AWS.
    Suspended,
    /// About to be closed.
    PendingClosure,
}

impl AccountStatus {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
        }
    }
}

/// Who sends a request, as its access key says.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub account: AccountId,
    pub arn: String,
    /// IAM actions that no policy allows this caller, such as `sso:DeleteAccountAssignment`.
    pub denied: BTreeSet<String>,
    /// Whether it may manage IAM roles in the management account, which changes of that
    /// account's assignments need.
    pub iam_in_management_account: bool,
}

/// A role that can be assumed.
#[derive(Debug, Clone)]
pub(super) struct AssumableRole {
    pub external_id: Option<String>,
    pub denied: BTreeSet<String>,
    pub iam_in_management_account: bool,
}
