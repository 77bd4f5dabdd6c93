//! Every metric: its name, its labels, what it means.

use prometheus::{
    Error, Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Registry,
};

use super::outcomes::LedgerOutcome;
use super::registration::{ASYNCHRONOUS, Adder, Described, PHASE, RATIO, ROUND_TRIP};

/// Classes of a reconciliation's error. They are counted from zero on: a counter that appears with its
/// first count hides that increase.
const ERROR_CLASSES: [&str; 5] = ["retry", "throttled", "conflict", "blocked", "terminal"];
/// Phases that a Rollback ends in. They are counted from zero on, because nothing can be said about
/// the increase of a counter that is there only after it has counted.
const FINAL_PHASES: [&str; 6] =
    ["Succeeded", "PartiallySucceeded", "Failed", "Cancelled", "Rejected", "AlreadyRolledBack"];

/// Every metric.
pub(super) struct Families {
    pub described: Vec<Described>,
    pub registry: Registry,
    pub rollbacks: IntGaugeVec,
    pub oldest: GaugeVec,
    pub stalled: Gauge,
    pub finished: IntCounterVec,
    pub efficiency: Histogram,
    pub ledger_writes: IntCounterVec,
    pub actions: IntCounterVec,
    pub phases: HistogramVec,
    pub aws_requests: IntCounterVec,
    pub aws_latency: HistogramVec,
    pub aws_queue: Histogram,
    pub throttles: IntCounterVec,
    pub conflicts: IntCounterVec,
    pub provisioning: HistogramVec,
    pub instances: IntGaugeVec,
    pub declared_instances: IntGaugeVec,
    pub allowed_rate: Gauge,
    pub slots: IntGauge,
    pub in_flight: IntGauge,
    pub queued: IntGauge,
    pub reconciles: IntCounter,
    pub reconcile_errors: IntCounterVec,
    pub reconcile_latency: Histogram,
    pub status_writes: IntCounterVec,
    pub events: IntCounterVec,
    pub kubernetes_requests: IntCounterVec,
    pub kubernetes_latency: HistogramVec,
    pub lease_transitions: IntGaugeVec,
    pub leader: IntGauge,
    pub leader_ready: IntGauge,
}

impl Families {
    /// Makes all of them and adds them to a registry.
    #[allow(clippy::too_many_lines, reason = "one entry for each metric; a list")]
    pub fn register() -> Result<Self, Error> {
        let registry = Registry::new();
        let mut add = Adder { registry: &registry, described: Vec::new() };
        let mut families = Self {
            rollbacks: add.gauges("rollbacks", "Rollback objects by phase.", &["phase"])?,
            oldest: add.gauges_with_fractions(
                "phase_oldest_seconds",
                "How long the Rollback that has been longest in a phase has been in it; suspended ones and approved ones that wait for their time do not count.",
                "phase",
            )?,
            stalled: add.gauge_with_fractions(
                "stalled_seconds",
                "How long no action of a Rollback has ended that executes or verifies, of the one for which that is longest; suspended ones do not count.",
            )?,
            finished: add.counters("finished_total", "Rollbacks that ended, by phase.", &["phase"])?,
            efficiency: add.histogram(
                "efficiency_ratio",
                "The time that AWS's limits require, divided by the time that an undo took.",
                RATIO,
            )?,
            ledger_writes: add.counters(
                "ledger_writes_total",
                "Writes of ledger records by outcome.",
                &["outcome"],
            )?,
            actions: add.counters(
                "actions_total",
                "Actions of plans that ended, by kind and outcome.",
                &["kind", "outcome"],
            )?,
            phases: add.histograms(
                "phase_duration_seconds",
                "How long Rollbacks stayed in a phase.",
                "phase",
                PHASE,
            )?,
            aws_requests: add.counters(
                "aws_requests_total",
                "Requests to AWS by operation and outcome.",
                &["operation", "outcome"],
            )?,
            aws_latency: add.histograms(
                "aws_request_duration_seconds",
                "Time from sending a request to AWS to its reply, without waits for quota.",
                "operation",
                ROUND_TRIP,
            )?,
            aws_queue: add.histogram(
                "aws_queue_duration_seconds",
                "How long a request to AWS waited for its turn under the quota.",
                ROUND_TRIP,
            )?,
            throttles: add.counters(
                "throttles_total",
                "Requests that AWS refused for a quota, by the limit that was met.",
                &["limit"],
            )?,
            conflicts: add.counters(
                "conflicts_total",
                "Requests that AWS refused because another change was at work, by operation.",
                &["operation"],
            )?,
            provisioning: add.histograms(
                "provisioning_duration_seconds",
                "Time from an accepted request to the end of its asynchronous work, by kind.",
                "kind",
                ASYNCHRONOUS,
            )?,
            instances: add.gauges(
                "instances",
                "IdentityCenterInstance objects by whether they are ready.",
                &["ready"],
            )?,
            declared_instances: add.gauges(
                "declared_instances",
                "Instances that the installation declares, by whether they are applied.",
                &["outcome"],
            )?,
            allowed_rate: add.gauge_with_fractions(
                "governor_allowed_requests_per_second",
                "Requests a second to AWS that are allowed now, over all instances.",
            )?,
            slots: add.gauge(
                "governor_slots",
                "Asynchronous requests that may be at work at once, over all instances.",
            )?,
            in_flight: add.gauge(
                "governor_in_flight",
                "Asynchronous requests at work, over all instances.",
            )?,
            queued: add.gauge(
                "governor_queued",
                "Requests that wait for their turn, over all instances.",
            )?,
            reconciles: add
                .counter("reconciles_total", "Reconciliations, those with errors included.")?,
            reconcile_errors: add.counters(
                "reconcile_errors_total",
                "Reconciliations that ended with an error, by its class.",
                &["class"],
            )?,
            reconcile_latency: add.histogram(
                "reconcile_duration_seconds",
                "How long one reconciliation took.",
                ROUND_TRIP,
            )?,
            status_writes: add.counters(
                "status_writes_total",
                "Status writes by outcome.",
                &["outcome"],
            )?,
            events: add.counters("events_total", "Kubernetes events by outcome.", &["outcome"])?,
            kubernetes_requests: add.counters(
                "kubernetes_requests_total",
                "Requests to the Kubernetes API by method and outcome: the class of the status code, or 403, 409 and 429.",
                &["method", "outcome"],
            )?,
            kubernetes_latency: add.histograms(
                "kubernetes_request_duration_seconds",
                "Time from sending a request to the Kubernetes API to its reply, by method.",
                "method",
                ROUND_TRIP,
            )?,
            lease_transitions: add.gauges(
                "lease_transitions",
                "How often the lease has changed hands since it was created; absent until it was read.",
                &[],
            )?,
            leader: add.gauge("leader", "1 while this process leads, else 0.")?,
            leader_ready: add.gauge(
                "leader_ready",
                "1 while this process leads and has rebuilt what it needs to undo, else 0.",
            )?,
            described: Vec::new(),
            registry: registry.clone(),
        };
        add.gauges("build_info", "Always 1; the label says what is running.", &["version"])?
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        families.described = add.described;
        for phase in FINAL_PHASES {
            families.finished.with_label_values(&[phase]);
        }
        for class in ERROR_CLASSES {
            families.reconcile_errors.with_label_values(&[class]);
        }
        for outcome in LedgerOutcome::ALL {
            families.ledger_writes.with_label_values(&[outcome.label()]);
        }
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(families)
    }
}
