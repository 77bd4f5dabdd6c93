//! What a measurement says, against the bound that AWS's limits set.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::calls::Calls;
use super::samples::{Sample, thinned};
use super::usage::Usage;
use super::words::{known, mebibytes, ratio, seconds};
use super::{Kind, UndoArguments, world};
use crate::api::plan_status::Estimate;
use crate::api::rollback_status::Timing;
use crate::engine::timing;

/// Requests a second that AWS allows to the whole organisation.
const REQUESTS_PER_SECOND: f64 = 20.0;

/// Seconds that no client can go below: slots, rate and one change at a time in an account. A set is
/// deleted within the call, in no account.
pub fn bound(arguments: &UndoArguments) -> f64 {
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    if arguments.kind == Kind::Clone {
        return f64::from(arguments.actions) / REQUESTS_PER_SECOND;
    }
    timing::bound(
        count(arguments.actions),
        arguments.latency,
        count(arguments.slots),
        REQUESTS_PER_SECOND,
        count(world::busiest_account(arguments)),
    )
}

/// The result of one undo.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Undo")]
pub struct Report {
    /// Type of the operations that were undone.
    kind: Kind,
    /// Actions of the undo.
    actions: u32,
    /// Accounts that they are in.
    accounts: u32,
    /// What AWS took from an accepted request to its end, in simulated seconds.
    latency_seconds: f64,
    /// Changes that AWS allowed at work at once.
    slots: u32,
    /// How much faster than life all clocks ran. All other seconds are simulated ones.
    time_scale: f64,
    /// Whether AWS throttled, failed and lost answers now and then.
    faults: bool,
    /// What AWS's limits require.
    bound_seconds: f64,
    /// From the approval until `Ready=True` was seen, the settle time included.
    approval_to_ready_seconds: f64,
    /// The same, as a multiple of the bound.
    times_bound: f64,
    /// From the start of the operator's process until it was ready, in seconds of life.
    ready_seconds: f64,
    /// From the first look at a Rollback until its plan was there; of several, the longest.
    planning_seconds: Option<f64>,
    /// From the approval until all was read back, by the Rollback itself; of several, the longest.
    execution_seconds: Option<f64>,
    /// What the plan said that it would take.
    estimated_seconds: f64,
    /// Calls that the plan said there would be.
    estimated_calls: i32,
    /// Calls to AWS, planning included.
    calls: u64,
    /// The same, for each action.
    calls_per_action: f64,
    /// Calls by AWS's name of the operation.
    calls_by_operation: BTreeMap<String, u64>,
    /// Changes that changed something.
    effective_changes: u64,
    /// The most of these to one key; more than one means that something was done twice.
    most_changes_of_one_key: u64,
    /// The most changes at work at once.
    peak_outstanding: u64,
    /// The most calls in one second.
    peak_per_second: u64,
    /// Calls that were refused because there were too many.
    throttled: u64,
    /// Changes that were refused because another was at work in the account.
    conflicts: u64,
    /// The most that the operator held at once, since it was started.
    operator_peak_memory_bytes: Option<u64>,
    /// Processor time of the operator from the approval until `Ready=True` was seen.
    operator_processor_seconds: Option<f64>,
    /// Rollbacks at once.
    rollbacks: u32,
    /// How things stood over time, from the approval on.
    samples: Vec<Sample>,
}

impl Report {
    /// Puts together what was measured.
    pub fn new(
        arguments: &UndoArguments,
        approval_to_ready_seconds: f64,
        estimate: &Estimate,
        timings: &[Timing],
        calls: &Calls,
    ) -> Self {
        let bound_seconds = bound(arguments);
        let planning = timings.iter().filter_map(|timing| {
            let (begun, ended) = (timing.planning_at?, timing.planned_at?);
            Some(ended.duration_since(begun).as_secs_f64())
        });
        let executing = timings.iter().filter_map(|timing| timing.execution_seconds);
        let (effective_changes, most_changes_of_one_key) = calls.effective();
        Self {
            kind: arguments.kind,
            faults: arguments.faults,
            ready_seconds: 0.0,
            actions: arguments.actions,
            accounts: arguments.accounts,
            latency_seconds: arguments.latency,
            slots: arguments.slots,
            time_scale: arguments.time_scale,
            bound_seconds,
            approval_to_ready_seconds,
            times_bound: approval_to_ready_seconds / bound_seconds,
            planning_seconds: planning.reduce(f64::max),
            execution_seconds: executing.reduce(f64::max),
            estimated_seconds: estimate.seconds,
            estimated_calls: estimate.calls,
            calls: calls.requests,
            calls_per_action: ratio(calls.requests, u64::from(arguments.actions)),
            calls_by_operation: calls.by_operation(),
            effective_changes,
            most_changes_of_one_key,
            peak_outstanding: calls.peak_outstanding,
            peak_per_second: calls.peak_per_second,
            throttled: calls.throttled(),
            conflicts: calls.conflicts,
            operator_peak_memory_bytes: None,
            operator_processor_seconds: None,
            rollbacks: arguments.rollbacks,
            samples: Vec::new(),
        }
    }

    /// Whether both are of the same undo in the same world.
    pub fn is_like(&self, other: &Self) -> bool {
        let world = |it: &Self| {
            let counts = (it.kind, it.faults, it.actions, it.accounts, it.slots, it.rollbacks);
            (counts, it.latency_seconds.to_bits(), it.time_scale.to_bits())
        };
        world(self) == world(other)
    }

    /// Adds how things stood over time, thinned out.
    pub fn with_samples(mut self, samples: &[Sample]) -> Self {
        self.samples = thinned(samples);
        self
    }

    /// Adds how long the operator took to be ready, in seconds of life.
    pub const fn with_start(mut self, ready_seconds: f64) -> Self {
        self.ready_seconds = ready_seconds;
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

    /// What AWS's limits require.
    pub const fn bound(&self) -> f64 {
        self.bound_seconds
    }

    /// The same, as a multiple of the bound.
    pub const fn times_bound(&self) -> f64 {
        self.times_bound
    }

    /// Milliseconds of processor time for each action.
    pub fn processor_milliseconds(&self) -> Option<f64> {
        self.operator_processor_seconds.map(|seconds| seconds * 1000.0 / f64::from(self.actions))
    }

    /// The most changes at work at once, and the most memory that the operator held, in bytes.
    pub const fn peaks(&self) -> (u64, Option<u64>) {
        (self.peak_outstanding, self.operator_peak_memory_bytes)
    }

    /// Whether sets are deleted, which the bound of assignments says nothing about.
    pub fn is_of_clones(&self) -> bool {
        self.kind == Kind::Clone
    }

    /// Actions, latency, slots and Rollbacks at once; nothing of an undo of another type, or with
    /// faults.
    pub fn coordinates(&self) -> Option<[f64; 4]> {
        let plain = self.kind == Kind::Assign && !self.faults;
        let of = f64::from;
        plain.then_some([
            of(self.actions),
            self.latency_seconds,
            of(self.slots),
            of(self.rollbacks),
        ])
    }

    /// The figures of a row of a table.
    pub fn cells(&self) -> [String; 12] {
        let rollbacks =
            if self.rollbacks > 1 { format!(" in {}", self.rollbacks) } else { String::new() };
        [
            format!("{}{rollbacks}", self.actions),
            format!("{} s", self.latency_seconds),
            self.slots.to_string(),
            format!("{} ×", self.time_scale),
            format!("{:.1} s", self.bound_seconds),
            format!("{:.1} s", self.approval_to_ready_seconds),
            format!("{:.3}", self.times_bound),
            format!("{:.2}", self.calls_per_action),
            self.throttled.to_string(),
            format!("{:.2} s", self.ready_seconds),
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
            "Undo of {} changes ({}{}) in {} accounts, {} s provisioning latency, {} slots, clocks at {} x life",
            self.actions,
            self.kind.word(),
            if self.faults { ", with faults" } else { "" },
            self.accounts,
            self.latency_seconds,
            self.slots,
            self.time_scale
        )?;
        let mut line = |what: &str, value: String| writeln!(f, "  {what:<28} {value}");
        line("start to ready", format!("{:.2} s of life", self.ready_seconds))?;
        line("planning", seconds(self.planning_seconds))?;
        line("bound by AWS's limits", seconds(Some(self.bound_seconds)))?;
        line("approval to Ready", seconds(Some(self.approval_to_ready_seconds)))?;
        line("  times the bound", format!("{:.3}", self.times_bound))?;
        line("  estimated by the plan", seconds(Some(self.estimated_seconds)))?;
        line("AWS calls, planning included", self.calls.to_string())?;
        line("  an action", format!("{:.2}", self.calls_per_action))?;
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
