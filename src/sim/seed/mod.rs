//! The seed: the state of the simulator as a readable YAML file, read at the start and written
//! by a dump. A dump read back as a seed gives an equal dump.

mod build;
mod dump;
mod generate;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::directory::{ExternalId, UserStatus};
use super::organization::AccountStatus;
use super::permission_set::{Boundary, PolicyReference};
use super::settings::Settings;
use crate::model::{AccountId, IdentityStoreId, InstanceArn, PermissionSetArn, PrincipalId};

pub use dump::View;
pub use generate::{Assigned, Generate};

/// Why a seed cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// It is not YAML, or not of the seed's form. The text names line and column.
    #[error("the seed cannot be read: {0}")]
    Form(String),
    /// It names something that it does not define, or defines something twice.
    #[error("{place}: {problem}")]
    Content {
        /// Where in the seed.
        place: String,
        /// What is wrong there.
        problem: String,
    },
}

impl SeedError {
    fn at(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Content { place: place.into(), problem: problem.into() }
    }
}

/// A whole world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// The organization.
    pub organization: OrganizationSeed,
    /// Its accounts, the management account among them.
    #[serde(default)]
    pub accounts: Vec<AccountSeed>,
    /// Who calls with which access key. Other keys belong to the management account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<CallerSeed>,
    /// The roles that may be assumed; any role of any account if there is none here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleSeed>,
    /// The Identity Center instances.
    #[serde(default)]
    pub instances: Vec<InstanceSeed>,
    /// How all this behaves. A dump leaves it out when nothing was set.
    #[serde(default, skip_serializing_if = "is_default")]
    pub settings: Settings,
}

fn is_default(settings: &Settings) -> bool {
    *settings == Settings::default()
}

/// The organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationSeed {
    /// Such as `o-abcdefghij`.
    pub id: String,
    /// The management account.
    pub management_account: AccountId,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountSeed {
    /// Twelve digits.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its address; made from the id if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `ACTIVE`, `SUSPENDED` or `PENDING_CLOSURE`.
    #[serde(default)]
    pub status: AccountStatus,
    /// When it joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Timestamp>,
    /// The customer managed policies that exist in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub customer_managed_policies: BTreeSet<PolicyReference>,
}

/// Who calls with an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallerSeed {
    /// The key of the signature.
    pub access_key_id: String,
    /// The caller's account.
    pub account: AccountId,
    /// The caller's ARN; made from the account if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// IAM actions that are denied, such as `sso:DeleteAccountAssignment`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub denied: BTreeSet<String>,
    /// Whether it may manage roles in the management account.
    #[serde(default = "yes")]
    pub iam_in_management_account: bool,
}

/// A role that may be assumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleSeed {
    /// Such as `arn:aws:iam::111111111111:role/rollback-operator`.
    pub arn: String,
    /// The external id that its trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// IAM actions that are denied to it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub denied: BTreeSet<String>,
    /// Whether it may manage roles in the management account.
    #[serde(default = "yes")]
    pub iam_in_management_account: bool,
}

fn yes() -> bool {
    true
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstanceSeed {
    /// Its ARN.
    pub arn: InstanceArn,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its home region.
    pub region: String,
    /// Its identity store.
    pub identity_store_id: IdentityStoreId,
    /// The account that owns it: the management account if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<AccountId>,
    /// Other accounts that may administer it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub delegated_administrators: BTreeSet<AccountId>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The users of its identity store.
    #[serde(default)]
    pub users: Vec<UserSeed>,
    /// The groups of its identity store.
    #[serde(default)]
    pub groups: Vec<GroupSeed>,
    /// Its permission sets.
    #[serde(default)]
    pub permission_sets: Vec<PermissionSetSeed>,
    /// Who may enter what with which set.
    #[serde(default)]
    pub assignments: Vec<AssignmentSeed>,
    /// The suffixes of the roles, and sets that are provisioned without an assignment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioned: Vec<ProvisionedSeed>,
    /// More of everything, made by numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSeed {
    /// Made from the name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PrincipalId>,
    /// The name to sign in with.
    pub user_name: String,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `ENABLED` or `DISABLED`.
    #[serde(default)]
    pub status: UserStatus,
    /// Identifiers from elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupSeed {
    /// Made from the name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PrincipalId>,
    /// Its name.
    pub display_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Identifiers from elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
    /// User names.
    #[serde(default)]
    pub members: Vec<String>,
}

/// A permission set with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PermissionSetSeed {
    /// Made from the name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<PermissionSetArn>,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In ISO 8601; `PT1H` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_duration: Option<String>,
    /// Where a session begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_state: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// ARNs of policies of AWS.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub managed_policies: BTreeSet<String>,
    /// Policies of the accounts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub customer_managed_policies: BTreeSet<PolicyReference>,
    /// A policy document in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_policy: Option<String>,
    /// What the set can give at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// One user or group with one permission set in some accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignmentSeed {
    /// Its name or ARN.
    pub permission_set: String,
    /// A user by name, or by id if it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A group by name, or by id if it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Account ids or names.
    pub accounts: Vec<String>,
}

/// The roles of one permission set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisionedSeed {
    /// Its name or ARN.
    pub permission_set: String,
    /// The suffix of the role's name in each account.
    pub suffixes: BTreeMap<AccountId, String>,
    /// The accounts whose role lacks the set's last changes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub outdated: BTreeSet<AccountId>,
}

impl Seed {
    /// Reads a seed.
    pub fn from_yaml(text: &str) -> Result<Self, SeedError> {
        serde_saphyr::from_str(text).map_err(|error| SeedError::Form(error.to_string()))
    }

    /// Writes a seed.
    pub fn to_yaml(&self) -> Result<String, SeedError> {
        serde_saphyr::to_string(self).map_err(|error| SeedError::Form(error.to_string()))
    }
}
