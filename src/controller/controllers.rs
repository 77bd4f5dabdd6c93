//! The controllers of instances and Rollbacks, and what wakes them.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, future, stream};
use kube::Api;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Config;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, watcher};
use kube::runtime::{Controller, WatchStreamExt as _};
use tokio_util::sync::CancellationToken;

use super::context::{Context, Woken};
use super::{instance, records_watch, rollback};
use crate::api::rollback_status::Timing;
use crate::api::{IdentityCenterInstance, Phase, Rollback, RollbackStatus};

/// A watch of this many seconds, then another: one whose connection is dead without a word is
/// noticed no later. kube's own is 290.
const WATCH: u32 = 60;

fn watching() -> watcher::Config {
    watcher::Config::default().any_semantic().timeout(WATCH)
}

/// Runs the controllers of both kinds until `stop`.
pub async fn controllers(
    context: &Arc<Context>,
    woken: Woken,
    concurrency: u16,
    stop: CancellationToken,
) {
    let instances = Controller::new(
        Api::<DeserializeGuard<IdentityCenterInstance>>::all(context.client.clone()),
        watching(),
    );
    context.caches.add_instances(instances.store());
    let instances = instances
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(instance::reconcile, instance::error_policy, Arc::clone(context))
        .for_each_concurrent(4, |_| future::ready(()));

    // One stream of wakes serves all controllers of Rollbacks; each drops what is not its own.
    let mut watched = context.watched();
    let rollbacks = match watched.pop() {
        Some(all) if watched.is_empty() => {
            rollbacks(context, all, woken, concurrency, stop).boxed()
        }
        Some(last) => {
            let mut senders = Vec::new();
            let mut running = Vec::new();
            for one in watched.into_iter().chain([last]) {
                let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
                senders.push(sender);
                running.push(rollbacks(context, one, receiver, concurrency, stop.clone()).boxed());
            }
            let relay = relay(woken, senders);
            future::join(future::join_all(running), relay).map(|_| ()).boxed()
        }
        None => future::ready(()).boxed(),
    };
    future::join(instances, rollbacks).await;
}

async fn relay(
    mut woken: Woken,
    senders: Vec<tokio::sync::mpsc::UnboundedSender<ObjectRef<DeserializeGuard<Rollback>>>>,
) {
    while let Some(reference) = woken.recv().await {
        let mut open = false;
        for sender in &senders {
            open |= sender.send(reference.clone()).is_ok();
        }
        if !open {
            return;
        }
    }
}

/// Follows the Rollbacks and the records of one namespace or of all.
async fn rollbacks(
    context: &Arc<Context>,
    namespace: Option<String>,
    mut woken: Woken,
    concurrency: u16,
    stop: CancellationToken,
) {
    let (store, writer) = reflector::store();
    let seen = watcher(context.api(namespace.as_deref()), watching())
        .default_backoff()
        .modify(|guarded: &mut Guarded| {
            if let Ok(rollback) = &mut guarded.0 {
                leave_out(rollback);
            }
        })
        .reflect(writer)
        .applied_objects();
    let controller = Controller::for_stream(seen, store.clone());
    context.caches.add_rollbacks(store.clone());
    let records = records_watch::follow(
        Arc::clone(context),
        context.api(namespace.as_deref()),
        namespace,
        watching(),
        store.clone(),
    );
    let wakes = stream::poll_fn(move |task| woken.poll_recv(task));
    let controller = controller
        .with_config(Config::default().concurrency(concurrency))
        .watches(
            Api::<DeserializeGuard<IdentityCenterInstance>>::all(context.client.clone()),
            watching(),
            move |_| waiting(&store),
        )
        .reconcile_on(wakes)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(rollback::reconcile, rollback::error_policy, Arc::clone(context))
        .for_each_concurrent(16, |_| future::ready(()));
    tokio::select! {
        biased;
        () = controller => {}
        () = records => {}
    }
}

type Guarded = DeserializeGuard<Rollback>;

/// Keeps little of what nobody looks at in the cache: who wrote which field, and most of what a
/// finished attempt says. Whoever writes such a status reads it first: [`super::finish`].
fn leave_out(rollback: &mut Rollback) {
    rollback.metadata.managed_fields = None;
    let attempt = rollback.spec.attempt;
    if let Some(status) = rollback.status.as_mut()
        && status.phase.is_terminal()
        && status.attempt == attempt
    {
        let finished_at = status.timing.as_ref().and_then(|timing| timing.finished_at);
        *status = RollbackStatus {
            // Without an end in the timing they say when it was over.
            conditions: if finished_at.is_some() {
                Vec::new()
            } else {
                std::mem::take(&mut status.conditions)
            },
            phase: status.phase,
            attempt,
            observed_generation: status.observed_generation,
            instance: status.instance.take(),
            timing: finished_at.map(|_| Timing { finished_at, ..Timing::default() }),
            ..RollbackStatus::default()
        };
    }
}

/// Rollbacks that may wait for an instance.
fn waiting(store: &Store<Guarded>) -> Vec<ObjectRef<Guarded>> {
    in_order(store, |rollback| matches!(phase(rollback), Phase::Pending | Phase::AwaitingApproval))
}

/// Some Rollbacks, by name: a store has another order in each process.
fn in_order(store: &Store<Guarded>, wanted: impl Fn(&Rollback) -> bool) -> Vec<ObjectRef<Guarded>> {
    let mut found: Vec<ObjectRef<Guarded>> = store
        .state()
        .into_iter()
        .filter(|guarded| guarded.0.as_ref().is_ok_and(&wanted))
        .map(|guarded| ObjectRef::from_obj(&*guarded))
        .collect();
    found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    found
}

fn phase(rollback: &Rollback) -> Phase {
    rollback.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollback(phase: &str, attempt: i32) -> Rollback {
        let object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
            "metadata": {"name": "undo", "managedFields": [{"manager": "kubectl"}]},
            "spec": {"operations": {"names": ["assign"]}, "attempt": attempt},
            "status": {
                "phase": phase, "attempt": 1, "observedGeneration": 4, "instance": "main",
                "summary": "1 of 1 undone", "ledger": "undo-1",
                "timing": {"planningAt": "2026-11-23T20:57:00Z", "finishedAt": "2026-11-23T20:58:00Z"},
            },
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn of_a_finished_attempt_little_is_kept_and_of_others_everything() {
        for (phase, attempt, whole) in
            [("Succeeded", 1, false), ("Succeeded", 2, true), ("Executing", 1, true)]
        {
            let before = rollback(phase, attempt);
            let mut kept = before.clone();
            leave_out(&mut kept);
            assert_eq!(kept.metadata.managed_fields, None);
            assert_eq!(kept.spec, before.spec);
            let (kept, before) = (kept.status.unwrap(), before.status.unwrap());
            assert_eq!(kept == before, whole, "{phase}, attempt {attempt}");
            assert_eq!(
                (kept.phase, kept.attempt, kept.observed_generation, kept.instance),
                (before.phase, 1, 4, before.instance)
            );
            let (kept, before) = (kept.timing.unwrap(), before.timing.unwrap());
            assert_eq!(kept.finished_at, before.finished_at);
            assert_eq!(kept.planning_at.is_some(), whole, "{phase}, attempt {attempt}");
        }
    }
}
