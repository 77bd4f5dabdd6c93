//! The end of an attempt: ledger, terminal status, and letting go.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::context::Context;
use super::error::Error;
use super::execute::flush;
use super::instance_handle::InstanceHandle;
use super::plan_stage::observe_generation;
use super::rollback::{timed, write, write_as_it_is};
use super::run::{Run, Trouble, Working};
use super::{advice, estimate, grants, redone};
use crate::api::condition::{ConditionType, set_condition};
use crate::api::record::{OperationRecordStatus, Precision, RollbackIdentity, Source};
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{OperationRecord, OperationRecordSpec, Reason, Rollback, names};
use crate::cluster::records::{self, LedgerWrite, Named};
use crate::cluster::{plans, rollbacks};
use crate::engine::Situation;
use crate::engine::conclusion::{Conclusion, conclude, ledger};
use crate::engine::{Advance, Journal, conditions, expiry, timing};
use crate::model::{ActionState, OperationType, Rule};
use crate::runtime::metrics::LedgerOutcome;

/// The tool that ledger records name as their source.
const TOOL: &str = "rollback-operator";
/// How long a wait for a deletion may be: the queue takes no wait of years.
const LOOK_AGAIN: Duration = Duration::from_hours(24);

/// Ends an attempt in which nothing is in flight any more.
pub async fn finish(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    working: &mut Working,
    next: Advance,
) -> Result<Action, Error> {
    let now = context.clock.now();
    let before = working.rollback.status.clone().unwrap_or_default();
    let name = names::ledger(&working.rollback.name_any(), &run.uid, before.attempt);
    // From here on nothing is sent, also after a crash or a later deadline: the ledger is to stay
    // true. It is named before it is written.
    if before.ledger.is_none() {
        let ending = RollbackStatus { ledger: Some(name.clone()), ..before };
        // What was decided rests on the timing that is there.
        working.rollback = write_as_it_is(context, &working.rollback, &ending).await?;
    }
    let rollback = working.rollback.clone();
    let before = rollback.status.clone().unwrap_or_default();
    let mut status = next.status.clone();
    status.ledger.clone_from(&before.ledger);
    status.observed_generation = rollback.metadata.generation.unwrap_or_default();
    let deleting = rollback.metadata.deletion_timestamp.is_some();
    let shards =
        status.progress.as_ref().map(|progress| progress.shards.clone()).unwrap_or_default();
    let items = run.items();
    let journal = Journal::decode(&shards, items.len())?;
    let situation = Situation {
        items: &items,
        spec: &rollback.spec,
        status: &before,
        deleting,
        slots: usize::try_from(instance.spec().limits.outstanding_requests).unwrap_or(1),
    };
    let conclusion =
        conclude(&items, &journal, situation.halt(now, &journal), before.operation_type.as_deref());
    working.note_actions(&before, &status, &next.failed, now);
    flush(context, run, working, now, true).await?;

    if deleting && !Rule::LedgerBeforeGone.holds() {
        let_go(context, instance, run);
        rollbacks::set_finalizer(&context.client, &rollback, false).await?;
        return Ok(Action::await_change());
    }
    let spec = ledger_spec(&rollback, &status, run, &journal, &conclusion, now);
    let namespace = rollback.namespace().unwrap_or_default();
    let written = if deleting || Rule::LedgerBeforeReady.holds() {
        let written = records::write_ledger(&context.client, &namespace, &name, spec).await;
        context.metrics.ledger_write(outcome(&written));
        written?
    } else {
        LedgerWrite::NamespaceTerminating
    };
    match written {
        LedgerWrite::Written(record) => {
            let shards = status.plan.as_ref().map(|plan| plan.shards.clone()).unwrap_or_default();
            plans::hand_over(&context.client, &shards, &record).await?;
            show_on_records(context, &rollback, &status, &record, &conclusion).await;
            context.event(
                &rollback,
                Reason::LedgerWritten,
                &format!("OperationRecord {name}"),
                false,
            );
        }
        LedgerWrite::NameTaken => {
            let obstacle = format!(
                "OperationRecord {name} exists and is not of this Rollback; delete it, and this goes on"
            );
            return wait_for_ledger(context, run, working, &obstacle).await;
        }
        LedgerWrite::Refused(why) => {
            let obstacle = format!(
                "the API server refuses OperationRecord {name}: {why}; this goes on once it takes it"
            );
            return wait_for_ledger(context, run, working, &obstacle).await;
        }
        LedgerWrite::NamespaceTerminating => {
            status.ledger = None;
            tracing::warn!(rollback = %run.reference, "the namespace is being deleted: no ledger record could be written");
        }
    }
    conclude_status(context, instance, run, &mut status, &journal, &conclusion);
    let mut shown = status.clone();
    timed(&mut shown, &rollback, &run.tally.so_far(), context.clock.now());
    status.recommendations = advice::of(&rollback, &shown, instance, &items, &working.actions);
    if !deleting {
        working.rollback = write(context, &rollback, &status).await?;
    }
    run.observations().acknowledge(next.taken);
    let warning = conclusion.phase != Phase::Succeeded;
    context.event(&rollback, conclusion.reason, &conclusion.message, warning);
    tracing::info!(
        rollback = %run.reference,
        phase = %conclusion.phase,
        message = conclusion.message,
        "an attempt is over"
    );
    let_go(context, instance, run);
    working.rollback = rollbacks::set_finalizer(&context.client, &working.rollback, false).await?;
    Ok(Action::requeue(Duration::from_millis(100)))
}

/// Says what keeps the ledger from being written, and tries again later.
async fn wait_for_ledger(
    context: &Arc<Context>,
    run: &Arc<Run>,
    working: &mut Working,
    obstacle: &str,
) -> Result<Action, Error> {
    let message = format!("the ledger cannot be written: {obstacle}");
    let mut waiting = working.rollback.status.clone().unwrap_or_default();
    conditions::summarize(&mut waiting, Reason::RecordInvalid, &message, context.clock.now());
    run.set_trouble(Some(Trouble { reason: Reason::RecordInvalid, message }));
    working.rollback = write(context, &working.rollback, &waiting).await?;
    Ok(Action::requeue(context.clock.real_duration(Duration::from_secs(30))))
}

fn outcome<E>(written: &Result<LedgerWrite, E>) -> LedgerOutcome {
    match written {
        Ok(LedgerWrite::Written(_)) => LedgerOutcome::Written,
        Ok(LedgerWrite::NameTaken) => LedgerOutcome::NameTaken,
        Ok(LedgerWrite::NamespaceTerminating) => LedgerOutcome::Skipped,
        Ok(LedgerWrite::Refused(_)) | Err(_) => LedgerOutcome::Failed,
    }
}

fn conclude_status(
    context: &Context,
    instance: &InstanceHandle,
    run: &Run,
    status: &mut RollbackStatus,
    journal: &Journal,
    conclusion: &Conclusion,
) {
    let now = context.clock.now();
    status.phase = conclusion.phase;
    status.in_flight.clear();
    let bound = estimate::bound(&run.items(), journal, status, instance);
    timing::finished(status, now, bound);
    conditions::summarize(status, conclusion.reason, &conclusion.message, now);
    let unsent = journal.count(ActionState::Planned) > 0;
    conditions::step(
        status,
        ConditionType::Executed,
        !unsent,
        Reason::Executed,
        "no action is in flight",
        now,
    );
    let verified = conclusion.phase == Phase::Succeeded;
    let message = if verified {
        "every key was read back at its goal"
    } else {
        "not every key is at its goal"
    };
    let reason = if verified { Reason::Verified } else { conclusion.reason };
    conditions::step(status, ConditionType::Verified, verified, reason, message, now);
}

fn ledger_spec(
    rollback: &Rollback,
    status: &RollbackStatus,
    run: &Run,
    journal: &Journal,
    conclusion: &Conclusion,
    now: jiff::Timestamp,
) -> OperationRecordSpec {
    let by = RollbackIdentity {
        namespace: rollback.namespace().unwrap_or_default(),
        name: rollback.name_any(),
        uid: run.uid.clone(),
    };
    OperationRecordSpec {
        instance: status.instance.clone().unwrap_or_default(),
        operation_type: OperationType::Rollback,
        occurred_at: now,
        started_at: None,
        occurred_at_precision: Precision::Microsecond,
        actor: None,
        source: Source { tool: TOOL.to_owned(), id: format!("{}-{}", run.uid, status.attempt) },
        changes: Vec::new(),
        created_permission_set: None,
        failed: Vec::new(),
        reason: rollback.spec.reason.clone(),
        ticket: rollback.spec.ticket.clone(),
        recorded_by: None,
        rollback: Some(ledger(by, status, &run.items(), journal, conclusion.phase, now)),
    }
}

/// Shows on the records what was undone. The ledger is the truth; this is a view of it, so what
/// cannot be written is left.
async fn show_on_records(
    context: &Context,
    rollback: &Rollback,
    status: &RollbackStatus,
    ledger: &OperationRecord,
    conclusion: &Conclusion,
) {
    let namespace = rollback.namespace().unwrap_or_default();
    let entry = format!("{namespace}/{}", ledger.name_any());
    for reference in &status.record_refs {
        let Ok(Named::Found(record)) =
            records::get(&context.client, &namespace, &reference.name).await
        else {
            continue;
        };
        let mut view: OperationRecordStatus = record.status.clone().unwrap_or_default();
        if !view.rolled_back_by.contains(&entry) {
            view.rolled_back_by.push(entry.clone());
        }
        let done = conclusion.phase == Phase::Succeeded;
        let message = format!("{}: {}", entry, conclusion.message);
        let now = context.clock.now();
        let kind = ConditionType::RolledBack;
        set_condition(&mut view.conditions, kind, done, conclusion.reason, &message, None, now);
        if let Err(error) = records::write_status(&context.client, &record, &view).await {
            tracing::warn!(%error, record = reference.name, "the view on a record was not written");
        }
        redone::show(&context.client, &record, ledger, conclusion, now).await;
    }
}

/// Forgets a run and lets go of its keys and of what it waits for.
pub fn let_go(context: &Context, instance: &InstanceHandle, run: &Run) {
    context.runs.remove(&run.uid);
    instance.keys.release(&run.uid, context.clock.now());
    instance.poller().forget(|owner| *owner.uid == *run.uid);
    instance.gate.governor().release_all(&run.uid);
    grants::forget(context, instance, &run.uid);
}

/// A finished Rollback whose newest generation counts as seen; none if it is not the one that the
/// cache shows any more. The cache has but a part of its status, so what is written is read first.
async fn observed(context: &Context, cached: &Rollback) -> Result<Option<Rollback>, Error> {
    let seen = cached.status.as_ref().map(|status| status.observed_generation);
    if seen == cached.metadata.generation {
        return Ok(Some(cached.clone()));
    }
    let namespace = cached.namespace().unwrap_or_default();
    let newest = rollbacks::get(&context.client, &namespace, &cached.name_any()).await?;
    let Some(newest) = newest.filter(|it| it.resource_version() == cached.resource_version())
    else {
        // Its change is on its way to the cache.
        return Ok(None);
    };
    let status = newest.status.clone().unwrap_or_default();
    observe_generation(context, &newest, status).await.map(Some)
}

/// A finished Rollback: the finalizer goes, the newest generation counts as seen, and in time it is
/// deleted, if it is to be.
pub async fn settle_down(context: &Context, cached: &Rollback) -> Result<Action, Error> {
    let Some(rollback) = observed(context, cached).await? else {
        return Ok(Action::await_change());
    };
    let rollback = rollbacks::set_finalizer(&context.client, &rollback, false).await?;
    let Some(at) = expiry::expires_at(&rollback) else { return Ok(Action::await_change()) };
    let left = at.duration_since(context.clock.now());
    if left.is_positive() {
        let wait = left.unsigned_abs().min(LOOK_AGAIN);
        return Ok(Action::requeue(context.clock.real_duration(wait)));
    }
    rollbacks::delete(&context.client, &rollback).await?;
    tracing::info!(
        rollback = rollback.name_any(),
        namespace = rollback.namespace(),
        "ttlAfterFinished is over: the Rollback is deleted, and its ledger record stays"
    );
    Ok(Action::await_change())
}
