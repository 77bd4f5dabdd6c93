//! One run of the plugin.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::PLUGIN;
use crate::bench::BenchError;
use crate::bench::process::Process;
use crate::bench::stage::Stage;
use crate::bench::usage::Usage;
use crate::bench::world;
use crate::runtime::clock::Clock;

/// How often a short run is looked at, which is how exact its time is. A long one is looked at less
/// often: looking takes time from the cores that are measured.
const LOOK: Duration = Duration::from_millis(1);
/// How exact the time of a long run is: to one part in so many.
const PARTS: u32 = 200;
/// How long one run may take.
const PATIENCE: Duration = Duration::from_mins(15);

/// What one run took.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// From its start to its end.
    pub seconds: f64,
    /// The most memory that it was seen to hold, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// What it wrote to standard output.
    pub printed_bytes: u64,
}

/// The program that is measured.
pub struct Plugin {
    /// Where it is.
    pub program: PathBuf,
}

impl Plugin {
    /// Runs it with every right in the namespace of the measurement, to a good end.
    pub async fn run(&self, stage: &Stage, arguments: &[&str]) -> Result<Run, BenchError> {
        let output = stage.directory().join("plugin.out");
        let file = File::create(&output).map_err(BenchError::io(output.display().to_string()))?;
        let what = format!("{PLUGIN} {}", arguments.join(" "));
        let life = Clock::real();
        let begun = life.now();
        let mut process = Process::launch(PLUGIN, &self.program, stage.directory(), |command| {
            command.args(arguments).env("KUBECONFIG", stage.kubeconfig()).stdout(file);
            if arguments != ["--version"] {
                command.args(["--namespace", world::NAMESPACE]);
            }
        })?;
        let mut peak = None;
        while !process.is_over()? {
            peak = peak.max(Usage::of(process.id()).peak_memory);
            let passed = life.now().duration_since(begun).unsigned_abs();
            if passed > PATIENCE {
                let last = format!("{passed:?} gone by");
                return Err(BenchError::Late { what, seconds: passed.as_secs(), last });
            }
            life.sleep(LOOK.max(passed / PARTS)).await;
        }
        let seconds = life.now().duration_since(begun).as_secs_f64();
        let printed = std::fs::metadata(&output);
        let printed_bytes = printed.map_err(BenchError::io("plugin.out"))?.len();
        Ok(Run { seconds, peak_memory_bytes: peak, printed_bytes })
    }
}
