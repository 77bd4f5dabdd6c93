//! The tick: look at what was observed, persist what follows, do what may be done, and again until
//! nothing is left to do now.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::runtime::controller::Action;
use tokio::sync::MutexGuard;

use super::context::Context;
use super::error::Error;
use super::finish;
use super::instance_handle::InstanceHandle;
use super::perform::perform;
use super::rollback::write;
use super::run::{Run, Working};
use super::take_up::take_up_newest;
use crate::api::plan::PlanItem;
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{Reason, Rollback};
use crate::cluster::plans;
use crate::cluster::rollbacks;
use crate::engine::Situation;
use crate::engine::{Advance, advance, conditions, effects};
use crate::model::time::{later, seconds_between};
use crate::model::{ActionState, Rule};

/// Shard statuses are written at most this often: each is a second of the API server's work, which
/// compares a thousand items with those of before.
const FLUSH: SignedDuration = SignedDuration::from_secs(30);
/// How long to wait for an instance that is away.
const AWAY: Duration = Duration::from_secs(10);
/// A tick after which nothing is due is looked at again after this, in case a wake was lost.
const IDLE: SignedDuration = SignedDuration::from_secs(10);

/// Executes a Rollback as far as it goes now.
pub async fn execute(context: &Arc<Context>, seen: &Rollback) -> Result<Action, Error> {
    let status = seen.status.clone().unwrap_or_default();
    let instance = status.instance.as_deref().and_then(|name| context.instances.get(name));
    let Some(instance) = instance else {
        let message = "waits for its IdentityCenterInstance: it does not exist or is not ready; see kubectl get idc";
        return away(context, seen, message).await;
    };
    let run = match context.runs.get(&seen.uid().unwrap_or_default()) {
        Some(run) => run,
        None => match take_up_newest(context, &instance, seen).await? {
            ControlFlow::Continue(run) => run,
            ControlFlow::Break(action) => return Ok(action),
        },
    };
    if run.instance_arn.as_ref().is_some_and(|arn| *arn != instance.spec().instance_arn) {
        let message = "waits for the IdentityCenterInstance that it was planned for: the one of that name has another instanceArn now";
        return away(context, seen, message).await;
    }
    let mut working = run.working.lock().await;
    if is_over(seen, &run) || is_over(&working.rollback, &run) {
        return ended(context, &instance, &run, working).await;
    }
    adopt_newer(&mut working, seen);
    // Another reconcile may have taken it up first: what is asked counts with the run.
    let ticks = Box::pin(ticks(context, &instance, &run, &mut working));
    let outcome = run.tally.count(ticks).await;
    if outcome.as_ref().is_err_and(Error::is_conflict) {
        // Somebody changed the object: the decision is thrown away, what was observed is kept.
        let namespace = working.rollback.namespace().unwrap_or_default();
        match rollbacks::get(&context.client, &namespace, &working.rollback.name_any()).await? {
            Some(newest) if newest.uid() == working.rollback.uid() => working.rollback = newest,
            _ => {
                tracing::warn!(rollback = %run.reference, "the Rollback is gone although it held its finalizer");
                drop(working);
                finish::let_go(context, &instance, &run);
                return Ok(Action::await_change());
            }
        }
    }
    outcome
}

/// Says that it waits for its instance.
async fn away(context: &Context, seen: &Rollback, message: &str) -> Result<Action, Error> {
    let mut status = seen.status.clone().unwrap_or_default();
    if status.phase.is_terminal() {
        // The cache has but a part of it.
        return Ok(Action::requeue(context.clock.real_duration(AWAY)));
    }
    conditions::summarize(&mut status, Reason::InstanceNotReady, message, context.clock.now());
    write(context, seen, &status).await?;
    Ok(Action::requeue(context.clock.real_duration(AWAY)))
}

/// Whether an object shows that the attempt of a run is over.
fn is_over(rollback: &Rollback, run: &Run) -> bool {
    let status = rollback.status.as_ref();
    status.is_some_and(|status| status.attempt == run.attempt && status.phase.is_terminal())
}

/// The end of an attempt was written, by this process whose reply was lost or by another leader. What
/// the cache has of it is too little to work with, and there is nothing left to do.
async fn ended(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    mut working: MutexGuard<'_, Working>,
) -> Result<Action, Error> {
    let namespace = working.rollback.namespace().unwrap_or_default();
    let newest = rollbacks::get(&context.client, &namespace, &working.rollback.name_any()).await?;
    match newest.filter(|newest| newest.uid().as_deref() == Some(run.uid.as_str())) {
        Some(newest) if !is_over(&newest, run) => working.rollback = newest,
        _ => {
            drop(working);
            finish::let_go(context, instance, run);
        }
    }
    Ok(Action::requeue(Duration::from_millis(100)))
}

/// The cache may be behind our own writes, and ahead of them after somebody edited the object.
fn adopt_newer(working: &mut Working, seen: &Rollback) {
    let version = |rollback: &Rollback| {
        rollback.resource_version().and_then(|v| v.parse::<u64>().ok()).unwrap_or(0)
    };
    if version(seen) > version(&working.rollback) {
        working.rollback = seen.clone();
    }
}

async fn ticks(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    working: &mut Working,
) -> Result<Action, Error> {
    loop {
        let now = context.clock.now();
        let rollback = working.rollback.clone();
        let status = rollback.status.clone().unwrap_or_default();
        // Also where the reply to the write was lost that says what was created.
        run.follow_creations(&rollback);
        let items = run.items();
        let situation = situation(instance, &items, &rollback, &status);
        let next = {
            let observations = run.observations();
            advance(now, &situation, &observations)?
        };
        note_lost_capacity(instance, run, working, next.waiting, now);
        if next.finished {
            return Box::pin(finish::finish(context, instance, run, working, next)).await;
        }
        let mut status_after = next.status.clone();
        status_after.observed_generation = rollback.metadata.generation.unwrap_or_default();
        if let Some(trouble) = run.trouble() {
            conditions::summarize(&mut status_after, trouble.reason, &trouble.message, now);
        }
        let mut write_due = None;
        if status_after == status {
            // Nothing to write, so what was taken in is persisted as it is.
            run.observations().acknowledge(next.taken);
        } else {
            match working.budget.take(now) {
                Ok(()) => {
                    if !Rule::KeptUntilPersisted.holds() {
                        run.observations().acknowledge(next.taken);
                    }
                    working.rollback = if Rule::IntentBeforeCall.holds() {
                        write(context, &rollback, &status_after).await?
                    } else {
                        Rollback { status: Some(status_after), ..rollback.clone() }
                    };
                    acknowledge(context, run, &items, working, &status, &next, now);
                }
                Err(due) => write_due = Some(due),
            }
        }
        flush(context, run, working, now, false).await?;
        let rollback = working.rollback.clone();
        let persisted = rollback.status.clone().unwrap_or_default();
        run.follow_creations(&rollback);
        let items = run.items();
        let situation = self::situation(instance, &items, &rollback, &persisted);
        let todo = {
            let observations = run.observations();
            effects(context.clock.now(), &situation, &observations, &instance.hints())?
        };
        let acted = !todo.list.is_empty();
        let wake = todo.wake;
        perform(context, instance, run, todo);
        if write_due.is_none()
            && (acted || wake.is_some_and(|wake| wake <= context.clock.now()))
            && persisted != status
        {
            continue;
        }
        return Ok(sleep(context, working, wake, write_due));
    }
}

/// A longer time than this without a tick, in which nothing was seen, does not count as lost.
const LONGEST_TICK: f64 = 15.0;

/// Notes what of the instance's quota was out of reach since the last tick, if actions wait for it.
fn note_lost_capacity(
    instance: &InstanceHandle,
    run: &Run,
    working: &mut Working,
    waiting: bool,
    now: Timestamp,
) {
    let passed = seconds_between(working.ticked_at, now).clamp(0.0, LONGEST_TICK);
    working.ticked_at = now;
    if passed > 0.0 && waiting {
        let limits = &instance.spec().limits;
        let lost = {
            let governor = instance.gate.governor();
            let own = governor.held_by(&run.uid);
            governor.view().lost(limits.requests_per_second, limits.outstanding_requests, own)
        };
        run.tally.change(|tally| {
            tally.throttling_seconds += passed * lost.to_throttling;
            tally.sharing_seconds += passed * lost.to_others;
        });
    }
}

fn situation<'a>(
    instance: &InstanceHandle,
    items: &'a [PlanItem],
    rollback: &'a Rollback,
    status: &'a RollbackStatus,
) -> Situation<'a> {
    Situation {
        items,
        spec: &rollback.spec,
        status,
        deleting: rollback.metadata.deletion_timestamp.is_some(),
        slots: usize::try_from(instance.spec().limits.outstanding_requests).unwrap_or(1),
    }
}

/// Forgets what a persisted status has taken in, and counts what ended.
fn acknowledge(
    context: &Context,
    run: &Run,
    items: &[PlanItem],
    working: &mut Working,
    before: &RollbackStatus,
    next: &Advance,
    now: Timestamp,
) {
    run.observations().acknowledge(next.taken);
    let after = working.rollback.status.clone().unwrap_or_default();
    working.note_actions(before, &after, &next.failed, now);
    for entry in &before.in_flight {
        let Ok(item) = usize::try_from(entry.item) else { continue };
        if after.in_flight.iter().any(|open| open.item == entry.item) {
            continue;
        }
        let state = super::run::letter(&after, item).and_then(ActionState::from_letter);
        if let (Some(plan), Some(state)) = (items.get(item), state) {
            context.metrics.action_ended(plan.action.as_str(), outcome(state));
            run.note_progress(now);
        }
    }
    // As many events as the status lists failures: the rest is in the shards.
    if after.failures.len() > before.failures.len()
        && let Some(failure) = after.failures.last()
    {
        let note = format!("could not {}: {}: {}", failure.action, failure.reason, failure.message);
        context.event(&working.rollback, Reason::ActionFailed, &note, true);
    }
    if before.phase != after.phase && after.phase == Phase::Verifying {
        context.event(&working.rollback, Reason::Verifying, &after.summary, false);
    }
}

const fn outcome(state: ActionState) -> &'static str {
    match state {
        ActionState::Verified => "verified",
        ActionState::AlreadySo => "already_so",
        ActionState::Failed => "failed",
        ActionState::Blocked => "blocked",
        ActionState::Planned => "withdrawn",
        _ => "unknown",
    }
}

/// Writes the statuses of shards that are behind, at most each half minute or when `all` is over.
pub async fn flush(
    context: &Context,
    run: &Run,
    working: &mut Working,
    now: Timestamp,
    all: bool,
) -> Result<(), Error> {
    if working.dirty.is_empty() || (!all && now.duration_since(working.flushed_at) < FLUSH) {
        return Ok(());
    }
    let names = working
        .rollback
        .status
        .as_ref()
        .and_then(|s| s.plan.as_ref())
        .map(|plan| plan.shards.clone());
    let namespace = run.reference.namespace.clone().unwrap_or_default();
    for shard in std::mem::take(&mut working.dirty) {
        let Some(name) = names.as_ref().and_then(|names| names.get(shard)) else { continue };
        let written =
            plans::write_status(&context.client, &namespace, name, &working.shard_status(shard))
                .await;
        if let Err(error) = written {
            // The journal is in the Rollback; this is the long account of it.
            tracing::warn!(%error, shard = name, "the status of a plan shard was not written; it is tried again");
            working.dirty.insert(shard);
        }
    }
    working.flushed_at = now;
    Ok(())
}

fn sleep(
    context: &Context,
    working: &Working,
    wake: Option<Timestamp>,
    write_due: Option<Timestamp>,
) -> Action {
    let now = context.clock.now();
    let flush = (!working.dirty.is_empty()).then(|| later(working.flushed_at, FLUSH));
    // What only waits to be written is not due before it can be written.
    let wake = match (wake, write_due) {
        (Some(wake), Some(due)) if wake <= now => Some(due),
        (Some(wake), Some(due)) => Some(wake.min(due)),
        (wake, due) => wake.or(due),
    };
    let idle = later(now, IDLE);
    let at = [wake, flush, Some(idle)].into_iter().flatten().min().unwrap_or(idle);
    let wait = at.duration_since(now).max(SignedDuration::from_millis(5)).unsigned_abs();
    Action::requeue(context.clock.real_duration(wait))
}
