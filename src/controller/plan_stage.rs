//! From a Rollback to its plan.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::context::Context;
use super::error::Error;
use super::rollback::{end, write};
use super::select::{Matter, Obstacle, Selection, matter, selection};
use super::{access, approve, denied, estimate, live, size};
use crate::api::condition::{ConditionType, remove_condition};
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::PlanStatus;
use crate::api::rollback::{Mode, Operations};
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{Reason, Rollback};
use crate::cluster::{self, plans, rollbacks};
use crate::engine::{conditions, timing, words};
use crate::model::{AssignmentKey, Grade};
use crate::plan::{self, Plan, Refusal, Request, Undone};

/// How often something that is waited for is looked for, beside the watches that wake at once.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How long a cache that is behind is waited for, where the watch does not wake before.
const BEHIND: Duration = Duration::from_secs(5);
/// What is said where nothing is left to do.
const NOTHING_OPEN: &str =
    "nothing is open: the ledger shows that these operations were undone before";

/// A plan with the records that it rests on.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// When the records and AWS began to be read for it.
    pub observed_at: Timestamp,
    /// Where it would be executed.
    pub selection: Selection,
}

/// Makes the plan and says what comes next.
pub async fn plan(
    context: &Arc<Context>,
    rollback: &Rollback,
    mut status: RollbackStatus,
) -> Result<Action, Error> {
    let now = context.clock.now();
    status.observed_generation = rollback.metadata.generation.unwrap_or_default();
    status.attempt = rollback.spec.attempt;
    if let Some((reason, message)) = ended_before_it_began(rollback, now) {
        let phase = if reason == Reason::Cancelled { Phase::Cancelled } else { Phase::Failed };
        return end(context, rollback, status, phase, reason, &message).await;
    }
    let selection = match selection(context, rollback, &status).await? {
        Ok(selection) => selection,
        Err(obstacle) => {
            describe_what_is_asked(&mut status, rollback);
            return stop_at(context, rollback, status, obstacle).await;
        }
    };
    describe(&mut status, rollback, &selection);
    let Matter { records, unreadable, .. } = matter(context, &selection).await?;
    let (namespace, name) = (rollback.namespace().unwrap_or_default(), rollback.name_any());
    let undone = plan::undone(&records, &selection.selected);
    if undone == Undone::All && !unreadable.is_empty() {
        // One of them may be the redo that made them count again.
        let message = format!(
            "by its records every operation is rolled back; waits because {}",
            left_out(&unreadable)
        );
        let obstacle = Obstacle::Wait(Reason::RecordInvalid, message);
        return stop_at(context, rollback, status, obstacle).await;
    }
    let over = if undone == Undone::All {
        Some((Phase::AlreadyRolledBack, Reason::AlreadyRolledBack, NOTHING_OPEN))
    } else if plan::redone_under_name(&records, &selection.selected, &namespace, &name) {
        let message = "a Rollback of this name undid these operations, and that was undone in turn: to undo them again, create a Rollback with another name";
        Some((Phase::Failed, Reason::Redone, message))
    } else {
        None
    };
    if let Some((phase, reason, message)) = over {
        (status.plan, status.progress) = (None, None);
        return end(context, rollback, status, phase, reason, message).await;
    }
    status.phase = Phase::Planning;
    timing::phase_began(&mut status, now);
    // What was denied stays said until it is allowed: each change of the status wakes a reconcile.
    if !denied::is_said(&status) {
        conditions::summarize(
            &mut status,
            Reason::Planning,
            "reads the records and AWS's present state",
            now,
        );
    }
    // Where there is nothing to write, no conflict tells that the cache is behind; and all of AWS would
    // be read for a plan that is there already.
    if rollback.status.as_ref() == Some(&status) && !is_newest(context, rollback).await? {
        return Ok(Action::requeue(context.clock.real_duration(BEHIND)));
    }
    let rollback = write(context, rollback, &status).await?;
    // As it was written, with its timing.
    status = rollback.status.clone().unwrap_or(status);
    // Noted before AWS is read: what is let go of meanwhile is seen there.
    let uid = rollback.uid().unwrap_or_default();
    let being_removed = selection.instance.keys.removed_by_others(&uid);
    let planned = match make(context, &rollback, selection, being_removed).await {
        Ok(Ok(planned)) => planned,
        // What failed by its record, and was there all the same, is gone since.
        Ok(Err(Obstacle::Refuse(Reason::NothingToUndo, _))) if undone == Undone::ButForFailed => {
            let (phase, reason) = (Phase::AlreadyRolledBack, Reason::AlreadyRolledBack);
            return end(context, &rollback, status, phase, reason, NOTHING_OPEN).await;
        }
        Ok(Err(obstacle)) => return stop_at(context, &rollback, status, obstacle).await,
        Err(error) => return Err(denied::say(context, &rollback, status, error).await?),
    };
    Box::pin(publish(context, &rollback, status, planned)).await
}

/// Whether a Rollback is as the API server has it.
async fn is_newest(context: &Context, rollback: &Rollback) -> Result<bool, Error> {
    let namespace = rollback.namespace().unwrap_or_default();
    let newest = rollbacks::get(&context.client, &namespace, &rollback.name_any()).await?;
    Ok(newest.is_some_and(|newest| newest.resource_version() == rollback.resource_version()))
}

/// Reads AWS and plans, given what other Rollbacks are removing.
pub async fn make(
    context: &Context,
    rollback: &Rollback,
    selection: Selection,
    being_removed: BTreeSet<AssignmentKey>,
) -> Result<Result<Planned, Obstacle>, Error> {
    let observed_at = context.clock.now();
    let Matter { touched, records, unreadable } = matter(context, &selection).await?;
    let spec = selection.instance.spec();
    let name = &selection.instance.name;
    if let Err(refusal) = plan::check(name, &spec.instance_arn, &records, &selection.selected) {
        return Ok(Err(Obstacle::Refuse(reason_of(&refusal), refusal.to_string())));
    }
    let clones: Vec<_> = selection.selected.iter().map(|record| record.spec.clone()).collect();
    let uid = rollback.uid().unwrap_or_default();
    let live =
        live::read(&selection.instance, &touched, &clones, &uid, context.clock.now()).await?;
    let accept = accepted(rollback);
    let proposal = plan::propose(&Request {
        instance: name,
        instance_arn: &spec.instance_arn,
        records: &records,
        selected: &selection.selected,
        policy: &spec.policy,
        live: &live,
        intent: plan::Intent::of(&rollback.spec),
        accept: &accept,
    });
    let outcome = match proposal {
        Ok(proposal) => {
            let access = access::read(&selection.instance, &proposal, &live, being_removed).await?;
            proposal.plan(&access)
        }
        Err(refusal) => Err(refusal),
    };
    Ok(match outcome {
        Ok(mut plan) => {
            if !unreadable.is_empty() {
                // One of them may say otherwise about a key of this plan.
                plan.assumed = true;
                plan.grade = plan.grade.max(Grade::Assumed);
                plan.warnings.push(left_out(&unreadable));
            }
            Ok(Planned { plan, observed_at, selection })
        }
        Err(refusal) => Err(Obstacle::Refuse(reason_of(&refusal), refusal.to_string())),
    })
}

fn left_out(unreadable: &[String]) -> String {
    format!(
        "{} records of the instance cannot be read by this version and were left out: {}",
        unreadable.len(),
        unreadable.join(", ").chars().take(500).collect::<String>()
    )
}

/// What of the approval the plan is made with.
#[must_use]
pub fn accepted(rollback: &Rollback) -> Vec<String> {
    let approval = rollback.spec.approval.as_ref();
    approval.map(|approval| plan::accepted_in_plan(&approval.accept)).unwrap_or_default()
}

async fn publish(
    context: &Arc<Context>,
    rollback: &Rollback,
    mut status: RollbackStatus,
    planned: Planned,
) -> Result<Action, Error> {
    let now = context.clock.now();
    let Planned { plan, observed_at, selection } = planned;
    let uid = rollback.uid().unwrap_or_default();
    let spec = selection.instance.spec();
    let shards =
        plan::shards(&plan, &rollback.name_any(), &uid, &spec.instance_arn, rollback.spec.attempt);
    let (failed, reason) = (Phase::Failed, Reason::PlanTooLarge);
    if let Some(message) = size::excess(&plan.items, &plan.record_refs, &shards) {
        return end(context, rollback, status, failed, reason, &message).await;
    }
    let names = match plans::create(&context.client, rollback, shards).await {
        Err(error) if cluster::is_too_large(&error) => {
            return end(context, rollback, status, failed, reason, size::SHARD_TOO_LARGE).await;
        }
        names => names?,
    };
    status.record_refs.clone_from(&plan.record_refs);
    status.progress = None;
    let as_wanted = |item: &&PlanItem| item.disposition == Disposition::AlreadySo;
    let already_so = plan.items.iter().filter(as_wanted).count();
    status.plan = Some(PlanStatus {
        digest: plan.digest.clone(),
        created_at: now,
        observed_at: Some(observed_at),
        policy: spec.policy.approval,
        grade: plan.grade,
        actions: count(plan.actions),
        kept: count(plan.kept),
        already_so: count(already_so),
        blocked: count(plan.blocked),
        gives_access: plan.gives_access,
        not_before: rollback.spec.not_before,
        deadline: rollback.spec.deadline,
        assumed: plan.assumed,
        shards: names,
        warnings: plan.warnings.clone(),
        authors: plan.authors.clone(),
        approved_by: None,
        refusals: plan.refusals.clone(),
        people: plan.people.clone(),
        accepted: accepted(rollback),
        estimate: estimate::estimate(&plan.items, &selection.instance),
    });
    let sentence = format!(
        "{}, {already_so} as wanted already, {} kept, {} blocked; {}",
        words::count(count(plan.actions), "action"),
        plan.kept - already_so,
        plan.blocked,
        plan.grade.as_str()
    );
    conditions::step(&mut status, ConditionType::Planned, true, Reason::Planned, &sentence, now);
    for kind in [ConditionType::Approved, ConditionType::Executed, ConditionType::Verified] {
        remove_condition(&mut status.conditions, kind);
    }
    if rollback.spec.mode == Mode::PlanOnly {
        status.phase = Phase::Planned;
        timing::phase_began(&mut status, now);
        let message = format!("planned: {sentence}; set spec.mode to Apply to go on");
        conditions::summarize(&mut status, Reason::Planned, &message, now);
        write(context, rollback, &status).await?;
        context.event(rollback, Reason::Planned, &message, false);
        return Ok(Action::await_change());
    }
    status.phase = Phase::AwaitingApproval;
    timing::phase_began(&mut status, now);
    context.event(rollback, Reason::Planned, &sentence, false);
    Box::pin(approve::decide(context, rollback, status, Some(selection))).await
}

async fn stop_at(
    context: &Context,
    rollback: &Rollback,
    mut status: RollbackStatus,
    obstacle: Obstacle,
) -> Result<Action, Error> {
    match obstacle {
        Obstacle::Refuse(reason, message) => {
            end(context, rollback, status, Phase::Failed, reason, &message).await
        }
        Obstacle::Wait(reason, message) => {
            let now = context.clock.now();
            status.phase = Phase::Pending;
            conditions::summarize(&mut status, reason, &message, now);
            write(context, rollback, &status).await?;
            Ok(Action::requeue(context.clock.real_duration(LOOK_AGAIN)))
        }
    }
}

/// Whether a Rollback that has sent nothing yet is over already.
#[must_use]
pub fn ended_before_it_began(rollback: &Rollback, now: Timestamp) -> Option<(Reason, String)> {
    if rollback.spec.cancel {
        return Some((Reason::Cancelled, "cancelled before anything was written".to_owned()));
    }
    let deadline = rollback.spec.deadline.filter(|deadline| *deadline <= now)?;
    Some((
        Reason::DeadlinePassed,
        format!("spec.deadline {deadline} passed before anything was written"),
    ))
}

/// Writes only that the present generation was seen.
pub async fn observe_generation(
    context: &Context,
    rollback: &Rollback,
    mut status: RollbackStatus,
) -> Result<Rollback, Error> {
    let generation = rollback.metadata.generation.unwrap_or_default();
    if status.observed_generation == generation {
        return Ok(rollback.clone());
    }
    status.observed_generation = generation;
    for condition in &mut status.conditions {
        condition.observed_generation = Some(generation);
    }
    write(context, rollback, &status).await
}

/// Says what the Rollback is about while its records are not known.
fn describe_what_is_asked(status: &mut RollbackStatus, rollback: &Rollback) {
    let Operations { names, select } = &rollback.spec.operations;
    let asked = match (select, names.as_slice()) {
        (Some(_), _) => "by criteria".to_owned(),
        (None, [name]) => name.clone(),
        (None, names) => format!("{} records", names.len()),
    };
    status.operation.get_or_insert(asked);
}

fn describe(status: &mut RollbackStatus, rollback: &Rollback, selection: &Selection) {
    if rollback.spec.operations.select.is_some() && status.record_refs.is_empty() {
        status.record_refs = plan::record_refs(&selection.selected);
    }
    let first = selection.selected.first();
    let types: BTreeSet<_> =
        selection.selected.iter().map(|record| record.spec.operation_type.as_str()).collect();
    status.instance = Some(selection.instance.name.clone());
    status.operation = match selection.selected.len() {
        1 => first.map(|record| record.name.clone()),
        count => Some(format!("{count} records")),
    };
    status.operation_type = match types.len() {
        1 => first.map(|record| record.spec.operation_type.as_str().to_owned()),
        _ => Some("Mixed".to_owned()),
    };
}

const fn reason_of(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::NothingSelected => Reason::NothingSelected,
        Refusal::NothingOpen => Reason::NothingToUndo,
        Refusal::TooLarge { .. } => Reason::PlanTooLarge,
        Refusal::Unsupported(_) => Reason::Unsupported,
        Refusal::InstancesDiffer { .. } | Refusal::ForeignInstance { .. } => {
            Reason::InstancesDiffer
        }
        Refusal::TooManyRefusals { .. } => Reason::RefusedByPolicy,
        _ => Reason::RecordInvalid,
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
