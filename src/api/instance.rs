//! `IdentityCenterInstance`: one IAM Identity Center instance and how it may be used.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;
use crate::model::{AccountId, IdentityStoreId, InstanceArn, PermissionSetArn, PrincipalId};

/// One IAM Identity Center instance: where it is, whose credentials are used, how fast it may be
/// asked, which namespaces may undo operations on it, and what an approval needs.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "identitycenter.dev",
    version = "v1alpha1",
    kind = "IdentityCenterInstance",
    plural = "identitycenterinstances",
    shortname = "idc",
    category = "identitycenter",
    status = "IdentityCenterInstanceStatus",
    derive = "PartialEq",
    doc = "One IAM Identity Center instance: where it is, whose credentials are used, how fast it may be asked, which namespaces may undo operations on it, and what an approval needs.",
    printcolumn(name = "Region", type_ = "string", json_path = ".spec.region"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "In-Flight", type_ = "integer", json_path = ".status.quota.inFlight"),
    printcolumn(name = "Slots", type_ = "integer", json_path = ".status.quota.slots"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Approval",
        type_ = "string",
        json_path = ".spec.policy.approval",
        priority = 1
    ),
    printcolumn(
        name = "Instance",
        type_ = "string",
        json_path = ".spec.instanceArn",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self.instanceArn == oldSelf.instanceArn", "instanceArn cannot be changed: create another IdentityCenterInstance"),
    validation = ("self.region == oldSelf.region", "region cannot be changed: create another IdentityCenterInstance"),
)]
pub struct IdentityCenterInstanceSpec {
    /// ARN of the instance, of any partition. `aws sso-admin list-instances` shows it. Immutable.
    pub instance_arn: InstanceArn,
    /// Home region of the instance: the only one that answers for it. Immutable.
    #[schemars(regex(pattern = r"^[a-z]{2}(-[a-z]+)+-\d+$"), length(max = 32))]
    pub region: String,
    /// Whose credentials are used. Without it: the pod's own identity (IRSA, EKS Pod Identity, or the SDK's standard chain).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Endpoint to use in place of AWS's own for sso-admin calls: a VPC endpoint, a FIPS endpoint, a proxy or a simulator. Only one whose host is not in a domain of AWS (amazonaws.com, api.aws, amazonaws.com.cn) is used for identitystore, organizations and STS calls too; with one of AWS's, those go to AWS's own endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^https?://"), length(max = 512))]
    pub endpoint: Option<String>,
    /// How much of AWS's quota the operator may use. AWS counts the whole organisation: leave room for people.
    #[serde(default)]
    pub limits: Limits,
    /// Namespaces whose records and Rollbacks count for this instance. None by default.
    #[serde(default)]
    #[schemars(schema_with = "schema::names")]
    pub allowed_namespaces: Vec<String>,
    /// What an undo needs before it is executed.
    #[serde(default)]
    pub policy: Policy,
}

/// A role to assume for this instance.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// ARN of the role to assume with the pod's own identity.
    #[schemars(
        regex(pattern = r"^arn:aws(-[a-z]{1,5}){0,3}:iam::\d{12}:role/.+$"),
        length(max = 2048)
    )]
    pub role_arn: String,
    /// External id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224))]
    pub external_id: Option<String>,
}

/// Quota of AWS that the operator may use.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Requests a second over all calls. AWS allows 20 to the whole organisation.
    #[serde(default = "default_requests_per_second")]
    #[schemars(range(min = 1, max = 1000))]
    pub requests_per_second: i32,
    /// Assignment changes that may be at work in AWS at once. AWS allows 10 to 15 to the whole organisation.
    #[serde(default = "default_outstanding_requests")]
    #[schemars(range(min = 1, max = 100))]
    pub outstanding_requests: i32,
}

const fn default_requests_per_second() -> i32 {
    18
}
const fn default_outstanding_requests() -> i32 {
    10
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: default_requests_per_second(),
            outstanding_requests: default_outstanding_requests(),
        }
    }
}

/// Whose approval a plan needs.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum ApprovalPolicy {
    /// Every plan waits until `spec.approval.plan` names its digest.
    #[default]
    Always,
    /// As Always, and the approver must be a person who neither asked for the undo, nor changed what it intends, nor recorded what it undoes. It rests on the chart's admission policies, and refuses what they do not prove.
    SeparateApprover,
    /// Only plans wait for an approval that are not exact, give access, leave or block a key, or that the policy refuses.
    WhenNotExact,
    /// No plan waits, unless an action rests on an unknown state before the operation.
    Never,
}

impl ApprovalPolicy {
    /// The name as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::SeparateApprover => "SeparateApprover",
            Self::WhenNotExact => "WhenNotExact",
            Self::Never => "Never",
        }
    }
}

/// What an undo needs before it is executed.
#[derive(Serialize, Deserialize, KubeSchema, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!has(self.retention)", "retention: not enforced by this version; leave it out"),
)]
pub struct Policy {
    /// Whose approval a plan needs. An action that gives access waits for one under every policy but Never.
    #[serde(default)]
    pub approval: ApprovalPolicy,
    /// What a Rollback may touch only with an approval that accepts it by name.
    #[serde(default, skip_serializing_if = "Protected::is_empty")]
    pub protected: Protected,
    /// Permission sets that count as administrative: a plan that leaves an account without anybody who holds one of them and may sign in is refused. Without any: those with the AWS managed policy `AdministratorAccess`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "atomic"))]
    pub administrative_sets: Vec<PermissionSetArn>,
    /// Largest number of actions that one Rollback may have without an approval that accepts more. Without it: what a plan can hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20000))]
    pub max_actions: Option<i32>,
    /// How long a plan may wait for its approval before it is made anew, such as `24h`. Without it: for ever.
    #[serde(default, rename = "planTTL", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub plan_ttl: Option<String>,
    /// How long records are kept, such as `2160h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub retention: Option<String>,
}

/// What no Rollback may touch.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Protected {
    /// Permission sets, by ARN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub permission_sets: Vec<PermissionSetArn>,
    /// Accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub accounts: Vec<AccountId>,
    /// Users and groups, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub principals: Vec<PrincipalId>,
}

impl Protected {
    /// Whether nothing is protected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// What was found out about the instance.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IdentityCenterInstanceStatus {
    /// Generation of the spec that this status is about; -1 before the first look.
    #[serde(default = "minus_one")]
    pub observed_generation: i64,
    /// `Ready`, `Reconciling` and `Stalled`, as kstatus reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Identity store behind the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_store_id: Option<IdentityStoreId>,
    /// Account that owns the instance: the organisation's management account, or a member account for an account instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<AccountId>,
    /// Whether the operator's credentials belong to another account than the owner: a delegated administrator, who cannot change the management account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegated_administrator: Option<bool>,
    /// The quota as it is used now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaView>,
}

const fn minus_one() -> i64 {
    -1
}

impl Default for IdentityCenterInstanceStatus {
    fn default() -> Self {
        Self {
            observed_generation: minus_one(),
            conditions: Vec::new(),
            identity_store_id: None,
            owner_account: None,
            delegated_administrator: None,
            quota: None,
        }
    }
}

/// The quota as it is used now.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct QuotaView {
    /// Requests a second that the operator allows itself now; lower than the limit while AWS throttles.
    #[serde(default)]
    pub requests_per_second: f64,
    /// Assignment changes that the operator allows itself at once now.
    #[serde(default)]
    pub slots: i32,
    /// Assignment changes at work in AWS now.
    #[serde(default)]
    pub in_flight: i32,
    /// Actions that wait for a slot.
    #[serde(default)]
    pub queued: i32,
    /// Since when AWS has been throttling, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub throttled_since: Option<Timestamp>,
}
