//! What a plan is asked for with, and what it is.

use jiff::Timestamp;
use serde::Serialize;

use super::live::Live;
use super::record::Record;
use crate::api::RollbackSpec;
use crate::api::instance::Policy;
use crate::api::plan::PlanItem;
use crate::api::plan_status::{AffectedPeople, PlanRefusal};
use crate::api::record::RecordRef;
use crate::api::rollback::{Mode, OnDrift, OnFailure, Verification};
use crate::model::{Grade, InstanceArn};

/// Everything that a plan is made from.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Name of the instance.
    pub instance: &'a str,
    /// ARN of the instance.
    pub instance_arn: &'a InstanceArn,
    /// All records of the instance, of all namespaces that count, that touch a touched key:
    /// ledgers too. The selected ones may be among them.
    pub records: &'a [Record],
    /// The records that are undone.
    pub selected: &'a [Record],
    /// The policy that is frozen with the plan.
    pub policy: &'a Policy,
    /// What was read in AWS.
    pub live: &'a Live,
    /// What is intended with the plan.
    pub intent: Intent,
    /// What `spec.approval.accept` holds: failed changes that it names by their record are undone too.
    pub accept: &'a [String],
}

/// The part of a Rollback's spec that an approval is about, beside the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Intent {
    /// Whether the plan is executed.
    pub mode: Mode,
    /// Which attempt it is for.
    pub attempt: i32,
    /// When it may begin.
    pub not_before: Option<Timestamp>,
    /// When nothing new may be sent any more.
    pub deadline: Option<Timestamp>,
    /// What happens to a key that drifted.
    pub on_drift: OnDrift,
    /// What happens after a failure.
    pub on_failure: OnFailure,
    /// How long after its request a key is read back at the earliest.
    pub settle: String,
}

impl Intent {
    /// The intent of a Rollback.
    #[must_use]
    pub fn of(spec: &RollbackSpec) -> Self {
        Self {
            mode: spec.mode,
            attempt: spec.attempt,
            not_before: spec.not_before,
            deadline: spec.deadline,
            on_drift: spec.on_drift,
            on_failure: spec.on_failure,
            settle: spec.verification.clone().unwrap_or_default().settle,
        }
    }
}

impl Default for Intent {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            attempt: 1,
            not_before: None,
            deadline: None,
            on_drift: OnDrift::default(),
            on_failure: OnFailure::default(),
            settle: Verification::default().settle,
        }
    }
}

/// What is done about every open key of the selected records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The actions in the order of execution, then every key that is left as it is.
    pub items: Vec<PlanItem>,
    /// The least exact grade of what is done or blocked.
    pub grade: Grade,
    /// Whether an action gives access.
    pub gives_access: bool,
    /// Whether an action rests on something that nobody recorded.
    pub assumed: bool,
    /// What an approver should know beside the grade: at most 100 sentences.
    pub warnings: Vec<String>,
    /// What the instance's policy refuses, by reason.
    pub refusals: Vec<PlanRefusal>,
    /// How many people lose and gain access; none where that could not be found out.
    pub people: Option<AffectedPeople>,
    /// Number of items that are written.
    pub actions: usize,
    /// Number of items that are left: already so, kept or unexplained.
    pub kept: usize,
    /// Number of items that cannot be done.
    pub blocked: usize,
    /// Digest of the meaning of the plan.
    pub digest: String,
    /// The records that are undone, oldest first.
    pub record_refs: Vec<RecordRef>,
    /// Who recorded what is undone, as far as stamps show: at most 100.
    pub authors: Vec<String>,
}
