//! The status of a Rollback: phase, plan, journal, timing.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan_status::PlanStatus;
use super::record::RecordRef;
use super::schema;
pub use super::timing::{Latency, Recommendation, Shares, Timing};
use crate::model::{ActionKind, ActionState, PermissionSetArn, RequestId};

/// Where a Rollback is on its way.
#[derive(
    Serialize,
    Deserialize,
    JsonSchema,
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
)]
#[schemars(inline)]
pub enum Phase {
    /// Not looked at yet, or something it needs does not exist yet.
    #[default]
    Pending,
    /// Records and live state are read.
    Planning,
    /// The plan is there; nothing more was asked for.
    Planned,
    /// The plan waits for its approval.
    AwaitingApproval,
    /// Actions are sent.
    Executing,
    /// Every action ended; the last keys are read back.
    Verifying,
    /// Every key is as wanted and was read back.
    Succeeded,
    /// Some keys are as wanted, others are still open.
    PartiallySucceeded,
    /// Nothing could be undone.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its plan was rejected.
    Rejected,
    /// Nothing was open.
    AlreadyRolledBack,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 12] = [
        Self::Pending,
        Self::Planning,
        Self::Planned,
        Self::AwaitingApproval,
        Self::Executing,
        Self::Verifying,
        Self::Succeeded,
        Self::PartiallySucceeded,
        Self::Failed,
        Self::Cancelled,
        Self::Rejected,
        Self::AlreadyRolledBack,
    ];

    /// The name as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Planning => "Planning",
            Self::Planned => "Planned",
            Self::AwaitingApproval => "AwaitingApproval",
            Self::Executing => "Executing",
            Self::Verifying => "Verifying",
            Self::Succeeded => "Succeeded",
            Self::PartiallySucceeded => "PartiallySucceeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Rejected => "Rejected",
            Self::AlreadyRolledBack => "AlreadyRolledBack",
        }
    }

    /// Whether this attempt is over.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::PartiallySucceeded
                | Self::Failed
                | Self::Cancelled
                | Self::Rejected
                | Self::AlreadyRolledBack
        )
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a Rollback so far. Only the operator writes it.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RollbackStatus {
    /// Generation of the spec that this status is about; -1 before the first look.
    #[serde(default = "minus_one")]
    pub observed_generation: i64,
    /// Where it is on its way.
    #[serde(default)]
    pub phase: Phase,
    /// One plain sentence: what happened and what is next.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "schema::text")]
    pub summary: String,
    /// What is undone, for `kubectl get`: the name of the record, or how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub operation: Option<String>,
    /// Type of what is undone, for `kubectl get`; Mixed if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub operation_type: Option<String>,
    /// Name of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub instance: Option<String>,
    /// The attempt that this status is about.
    #[serde(default)]
    pub attempt: i32,
    /// `Ready`, `Reconciling`, `Stalled` as kstatus reads them, and `Planned`, `Approved`, `Executed`, `Verified`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The records that are undone, by identity and content, as they were at the first plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub record_refs: Vec<RecordRef>,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanStatus>,
    /// How far the actions have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Actions with a persisted intent or at work in AWS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "atomic"))]
    pub in_flight: Vec<InFlight>,
    /// The first failures. The reasons of all are in the plan's shards, but for those that the operator could not write there before it was ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "atomic"))]
    pub failures: Vec<Failure>,
    /// How long each part took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// What would make it faster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub recommendations: Vec<Recommendation>,
    /// Permission sets that this attempt created, and which deleted ones they stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "atomic"))]
    pub created_permission_sets: Vec<Replacement>,
    /// Name of the ledger record of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub ledger: Option<String>,
}

const fn minus_one() -> i64 {
    -1
}

impl Default for RollbackStatus {
    fn default() -> Self {
        Self {
            observed_generation: minus_one(),
            phase: Phase::Pending,
            summary: String::new(),
            operation: None,
            operation_type: None,
            instance: None,
            attempt: 0,
            conditions: Vec::new(),
            record_refs: Vec::new(),
            plan: None,
            progress: None,
            in_flight: Vec::new(),
            failures: Vec::new(),
            timing: None,
            recommendations: Vec::new(),
            created_permission_sets: Vec::new(),
            ledger: None,
        }
    }
}

/// A permission set that stands for one that was deleted: AWS never gives an ARN twice.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// ARN of the one that was deleted.
    pub replaces: PermissionSetArn,
    /// ARN of the one that was created.
    pub arn: PermissionSetArn,
}

/// How far the actions have come.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Number of items of the plan, but for those that are left as they are.
    pub total: i32,
    /// Number that are verified or were already so when their turn came.
    pub done: i32,
    /// Number that failed.
    pub failed: i32,
    /// Number that were blocked or skipped.
    pub skipped: i32,
    /// Number with an intent or at work in AWS.
    pub in_flight: i32,
    /// `done` of `total`, from 0 to 100.
    pub percent: i32,
    /// `done/total`, for `kubectl get`.
    #[serde(default)]
    #[schemars(schema_with = "schema::line")]
    pub display: String,
    /// The journal: one string for each shard with one character for each item. `.` planned, `i` intent, `r` requested, `s` settled but not yet verified, `v` verified, `k` already so, `f` failed, `b` blocked, `u` unknown.
    #[schemars(length(max = 20), inner(length(max = 1000)), extend("x-kubernetes-list-type" = "atomic"))]
    pub shards: Vec<String>,
}

impl Progress {
    /// Number of items that were written and are not read back yet.
    #[must_use]
    pub fn unread(&self) -> usize {
        let letter = ActionState::Settled.letter();
        self.shards.iter().map(|shard| shard.matches(letter).count()).sum()
    }
}

/// An action with a persisted intent.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct InFlight {
    /// Index of the item within the whole plan.
    pub item: i32,
    /// What it does.
    pub action: ActionKind,
    /// When the intent was written.
    #[schemars(schema_with = "schema::time")]
    pub intent_at: Timestamp,
    /// How often it was tried, this time included.
    pub attempt: i32,
    /// How many of these were found never to have reached AWS.
    #[serde(default, skip_serializing_if = "none_is_unsent")]
    pub unsent: i32,
    /// When it was tried first.
    #[schemars(schema_with = "schema::time")]
    pub first_at: Timestamp,
    /// AWS's id of the request, once it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// When AWS accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub requested_at: Option<Timestamp>,
    /// When it was seen to have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub ended_at: Option<Timestamp>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn none_is_unsent(unsent: &i32) -> bool {
    *unsent == 0
}

impl InFlight {
    /// How often AWS was asked, this time included.
    #[must_use]
    pub const fn tries(&self) -> i32 {
        self.attempt.saturating_sub(self.unsent)
    }
}

/// One action that did not succeed.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Index of the item within the whole plan.
    pub item: i32,
    /// What was to be done, in words with account, permission set and principal.
    #[schemars(schema_with = "schema::text")]
    pub action: String,
    /// A stable reason.
    #[schemars(schema_with = "schema::line")]
    pub reason: String,
    /// What AWS said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "schema::text")]
    pub message: String,
    /// AWS's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "schema::text")]
    pub next_step: String,
}
