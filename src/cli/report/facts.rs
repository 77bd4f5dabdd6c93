//! What a report says, as data: `docs/schemas/report.json` describes its JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt as _;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::plan::{ActionRecord, Disposition, PlanItem};
use crate::api::plan_status::PlanStatus;
use crate::api::rollback::Mode;
use crate::api::rollback_status::{Failure, Recommendation, Replacement, RollbackStatus, Timing};
use crate::api::{Phase, Rollback, RollbackPlan};
use crate::model::ActionState;

/// All that is known about one attempt of a Rollback.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Report of a Rollback")]
pub struct Report {
    /// Name of the Rollback.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid.
    pub uid: String,
    /// When this report was written.
    pub written_at: Timestamp,
    /// The attempt that it is about.
    pub attempt: i32,
    /// Where the Rollback is.
    pub phase: Phase,
    /// What it says of itself.
    pub summary: String,
    /// What was asked, and by whom.
    pub asked: Asked,
    /// The plan; absent before there is one.
    pub plan: Option<PlanStatus>,
    /// When what happened, and how long it took.
    pub timing: Option<Timing>,
    /// What would have made it faster.
    pub recommendations: Vec<Recommendation>,
    /// Permission sets that were created in place of deleted ones.
    pub created_permission_sets: Vec<Replacement>,
    /// The record of what was done; absent until it is written.
    pub ledger: Option<String>,
    /// One entry for each key of the plan, in its order.
    pub keys: Vec<KeyFacts>,
}

/// What was asked, and by whom.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// When the Rollback was created.
    pub at: Option<Timestamp>,
    /// Who created it, as the API server says.
    pub by: Option<String>,
    /// Who changed last what it intends.
    pub changed_by: Option<String>,
    /// Who approved the plan; absent where nobody had to, or where the name is not proven.
    pub approved_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Where it is discussed.
    pub ticket: Option<String>,
    /// Whether it was to be executed at all.
    pub mode: Mode,
    /// The instance.
    pub instance: Option<String>,
    /// The records that were to be undone.
    pub records: Vec<String>,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Outcome {
    /// It failed.
    Failed,
    /// What became of it could not be found out.
    Unknown,
    /// It cannot be done.
    Blocked,
    /// It was not sent.
    NotSent,
    /// It is at work.
    InFlight,
    /// Its request ended well, and it was not read back.
    NotReadBack,
    /// Nobody asked for the change that is seen; it was left.
    Unexplained,
    /// It was left for another record.
    Kept,
    /// It was as wanted.
    AlreadySo,
    /// It was written and read back.
    Done,
}

impl Outcome {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Blocked => "blocked",
            Self::NotSent => "not sent",
            Self::InFlight => "in flight",
            Self::NotReadBack => "not read back",
            Self::Unexplained => "unexplained",
            Self::Kept => "kept",
            Self::AlreadySo => "as wanted",
            Self::Done => "done",
        }
    }

    /// Whether the key is not as the undo wants it, as far as is known.
    pub const fn remains(self) -> bool {
        !matches!(self, Self::AlreadySo | Self::Done)
    }
}

/// A key of the plan, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyFacts {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// What became of it.
    pub outcome: Outcome,
    /// What the plan said of it.
    pub item: PlanItem,
    /// AWS's id of the last request.
    pub request_id: Option<String>,
    /// How often it was sent.
    pub attempts: i32,
    /// When AWS accepted the last request.
    pub requested_at: Option<Timestamp>,
    /// When that was seen to have ended.
    pub ended_at: Option<Timestamp>,
    /// When a fresh read showed the goal.
    pub verified_at: Option<Timestamp>,
    /// Why it is not done, in words.
    pub why: Option<String>,
    /// What to do about it.
    pub next_step: Option<String>,
}

impl KeyFacts {
    /// Seconds from the accepted request to its end.
    pub fn seconds(&self) -> Option<f64> {
        let (from, to) = (self.requested_at?, self.ended_at?);
        Some(to.duration_since(from).as_secs_f64().max(0.0))
    }
}

impl Report {
    /// Puts together what a Rollback and the parts of its plan say.
    pub fn new(rollback: &Rollback, parts: &[RollbackPlan], now: Timestamp) -> Self {
        let status = rollback.status.clone().unwrap_or_default();
        let spec = &rollback.spec;
        let found = status.record_refs.iter().map(|found| found.name.clone());
        let records = if status.record_refs.is_empty() {
            spec.operations.names.clone()
        } else {
            found.collect()
        };
        let keys = keys(&status, parts);
        let approved_by = status.plan.as_ref().and_then(|plan| plan.approved_by.clone());
        Self {
            name: rollback.name_any(),
            namespace: rollback.namespace().unwrap_or_default(),
            uid: rollback.uid().unwrap_or_default(),
            written_at: now,
            attempt: status.attempt,
            phase: status.phase,
            summary: status.summary,
            asked: Asked {
                at: rollback.creation_timestamp().map(|at| at.0),
                by: spec.requested_by.clone(),
                changed_by: spec.changed_by.clone(),
                approved_by,
                reason: spec.reason.clone(),
                ticket: spec.ticket.clone(),
                mode: spec.mode,
                instance: status.instance,
                records,
            },
            plan: status.plan,
            timing: status.timing,
            recommendations: status.recommendations,
            created_permission_sets: status.created_permission_sets,
            ledger: status.ledger,
            keys,
        }
    }

    /// How many keys came to each outcome.
    pub fn counts(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for key in &self.keys {
            *counts.entry(key.outcome).or_default() += 1;
        }
        counts
    }
}

fn keys(status: &RollbackStatus, parts: &[RollbackPlan]) -> Vec<KeyFacts> {
    let index = |item: i32| usize::try_from(item).ok();
    let records = parts.iter().filter_map(|part| part.status.as_ref());
    let records = records.flat_map(|status| &status.actions);
    let records: BTreeMap<usize, &ActionRecord> =
        records.filter_map(|record| Some((index(record.item)?, record))).collect();
    let failures: BTreeMap<usize, &Failure> =
        status.failures.iter().filter_map(|it| Some((index(it.item)?, it))).collect();
    let journal = status.progress.as_ref().map(|progress| states(&progress.shards));
    let in_flight: BTreeMap<usize, _> =
        status.in_flight.iter().filter_map(|it| Some((index(it.item)?, it))).collect();
    let items = parts.iter().flat_map(|part| &part.spec.items);
    items
        .enumerate()
        .map(|(index, item)| {
            let (record, failure) = (records.get(&index).copied(), failures.get(&index).copied());
            let open = in_flight.get(&index).copied();
            let outcome = outcome(item, journal.as_deref(), index);
            let failed = failure.map(|failure| format!("{}: {}", failure.reason, failure.message));
            let failed = failed.or_else(|| record.and_then(|record| record.reason.clone()));
            let request_id = record.and_then(|record| record.request_id.as_ref());
            let request_id = request_id.or_else(|| open.and_then(|open| open.request_id.as_ref()));
            KeyFacts {
                index,
                outcome,
                request_id: request_id.map(ToString::to_string),
                attempts: record.map_or(0, |record| record.attempts),
                requested_at: record
                    .and_then(|record| record.requested_at)
                    .or_else(|| open.and_then(|open| open.requested_at)),
                ended_at: record
                    .and_then(|record| record.ended_at)
                    .or_else(|| open.and_then(|open| open.ended_at)),
                verified_at: record.and_then(|record| record.verified_at),
                why: failed.or_else(|| item.message.clone()),
                next_step: failure.map(|failure| failure.next_step.clone()),
                item: item.clone(),
            }
        })
        .collect()
}

/// What `status.progress.shards` says of each item, one letter each.
fn states(shards: &[String]) -> Vec<Option<ActionState>> {
    let letters = shards.iter().flat_map(|shard| shard.chars());
    letters.map(ActionState::from_letter).collect()
}

/// What the journal says of an item that was to be changed, and the plan of all others; `None` where
/// there is no journal, because nothing was begun.
fn outcome(item: &PlanItem, journal: Option<&[Option<ActionState>]>, index: usize) -> Outcome {
    match item.disposition {
        Disposition::AlreadySo => return Outcome::AlreadySo,
        Disposition::Kept => return Outcome::Kept,
        Disposition::Unexplained => return Outcome::Unexplained,
        Disposition::Blocked => return Outcome::Blocked,
        Disposition::Act => {}
    }
    let Some(states) = journal else { return Outcome::NotSent };
    match states.get(index).copied().flatten() {
        Some(ActionState::Planned) => Outcome::NotSent,
        Some(ActionState::Intent | ActionState::Requested) => Outcome::InFlight,
        Some(ActionState::Settled) => Outcome::NotReadBack,
        Some(ActionState::Verified) => Outcome::Done,
        Some(ActionState::AlreadySo) => Outcome::AlreadySo,
        Some(ActionState::Failed) => Outcome::Failed,
        Some(ActionState::Blocked) => Outcome::Blocked,
        Some(ActionState::Unknown) | None => Outcome::Unknown,
    }
}
