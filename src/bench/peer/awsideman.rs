//! awsideman's own engine, in a process of its own with a home of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Said;
use super::faults::Faults;
use super::truth::{Left, Watch};
use crate::bench::calls::Calls;
use crate::bench::process::{Process, output};
use crate::bench::simulator::Simulator;
use crate::bench::stage::write;
use crate::bench::usage::Usage;
use crate::bench::{BenchError, UndoArguments, world};
use crate::runtime::clock::Clock;

/// How often its process is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// It may take this long, and so much longer for each action.
const PATIENCE: Duration = Duration::from_mins(5);
const PATIENCE_AN_ACTION: Duration = Duration::from_secs(5);

/// What `hack/peer/rollback.py` writes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    version: String,
    /// Seconds since 1970.
    begun_at: f64,
    planned_seconds: f64,
    ended_seconds: f64,
    success: bool,
    failed_actions: usize,
    failed_accounts: BTreeSet<String>,
    /// Whether the operation counts as rolled back, so that it will not be rolled back again.
    closed: bool,
}

/// Lets awsideman record the operation and undo it.
pub async fn measure(world: &UndoArguments, faults: Faults) -> Result<(Said, Left), BenchError> {
    let python = python()?;
    let directory = tempfile::Builder::new()
        .prefix("rollback-bench.")
        .tempdir()
        .map_err(BenchError::io("a directory for the measurement"))?;
    let directory = directory.path();
    let mut simulator = Simulator::start(directory, &world::seed(world), &[]).await?;
    let pages = simulator.pages().clone();
    pages.set_faults(&faults.script(world))?;

    let (operation, target) = (directory.join("operation.json"), directory.join("outcome.json"));
    write(&operation, &world::operation(world).to_string())?;
    let home = directory.join("home");
    std::fs::create_dir(&home).map_err(BenchError::io(home.display().to_string()))?;
    let watch = Watch::begin(&pages)?;
    let mut process = Process::launch("awsideman", &python, directory, |command| {
        command
            .arg(hack("peer/rollback.py"))
            .args([&operation, &target])
            .env_clear()
            .env("HOME", &home)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ACCESS_KEY_ID", "AKIDSIMULATOR")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .env("AWS_ENDPOINT_URL", simulator.url())
            .env("AWS_EC2_METADATA_DISABLED", "true");
    })?;
    let usage = until_over(&mut process, &mut simulator, world).await?;
    let left = watch.end(world).await?;
    let calls: Calls = pages.get("/_sim/counters")?;

    let text = std::fs::read(&target).map_err(BenchError::io(target.display().to_string()))?;
    let outcome: Outcome = serde_json::from_slice(&text)
        .map_err(|error| BenchError::World(format!("awsideman's outcome: {error}")))?;
    Ok((said(world, &outcome, usage, calls)?, left))
}

fn said(
    world: &UndoArguments,
    outcome: &Outcome,
    usage: Usage,
    calls: Calls,
) -> Result<Said, BenchError> {
    if outcome.failed_accounts.len() != outcome.failed_actions {
        let problem = format!("awsideman names other failures than it counts: {outcome:?}");
        return Err(BenchError::World(problem));
    }
    let begun_at = SignedDuration::try_from_secs_f64(outcome.begun_at)
        .and_then(Timestamp::from_duration)
        .map_err(|error| BenchError::World(error.to_string()))?;
    let accounts: BTreeSet<String> = (0..world.accounts).map(world::account).collect();
    let conclusion = match (outcome.success, outcome.closed) {
        (true, true) => "success; the record is closed",
        (true, false) => "success; the record stays open",
        (false, true) => "errors; the record is closed",
        (false, false) => "errors; the record stays open",
    };
    Ok(Said {
        tool: format!("awsideman {}", outcome.version),
        begun_at,
        planned_seconds: outcome.planned_seconds,
        ended_seconds: outcome.ended_seconds,
        conclusion: conclusion.to_owned(),
        undone: &accounts - &outcome.failed_accounts,
        usage,
        calls,
    })
}

/// Waits until awsideman has ended well, and says what it used.
async fn until_over(
    process: &mut Process,
    simulator: &mut Simulator,
    world: &UndoArguments,
) -> Result<Usage, BenchError> {
    let life = Clock::real();
    let begun = life.now();
    let patience = PATIENCE + PATIENCE_AN_ACTION * world.actions;
    let mut used = Usage::default();
    while !process.is_over()? {
        simulator.check()?;
        let usage = Usage::of(process.id());
        // The figures of a process are gone with it.
        if usage.peak_memory.is_some() {
            used = usage;
        }
        let passed = life.now().duration_since(begun).unsigned_abs();
        if passed > patience {
            return Err(BenchError::Late {
                what: format!("awsideman to undo {} assignments", world.actions),
                seconds: passed.as_secs(),
                last: "it is still at work".to_owned(),
            });
        }
        life.sleep(LOOK).await;
    }
    Ok(used)
}

/// A Python that has awsideman.
fn python() -> Result<PathBuf, BenchError> {
    let path = output(Command::new(hack("tools/python")).arg(hack("peer/requirements.txt")))?;
    Ok(PathBuf::from(path.trim()))
}

fn hack(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hack").join(path)
}
