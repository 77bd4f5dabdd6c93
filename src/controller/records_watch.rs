//! The watch of records: keeps their index, and wakes the Rollbacks that wait for one of them.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt};

use super::context::Context;
use crate::api::rollback_status::Phase;
use crate::api::{OperationRecord, Rollback};

/// Events that are there already are taken in together, at most so many.
const TOGETHER: usize = 500;

/// A namespace and a name.
type Name = (String, String);

/// Follows the records of a namespace, or of all.
pub async fn follow(
    context: Arc<Context>,
    records: Api<DeserializeGuard<OperationRecord>>,
    namespace: Option<String>,
    watching: watcher::Config,
    rollbacks: Store<DeserializeGuard<Rollback>>,
) {
    let scope = context.records.add_scope(namespace);
    let events = watcher(records, watching).default_backoff().ready_chunks(TOGETHER);
    let mut events = pin!(events);
    while let Some(some) = events.next().await {
        let mut changed = BTreeSet::new();
        for event in some {
            match event {
                Ok(event) => {
                    context.records.take_in(scope, &event);
                    if let Event::Apply(it) | Event::InitApply(it) | Event::Delete(it) = event {
                        changed.insert((it.namespace().unwrap_or_default(), it.name_any()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the watch of the records broke and is begun again");
                }
            }
        }
        if !changed.is_empty() {
            for (namespace, name) in waiting_for(&rollbacks, &changed) {
                context.wake(&ObjectRef::new(&name).within(&namespace));
            }
        }
    }
}

/// Rollbacks that wait for one of these records, in order.
fn waiting_for(
    rollbacks: &Store<DeserializeGuard<Rollback>>,
    changed: &BTreeSet<Name>,
) -> BTreeSet<Name> {
    let all = rollbacks.state();
    let readable = all.iter().filter_map(|guarded| guarded.0.as_ref().ok());
    let waiting = readable.filter(|rollback| {
        let status = rollback.status.as_ref();
        let namespace = rollback.namespace().unwrap_or_default();
        status.map(|status| status.phase).unwrap_or_default() == Phase::Pending
            && names(rollback).any(|name| changed.contains(&(namespace.clone(), name.clone())))
    });
    waiting.map(|it| (it.namespace().unwrap_or_default(), it.name_any())).collect()
}

/// The records that a Rollback names, or that its criteria found.
fn names(rollback: &Rollback) -> impl Iterator<Item = &String> {
    let found = rollback.status.iter().flat_map(|status| &status.record_refs);
    rollback.spec.operations.names.iter().chain(found.map(|found| &found.name))
}
