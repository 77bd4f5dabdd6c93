//! What a measurement says, against the bound that AWS's limits set.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::usage::Usage;
use super::{UndoArguments, world};
use crate::api::plan_status::Estimate;
use crate::api::rollback_status::Timing;
use crate::engine::timing;

/// Requests a second that AWS allows to the whole organisation.
const REQUESTS_PER_SECOND: f64 = 20.0;

/// Seconds that no client can go below: slots, rate and one change at a time in an account.
pub fn bound(arguments: &UndoArguments) -> f64 {
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    timing::bound(
        count(arguments.actions),
        arguments.latency,
        count(arguments.slots),
        REQUESTS_PER_SECOND,
        count(world::busiest_account(arguments)),
    )
}

/// The simulator's counters, as far as they are reported.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    pub(super) requests: u64,
    #[serde(rename = "calls")]
    by_operation: BTreeMap<String, CallsOfOperation>,
    accepted: BTreeMap<String, u64>,
    effective: BTreeMap<String, u64>,
    peak_outstanding: u64,
    peak_per_second: u64,
    throttles: BTreeMap<String, u64>,
    conflicts: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct CallsOfOperation {
    total: u64,
}

impl Calls {
    /// What came after an earlier look. Peaks are of the whole time.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut calls = self.clone();
        calls.requests -= earlier.requests;
        for (operation, before) in &earlier.by_operation {
            if let Some(after) = calls.by_operation.get_mut(operation) {
                after.total -= before.total;
            }
        }
        calls.by_operation.retain(|_, calls| calls.total > 0);
        calls
    }

    /// Calls that were refused because there were too many.
    pub fn throttled(&self) -> u64 {
        self.throttles.values().sum()
    }

    /// Changes that were accepted and changed nothing.
    pub fn without_effect(&self) -> u64 {
        self.accepted.values().sum::<u64>() - self.effective.values().sum::<u64>()
    }
}

/// How things stood at one moment of an undo.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Since the approval.
    pub seconds: f64,
    /// Actions at work, or not read back yet.
    pub at_work: u32,
    /// What the operator held.
    pub memory_mebibytes: f64,
}

/// So many moments are kept of an undo.
const SAMPLES: usize = 200;

/// The result of one undo.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    actions: u32,
    accounts: u32,
    latency_seconds: f64,
    slots: u32,
    time_scale: f64,
    bound_seconds: f64,
    /// From the approval until `Ready=True` was seen, the settle time included.
    approval_to_ready_seconds: f64,
    times_bound: f64,
    planning_seconds: Option<f64>,
    execution_seconds: Option<f64>,
    estimated_seconds: f64,
    estimated_calls: i32,
    calls: u64,
    calls_per_action: f64,
    calls_by_operation: BTreeMap<String, u64>,
    effective_changes: u64,
    most_changes_of_one_key: u64,
    peak_outstanding: u64,
    peak_per_second: u64,
    throttled: u64,
    conflicts: u64,
    /// The most that the operator held at once, since it was started.
    operator_peak_memory_bytes: Option<u64>,
    /// Processor time of the operator from the approval until `Ready=True` was seen.
    operator_processor_seconds: Option<f64>,
    /// Rollbacks at once.
    rollbacks: u32,
    /// Whether access was given back.
    gives: bool,
    #[serde(default)]
    samples: Vec<Sample>,
}

impl Report {
    /// Puts together what was measured.
    pub fn new(
        arguments: &UndoArguments,
        approval_to_ready_seconds: f64,
        estimate: &Estimate,
        timing: Option<&Timing>,
        calls: &Calls,
    ) -> Self {
        let bound_seconds = bound(arguments);
        let planning = timing.and_then(|timing| {
            let (begun, ended) = (timing.planning_at?, timing.planned_at?);
            Some(ended.duration_since(begun).as_secs_f64())
        });
        Self {
            actions: arguments.actions,
            accounts: arguments.accounts,
            latency_seconds: arguments.latency,
            slots: arguments.slots,
            time_scale: arguments.time_scale,
            bound_seconds,
            approval_to_ready_seconds,
            times_bound: approval_to_ready_seconds / bound_seconds,
            planning_seconds: planning,
            execution_seconds: timing.and_then(|timing| timing.execution_seconds),
            estimated_seconds: estimate.seconds,
            estimated_calls: estimate.calls,
            calls: calls.requests,
            calls_per_action: ratio(calls.requests, u64::from(arguments.actions)),
            calls_by_operation: calls
                .by_operation
                .iter()
                .map(|(operation, calls)| (operation.clone(), calls.total))
                .collect(),
            effective_changes: calls.effective.values().sum(),
            most_changes_of_one_key: calls.effective.values().copied().max().unwrap_or_default(),
            peak_outstanding: calls.peak_outstanding,
            peak_per_second: calls.peak_per_second,
            throttled: calls.throttled(),
            conflicts: calls.conflicts,
            operator_peak_memory_bytes: None,
            operator_processor_seconds: None,
            rollbacks: arguments.rollbacks,
            gives: arguments.gives,
            samples: Vec::new(),
        }
    }

    /// Adds how things stood over time, thinned out.
    pub fn with_samples(mut self, samples: &[Sample]) -> Self {
        self.samples = samples.iter().copied().step_by(samples.len() / SAMPLES + 1).collect();
        self
    }

    /// How things stood over time.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// From the approval until `Ready=True` was seen.
    pub const fn seconds(&self) -> f64 {
        self.approval_to_ready_seconds
    }

    /// The same, as a multiple of the bound.
    pub const fn times_bound(&self) -> f64 {
        self.times_bound
    }

    /// Milliseconds of processor time for each action.
    pub fn processor_milliseconds(&self) -> Option<f64> {
        self.operator_processor_seconds.map(|seconds| seconds * 1000.0 / f64::from(self.actions))
    }

    /// The figures of a row of a table.
    pub fn cells(&self) -> [String; 11] {
        let rollbacks =
            if self.rollbacks > 1 { format!(" in {}", self.rollbacks) } else { String::new() };
        let gives = if self.gives { ", given back" } else { "" };
        [
            format!("{}{rollbacks}{gives}", self.actions),
            format!("{} s", self.latency_seconds),
            self.slots.to_string(),
            format!("{} ×", self.time_scale),
            format!("{:.1} s", self.bound_seconds),
            format!("{:.1} s", self.approval_to_ready_seconds),
            format!("{:.3}", self.times_bound),
            format!("{:.2}", self.calls_per_action),
            self.throttled.to_string(),
            known(self.processor_milliseconds().map(|it| format!("{it:.2}"))),
            known(self.operator_peak_memory_bytes.map(mebibytes)),
        ]
    }

    /// Adds what the operator used of the machine, by what it had used before and after.
    pub fn with_usage(mut self, before: Usage, after: Usage) -> Self {
        self.operator_peak_memory_bytes = after.peak_memory;
        self.operator_processor_seconds = after
            .processor_seconds
            .zip(before.processor_seconds)
            .map(|(after, before)| after - before);
        self
    }

    /// Processor time as a part of one core, over the seconds of life that the undo took.
    fn part_of_one_core(&self) -> Option<f64> {
        let life = self.approval_to_ready_seconds / self.time_scale;
        self.operator_processor_seconds.map(|seconds| seconds / life)
    }

    /// The report for programs.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// One count over another.
#[allow(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
pub fn ratio(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

impl fmt::Display for Report {
    /// Line by line, or (`{:#}`) as the rest of a row of a table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self
                .cells()
                .iter()
                .try_for_each(|cell| write!(f, "| {cell} "))
                .and_then(|()| f.write_str("|"));
        }
        writeln!(
            f,
            "Undo of {} assignments in {} accounts, {} s provisioning latency, {} slots, clocks at {} x life",
            self.actions, self.accounts, self.latency_seconds, self.slots, self.time_scale
        )?;
        let mut line = |what: &str, value: String| writeln!(f, "  {what:<28} {value}");
        line("planning", seconds(self.planning_seconds))?;
        line("bound by AWS's limits", seconds(Some(self.bound_seconds)))?;
        line("approval to Ready", seconds(Some(self.approval_to_ready_seconds)))?;
        line("  times the bound", format!("{:.3}   (target: 1.20 or less)", self.times_bound))?;
        line("  estimated by the plan", seconds(Some(self.estimated_seconds)))?;
        line("AWS calls, planning included", self.calls.to_string())?;
        line("  an action", format!("{:.2}    (target: 2.50 or less)", self.calls_per_action))?;
        line("  estimated by the plan", self.estimated_calls.to_string())?;
        for (operation, calls) in &self.calls_by_operation {
            line(&format!("    {operation}"), calls.to_string())?;
        }
        line("changes that took effect", self.effective_changes.to_string())?;
        line("  most of one key", self.most_changes_of_one_key.to_string())?;
        line("most changes at work at once", self.peak_outstanding.to_string())?;
        line("most requests in a second", self.peak_per_second.to_string())?;
        line("throttled", self.throttled.to_string())?;
        line("conflicts", self.conflicts.to_string())?;
        line("operator: most memory", known(self.operator_peak_memory_bytes.map(mebibytes)))?;
        line("operator: processor time", seconds(self.operator_processor_seconds))?;
        let part = self
            .part_of_one_core()
            .map(|part| format!("{:.1} % of one core at {} x life", part * 100.0, self.time_scale));
        line("", known(part))
    }
}

/// A value, or that nobody knows it.
pub fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| "unknown".to_owned())
}

/// Bytes for people.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", as_mebibytes(bytes))
}

/// Bytes in mebibytes.
#[allow(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
pub fn as_mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Seconds for people.
pub fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.1} s"))
}
