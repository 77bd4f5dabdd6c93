//! Prometheus metrics: one registry, one typed function for each metric.
//!
//! Labels are `&'static str`: phases, kinds, AWS operations, outcomes and classes. A name, an
//! account id or an error's text is made at run time and so does not fit.

mod registration;

use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Error, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Registry, TextEncoder,
};

use self::registration::{ASYNCHRONOUS, Adder, PHASE, ROUND_TRIP, opts};

/// What became of a status write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusWrite {
    /// It is written.
    Written,
    /// Nothing had changed, so nothing was sent.
    Unchanged,
    /// Somebody else wrote first.
    Conflict,
    /// The API server refused it or could not be reached.
    Failed,
}

impl StatusWrite {
    const fn label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPublication {
    /// The API server has it.
    Published,
    /// The API server refused it, could not be reached or took too long.
    Failed,
    /// Too many were waiting.
    Dropped,
}

impl EventPublication {
    const fn label(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// What the governors of all instances allow and hold, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GovernorTotals {
    /// Requests a second that may be sent now.
    pub allowed_requests_per_second: f64,
    /// Asynchronous requests that may be at work at once.
    pub slots: i64,
    /// Asynchronous requests at work.
    pub in_flight: i64,
    /// Requests that wait for their turn.
    pub queued: i64,
}

/// All metrics. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    rollbacks: IntGaugeVec,
    actions: IntCounterVec,
    phases: HistogramVec,
    aws_requests: IntCounterVec,
    aws_latency: HistogramVec,
    throttles: IntCounterVec,
    conflicts: IntCounterVec,
    provisioning: HistogramVec,
    allowed_rate: Gauge,
    slots: IntGauge,
    in_flight: IntGauge,
    queued: IntGauge,
    reconciles: IntCounter,
    reconcile_errors: IntCounterVec,
    reconcile_latency: Histogram,
    status_writes: IntCounterVec,
    events: IntCounterVec,
    kubernetes_requests: IntCounterVec,
    kubernetes_latency: HistogramVec,
    leader: IntGauge,
}

impl Metrics {
    /// Makes a registry with every metric in it.
    ///
    /// # Errors
    /// Only when two metrics were given one name.
    #[allow(clippy::too_many_lines, reason = "one entry for each metric; a list")]
    pub fn new() -> Result<Self, Error> {
        let registry = Registry::new();
        let add = Adder { registry: &registry };
        let inner = Inner {
            rollbacks: add.gauges("rollbacks", "Rollback objects by phase.", "phase")?,
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
            allowed_rate: add.plain(Gauge::with_opts(opts(
                "governor_allowed_requests_per_second",
                "Requests a second to AWS that are allowed now, over all instances.",
            ))?)?,
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
            reconciles: add.plain(IntCounter::with_opts(opts(
                "reconciles_total",
                "Reconciliations, those with errors included.",
            ))?)?,
            reconcile_errors: add.counters(
                "reconcile_errors_total",
                "Reconciliations that ended with an error, by its class.",
                &["class"],
            )?,
            reconcile_latency: add.plain(Histogram::with_opts(
                HistogramOpts::from(opts(
                    "reconcile_duration_seconds",
                    "How long one reconciliation took.",
                ))
                .buckets(ROUND_TRIP.to_vec()),
            )?)?,
            status_writes: add.counters(
                "status_writes_total",
                "Status writes by outcome.",
                &["outcome"],
            )?,
            events: add.counters("events_total", "Kubernetes events by outcome.", &["outcome"])?,
            kubernetes_requests: add.counters(
                "kubernetes_requests_total",
                "Requests to the Kubernetes API by method and status code class.",
                &["method", "outcome"],
            )?,
            kubernetes_latency: add.histograms(
                "kubernetes_request_duration_seconds",
                "Time from sending a request to the Kubernetes API to its reply, by method.",
                "method",
                ROUND_TRIP,
            )?,
            leader: add.gauge("leader", "1 while this process leads, else 0.")?,
            registry: registry.clone(),
        };
        let build = IntGaugeVec::new(
            opts("build_info", "Always 1; the labels say what is running."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        add.plain(build)?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// All metrics in the text format of Prometheus.
    ///
    /// # Errors
    /// When a metric has no sample or a name twice.
    pub fn encode(&self) -> Result<String, Error> {
        TextEncoder::new().encode_to_string(&self.inner.registry.gather())
    }

    /// How many Rollbacks are in a phase.
    pub fn set_rollbacks(&self, phase: &'static str, count: usize) {
        if let Ok(gauge) = self.inner.rollbacks.get_metric_with_label_values(&[phase]) {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// An action ended.
    pub fn action_ended(&self, kind: &'static str, outcome: &'static str) {
        count(&self.inner.actions, &[kind, outcome]);
    }

    /// A Rollback left a phase.
    pub fn phase_ended(&self, phase: &'static str, lasted: Duration) {
        observe(&self.inner.phases, phase, lasted);
    }

    /// A request to AWS was answered, refused or lost.
    pub fn aws_request(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        count(&self.inner.aws_requests, &[operation, outcome]);
        observe(&self.inner.aws_latency, operation, took);
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

    /// What the governors of all instances allow and hold now.
    pub fn set_governors(&self, totals: GovernorTotals) {
        self.inner.allowed_rate.set(totals.allowed_requests_per_second);
        self.inner.slots.set(totals.slots);
        self.inner.in_flight.set(totals.in_flight);
        self.inner.queued.set(totals.queued);
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

    /// Whether this process leads.
    pub fn set_leader(&self, leads: bool) {
        self.inner.leader.set(i64::from(leads));
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

fn observe(histograms: &HistogramVec, label: &'static str, took: Duration) {
    if let Ok(histogram) = histograms.get_metric_with_label_values(&[label]) {
        histogram.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_shows_in_the_text() {
        let metrics = Metrics::new().unwrap();
        let second = Duration::from_secs(1);
        metrics.set_rollbacks("Executing", 3);
        metrics.action_ended("DeleteAssignment", "verified");
        metrics.phase_ended("Executing", second);
        metrics.aws_request("CreateAccountAssignment", "success", second);
        metrics.throttled("rate");
        metrics.conflicted("DeletePermissionSet");
        metrics.provisioned("CreateAssignment", second);
        metrics.set_governors(GovernorTotals {
            allowed_requests_per_second: 17.5,
            slots: 10,
            in_flight: 7,
            queued: 2,
        });
        metrics.reconciled(second, Some("retry"));
        metrics.reconciled(second, None);
        metrics.status_write(StatusWrite::Conflict);
        metrics.event(EventPublication::Dropped);
        metrics.kubernetes_request("GET", "2xx", second);
        metrics.set_leader(true);
        let text = metrics.encode().unwrap();
        for line in [
            r#"rollback_rollbacks{phase="Executing"} 3"#,
            r#"rollback_actions_total{kind="DeleteAssignment",outcome="verified"} 1"#,
            r#"rollback_phase_duration_seconds_count{phase="Executing"} 1"#,
            r#"rollback_aws_requests_total{operation="CreateAccountAssignment",outcome="success"} 1"#,
            r#"rollback_aws_request_duration_seconds_count{operation="CreateAccountAssignment"} 1"#,
            r#"rollback_throttles_total{limit="rate"} 1"#,
            r#"rollback_conflicts_total{operation="DeletePermissionSet"} 1"#,
            r#"rollback_provisioning_duration_seconds_sum{kind="CreateAssignment"} 1"#,
            "rollback_governor_allowed_requests_per_second 17.5",
            "rollback_governor_slots 10",
            "rollback_governor_in_flight 7",
            "rollback_governor_queued 2",
            "rollback_reconciles_total 2",
            r#"rollback_reconcile_errors_total{class="retry"} 1"#,
            "rollback_reconcile_duration_seconds_count 2",
            r#"rollback_status_writes_total{outcome="conflict"} 1"#,
            r#"rollback_events_total{outcome="dropped"} 1"#,
            r#"rollback_kubernetes_requests_total{method="GET",outcome="2xx"} 1"#,
            r#"rollback_kubernetes_request_duration_seconds_count{method="GET"} 1"#,
            "rollback_leader 1",
            concat!(r#"rollback_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        #[cfg(target_os = "linux")]
        for name in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_start_time_seconds",
        ] {
            assert!(text.contains(&format!("\n{name} ")), "{name} is missing");
        }
    }

    #[test]
    fn names_follow_the_conventions() {
        let text = Metrics::new().unwrap().encode().unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').unwrap();
            assert!(name.starts_with("rollback_") || name.starts_with("process_"), "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            assert_eq!(kind == "histogram", name.ends_with("_duration_seconds"), "{name}");
        }
    }
}
