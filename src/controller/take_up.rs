//! Taking up a Rollback that has begun: right after it began, or after a restart.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::context::Context;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use super::perform::follow;
use super::rollback::write;
use super::run::Run;
use super::{grants, orphan};
use crate::api::rollback_status::Phase;
use crate::api::{Reason, Rollback};
use crate::cluster::plans::{self, PlanError};
use crate::cluster::rollbacks;
use crate::engine::conditions;
use crate::model::Rule;

/// How long to wait for another Rollback that holds a key.
const HELD: Duration = Duration::from_secs(10);

/// Takes up the newest state of a Rollback. The cache may still show one that is over or gone, and
/// a run that is made from it would hold its keys for ever.
pub async fn take_up_newest(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    seen: &Rollback,
) -> Result<ControlFlow<Action, Arc<Run>>, Error> {
    let namespace = seen.namespace().unwrap_or_default();
    let newest = rollbacks::get(&context.client, &namespace, &seen.name_any()).await?;
    let Some(newest) = newest.filter(|newest| {
        newest.uid() == seen.uid() && rollbacks::has_finalizer(newest) && is_executing(newest)
    }) else {
        return Ok(ControlFlow::Break(Action::await_change()));
    };
    match take_up(context, instance, &newest).await {
        Ok(run) => Ok(ControlFlow::Continue(run)),
        Err(TakeUpError::HeldBy(holder)) => {
            let name = context.runs.get(&holder).map_or(holder, |run| run.reference.to_string());
            let message = format!("waits for {name}, which is writing to a key of this plan");
            wait(context, &newest, Reason::HeldBy, &message).await.map(ControlFlow::Break)
        }
        Err(TakeUpError::Plan(error @ PlanError::Unreadable(..))) => {
            let message = error.to_string();
            wait(context, &newest, Reason::InvalidObject, &message).await.map(ControlFlow::Break)
        }
        Err(TakeUpError::Plan(PlanError::Kubernetes(error))) => Err(error.into()),
        Err(TakeUpError::Plan(lost)) => {
            orphan::give_up(context, instance, &newest, &lost).await.map(ControlFlow::Break)
        }
    }
}

async fn wait(
    context: &Context,
    newest: &Rollback,
    reason: Reason,
    message: &str,
) -> Result<Action, Error> {
    let mut status = newest.status.clone().unwrap_or_default();
    conditions::summarize(&mut status, reason, message, context.clock.now());
    write(context, newest, &status).await?;
    Ok(Action::requeue(context.clock.real_duration(HELD)))
}

/// Whether a Rollback has begun to write and is not over.
#[must_use]
pub fn is_executing(rollback: &Rollback) -> bool {
    let phase = rollback.status.as_ref().map(|status| status.phase);
    matches!(phase, Some(Phase::Executing | Phase::Verifying))
}

/// Why a Rollback that has begun cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum TakeUpError {
    /// Its plan cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Another Rollback, of this uid, holds a key of it.
    #[error("a key of its plan is held by the Rollback with uid {0}")]
    HeldBy(String),
}

/// Takes up a Rollback that this process has not worked on yet: right after it began, or after a
/// restart. What may be at work in AWS gets its slot back before anything new is granted.
pub async fn take_up(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    rollback: &Rollback,
) -> Result<Arc<Run>, TakeUpError> {
    let shards = plans::read(&context.client, rollback).await?;
    let run = Run::new(rollback.clone(), &shards, context.clock.now());
    if Rule::KeysAreTakenAgain.holds() {
        instance.keys.acquire(&run.uid, run.claims().into_iter()).map_err(TakeUpError::HeldBy)?;
    }
    let run = context.runs.add(run);
    let entries = rollback.status.iter().flat_map(|status| &status.in_flight);
    for entry in entries {
        let Ok(item) = usize::try_from(entry.item) else { continue };
        run.observations().item_mut(item).taken_up = Some(context.clock.now());
        if entry.ended_at.is_some() {
            continue;
        }
        let Some(plan) = run.item(item) else { continue };
        if let Some(account) = plan.account {
            grants::adopt(instance, &run.uid, item, account);
        }
        match &entry.request_id {
            Some(request_id) => {
                // A clock that was ahead would keep it from being asked about.
                let at = entry.requested_at.unwrap_or(entry.intent_at).min(context.clock.now());
                // What another request did to the key shortly before is forgotten.
                run.observations().item_mut(item).contested = true;
                follow(instance, &run, item, request_id.clone(), at);
            }
            None => run.observations().item_mut(item).in_doubt = true,
        }
    }
    Ok(run)
}
