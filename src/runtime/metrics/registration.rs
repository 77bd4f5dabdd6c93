//! How metrics are named, bucketed and added to the registry.

use prometheus::core::Collector;
use prometheus::{
    Error, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry,
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

/// Shares of a whole.
pub(super) const RATIO: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// A metric as its documentation shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The whole name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// What it means.
    pub help: String,
}

/// Makes metrics and adds them to a registry.
pub(super) struct Adder<'a> {
    pub(super) registry: &'a Registry,
    pub(super) described: Vec<Described>,
}

impl Adder<'_> {
    fn add<M: Collector + Clone + 'static>(
        &mut self,
        kind: &'static str,
        metric: M,
    ) -> Result<M, Error> {
        self.described.extend(metric.desc().into_iter().map(|desc| Described {
            name: desc.fq_name.clone(),
            kind,
            labels: desc.variable_labels.clone(),
            help: desc.help.clone(),
        }));
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    pub(super) fn counter(&mut self, name: &str, help: &str) -> Result<IntCounter, Error> {
        self.add("counter", IntCounter::with_opts(opts(name, help))?)
    }

    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, Error> {
        self.add("counter", IntCounterVec::new(opts(name, help), labels)?)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Result<IntGauge, Error> {
        self.add("gauge", IntGauge::with_opts(opts(name, help))?)
    }

    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, Error> {
        self.add("gauge", IntGaugeVec::new(opts(name, help), labels)?)
    }

    pub(super) fn gauge_with_fractions(&mut self, name: &str, help: &str) -> Result<Gauge, Error> {
        self.add("gauge", Gauge::with_opts(opts(name, help))?)
    }

    pub(super) fn gauges_with_fractions(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<GaugeVec, Error> {
        self.add("gauge", GaugeVec::new(opts(name, help), &[label])?)
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Histogram, Error> {
        let options = HistogramOpts::from(opts(name, help)).buckets(buckets.to_vec());
        self.add("histogram", Histogram::with_opts(options)?)
    }

    pub(super) fn histograms(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        buckets: &[f64],
    ) -> Result<HistogramVec, Error> {
        let options = HistogramOpts::from(opts(name, help)).buckets(buckets.to_vec());
        self.add("histogram", HistogramVec::new(options, &[label])?)
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace(PREFIX)
}
