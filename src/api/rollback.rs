//! `Rollback`: the wish to undo recorded operations.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rollback_status::RollbackStatus;
use super::schema;
use crate::model::{AccountId, OperationType, PermissionSetArn, PrincipalId};

/// The wish to undo recorded operations.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "identitycenter.dev",
    version = "v1alpha1",
    kind = "Rollback",
    plural = "rollbacks",
    shortname = "rb",
    category = "identitycenter",
    namespaced,
    status = "RollbackStatus",
    derive = "PartialEq",
    doc = "The wish to undo recorded operations. The operator computes the inverse from the records and from live AWS state, shows it as a plan, waits for approval where policy wants one, executes it, reads it back, and writes a ledger record.",
    printcolumn(name = "Operation", type_ = "string", json_path = ".status.operation"),
    printcolumn(name = "Type", type_ = "string", json_path = ".status.operationType"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Done", type_ = "string", json_path = ".status.progress.display"),
    printcolumn(name = "Grade", type_ = "string", json_path = ".status.plan.grade"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        priority = 1
    ),
    printcolumn(
        name = "Approver",
        type_ = "string",
        json_path = ".status.plan.approvedBy",
        priority = 1
    ),
    printcolumn(name = "Plan", type_ = "string", json_path = ".status.plan.digest", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.summary", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self.operations == oldSelf.operations", "operations cannot be changed: create another Rollback"),
    validation = ("self.mode == oldSelf.mode || (oldSelf.mode == 'PlanOnly' && self.mode == 'Apply')", "mode can only be changed from PlanOnly to Apply"),
    validation = ("self.onDrift == oldSelf.onDrift", "onDrift cannot be changed: create another Rollback"),
    validation = ("self.onFailure == oldSelf.onFailure", "onFailure cannot be changed: create another Rollback"),
    validation = ("self.attempt >= oldSelf.attempt", "attempt can only be raised"),
    validation = ("!oldSelf.cancel || self.cancel", "cancel cannot be taken back: create another Rollback"),
    validation = ("has(self.verification) == has(oldSelf.verification) && (!has(self.verification) || self.verification == oldSelf.verification)", "verification cannot be changed: create another Rollback"),
    validation = ("has(self.reason) == has(oldSelf.reason) && (!has(self.reason) || self.reason == oldSelf.reason)", "reason cannot be changed: it is part of the account"),
    validation = ("has(self.ticket) == has(oldSelf.ticket) && (!has(self.ticket) || self.ticket == oldSelf.ticket)", "ticket cannot be changed: it is part of the account"),
    validation = ("!has(oldSelf.approval) || !oldSelf.approval.reject || (has(self.approval) && self.approval.reject)", "a rejection is final: create another Rollback"),
)]
pub struct RollbackSpec {
    /// Which operations to undo. Immutable.
    pub operations: Operations,
    /// Apply undoes; `PlanOnly` only shows the plan and may later be switched to Apply.
    #[serde(default)]
    pub mode: Mode,
    /// The approval of a plan: written once the plan is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What to do about a key that is neither as planned nor as wanted when its turn comes: Skip leaves it and goes on, Fail stops sending. Immutable.
    #[serde(default)]
    pub on_drift: OnDrift,
    /// What to do after an action failed: Continue with the others, or Stop sending. Immutable.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Emergency goes first where Rollbacks share the quota of one instance.
    #[serde(default)]
    pub priority: Priority,
    /// Nothing is sent before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub not_before: Option<Timestamp>,
    /// Nothing new is sent after this time; what was waited for until then fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub deadline: Option<Timestamp>,
    /// While true nothing new is sent; what is at work in AWS ends.
    #[serde(default)]
    pub suspend: bool,
    /// Ends the Rollback: nothing new is sent, what is at work in AWS ends, the rest stays as it is. Cannot be taken back.
    #[serde(default)]
    pub cancel: bool,
    /// Raise it to try again what is still open, with a plan, an approval and a ledger record of its own.
    #[serde(default = "default_attempt")]
    #[schemars(range(min = 1, max = 1000))]
    pub attempt: i32,
    /// How undone keys are read back. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// How long after its end the Rollback is deleted, such as `24h`; its ledger record stays. By default it stays, too; and it stays if it ended `Failed` or `PartiallySucceeded`, and while it bears the labels or annotations of Flux, Argo CD or Helm, which would create it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub ttl_after_finished: Option<String>,
    /// Why the operations are undone. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::text")]
    pub reason: Option<String>,
    /// Ticket for the undo. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub ticket: Option<String>,
    /// Who created the Rollback. Stamped by the API server where the admission policies are installed, and trusted only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub requested_by: Option<String>,
    /// Who last changed what is intended: mode, attempt, notBefore or deadline. Stamped by the API server where the admission policies are installed, and trusted only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub changed_by: Option<String>,
}

const fn default_attempt() -> i32 {
    1
}

/// Which operations to undo.
#[derive(Serialize, Deserialize, KubeSchema, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.select) || (has(self.names) && self.names.size() > 0)", "operations says nothing to undo: name OperationRecords of this namespace in names, or give criteria in select"),
    validation = ("!has(self.select) || !has(self.names) || self.names.size() == 0", "operations takes either names or select, not both"),
)]
pub struct Operations {
    /// Names of `OperationRecords` in the Rollback's namespace. All must belong to one instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::names")]
    pub names: Vec<String>,
    /// Selects records of the Rollback's namespace by what they say. Resolved once, at the first plan: `status.recordRefs` names what was found, and no later plan is about anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
}

/// Selects records by what they say. All given criteria must fit, and a record that fits is undone as a whole. Records that are rolled back already are left out.
#[derive(Serialize, Deserialize, KubeSchema, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("has(self.labels) || (has(self.types) && self.types.size() > 0) || has(self.actor) || has(self.principal) || has(self.permissionSet) || (has(self.accounts) && self.accounts.size() > 0) || has(self.from) || has(self.to) || has(self.last)", "select needs a criterion: labels, types, actor, principal, permissionSet, accounts, from, to or last"),
    validation = ("!has(self.from) || !has(self.to) || self.from <= self.to", "select.from is after select.to, so that nothing can fit: exchange them"),
)]
pub struct Select {
    /// Name of the `IdentityCenterInstance` whose records are looked at. Needed only where the other criteria fit records of several instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub instance: Option<String>,
    /// Labels that the records bear, in Kubernetes' selector syntax, such as `team=payments,env in (prod, stage)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::words")]
    pub labels: Option<String>,
    /// Any of these types of operations. Ledgers, of type Rollback, are selected only if that is named here: to undo one is a redo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-kubernetes-list-type" = "atomic"))]
    pub types: Vec<OperationType>,
    /// Who did it, exactly as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::words")]
    pub actor: Option<String>,
    /// Whose access was changed: the id of a user or group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalId>,
    /// With which permission set, by its ARN; a clone fits by the set that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_set: Option<PermissionSetArn>,
    /// In any of which accounts something was changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub accounts: Vec<AccountId>,
    /// Not before this time, by the records' `occurredAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub from: Option<Timestamp>,
    /// Not after this time; by default the creation of the Rollback. Give it where the object may be created again, as from Git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub to: Option<Timestamp>,
    /// The newest so many of what fits and is not rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub last: Option<i32>,
}

/// Whether the plan is executed.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum Mode {
    /// The plan is executed.
    #[default]
    Apply,
    /// The plan is only shown.
    PlanOnly,
}

/// The approval, or rejection, of a plan.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Digest of the plan that is approved: `status.plan.digest`. An approval of another plan has no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::digest")]
    pub plan: Option<String>,
    /// What the approver accepts although the policy refuses it, as `status.plan.refusals[].accept` writes it; or `PossiblyApplied/` and the name of a record whose failed changes are to be undone too. What fits nothing has no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::lines")]
    pub accept: Vec<String>,
    /// Ends the Rollback without executing its plan; while that is executed, the same as `spec.cancel`. Cannot be taken back.
    #[serde(default)]
    pub reject: bool,
    /// Who approved. Stamped by the API server where the admission policies are installed, and trusted only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub approved_by: Option<String>,
}

/// What to do about drift.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum OnDrift {
    /// The key is left and the others go on.
    #[default]
    Skip,
    /// Nothing new is sent.
    Fail,
}

/// What to do after a failure.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum OnFailure {
    /// The others go on.
    #[default]
    Continue,
    /// Nothing new is sent.
    Stop,
}

/// Who goes first where the quota is shared.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum Priority {
    /// Shares alike.
    #[default]
    Normal,
    /// Goes first.
    Emergency,
}

/// How undone keys are read back.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// How long after a request has ended its key is read back at the earliest, such as `2s`. AWS's lists lag behind its writes.
    #[serde(default = "default_settle")]
    #[schemars(schema_with = "schema::duration")]
    pub settle: String,
}

fn default_settle() -> String {
    "2s".to_owned()
}

impl Default for Verification {
    fn default() -> Self {
        Self { settle: default_settle() }
    }
}
