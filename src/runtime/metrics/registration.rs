//! How metrics are named, bucketed and added to the registry.

use prometheus::core::Collector;
use prometheus::{
    Error, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// The prefix of every metric but the process's own.
const PREFIX: &str = "rollback";

/// Seconds for round trips to AWS and Kubernetes.
pub(super) const ROUND_TRIP: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds for what AWS does asynchronously.
pub(super) const ASYNCHRONOUS: &[f64] =
    &[0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 60.0, 120.0, 300.0];
/// Seconds for phases, which may wait for people.
pub(super) const PHASE: &[f64] =
    &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 604_800.0];

/// Makes metrics and adds them to a registry.
pub(super) struct Adder<'a> {
    pub(super) registry: &'a Registry,
}

impl Adder<'_> {
    pub(super) fn plain<M: Collector + Clone + 'static>(&self, metric: M) -> Result<M, Error> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, Error> {
        self.plain(IntGauge::with_opts(opts(name, help))?)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, label: &str) -> Result<IntGaugeVec, Error> {
        self.plain(IntGaugeVec::new(opts(name, help), &[label])?)
    }

    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, Error> {
        self.plain(IntCounterVec::new(opts(name, help), labels)?)
    }

    pub(super) fn histograms(
        &self,
        name: &str,
        help: &str,
        label: &str,
        buckets: &[f64],
    ) -> Result<HistogramVec, Error> {
        let options = HistogramOpts::from(opts(name, help)).buckets(buckets.to_vec());
        self.plain(HistogramVec::new(options, &[label])?)
    }
}

pub(super) fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace(PREFIX)
}
