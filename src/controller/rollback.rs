//! One reconcile of one Rollback: what stage it is in, and what that stage does next.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;

use super::context::Context;
use super::error::Error;
use super::{approve, execute, finish, grants, phases, plan_stage, take_up};
use crate::api::rollback::Mode;
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{Reason, Rollback};
use crate::aws::SharedTally;
use crate::cluster::{is_not_found, rollbacks};
use crate::engine::{conditions, timing};
use crate::model::{Class, Rule, Tally};
use crate::runtime::traces::{self, Trace};

/// How long to wait after an error that may go away.
const RETRY: Duration = Duration::from_secs(5);

/// Takes a Rollback one step on.
pub async fn reconcile(
    guarded: Arc<DeserializeGuard<Rollback>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let rollback = match &guarded.0 {
        Ok(rollback) => rollback,
        Err(invalid) => {
            tracing::error!(
                name = invalid.metadata.name,
                namespace = invalid.metadata.namespace,
                error = invalid.error,
                "a Rollback cannot be read and is left alone; delete it and create it again"
            );
            let note = format!(
                "cannot be read and is left alone: {}; write it back as it was, or delete it and create it again",
                invalid.error
            );
            context.events.warning(guarded.as_ref(), Reason::InvalidObject, note);
            // Nothing of it is sent any more, so slots that it did not use are for others. Its keys
            // stay its own: what it sent may still be at work.
            let uid = invalid.metadata.uid.clone().unwrap_or_default();
            for instance in context.instances.all() {
                grants::withdraw(&context, &instance, &uid);
            }
            return Ok(Action::await_change());
        }
    };
    let began = context.clock.now();
    let executing = take_up::is_executing(rollback);
    let uid = rollback.uid().unwrap_or_default();
    let trace = Trace::of(&uid, rollback.spec.attempt);
    let tally = context.runs.get(&uid).map(|run| run.tally.clone()).unwrap_or_default();
    let work = tally.count(Box::pin(step(&context, rollback)));
    let outcome = traces::within(trace, work).await;
    let took = context.clock.now().duration_since(began).unsigned_abs();
    context.metrics.reconciled(took, outcome.as_ref().err().map(|error| error.class().label()));
    match outcome {
        // Somebody changed the object, and the cache does not show it yet: what wakes the next
        // reconcile is that it does. Before that another would only come to the same end.
        Err(error) if error.is_conflict() => {
            Ok(Action::requeue(context.clock.real_duration(RETRY)))
        }
        // Deleted meanwhile, as the plugin does after a dry run. Otherwise the cache shows it again.
        Err(Error::Kubernetes(error)) if is_not_found(&error) && !executing => {
            Ok(Action::await_change())
        }
        outcome => outcome,
    }
}

/// When to try again after an error.
#[allow(clippy::needless_pass_by_value, reason = "the signature is the controller's")]
pub fn error_policy(
    _: Arc<DeserializeGuard<Rollback>>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    tracing::warn!(%error, class = error.class().label(), "a reconcile did not end and is tried again");
    let after = match error.class() {
        Class::Throttled { after, .. } => after.max(RETRY),
        Class::Terminal(_) | Class::Blocked(_) => RETRY * 6,
        Class::Retry | Class::Conflict => RETRY,
    };
    Action::requeue(context.clock.real_duration(after))
}

async fn step(context: &Arc<Context>, rollback: &Rollback) -> Result<Action, Error> {
    let uid = rollback.uid().unwrap_or_default();
    let status = rollback.status.clone().unwrap_or_default();
    if take_up::is_executing(rollback) || context.runs.get(&uid).is_some() {
        return Box::pin(execute::execute(context, rollback)).await;
    }
    if let Some(begun) = begun_meanwhile(context, rollback, &uid).await? {
        return Box::pin(execute::execute(context, &begun)).await;
    }
    if rollback.metadata.deletion_timestamp.is_some() {
        // Nothing was sent in this attempt; what earlier attempts did is in their ledger records.
        rollbacks::set_finalizer(&context.client, rollback, false).await?;
        return Ok(Action::await_change());
    }
    let attempt = rollback.spec.attempt;
    if status.phase.is_terminal() && status.attempt == attempt {
        return finish::settle_down(context, rollback).await;
    }
    if status.phase.is_terminal() || status.attempt != attempt {
        // What criteria found once is what every attempt is about.
        let found = if rollback.spec.operations.select.is_some() {
            status
        } else {
            RollbackStatus::default()
        };
        let fresh = RollbackStatus {
            attempt,
            instance: found.instance,
            record_refs: found.record_refs,
            observed_generation: rollback.metadata.generation.unwrap_or_default(),
            ..RollbackStatus::default()
        };
        return Box::pin(plan_stage::plan(context, rollback, fresh)).await;
    }
    match status.phase {
        Phase::Planned if rollback.spec.mode == Mode::PlanOnly => {
            plan_stage::observe_generation(context, rollback, status).await?;
            Ok(Action::await_change())
        }
        Phase::AwaitingApproval => Box::pin(approve::approve(context, rollback, status)).await,
        _ => Box::pin(plan_stage::plan(context, rollback, status)).await,
    }
}

/// A Rollback that holds keys and yet seems not to have begun. Either the cache is behind its begin,
/// and it is given as it is now; or the begin failed, and what it has taken is given back.
async fn begun_meanwhile(
    context: &Context,
    rollback: &Rollback,
    uid: &str,
) -> Result<Option<Rollback>, Error> {
    let instances = context.instances.all();
    if !instances.iter().any(|instance| instance.keys.is_held_by(uid)) {
        return Ok(None);
    }
    if Rule::BegunIsLookedUp.holds() {
        let namespace = rollback.namespace().unwrap_or_default();
        let newest = rollbacks::get(&context.client, &namespace, &rollback.name_any()).await?;
        let begun =
            newest.filter(|it| it.uid().as_deref() == Some(uid) && take_up::is_executing(it));
        if begun.is_some() {
            return Ok(begun);
        }
    }
    let now = context.clock.now();
    for instance in instances {
        instance.keys.release(uid, now);
    }
    Ok(None)
}

/// Ends a Rollback that has written nothing in this attempt.
pub async fn end(
    context: &Context,
    rollback: &Rollback,
    mut status: RollbackStatus,
    phase: Phase,
    reason: Reason,
    message: &str,
) -> Result<Action, Error> {
    let now = context.clock.now();
    status.phase = phase;
    status.observed_generation = rollback.metadata.generation.unwrap_or_default();
    conditions::summarize(&mut status, reason, message, now);
    let timing = status.timing.get_or_insert_default();
    timing.finished_at = Some(now);
    timing.expected_at = None;
    write(context, rollback, &status).await?;
    let warning = !matches!(phase, Phase::Succeeded | Phase::AlreadyRolledBack | Phase::Planned);
    context.event(rollback, reason, message, warning);
    Ok(Action::await_change())
}

/// Writes a status if it differs from what is there. With it goes what its timing has to say: the
/// time in the phase that it leaves, and what was asked of AWS since the last write.
pub async fn write(
    context: &Context,
    rollback: &Rollback,
    status: &RollbackStatus,
) -> Result<Rollback, Error> {
    if rollback.status.as_ref() == Some(status) {
        return Ok(rollback.clone());
    }
    let tally = SharedTally::current().unwrap_or_default();
    let counted = tally.take();
    let mut status = status.clone();
    timed(&mut status, rollback, &counted, context.clock.now());
    let outcome = write_as_it_is(context, rollback, &status).await;
    if outcome.is_err() {
        tally.change(|tally| tally.add(&counted));
    }
    outcome
}

/// Writes a status whose timing stays what it is.
pub async fn write_as_it_is(
    context: &Context,
    rollback: &Rollback,
    status: &RollbackStatus,
) -> Result<Rollback, Error> {
    let outcome = rollbacks::write_status(&context.client, rollback, status).await;
    context.metrics.status_write(super::outcome_of_write(&outcome));
    let written = outcome?;
    phases::note(context, rollback, status);
    Ok(written)
}

/// Brings the timing of a status up to now, given what was asked of AWS since `before` was written.
pub fn timed(status: &mut RollbackStatus, before: &Rollback, tally: &Tally, now: jiff::Timestamp) {
    let known = before.status.as_ref();
    let left = known.map(|status| status.phase).unwrap_or_default();
    let created = before.metadata.creation_timestamp.as_ref().map_or(now, |created| created.0);
    // Another attempt begins now.
    let another = known.is_some_and(|it| it.attempt > 0 && it.attempt != status.attempt);
    let created = if another { now } else { created };
    timing::count(status, tally);
    timing::phase_left(status, left, created, now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BlockedReason, FailureReason, Limit};
    use crate::runtime::Metrics;

    #[test]
    fn every_class_of_error_is_counted_from_zero() {
        let text = Metrics::new().unwrap().encode().unwrap();
        for class in [
            Class::Retry,
            Class::Throttled { after: Duration::ZERO, limit: Limit::Rate },
            Class::Conflict,
            Class::Blocked(BlockedReason::AccessDenied),
            Class::Terminal(FailureReason::InvalidRequest),
        ] {
            let zero = format!(r#"rollback_reconcile_errors_total{{class="{}"}} 0"#, class.label());
            assert!(text.contains(&zero), "{zero}");
        }
    }
}
