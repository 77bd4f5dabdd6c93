//! How the operator does where much is there already: finished Rollbacks, and records of other
//! operations.

mod load;
mod report;

pub use self::report::Report;

use std::time::Duration;

use indicatif::ProgressBar;
use serde::Deserialize;

use self::report::Latencies;
use super::stage::Stage;
use super::{BenchError, ScaleArguments, UndoArguments, print, spinner, world};
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{OperationRecord, Rollback};
use crate::runtime::clock::Clock;

/// How often a Rollback is looked at, in life.
const LOOK: Duration = Duration::from_millis(10);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// For so long the operator is watched while nothing happens.
const IDLE: Duration = Duration::from_secs(30);
/// A plan of this age is made again once it is approved.
const AGED: Duration = Duration::from_secs(25);
/// Probes whose plans are left to age.
const OLD: u32 = 10;

/// Measures at scale and prints the result.
pub async fn run(arguments: &ScaleArguments) -> Result<(), BenchError> {
    let bar = spinner();
    print(arguments.output, &bar, Box::pin(measure(arguments, &bar))).await
}

/// Measures at scale.
pub async fn measure(arguments: &ScaleArguments, bar: &ProgressBar) -> Result<Report, BenchError> {
    if arguments.records < 2 * arguments.rollbacks {
        return Err(BenchError::Arguments(
            "each finished Rollback comes with two records: its own and its ledger",
        ));
    }
    let probes = arguments.probes + OLD;
    // The first is undone before anything is measured, and all finished Rollbacks are like it.
    let accounts = probes + 2;
    let world = UndoArguments {
        actions: accounts,
        accounts,
        latency: 0.5,
        slots: 10,
        ..UndoArguments::USUAL
    };
    let mut stage = Stage::start(&world).await?;
    for index in 0..accounts {
        let name = record_name(index);
        let record = world::grant(&name, world::PRINCIPAL, index, &stage.clock.now().to_string());
        stage.create::<OperationRecord>(record).await?;
    }
    bar.set_message("undoes one operation, as a pattern for those that are over");
    propose(&mut stage, 0).await?;
    let status = planned(&mut stage, 0).await?;
    approve(&stage, 0, &status).await?;
    let done = ended(&mut stage, 0).await?;
    if done.phase != Phase::Succeeded {
        let (phase, summary) = (done.phase.as_str().to_owned(), done.summary);
        return Err(BenchError::NotUndone { phase, summary });
    }
    stage.stop_operator().await?;
    let loaded = load::load(&stage, arguments, bar).await?;

    bar.set_message("starts the operator");
    let life = Clock::real();
    let since = |begun| life.now().duration_since(begun).as_secs_f64();
    propose(&mut stage, 1).await?;
    let begun = stage.start_operator()?;
    stage.operator_is_ready().await?;
    let ready_seconds = since(begun);
    planned(&mut stage, 1).await?;
    let first_plan_seconds = since(begun);
    bar.set_message("waits until the operator is calm");
    calm(&mut stage, &life).await?;
    let calm_seconds = since(begun);
    let memory = stage.usage();
    bar.set_message("watches the idle operator");
    let (requests_before, used_before) = (requests(&stage)?, stage.usage());
    life.sleep(IDLE).await;
    let (requests_after, used_after) = (requests(&stage)?, stage.usage());

    bar.set_message("undoes single operations");
    let mut planning = Latencies::default();
    let mut acting = Latencies::default();
    for probe in 2..2 + arguments.probes {
        let begun = life.now();
        propose(&mut stage, probe).await?;
        let status = planned(&mut stage, probe).await?;
        planning.add(since(begun));
        acting.add(act(&mut stage, probe, &status).await?);
        // What is undone at the same time has the same quota, and lets plans be made anew.
        ended(&mut stage, probe).await?;
    }
    bar.set_message("undoes what was planned a while ago");
    let mut acting_on_old_plans = Latencies::default();
    let mut waiting = Vec::new();
    for probe in 2 + arguments.probes..accounts {
        propose(&mut stage, probe).await?;
        waiting.push((probe, planned(&mut stage, probe).await?));
    }
    life.sleep(AGED).await;
    for (probe, status) in waiting {
        acting_on_old_plans.add(act(&mut stage, probe, &status).await?);
        ended(&mut stage, probe).await?;
    }
    Ok(Report {
        rollbacks: arguments.rollbacks,
        records: arguments.records,
        objects_loaded_per_second: loaded,
        ready_seconds,
        first_plan_seconds,
        calm_seconds,
        memory_bytes: memory.memory,
        peak_memory_bytes: memory.peak_memory,
        peak_memory_after_probes_bytes: stage.usage().peak_memory,
        idle_processor_share: used_after
            .processor_seconds
            .zip(used_before.processor_seconds)
            .map(|(after, before)| (after - before) / IDLE.as_secs_f64()),
        idle_requests_per_second: (requests_after - requests_before) / IDLE.as_secs_f64(),
        planning,
        acting,
        acting_on_old_plans,
    })
}

fn record_name(index: u32) -> String {
    format!("probe-{index}")
}

fn rollback_name(index: u32) -> String {
    format!("undo-{index}")
}

async fn propose(stage: &mut Stage, probe: u32) -> Result<(), BenchError> {
    let rollback = world::rollback(&rollback_name(probe), &[record_name(probe)]);
    stage.create::<Rollback>(rollback).await.map(|_| ())
}

async fn planned(stage: &mut Stage, probe: u32) -> Result<RollbackStatus, BenchError> {
    follow(stage, probe, "a plan", |status| status.phase == Phase::AwaitingApproval).await
}

async fn ended(stage: &mut Stage, probe: u32) -> Result<RollbackStatus, BenchError> {
    follow(stage, probe, "the end of an undo", |status| status.phase.is_terminal()).await
}

async fn approve(stage: &Stage, probe: u32, status: &RollbackStatus) -> Result<(), BenchError> {
    let plan = status.plan.as_ref();
    let plan = plan.ok_or_else(|| BenchError::World("no plan was shown".to_owned()))?;
    stage.approve(&rollback_name(probe), &plan.digest).await
}

#[derive(Deserialize)]
struct Request {
    at: jiff::Timestamp,
    operation: String,
    #[serde(default)]
    key: String,
}

/// Seconds from the approval until the simulator was asked to change something.
async fn act(stage: &mut Stage, probe: u32, status: &RollbackStatus) -> Result<f64, BenchError> {
    let (life, account) = (Clock::real(), world::account(probe));
    let approved_at = stage.clock.now();
    approve(stage, probe, status).await?;
    loop {
        let log: Vec<Request> = stage.simulator("/_sim/log?last=50")?;
        let asked = log.iter().find(|request| {
            request.operation == "DeleteAccountAssignment" && request.key.contains(&account)
        });
        if let Some(request) = asked {
            return Ok(request.at.duration_since(approved_at).as_secs_f64());
        }
        late(&life, approved_at, "the first action of an approved plan", "no request")?;
        stage.check()?;
        life.sleep(LOOK).await;
    }
}

async fn follow(
    stage: &mut Stage,
    probe: u32,
    what: &str,
    wanted: impl Fn(&RollbackStatus) -> bool,
) -> Result<RollbackStatus, BenchError> {
    let life = Clock::real();
    let begun = life.now();
    loop {
        stage.check()?;
        let found = stage.rollbacks().get(&rollback_name(probe)).await;
        let found = found.map_err(BenchError::kubernetes("look at a Rollback"))?;
        let status = found.status.unwrap_or_default();
        if wanted(&status) {
            return Ok(status);
        }
        late(&life, begun, what, &format!("{}: {}", status.phase.as_str(), status.summary))?;
        life.sleep(LOOK).await;
    }
}

fn late(life: &Clock, begun: jiff::Timestamp, what: &str, last: &str) -> Result<(), BenchError> {
    if life.now().duration_since(begun).unsigned_abs() < PATIENCE {
        return Ok(());
    }
    let (what, last) = (what.to_owned(), last.to_owned());
    Err(BenchError::Late { what, seconds: PATIENCE.as_secs(), last })
}

/// Waits until the operator has used less than a twentieth of a core for five seconds.
async fn calm(stage: &mut Stage, life: &Clock) -> Result<(), BenchError> {
    let begun = life.now();
    loop {
        let before = stage.usage().processor_seconds.unwrap_or_default();
        life.sleep(Duration::from_secs(5)).await;
        stage.check()?;
        let used = stage.usage().processor_seconds.unwrap_or_default() - before;
        if used < 0.25 {
            return Ok(());
        }
        late(life, begun, "the operator to come to rest", &format!("{used} s of 5 s used"))?;
    }
}

/// Requests to the Kubernetes API so far, the lease's included.
fn requests(stage: &Stage) -> Result<f64, BenchError> {
    let metrics = stage.metrics()?;
    let counters =
        metrics.lines().filter(|line| line.starts_with("rollback_kubernetes_requests_total{"));
    Ok(counters.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}
