//! Prometheus metrics: one registry, one typed function for each metric.
//!
//! Labels are `&'static str`: phases, kinds, AWS operations, outcomes and classes. A name, an
//! account id or an error's text is made at run time and so does not fit.

mod families;
mod outcomes;
mod registration;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus::{Error, HistogramVec, IntCounterVec, IntGaugeVec, TextEncoder};

use self::families::Families;
pub use self::outcomes::{EventPublication, LedgerOutcome, StatusWrite};
pub use self::registration::Described;
pub use self::snapshot::{GovernorTotals, InPhase, Snapshot};

type Provider = dyn Fn() -> Snapshot + Send + Sync;

/// All metrics. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Families>,
    snapshot: Arc<RwLock<Option<Arc<Provider>>>>,
}

impl Metrics {
    /// Makes a registry with every metric in it.
    ///
    /// # Errors
    /// Only when two metrics were given one name.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { inner: Arc::new(Families::register()?), snapshot: Arc::default() })
    }

    /// Every metric of the operator's own, in the order of the documentation.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        &self.inner.described
    }

    /// Sets what is asked at each look at the metrics. It runs on a blocking thread and must not wait
    /// long for a lock.
    pub fn provide(&self, snapshot: impl Fn() -> Snapshot + Send + Sync + 'static) {
        let mut provided = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        *provided = Some(Arc::new(snapshot));
    }

    /// All metrics in the text format of Prometheus.
    ///
    /// # Errors
    /// When a metric has no sample or a name twice.
    pub fn encode(&self) -> Result<String, Error> {
        let provided = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(snapshot) = provided {
            self.show(&snapshot());
        }
        TextEncoder::new().encode_to_string(&self.inner.registry.gather())
    }

    fn show(&self, snapshot: &Snapshot) {
        for (phase, rollbacks) in &snapshot.phases {
            set(&self.inner.rollbacks, phase, rollbacks.count);
            if let Ok(oldest) = self.inner.oldest.get_metric_with_label_values(&[phase]) {
                oldest.set(rollbacks.oldest.as_secs_f64());
            }
        }
        set(&self.inner.instances, "true", snapshot.instances_ready);
        set(&self.inner.instances, "false", snapshot.instances_not_ready);
        self.inner.stalled.set(snapshot.stalled.as_secs_f64());
        let totals = snapshot.governors;
        self.inner.allowed_rate.set(totals.allowed_requests_per_second);
        self.inner.slots.set(totals.slots);
        self.inner.in_flight.set(totals.in_flight);
        self.inner.queued.set(totals.queued);
    }

    /// An action ended.
    pub fn action_ended(&self, kind: &'static str, outcome: &'static str) {
        count(&self.inner.actions, &[kind, outcome]);
    }

    /// A Rollback left a phase.
    pub fn phase_ended(&self, phase: &'static str, lasted: Duration) {
        observe(&self.inner.phases, phase, lasted);
    }

    /// A Rollback is over; `efficiency` is the bound divided by the time it took, from 0 to 1.
    pub fn finished(&self, phase: &'static str, efficiency: Option<f64>) {
        count(&self.inner.finished, &[phase]);
        if let Some(efficiency) = efficiency {
            self.inner.efficiency.observe(efficiency);
        }
    }

    /// A ledger record was written, or not.
    pub fn ledger_write(&self, outcome: LedgerOutcome) {
        count(&self.inner.ledger_writes, &[outcome.label()]);
    }

    /// A request to AWS was answered, refused, lost or not sent, after it waited for its turn.
    pub fn aws_request(
        &self,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
        waited: Duration,
    ) {
        count(&self.inner.aws_requests, &[operation, outcome]);
        observe(&self.inner.aws_latency, operation, took);
        self.inner.aws_queue.observe(waited.as_secs_f64());
    }

    /// AWS refused a request for a quota.
    pub fn throttled(&self, limit: &'static str) {
        count(&self.inner.throttles, &[limit]);
    }

    /// AWS refused a request because another change was at work.
    pub fn conflicted(&self, operation: &'static str) {
        count(&self.inner.conflicts, &[operation]);
    }

    /// The asynchronous work of an accepted request ended.
    pub fn provisioned(&self, kind: &'static str, took: Duration) {
        observe(&self.inner.provisioning, kind, took);
    }

    /// A reconciliation ended; `error` is the class of its error.
    pub fn reconciled(&self, took: Duration, error: Option<&'static str>) {
        self.inner.reconciles.inc();
        self.inner.reconcile_latency.observe(took.as_secs_f64());
        if let Some(class) = error {
            count(&self.inner.reconcile_errors, &[class]);
        }
    }

    /// A status was written, or not.
    pub fn status_write(&self, outcome: StatusWrite) {
        count(&self.inner.status_writes, &[outcome.label()]);
    }

    /// An event was published, or not.
    pub fn event(&self, outcome: EventPublication) {
        count(&self.inner.events, &[outcome.label()]);
    }

    /// A request to the Kubernetes API was answered (`2xx`, `4xx`…) or not (`error`, `timeout`).
    pub fn kubernetes_request(&self, method: &'static str, outcome: &'static str, took: Duration) {
        count(&self.inner.kubernetes_requests, &[method, outcome]);
        observe(&self.inner.kubernetes_latency, method, took);
    }

    /// How many of the instances that the installation declares are applied, and how many not.
    pub fn set_declared_instances(&self, applied: usize, refused: usize) {
        for (outcome, count) in [("applied", applied), ("refused", refused)] {
            if let Ok(gauge) =
                self.inner.declared_instances.get_metric_with_label_values(&[outcome])
            {
                gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// How often the lease has changed hands, as the lease says.
    pub fn set_lease_transitions(&self, transitions: i32) {
        let unlabelled: [&str; 0] = [];
        if let Ok(gauge) = self.inner.lease_transitions.get_metric_with_label_values(&unlabelled) {
            gauge.set(i64::from(transitions));
        }
    }

    /// Whether this process leads.
    pub fn set_leader(&self, leads: bool) {
        self.inner.leader.set(i64::from(leads));
        if !leads {
            self.set_leader_ready(false);
        }
    }

    /// Whether this process leads and has rebuilt what it needs to undo anything.
    pub fn set_leader_ready(&self, ready: bool) {
        self.inner.leader_ready.set(i64::from(ready));
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Counts one. A wrong number of labels counts nothing; the tests call every function once.
fn count(counters: &IntCounterVec, labels: &[&'static str]) {
    if let Ok(counter) = counters.get_metric_with_label_values(labels) {
        counter.inc();
    }
}

fn set(gauges: &IntGaugeVec, label: &str, value: usize) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(&[label]) {
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    }
}

fn observe(histograms: &HistogramVec, label: &'static str, took: Duration) {
    if let Ok(histogram) = histograms.get_metric_with_label_values(&[label]) {
        histogram.observe(took.as_secs_f64());
    }
}
