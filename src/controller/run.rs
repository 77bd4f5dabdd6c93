//! One Rollback that is being executed: what the operator remembers of it between two ticks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use super::key_table::Claim;
use crate::api::plan::{ActionRecord, ITEMS_PER_SHARD, PlanItem, RollbackPlanStatus};
use crate::api::rollback_status::{Failure, Replacement, RollbackStatus};
use crate::api::{Reason, Rollback, RollbackPlan};
use crate::aws::SharedTally;
use crate::engine::Observations;
use crate::engine::cover::ReadOperation;
use crate::engine::creation::in_place;
use crate::engine::write_budget::WriteBudget;
use crate::model::{ActionState, InstanceArn};

/// How many bytes of a reason a shard keeps: should each of its thousand actions fail, their account
/// still fits beside the items (`size::LARGEST_SHARD`).
pub(super) const LONGEST_REASON: usize = 200;

/// One Rollback that is being executed.
#[derive(Debug)]
pub struct Run {
    /// The object, for waking its reconcile.
    pub reference: ObjectRef<Rollback>,
    /// Its uid.
    pub uid: String,
    /// Which attempt this run executes.
    pub attempt: i32,
    /// The instance that its plan is for.
    pub instance_arn: Option<InstanceArn>,
    items: Mutex<Arc<Vec<PlanItem>>>,
    observations: Mutex<Observations>,
    trouble: Mutex<Option<Trouble>>,
    progressed_at: Mutex<Timestamp>,
    /// What was asked of AWS for it and not yet written to its timing.
    pub tally: SharedTally,
    /// What only the reconcile of this Rollback touches.
    pub working: tokio::sync::Mutex<Working>,
}

/// Something outside that keeps a Rollback from going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A stable reason.
    pub reason: Reason,
    /// What happened and what to do.
    pub message: String,
}

/// What only the reconcile of a Rollback touches.
#[derive(Debug)]
pub struct Working {
    /// The object as it was last written or read.
    pub rollback: Rollback,
    /// How often the status may be written.
    pub budget: WriteBudget,
    /// What became of each action that was sent.
    pub actions: BTreeMap<usize, ActionRecord>,
    /// Shards whose status is behind `actions`.
    pub dirty: BTreeSet<usize>,
    /// When shard statuses were last written.
    pub flushed_at: Timestamp,
    /// When the last tick was.
    pub ticked_at: Timestamp,
}

impl Run {
    /// Takes up a Rollback with its plan.
    #[must_use]
    pub fn new(rollback: Rollback, shards: &[RollbackPlan], now: Timestamp) -> Self {
        let items: Vec<PlanItem> =
            shards.iter().flat_map(|shard| shard.spec.items.iter().cloned()).collect();
        let actions = shards
            .iter()
            .filter_map(|shard| shard.status.as_ref())
            .flat_map(|status| &status.actions)
            .filter_map(|action| Some((usize::try_from(action.item).ok()?, action.clone())))
            .collect();
        let progressed_at = last_end(&actions, &rollback).map_or(now, |at| at.min(now));
        Self {
            reference: ObjectRef::from_obj_with(&rollback, ()),
            uid: rollback.uid().unwrap_or_default(),
            attempt: rollback.status.as_ref().map_or(1, |status| status.attempt),
            instance_arn: shards.first().map(|shard| shard.spec.instance_arn.clone()),
            items: Mutex::new(Arc::new(in_place(&items, created(&rollback)))),
            observations: Mutex::default(),
            trouble: Mutex::default(),
            progressed_at: Mutex::new(progressed_at),
            tally: SharedTally::current().unwrap_or_default(),
            working: tokio::sync::Mutex::new(Working {
                rollback,
                budget: WriteBudget::new(now),
                actions,
                dirty: BTreeSet::new(),
                flushed_at: now,
                ticked_at: now,
            }),
        }
    }

    /// What was seen and done. Held for moments only, never over a wait.
    pub fn observations(&self) -> MutexGuard<'_, Observations> {
        self.observations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What keeps the Rollback from going on, if something does.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what keeps the Rollback from going on, or that nothing does any more.
    pub fn set_trouble(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// When an action last ended, or execution began.
    #[must_use]
    pub fn progressed_at(&self) -> Timestamp {
        *self.progressed_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an action ended.
    pub fn note_progress(&self, now: Timestamp) {
        *self.progressed_at.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// The plan, through the permission sets that were created for it so far.
    #[must_use]
    pub fn items(&self) -> Arc<Vec<PlanItem>> {
        Arc::clone(&self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One item of the plan.
    #[must_use]
    pub fn item(&self, item: usize) -> Option<PlanItem> {
        self.items().get(item).cloned()
    }

    /// Follows the permission sets that a persisted status says were created.
    pub fn follow_creations(&self, persisted: &Rollback) {
        let created = created(persisted);
        let items = self.items();
        let is_behind =
            |item: &PlanItem| created.iter().any(|it| it.replaces == item.permission_set);
        if items.iter().any(is_behind) {
            let moved = Arc::new(in_place(&items, created));
            *self.items.lock().unwrap_or_else(PoisonError::into_inner) = moved;
        }
    }

    /// Items whose keys a list shows.
    #[must_use]
    pub fn shown_by(&self, operation: &ReadOperation) -> Vec<usize> {
        let items = self.items();
        let shown = items.iter().enumerate().filter(|(_, item)| operation.shows(&item.key()));
        shown.map(|(index, _)| index).collect()
    }

    /// The keys that this Rollback holds while it runs: all of its plan. Its ledger withdraws the
    /// records for those that it leaves as they are, too, and so changes what others are to do.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        self.items().iter().map(Claim::of).collect()
    }
}

/// When an action is last known to have ended, or execution began: a new leader goes on counting.
fn last_end(actions: &BTreeMap<usize, ActionRecord>, rollback: &Rollback) -> Option<Timestamp> {
    let ended = actions.values().filter_map(|action| action.verified_at.or(action.ended_at)).max();
    let began = rollback.status.as_ref()?.timing.as_ref()?.executing_at;
    ended.max(began)
}

fn created(rollback: &Rollback) -> &[Replacement] {
    rollback
        .status
        .as_ref()
        .map(|status| status.created_permission_sets.as_slice())
        .unwrap_or_default()
}

impl Working {
    /// Brings `actions` up to a status that was just persisted; `failed` is what it knows to have
    /// failed beyond the one before.
    pub fn note_actions(
        &mut self,
        before: &RollbackStatus,
        after: &RollbackStatus,
        failed: &[Failure],
        now: Timestamp,
    ) {
        for entry in &after.in_flight {
            let Ok(item) = usize::try_from(entry.item) else { continue };
            let known = self.actions.get(&item);
            let record = ActionRecord {
                item: entry.item,
                request_id: entry
                    .request_id
                    .clone()
                    .or_else(|| known.and_then(|k| k.request_id.clone())),
                attempts: entry.attempt,
                requested_at: entry.requested_at.or_else(|| known.and_then(|k| k.requested_at)),
                ended_at: entry.ended_at,
                verified_at: None,
                reason: known.and_then(|k| k.reason.clone()),
            };
            self.put(item, record);
        }
        let gone = before
            .in_flight
            .iter()
            .filter(|entry| !after.in_flight.iter().any(|a| a.item == entry.item));
        for entry in gone {
            let Ok(item) = usize::try_from(entry.item) else { continue };
            let Some(mut record) = self.actions.get(&item).cloned() else { continue };
            if letter(after, item) == Some(ActionState::Verified.letter()) {
                record.verified_at = Some(now);
                self.put(item, record);
            }
        }
        for failure in after.failures.iter().chain(failed) {
            let Ok(item) = usize::try_from(failure.item) else { continue };
            // What is blocked before it is sent was never in flight.
            let known = self.actions.get(&item).cloned();
            let mut record = known.unwrap_or_else(|| ActionRecord::of(failure.item));
            let mut reason = format!("{}: {}", failure.reason, failure.message);
            reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
            record.reason = Some(reason);
            self.put(item, record);
        }
    }

    fn put(&mut self, item: usize, record: ActionRecord) {
        if self.actions.get(&item) != Some(&record) {
            self.actions.insert(item, record);
            self.dirty.insert(item / ITEMS_PER_SHARD);
        }
    }

    /// The status of one shard.
    #[must_use]
    pub fn shard_status(&self, shard: usize) -> RollbackPlanStatus {
        let range = shard * ITEMS_PER_SHARD..(shard + 1) * ITEMS_PER_SHARD;
        RollbackPlanStatus {
            actions: self.actions.range(range).map(|(_, action)| action.clone()).collect(),
        }
    }
}

/// The journal's character of one item.
#[must_use]
pub fn letter(status: &RollbackStatus, item: usize) -> Option<char> {
    let shard = status.progress.as_ref()?.shards.get(item / ITEMS_PER_SHARD)?;
    shard.as_bytes().get(item % ITEMS_PER_SHARD).map(|byte| char::from(*byte))
}

/// All Rollbacks that are being executed, by uid.
#[derive(Debug, Default)]
pub struct Runs(Mutex<BTreeMap<String, Arc<Run>>>);

impl Runs {
    /// The run of one Rollback.
    #[must_use]
    pub fn get(&self, uid: &str) -> Option<Arc<Run>> {
        self.lock().get(uid).cloned()
    }

    /// Adds a run; the one that is there already stays.
    pub fn add(&self, run: Run) -> Arc<Run> {
        Arc::clone(self.lock().entry(run.uid.clone()).or_insert_with(|| Arc::new(run)))
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Run>> {
        self.lock().values().cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Forgets a run.
    pub fn remove(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
