//! `OperationRecord`: the immutable account of something that was done.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;
pub use crate::model::PermissionSetContent;
use crate::model::{
    AccountId, Before, Effect, OperationType, PermissionSetArn, Presence, Principal, PrincipalId,
    PrincipalType, RequestId,
};

/// Permission sets that one ledger has room for, of those deleted and of those created.
pub const MAX_DELETED_SETS: usize = 100;

/// Something that was done to access in one Identity Center instance. Immutable.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "identitycenter.dev",
    version = "v1alpha1",
    kind = "OperationRecord",
    plural = "operationrecords",
    shortname = "oprec",
    category = "identitycenter",
    namespaced,
    status = "OperationRecordStatus",
    derive = "PartialEq",
    doc = "Something that was done to access in one Identity Center instance: by awsideman, another tool or a person; or, with type Rollback, the ledger that the operator writes of what it undid. Its spec is immutable.",
    selectable = ".spec.instance",
    selectable = ".spec.type",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(name = "Occurred", type_ = "string", json_path = ".spec.occurredAt"),
    printcolumn(name = "Actor", type_ = "string", json_path = ".spec.actor"),
    printcolumn(
        name = "Rolled-Back",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="RolledBack")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Instance", type_ = "string", json_path = ".spec.instance", priority = 1),
    printcolumn(name = "Tool", type_ = "string", json_path = ".spec.source.tool", priority = 1),
    printcolumn(name = "Source-ID", type_ = "string", json_path = ".spec.source.id", priority = 1),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self == oldSelf", "an OperationRecord cannot be changed: it is the account of something that happened"),
    validation = ("(self.type == 'Rollback') == has(self.rollback)", "rollback is set exactly in records of type Rollback"),
    validation = ("!has(self.startedAt) || self.startedAt <= self.occurredAt", "startedAt is not later than occurredAt"),
    validation = ("!has(self.createdPermissionSet) || self.type in ['ClonePermissionSet', 'Rollback']", "createdPermissionSet belongs to ClonePermissionSet only"),
    validation = ("self.type != 'ClonePermissionSet' || has(self.createdPermissionSet)", "a ClonePermissionSet record names createdPermissionSet"),
    validation = ("!(self.type in ['Assign', 'Revoke', 'CopyAssignments']) || self.changes.size() > 0", "a record of this type names at least one change"),
)]
pub struct OperationRecordSpec {
    /// Name of the `IdentityCenterInstance` that it happened in.
    #[schemars(schema_with = "schema::name")]
    pub instance: String,
    /// What was done.
    #[serde(rename = "type")]
    pub operation_type: OperationType,
    /// When it was done.
    #[schemars(schema_with = "schema::time")]
    pub occurred_at: Timestamp,
    /// When it began, where its source gives it one time for many changes, as awsideman does when the last of them is done. What another record did to the same key in between has no known order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub started_at: Option<Timestamp>,
    /// How exactly `occurredAt` is known. Two records that are closer than this have no known order.
    #[serde(default)]
    pub occurred_at_precision: Precision,
    /// Who did it, as the source names them: a user name, a role session, an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::text")]
    pub actor: Option<String>,
    /// Where this account comes from. It is the record's identity: a second object with the same source is the same record.
    pub source: Source,
    /// Assignments that were made or removed, grouped: each entry is one principal and one permission set in some accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub changes: Vec<Change>,
    /// The permission set that a clone made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_permission_set: Option<CreatedPermissionSet>,
    /// Changes that were tried and, by this account, not made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub failed: Vec<FailedChange>,
    /// Why it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::text")]
    pub reason: Option<String>,
    /// Ticket that it was done for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub ticket: Option<String>,
    /// Who created this record. Stamped by the API server where the admission policies are installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub recorded_by: Option<String>,
    /// What an undo did: only in records of type Rollback, which the operator writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<LedgerEntry>,
}

/// How exactly a time is known.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum Precision {
    /// To the microsecond.
    #[default]
    Microsecond,
    /// To the second.
    Second,
    /// To the minute.
    Minute,
}

/// Where a record comes from.
#[derive(
    Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
pub struct Source {
    /// Tool that kept the original, such as `awsideman`, `cloudtrail` or `rollback-operator`.
    #[schemars(length(min = 1, max = 63))]
    pub tool: String,
    /// The original's id within that tool.
    #[schemars(length(min = 1, max = 253))]
    pub id: String,
}

/// One principal and one permission set in some accounts.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Whether access was given or taken.
    pub effect: Effect,
    /// Whose access.
    pub principal: NamedPrincipal,
    /// ARN of the permission set.
    pub permission_set: PermissionSetArn,
    /// Name of the permission set at that time, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub permission_set_name: Option<String>,
    /// Accounts in which it was done.
    #[schemars(schema_with = "schema::accounts")]
    pub accounts: Vec<AccountId>,
    /// What was there before, if the source knows it.
    #[serde(default)]
    pub before: Before,
    /// AWS's id of the request, if there was one request and the source kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

/// A user or a group, with its name for people.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
pub struct NamedPrincipal {
    /// User or group.
    #[serde(rename = "type")]
    pub kind: PrincipalType,
    /// Its id in the identity store.
    pub id: PrincipalId,
    /// Its name at that time, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub name: Option<String>,
}

impl NamedPrincipal {
    /// The identity without the name.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal { kind: self.kind, id: self.id.clone() }
    }
}

/// A permission set that a clone made.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CreatedPermissionSet {
    /// ARN of the new set.
    pub arn: PermissionSetArn,
    /// Name of the new set.
    #[schemars(length(min = 1, max = 32))]
    pub name: String,
    /// ARN of the set that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PermissionSetArn>,
    /// Digest of the content that it was made with, if the source knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::digest")]
    pub content_digest: Option<String>,
    /// The content that it was made with, if the source knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<PermissionSetContent>,
    /// ARN of a set that was deleted and that this one stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PermissionSetArn>,
}

/// A change that was tried and, by the source's account, not made.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FailedChange {
    /// Whether access was to be given or taken.
    pub effect: Effect,
    /// Whose access.
    pub principal: NamedPrincipal,
    /// ARN of the permission set.
    pub permission_set: PermissionSetArn,
    /// Accounts in which it was tried.
    #[schemars(schema_with = "schema::accounts")]
    pub accounts: Vec<AccountId>,
    /// What the source says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::text")]
    pub message: Option<String>,
}

/// What one attempt of a Rollback did: the ledger.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The Rollback.
    pub by: RollbackIdentity,
    /// Which attempt of it.
    pub attempt: i32,
    /// How the attempt ended: a phase of the Rollback.
    #[schemars(schema_with = "schema::line")]
    pub outcome: String,
    /// Digest of the plan that was executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::digest")]
    pub digest: Option<String>,
    /// The records that were undone, by identity and content.
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub undone: Vec<RecordRef>,
    /// Every key of the plan, grouped by what was found and what became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20000), extend("x-kubernetes-list-type" = "atomic"))]
    pub keys: Vec<LedgerKeys>,
    /// Permission sets that were deleted, with their content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_DELETED_SETS), extend("x-kubernetes-list-type" = "atomic"))]
    pub deleted_permission_sets: Vec<CreatedPermissionSet>,
    /// Permission sets that were created in place of deleted ones, with the content that they were created with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_DELETED_SETS), extend("x-kubernetes-list-type" = "atomic"))]
    pub created_permission_sets: Vec<CreatedPermissionSet>,
    /// Who asked for the undo and who recorded what was undone, as far as stamps show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::lines")]
    pub authors: Vec<String>,
    /// Who approved it, as far as stamps show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub approved_by: Option<String>,
    /// When AWS began to be read for the plan: what is said of keys that were not written was so then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub observed_at: Option<Timestamp>,
    /// When the first intent was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub started_at: Option<Timestamp>,
    /// When the last key settled.
    #[schemars(schema_with = "schema::time")]
    pub finished_at: Timestamp,
}

/// Which Rollback.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
pub struct RollbackIdentity {
    /// Its namespace.
    #[schemars(schema_with = "schema::name")]
    pub namespace: String,
    /// Its name.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Its uid: a re-created object of the same name has another one.
    #[schemars(length(max = 64))]
    pub uid: String,
}

/// A record by identity and content, so that one that was deleted and imported again is found.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
pub struct RecordRef {
    /// Name of the object when it was planned.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// Its identity.
    pub source: Source,
    /// Digest of its spec.
    #[schemars(schema_with = "schema::digest")]
    pub digest: String,
}

/// Keys of one principal and one permission set that were found and left alike.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LedgerKeys {
    /// ARN of the permission set.
    pub permission_set: PermissionSetArn,
    /// Whose access; absent for the existence of the permission set itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<NamedPrincipal>,
    /// The accounts; absent for the existence of the permission set itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10000), extend("x-kubernetes-list-type" = "atomic"))]
    pub accounts: Vec<AccountId>,
    /// What was read in AWS before anything was sent.
    pub before: Presence,
    /// What it was to become.
    pub goal: Presence,
    /// What became of it.
    pub outcome: LedgerOutcome,
}

/// What became of a key.
#[derive(
    Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
#[schemars(inline)]
pub enum LedgerOutcome {
    /// Changed and read back at its goal.
    Verified,
    /// It was at its goal already; no call.
    AlreadySo,
    /// Left as it is, because another record holds it.
    Kept,
    /// Not changed by the operation as far as anyone knows; left as it is, and open.
    Unexplained,
    /// AWS refused; still open.
    Failed,
    /// Could not be done; still open.
    Blocked,
    /// Never sent; still open.
    Unsent,
    /// What became of it could not be found out; still open.
    Unknown,
}

impl LedgerOutcome {
    /// Whether the undo of this key is over: it withdraws the record for the key.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Verified | Self::AlreadySo | Self::Kept)
    }
}

/// A view of what was undone; the ledger records are the truth.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OperationRecordStatus {
    /// `RolledBack`: True when no key is open, False when some are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Names of the ledger records that undid this one, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::lines")]
    pub rolled_back_by: Vec<String>,
}
