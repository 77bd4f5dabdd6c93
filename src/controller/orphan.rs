//! Rollbacks that lost something they cannot be executed without: their plan, or themselves.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::context::Context;
use super::error::Error;
use super::finish::let_go;
use super::instance_handle::InstanceHandle;
use super::perform::direction;
use super::rollback::end;
use crate::api::rollback_status::{InFlight, Phase, RollbackStatus};
use crate::api::{Reason, Rollback};
use crate::aws;
use crate::cluster::plans::PlanError;
use crate::cluster::rollbacks;

/// How often requests are asked about that may be at work.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// An intent without a known request counts as ended after this: far longer than a request takes.
const INTENT_ENDS: SignedDuration = SignedDuration::from_mins(2);
/// How often runs are looked for whose Rollback is gone.
const SWEEP: Duration = Duration::from_mins(1);

/// Ends an attempt whose plan shards are gone: waits for what is at work in AWS, then says so. What
/// was done cannot be named without the plan, so no ledger is written; a new attempt plans against
/// what AWS holds then.
pub async fn give_up(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    rollback: &Rollback,
    lost: &PlanError,
) -> Result<Action, Error> {
    let status = rollback.status.clone().unwrap_or_default();
    for entry in &status.in_flight {
        if entry.ended_at.is_none() && may_be_at_work(context, instance, entry).await? {
            return Ok(Action::requeue(context.clock.real_duration(ASK_AGAIN)));
        }
    }
    tracing::error!(
        rollback = rollback.name_any(),
        namespace = rollback.namespace(),
        error = %lost,
        "the plan is lost, and with it what a ledger record would say"
    );
    instance.gate.governor().release_all(&rollback.uid().unwrap_or_default());
    if rollback.metadata.deletion_timestamp.is_none() {
        let message = format!("{lost}; nothing is at work any more");
        let status = RollbackStatus { in_flight: Vec::new(), ..status };
        end(context, rollback, status, Phase::Failed, Reason::PlanVoid, &message).await?;
        return Ok(Action::requeue(Duration::from_millis(100)));
    }
    rollbacks::set_finalizer(&context.client, rollback, false).await?;
    Ok(Action::await_change())
}

async fn may_be_at_work(
    context: &Context,
    instance: &InstanceHandle,
    entry: &InFlight,
) -> Result<bool, Error> {
    let Some(way) = direction(entry.action) else { return Ok(false) };
    let Some(request_id) = &entry.request_id else {
        return Ok(context.clock.now().duration_since(entry.intent_at) < INTENT_ENDS);
    };
    let found = instance.aws(aws::Priority::Recovery).describe_request(way, request_id).await?;
    Ok(found.is_some_and(|found| found.state == aws::RequestState::InProgress))
}

/// Lets go of runs whose Rollback is gone although it held its finalizer: somebody took it off by
/// force, and no reconcile comes for an object that does not exist.
pub async fn sweep(context: Arc<Context>) {
    loop {
        tokio::select! {
            biased;
            () = context.clock.sleep(SWEEP) => {}
            () = context.stop.cancelled() => return,
        }
        for run in context.runs.all() {
            let namespace = run.reference.namespace.clone().unwrap_or_default();
            match rollbacks::get(&context.client, &namespace, &run.reference.name).await {
                Ok(found)
                    if found.as_ref().and_then(ResourceExt::uid).as_ref() == Some(&run.uid) => {}
                Ok(_) => {
                    tracing::warn!(rollback = %run.reference, "the Rollback is gone: its keys are let go");
                    for instance in context.instances.all() {
                        let_go(&context, &instance, &run);
                    }
                }
                Err(error) => tracing::debug!(%error, "a Rollback could not be looked for"),
            }
        }
    }
}
