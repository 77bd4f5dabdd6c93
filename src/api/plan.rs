//! `RollbackPlan`: one shard of a plan, readable with kubectl.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{NamedPrincipal, PermissionSetContent};
use super::schema;
use crate::model::{
    AccountId, ActionKind, AssignmentKey, BlockedReason, Grade, InstanceArn, Key, PermissionSetArn,
    Presence, RequestId,
};

/// The largest number of items in one shard.
pub const ITEMS_PER_SHARD: usize = 1000;
/// The largest number of shards of one plan.
pub const MAX_SHARDS: usize = 20;

/// One shard of the plan of a Rollback. The operator writes it; its spec is immutable.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "identitycenter.dev",
    version = "v1alpha1",
    kind = "RollbackPlan",
    plural = "rollbackplans",
    shortname = "rbp",
    category = "identitycenter",
    namespaced,
    status = "RollbackPlanStatus",
    derive = "PartialEq",
    doc = "One shard of the plan of a Rollback: up to 1,000 items with what was found, what is wanted and how exact the undo is. The operator writes it; its spec is immutable and its status holds request id, times and reason of each action.",
    printcolumn(name = "Rollback", type_ = "string", json_path = ".spec.rollback"),
    printcolumn(name = "Attempt", type_ = "integer", json_path = ".spec.attempt"),
    printcolumn(name = "Shard", type_ = "integer", json_path = ".spec.shard"),
    printcolumn(name = "Digest", type_ = "string", json_path = ".spec.digest", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("self == oldSelf", "a plan cannot be changed: what is executed is what was approved"))]
pub struct RollbackPlanSpec {
    /// Name of the Rollback.
    #[schemars(schema_with = "schema::name")]
    pub rollback: String,
    /// Its uid.
    #[schemars(length(max = 64))]
    pub rollback_uid: String,
    /// ARN of the instance that is written to.
    pub instance_arn: InstanceArn,
    /// Attempt of the Rollback.
    pub attempt: i32,
    /// Digest of the whole plan, over all shards in order.
    #[schemars(schema_with = "schema::digest")]
    pub digest: String,
    /// Number of this shard, from 0.
    pub shard: i32,
    /// The items, in the order of execution.
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub items: Vec<PlanItem>,
}

/// What the plan does about one key.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[schemars(inline)]
pub enum Disposition {
    /// It is written.
    Act,
    /// It is as wanted; no call.
    AlreadySo,
    /// It is left for another record.
    Kept,
    /// Nobody asked for the change that is seen; it is left.
    Unexplained,
    /// It cannot be done.
    Blocked,
}

impl Disposition {
    /// Where it stands among others, 0 first: after what is done, what cannot be done is read first.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Act => 0,
            Self::Blocked => 1,
            Self::Unexplained => 2,
            Self::Kept => 3,
            Self::AlreadySo => 4,
        }
    }
}

/// One key of a plan.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PlanItem {
    /// What the plan does about the key.
    pub disposition: Disposition,
    /// The call that leads to the goal.
    pub action: ActionKind,
    /// Account of the assignment; absent for a permission set itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub account_name: Option<String>,
    /// Principal of the assignment; absent for a permission set itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<NamedPrincipal>,
    /// ARN of the permission set.
    pub permission_set: PermissionSetArn,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub permission_set_name: Option<String>,
    /// What was read in AWS when the plan was made.
    pub live: Presence,
    /// How exact the undo of this key is.
    pub grade: Grade,
    /// Whether it rests on something that nobody recorded or could read, whatever its grade.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
    /// Why it is not better than that, or why it is kept or blocked, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::text")]
    pub message: Option<String>,
    /// Why it cannot be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<BlockedReason>,
    /// Name of the record that it is kept for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub kept_for: Option<String>,
    /// Content of the permission set that is deleted or created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<PermissionSetContent>,
    /// Digest of what the permission set gives (policies, boundary and session) through which access
    /// is restored: the approval is for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::digest")]
    pub gives: Option<String>,
    /// Who truly loses or gains access by it; absent where that could not be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<AccessEffect>,
}

/// Who truly loses or gains access by an action, groups and everything else in the plan counted.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessEffect {
    /// How many people gain or lose it.
    pub people: i32,
    /// The first of them, by name or id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::lines")]
    pub names: Vec<String>,
    /// How many of the principal's people have it with or without this assignment.
    #[serde(default)]
    pub unchanged: i32,
    /// Others whose assignments give it to these: the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "atomic"))]
    pub through: Vec<NamedPrincipal>,
}

impl PlanItem {
    /// The key that the item is about.
    #[must_use]
    pub fn key(&self) -> Key {
        match (&self.account, &self.principal) {
            (Some(account), Some(principal)) => Key::Assignment(AssignmentKey {
                account: account.clone(),
                permission_set: self.permission_set.clone(),
                principal: principal.principal(),
            }),
            _ => Key::PermissionSet(self.permission_set.clone()),
        }
    }

    /// What the key is to become, or stay.
    #[must_use]
    pub fn goal(&self) -> Presence {
        match self.disposition {
            Disposition::Act | Disposition::Blocked => self.action.goal(),
            Disposition::AlreadySo | Disposition::Kept | Disposition::Unexplained => self.live,
        }
    }
}

/// What became of the actions of this shard, at most half a minute behind the Rollback.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RollbackPlanStatus {
    /// One entry for each action that was sent or failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub actions: Vec<ActionRecord>,
}

/// What became of one action.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ActionRecord {
    /// Index of the item within the whole plan.
    pub item: i32,
    /// AWS's id of the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// How often it was sent.
    #[serde(default)]
    pub attempts: i32,
    /// When AWS accepted the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub requested_at: Option<Timestamp>,
    /// When it was seen to have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub ended_at: Option<Timestamp>,
    /// When a fresh read showed the goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub verified_at: Option<Timestamp>,
    /// Why it failed, in AWS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::text")]
    pub reason: Option<String>,
}

impl ActionRecord {
    /// Of an action that was not sent.
    #[must_use]
    pub const fn of(item: i32) -> Self {
        Self {
            item,
            request_id: None,
            attempts: 0,
            requested_at: None,
            ended_at: None,
            verified_at: None,
            reason: None,
        }
    }
}
