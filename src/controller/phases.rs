//! How many Rollbacks are in which phase, and for how long: for metrics and traces.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;

use super::context::Context;
use crate::api::condition::{ConditionType, is_true};
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{IdentityCenterInstance, Rollback};
use crate::runtime::metrics::{GovernorTotals, InPhase, Snapshot};
use crate::runtime::traces::{Span, Trace};

/// The caches of the leader's controllers.
#[derive(Default)]
pub struct Caches {
    rollbacks: Mutex<Vec<Store<DeserializeGuard<Rollback>>>>,
    instances: Mutex<Vec<Store<DeserializeGuard<IdentityCenterInstance>>>>,
}

impl Caches {
    /// Takes in a cache of Rollbacks, of all or of one namespace.
    pub fn add_rollbacks(&self, cache: Store<DeserializeGuard<Rollback>>) {
        self.rollbacks.lock().unwrap_or_else(PoisonError::into_inner).push(cache);
    }

    /// Takes in the cache of the instances.
    pub fn add_instances(&self, cache: Store<DeserializeGuard<IdentityCenterInstance>>) {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner).push(cache);
    }
}

/// How things stand now.
#[must_use]
pub fn snapshot(context: &Context) -> Snapshot {
    let now = context.clock.now();
    let mut snapshot = Snapshot {
        phases: Phase::ALL.map(|phase| (phase.as_str(), InPhase::default())).into(),
        governors: governors(context),
        ..Snapshot::default()
    };
    let caches = context.caches.rollbacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for guarded in caches.iter().flat_map(Store::state) {
        let Ok(rollback) = &guarded.0 else { continue };
        let phase = rollback.status.as_ref().map(|status| status.phase).unwrap_or_default();
        let in_phase = snapshot.phases.entry(phase.as_str()).or_default();
        in_phase.count += 1;
        if let Some(since) = waits_since(rollback, phase) {
            in_phase.oldest = in_phase.oldest.max(now.duration_since(since).unsigned_abs());
            if matches!(phase, Phase::Executing | Phase::Verifying) {
                let run = context.runs.get(&rollback.uid().unwrap_or_default());
                let since = run.map_or(since, |run| since.max(run.progressed_at()));
                let stalled = now.duration_since(since).unsigned_abs();
                snapshot.stalled = snapshot.stalled.max(stalled);
            }
        }
    }
    let caches = context.caches.instances.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for guarded in caches.iter().flat_map(Store::state) {
        let conditions = guarded.0.as_ref().ok().and_then(|it| it.status.as_ref());
        if conditions.is_some_and(|status| is_true(&status.conditions, ConditionType::Ready)) {
            snapshot.instances_ready += 1;
        } else {
            snapshot.instances_not_ready += 1;
        }
    }
    snapshot
}

fn governors(context: &Context) -> GovernorTotals {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    context.instances.all().iter().fold(GovernorTotals::default(), |sum, instance| {
        let view = instance.gate.governor().view();
        GovernorTotals {
            allowed_requests_per_second: sum.allowed_requests_per_second + view.requests_per_second,
            slots: sum.slots + count(view.slots),
            in_flight: sum.in_flight + count(view.in_flight),
            queued: sum.queued + count(view.queued),
        }
    })
}

/// Since when a Rollback has waited in its phase for the operator or for an approval; none if it
/// waits for nobody, or for what its own spec says.
fn waits_since(rollback: &Rollback, phase: Phase) -> Option<Timestamp> {
    let status = rollback.status.as_ref();
    let approved = status.is_some_and(|it| is_true(&it.conditions, ConditionType::Approved));
    if rollback.spec.suspend || (phase == Phase::AwaitingApproval && approved) {
        return None;
    }
    if phase == Phase::Pending {
        // Another attempt waits since it was asked for, and not since the first one was.
        let conditions = status.map(|it| it.conditions.as_slice()).unwrap_or_default();
        let reconciling = ConditionType::Reconciling.as_str();
        let begun = conditions
            .iter()
            .find(|it| it.type_ == reconciling && it.status == "True")
            .map(|it| it.last_transition_time.0);
        return begun.or_else(|| rollback.metadata.creation_timestamp.as_ref().map(|it| it.0));
    }
    status.and_then(|status| began(status, phase))
}

/// When a phase that leads to another one began.
fn began(status: &RollbackStatus, phase: Phase) -> Option<Timestamp> {
    let timing = status.timing.as_ref()?;
    match phase {
        Phase::Planning => timing.planning_at,
        Phase::AwaitingApproval => timing.planned_at,
        Phase::Executing => timing.executing_at,
        Phase::Verifying => timing.verifying_at,
        _ => None,
    }
}

/// Counts what a persisted status ended, and leaves spans of it: a phase, or the whole.
pub fn note(context: &Context, rollback: &Rollback, after: &RollbackStatus) {
    let before = rollback.status.as_ref().map(|status| status.phase).unwrap_or_default();
    if before == after.phase {
        return;
    }
    let now = context.clock.now();
    let trace = Trace::of(&rollback.uid().unwrap_or_default(), after.attempt);
    if let Some(began) = began(after, before) {
        context.metrics.phase_ended(before.as_str(), now.duration_since(began).unsigned_abs());
        if let Some(trace) = trace {
            let name = before.as_str();
            let span = Span { name, began, ended: now, attributes: Vec::new(), failed: false };
            context.traces.phase(trace, span);
        }
    }
    if !after.phase.is_terminal() {
        return;
    }
    let timing = after.timing.clone().unwrap_or_default();
    context.metrics.finished(after.phase.as_str(), timing.efficiency);
    if let Some(trace) = trace {
        let began = timing.planning_at.unwrap_or(now);
        let attributes = vec![
            ("phase", after.phase.as_str().to_owned()),
            ("attempt", after.attempt.to_string()),
        ];
        let failed = !matches!(after.phase, Phase::Succeeded | Phase::AlreadyRolledBack);
        context
            .traces
            .whole(trace, Span { name: "Rollback", began, ended: now, attributes, failed });
    }
}
