//! What makes up a permission set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that makes up a permission set, but its name and ARN.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PermissionSetContent {
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 700))]
    pub description: Option<String>,
    /// Longest session, as ISO 8601 writes it, such as `PT1H`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub session_duration: Option<String>,
    /// Where a sign-in leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 240))]
    pub relay_state: Option<String>,
    /// Inline policy document, as AWS returned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32768))]
    pub inline_policy: Option<String>,
    /// ARNs of attached AWS managed policies, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 2048)), extend("x-kubernetes-list-type" = "atomic"))]
    pub managed_policies: Vec<String>,
    /// Attached customer managed policies as path and name, such as `/team/ReadLogs`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 640)), extend("x-kubernetes-list-type" = "atomic"))]
    pub customer_managed_policies: Vec<String>,
    /// Permissions boundary: an ARN, or path and name of a customer managed policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub permissions_boundary: Option<String>,
    /// Tags as `key=value`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 75), inner(length(max = 400)), extend("x-kubernetes-list-type" = "atomic"))]
    pub tags: Vec<String>,
}
