//! One run of the plugin.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Serialize;

use super::PLUGIN;
use crate::bench::BenchError;
use crate::bench::process::beside;
use crate::bench::stage::Stage;
use crate::bench::usage::Usage;
use crate::bench::world;
use crate::runtime::clock::Clock;

/// How often it is looked at, which is how exact the time is.
const LOOK: Duration = Duration::from_millis(1);
/// How long one run may take.
const PATIENCE: Duration = Duration::from_mins(15);

/// What one run took.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// From its start to its end.
    pub seconds: f64,
    /// The most memory that it was seen to hold.
    pub peak_memory_bytes: Option<u64>,
    /// What it wrote to standard output.
    pub printed_bytes: u64,
}

/// Runs the plugin with every right in the namespace of the measurement, to a good end.
pub async fn run(stage: &Stage, arguments: &[&str]) -> Result<Run, BenchError> {
    let file = |name: &str| {
        let path = stage.directory().join(name);
        File::create(&path).map_err(BenchError::io(path.display().to_string()))
    };
    let what = format!("{PLUGIN} {}", arguments.join(" "));
    let mut command = Command::new(beside(PLUGIN)?);
    command
        .args(arguments)
        .env("KUBECONFIG", stage.kubeconfig())
        .stdin(Stdio::null())
        .stdout(file("plugin.out")?)
        .stderr(file("plugin.log")?);
    if arguments != ["--version"] {
        command.args(["--namespace", world::NAMESPACE]);
    }
    let life = Clock::real();
    let begun = life.now();
    let mut child = command.spawn().map_err(BenchError::io(what.clone()))?;
    let mut peak = None;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(BenchError::io(what.clone()))? {
            break status;
        }
        peak = peak.max(Usage::of(child.id()).peak_memory);
        let passed = life.now().duration_since(begun).unsigned_abs();
        if passed > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            let last = format!("{passed:?} gone by");
            return Err(BenchError::Late { what, seconds: passed.as_secs(), last });
        }
        life.sleep(LOOK).await;
    };
    let seconds = life.now().duration_since(begun).as_secs_f64();
    if !status.success() {
        let log = std::fs::read_to_string(stage.directory().join("plugin.log")).unwrap_or_default();
        let log = log.lines().rev().take(15).collect::<Vec<_>>().join("\n");
        return Err(BenchError::Ended { program: what, status: status.to_string(), log });
    }
    let printed = std::fs::metadata(stage.directory().join("plugin.out"));
    let printed_bytes = printed.map_err(BenchError::io("plugin.out"))?.len();
    Ok(Run { seconds, peak_memory_bytes: peak, printed_bytes })
}
