//! A permission set and what it allows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::PermissionSetArn;

/// One permission set.
#[derive(Debug, Clone)]
pub(super) struct PermissionSet {
    pub arn: PermissionSetArn,
    pub name: String,
    pub description: Option<String>,
    pub session_duration: String,
    pub relay_state: Option<String>,
    pub created: Timestamp,
    pub content: Content,
    pub tags: BTreeMap<String, String>,
    /// Counts changes that an account sees only after it is provisioned again.
    pub version: u64,
}

/// The session duration of a permission set that was created without one.
pub(super) const DEFAULT_SESSION_DURATION: &str = "PT1H";

/// The policies of a permission set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub managed: BTreeSet<String>,
    pub customer_managed: BTreeSet<PolicyReference>,
    pub inline: Option<String>,
    pub boundary: Option<Boundary>,
}

impl Content {
    /// The customer managed policies that an account must have.
    pub fn needs(&self) -> impl Iterator<Item = &PolicyReference> {
        let boundary = match &self.boundary {
            Some(Boundary::CustomerManagedPolicy(reference)) => Some(reference),
            _ => None,
        };
        self.customer_managed.iter().chain(boundary)
    }
}

/// A customer managed policy by name and path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyReference {
    /// The policy's name.
    pub name: String,
    /// The path before it.
    #[serde(default = "root_path")]
    pub path: String,
}

pub(super) fn root_path() -> String {
    "/".to_owned()
}

/// The permissions boundary of a permission set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Boundary {
    /// The ARN of a policy of AWS.
    ManagedPolicyArn(String),
    /// A policy of the account.
    CustomerManagedPolicy(PolicyReference),
}
