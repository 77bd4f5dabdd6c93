//! One undo, from the record to `Ready`, measured from outside.

use std::time::Duration;

use super::report::{Calls, Report};
use super::stage::Stage;
use super::{BenchError, Output, UndoArguments, world};
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{OperationRecord, Rollback};
use crate::runtime::clock::Clock;
use indicatif::{ProgressBar, ProgressStyle};

/// How often the Rollback is looked at, in life.
const LOOK: Duration = Duration::from_millis(100);

/// Measures one undo and prints the result.
pub async fn run(arguments: &UndoArguments) -> Result<(), BenchError> {
    let bar = ProgressBar::new(u64::from(arguments.actions))
        .with_style(ProgressStyle::default_bar())
        .with_message("starts the components");
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.tick();
    let mut stage = Stage::start(arguments).await?;
    let report = measure(&mut stage, arguments, &bar).await?;
    bar.finish_and_clear();
    match arguments.output {
        Output::Table => print!("{report}"),
        Output::Json => println!("{}", report.json()),
    }
    Ok(())
}

/// Measures one undo of everything that the world granted.
pub async fn measure(
    stage: &mut Stage,
    arguments: &UndoArguments,
    bar: &ProgressBar,
) -> Result<Report, BenchError> {
    let calls_before: Calls = stage.simulator("/_sim/counters")?;
    stage.create::<OperationRecord>(world::record(arguments, stage.clock.now())).await?;
    stage.create::<Rollback>(world::rollback("undo", "granted")).await?;
    let planned =
        follow(stage, arguments, bar, "the plan", |status| status.phase == Phase::AwaitingApproval)
            .await?;
    let plan = planned.plan.ok_or_else(|| BenchError::World("no plan was shown".to_owned()))?;
    let approved_at = stage.clock.now();
    let usage_before = stage.usage();
    stage.approve("undo", &plan.digest).await?;
    let done =
        follow(stage, arguments, bar, "the end of the undo", |status| status.phase.is_terminal())
            .await?;
    let seen_after = stage.clock.now().duration_since(approved_at).as_secs_f64();
    let usage_after = stage.usage();
    if done.phase != Phase::Succeeded {
        return Err(BenchError::NotUndone {
            phase: done.phase.as_str().to_owned(),
            summary: done.summary,
        });
    }
    let left = stage.assignments()?;
    if left != 0 {
        return Err(BenchError::NotUndone {
            phase: done.phase.as_str().to_owned(),
            summary: format!("but the simulator still holds {left} assignments"),
        });
    }
    let calls_after: Calls = stage.simulator("/_sim/counters")?;
    let report = Report::new(
        arguments,
        seen_after,
        &plan.estimate,
        done.timing.as_ref(),
        &calls_after.since(&calls_before),
    );
    Ok(report.with_usage(usage_before, usage_after))
}

/// Looks at the Rollback until its status is as wanted, or for far longer than it may take.
async fn follow(
    stage: &mut Stage,
    arguments: &UndoArguments,
    bar: &ProgressBar,
    what: &str,
    wanted: impl Fn(&RollbackStatus) -> bool,
) -> Result<RollbackStatus, BenchError> {
    let life = Clock::real();
    let begun = life.now();
    let patience = Duration::from_secs_f64(
        120.0 + 3.0 * super::report::bound(arguments) / arguments.time_scale,
    );
    loop {
        stage.check()?;
        let rollback = stage
            .rollbacks()
            .get("undo")
            .await
            .map_err(BenchError::kubernetes("look at the Rollback"))?;
        let status = rollback.status.unwrap_or_default();
        if let Some(progress) = &status.progress {
            bar.set_position(u64::try_from(progress.done).unwrap_or_default());
        }
        bar.set_message(status.phase.as_str());
        bar.tick();
        if wanted(&status) {
            return Ok(status);
        }
        let passed = life.now().duration_since(begun).unsigned_abs();
        if passed > patience || status.phase.is_terminal() {
            return Err(BenchError::Late {
                what: what.to_owned(),
                seconds: passed.as_secs(),
                last: format!("{}: {}", status.phase.as_str(), status.summary),
            });
        }
        life.sleep(LOOK).await;
    }
}
