//! What a measurement at scale says.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Seconds that something took, each time.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Latencies {
    seconds: Vec<f64>,
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, seconds: f64) {
        let at = self.seconds.partition_point(|other| *other < seconds);
        self.seconds.insert(at, seconds);
    }

    /// The least that so many hundredths do not exceed (nearest rank); none of none.
    fn percentile(&self, hundredths: usize) -> Option<f64> {
        let rank = (self.seconds.len() * hundredths).div_ceil(100).max(1);
        self.seconds.get(rank - 1).copied()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |hundredths| {
            self.percentile(hundredths)
                .map_or_else(|| "none".to_owned(), |it| format!("{:.0} ms", it * 1000.0))
        };
        write!(
            f,
            "half within {}, nine of ten within {}, most {} of {}",
            milliseconds(50),
            milliseconds(90),
            milliseconds(100),
            self.seconds.len()
        )
    }
}

/// How the operator did where much is there already.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Scale")]
pub struct Report {
    /// Finished Rollbacks.
    pub rollbacks: u32,
    /// Records, those of the finished Rollbacks and their ledgers included.
    pub records: u32,
    /// How fast this was created.
    pub objects_loaded_per_second: f64,
    /// From the start of the process until `/readyz` says yes.
    pub ready_seconds: f64,
    /// From the start of the process until a Rollback that waited has its plan.
    pub first_plan_seconds: f64,
    /// From the start of the process until it rests, five seconds included.
    pub calm_seconds: f64,
    /// Memory once it rests, in bytes.
    pub memory_bytes: Option<u64>,
    /// The most until then, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// The most until the end, in bytes.
    pub peak_memory_after_probes_bytes: Option<u64>,
    /// Processor time while nothing happens, as a part of one core.
    pub idle_processor_share: Option<f64>,
    /// Requests to the Kubernetes API while nothing happens.
    pub idle_requests_per_second: f64,
    /// From the creation of a Rollback until its plan is there.
    pub planning: Latencies,
    /// From the approval of a plan until AWS is asked.
    pub acting: Latencies,
    /// The same for plans that are made again because they are older than 20 s.
    pub acting_on_old_plans: Latencies,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = crate::bench::words::mebibytes;
        let known = crate::bench::words::known;
        writeln!(f, "{} finished Rollbacks, {} records", self.rollbacks, self.records)?;
        let mut line = |what: &str, value: String| writeln!(f, "  {what:<36} {value}");
        line("objects created a second", format!("{:.0}", self.objects_loaded_per_second))?;
        line("process start to ready", format!("{:.2} s   (target: 5 s)", self.ready_seconds))?;
        line("  to the first plan", format!("{:.2} s", self.first_plan_seconds))?;
        line("  to rest", format!("{:.1} s", self.calm_seconds))?;
        let memory = format!("{}   (target: 80 MiB)", known(self.memory_bytes.map(mebibytes)));
        line("memory at rest", memory)?;
        line("  most until then", known(self.peak_memory_bytes.map(mebibytes)))?;
        line("  most in all", known(self.peak_memory_after_probes_bytes.map(mebibytes)))?;
        let share = self.idle_processor_share.map(|share| format!("{:.2} %", share * 100.0));
        line("processor at rest", format!("{} of one core   (target: 1 %)", known(share)))?;
        line(
            "API requests a second at rest",
            format!("{:.2}   (target: 1)", self.idle_requests_per_second),
        )?;
        line("creation to plan", self.planning.to_string())?;
        line("approval to first action", format!("{}   (target: 250 ms)", self.acting))?;
        line("  of a plan older than 20 s", self.acting_on_old_plans.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        for hundredth in (1..=100).rev() {
            latencies.add(f64::from(hundredth));
        }
        assert_eq!(latencies.percentile(50), Some(50.0));
        assert_eq!(latencies.percentile(99), Some(99.0));
        assert_eq!(latencies.percentile(100), Some(100.0));
    }
}
