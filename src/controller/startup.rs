//! What a new leader rebuilds before anything is sent: instances, key tables, what is at work.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::api::ListParams;
use kube::core::DeserializeGuard;

use super::context::Context;
use super::error::Error;
use super::instance;
use super::instance_handle::InstanceHandle;
use super::take_up::{TakeUpError, is_executing, take_up};
use crate::api::Rollback;
use crate::cluster::instances;
use crate::cluster::plans::PlanError;

/// Rollbacks are listed in pages of so many.
const PAGE: u32 = 500;
/// How long to wait before trying again.
const AGAIN: Duration = Duration::from_secs(2);

/// Connects the instances and takes up every Rollback that is being executed, so that what it
/// holds and what it may have at work is known before anything new is granted. Tries until it has
/// seen everything; an instance that does not answer keeps only its own Rollbacks waiting.
pub async fn rebuild(context: &Arc<Context>) {
    while let Err(error) = try_rebuild(context).await {
        tracing::warn!(%error, "the state could not be rebuilt yet; it is tried again");
        context.clock.sleep(AGAIN).await;
    }
}

async fn try_rebuild(context: &Arc<Context>) -> Result<(), Error> {
    for found in instances::list(&context.client).await? {
        let name = found.name_any();
        if context.instances.get(&name).is_some() {
            continue;
        }
        match instance::connect(context, &name, &found.spec).await {
            Ok(_) => {}
            Err(error @ Error::Kubernetes(_)) => return Err(error),
            Err(error) => {
                tracing::warn!(instance = name, %error, "an instance does not answer; its Rollbacks wait for it");
            }
        }
    }
    Ok(())
}

/// Takes up every Rollback of an instance that is being executed.
pub async fn take_up_all(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
) -> Result<(), Error> {
    let mut taken_up = Vec::new();
    for rollback in executing(context).await? {
        let uid = rollback.uid().unwrap_or_default();
        let of_this = rollback.status.as_ref().and_then(|status| status.instance.as_deref())
            == Some(&instance.name);
        if !of_this || context.runs.get(&uid).is_some() {
            continue;
        }
        match take_up(context, instance, &rollback).await {
            Ok(run) => {
                tracing::info!(rollback = %run.reference, "taken up again");
                taken_up.push(uid);
            }
            Err(TakeUpError::Plan(PlanError::Kubernetes(error))) => {
                // All or nothing: the next try has another handle of the instance, with the same gate.
                for uid in &taken_up {
                    context.runs.remove(uid);
                    instance.gate.governor().release_all(uid);
                }
                return Err(error.into());
            }
            Err(error) => {
                tracing::error!(rollback = rollback.name_any(), %error, "cannot be taken up");
            }
        }
    }
    Ok(())
}

/// Every Rollback that has begun to write and is not over, read past every cache.
async fn executing(context: &Context) -> Result<Vec<Rollback>, Error> {
    let mut found = Vec::new();
    for namespace in context.watched() {
        let api = context.api::<DeserializeGuard<Rollback>>(namespace.as_deref());
        let mut parameters = ListParams::default().limit(PAGE);
        loop {
            let page = api.list(&parameters).await?;
            let readable = page.items.into_iter().filter_map(|guarded| guarded.0.ok());
            found.extend(readable.filter(is_executing));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(found)
}
