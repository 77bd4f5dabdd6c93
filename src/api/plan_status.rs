//! The plan as the status of a Rollback sums it up.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::instance::ApprovalPolicy;
use super::schema;
use crate::model::Grade;

/// The largest number of refusals that a plan lists.
pub const MAX_REFUSALS: usize = 100;

/// The plan, summed up; its items are in `RollbackPlan` objects.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PlanStatus {
    /// Digest over all shards, the instance, the frozen policy and the intent. An approval names it.
    #[schemars(schema_with = "schema::digest")]
    pub digest: String,
    /// When it was made.
    #[schemars(schema_with = "schema::time")]
    pub created_at: Timestamp,
    /// When the records and AWS began to be read for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub observed_at: Option<Timestamp>,
    /// The instance's approval policy when the plan was made. The stricter of then and now holds.
    pub policy: ApprovalPolicy,
    /// The least exact grade of its actions.
    pub grade: Grade,
    /// Number of actions that are written.
    pub actions: i32,
    /// Number of keys that are left as they are: already so, kept for another record, or unexplained.
    pub kept: i32,
    /// How many of `kept` are as wanted already.
    #[serde(default)]
    pub already_so: i32,
    /// Number of keys that cannot be done.
    pub blocked: i32,
    /// Whether an action gives access; such a plan waits for approval under every policy but Never.
    #[serde(default)]
    pub gives_access: bool,
    /// When it may begin, as planned: an approval is for this time, and another one voids the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub not_before: Option<Timestamp>,
    /// When nothing new may be sent any more, as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub deadline: Option<Timestamp>,
    /// Whether an action rests on an unknown state before the operation; such a plan waits for approval under every policy.
    #[serde(default)]
    pub assumed: bool,
    /// Names of the shards, in order.
    #[schemars(schema_with = "schema::names")]
    pub shards: Vec<String>,
    /// What the undo does not give back, and what else an approver should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::lines")]
    pub warnings: Vec<String>,
    /// Who recorded what is undone, as far as stamps show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::lines")]
    pub authors: Vec<String>,
    /// Who approved it, as far as stamps show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::line")]
    pub approved_by: Option<String>,
    /// Why the instance's policy refuses it. Nothing is written until an approval accepts each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_REFUSALS), extend("x-kubernetes-list-type" = "atomic"))]
    pub refusals: Vec<PlanRefusal>,
    /// What of `spec.approval.accept` it was made with: failed changes that were made all the same, by record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::lines")]
    pub accepted: Vec<String>,
    /// How many people truly lose or gain access, groups counted; absent where that could not be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<AffectedPeople>,
    /// How long it will take and how many calls, at the provisioning latency seen so far.
    pub estimate: Estimate,
}

/// How many people a plan is about; each counts once, however many of their assignments change.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq, Eq)]
pub struct AffectedPeople {
    /// They lose some access.
    pub lose: i32,
    /// They gain some access.
    pub gain: i32,
    /// They keep some access that an assignment gave which is removed, because others give it too.
    pub keep: i32,
}

/// One reason why the instance's policy refuses a plan.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
pub struct PlanRefusal {
    /// What is refused.
    pub reason: GuardReason,
    /// What `spec.approval.accept` has to hold so that it is done all the same: the reason and what it is about, such as `LastAdministrator/123456789012`.
    #[schemars(schema_with = "schema::line")]
    pub accept: String,
    /// What would happen, in words.
    #[schemars(schema_with = "schema::text")]
    pub message: String,
}

/// What the guard of an instance refuses.
#[derive(
    Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
#[schemars(inline)]
pub enum GuardReason {
    /// An assignment of a protected permission set, or the set itself, would change.
    ProtectedPermissionSet,
    /// Access to a protected account would change.
    ProtectedAccount,
    /// Access of a protected user or group would change.
    ProtectedPrincipal,
    /// The operator would take the access that it works with.
    OwnAccess,
    /// Nobody would be left who administers an account.
    LastAdministrator,
    /// Whether anybody would be left who administers an account cannot be found out.
    AdministratorsUnknown,
    /// There are more actions than `policy.maxActions` allows.
    TooManyActions,
}

impl GuardReason {
    /// The name as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProtectedPermissionSet => "ProtectedPermissionSet",
            Self::ProtectedAccount => "ProtectedAccount",
            Self::ProtectedPrincipal => "ProtectedPrincipal",
            Self::OwnAccess => "OwnAccess",
            Self::LastAdministrator => "LastAdministrator",
            Self::AdministratorsUnknown => "AdministratorsUnknown",
            Self::TooManyActions => "TooManyActions",
        }
    }
}

/// What the execution of a plan will cost.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Seconds from approval to verified, alone on the instance.
    pub seconds: f64,
    /// AWS calls.
    pub calls: i32,
}
