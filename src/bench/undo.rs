//! One undo, from the record to `Ready`, measured from outside.

use std::time::Duration;

use super::calls::Calls;
use super::report::Report;
use super::samples::Sample;
use super::stage::Stage;
use super::words::as_mebibytes;
use super::{BenchError, Output, UndoArguments, world};
use crate::api::plan_status::{Estimate, PlanStatus};
use crate::api::rollback_status::{Phase, Progress, RollbackStatus, Timing};
use crate::engine::timing;
use crate::model::time::seconds_between;
use crate::runtime::clock::Clock;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

/// How often the Rollback is looked at, in life: more would be much work for the API server that is not
/// the operator's.
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
    arguments.check()?;
    let mut stage = Stage::start(arguments).await?;
    let report = measure(&mut stage, arguments, &bar).await?;
    bar.finish_and_clear();
    match arguments.output {
        Output::Table => print!("{report}"),
        Output::Json => println!("{}", report.json()),
    }
    Ok(())
}

/// Measures an undo of everything that the world granted, by one Rollback or by several at once.
pub async fn measure(
    stage: &mut Stage,
    arguments: &UndoArguments,
    bar: &ProgressBar,
) -> Result<Report, BenchError> {
    let calls_before: Calls = stage.simulator("/_sim/counters")?;
    if arguments.faults {
        stage.pages().set_faults(&world::passing_faults())?;
    }
    for number in 0..arguments.rollbacks {
        let name = world::rollback_name(number);
        stage.record_and_undo(&name, world::records(arguments, number, stage.clock.now())).await?;
    }
    let mut follower = Follower::new(arguments, bar);
    let planned =
        follower.until(stage, "the plan", |status| status.phase == Phase::AwaitingApproval).await?;
    let no_plan = || BenchError::World("no plan was shown".to_owned());
    let plans: Vec<PlanStatus> =
        planned.into_iter().map(|it| it.plan.ok_or_else(no_plan)).collect::<Result<_, _>>()?;
    let approved_at = stage.clock.now();
    let usage_before = stage.usage();
    for (number, plan) in (0..).zip(&plans) {
        stage.approve(&world::rollback_name(number), &plan.digest).await?;
    }
    follower.begun = Some(approved_at);
    let done =
        follower.until(stage, "the end of the undo", |status| status.phase.is_terminal()).await?;
    let seen_after = stage.clock.now().duration_since(approved_at).as_secs_f64();
    let usage_after = stage.usage();
    let not_undone = |status: &RollbackStatus, summary: String| BenchError::NotUndone {
        phase: status.phase.as_str().to_owned(),
        summary,
    };
    if let Some(other) = done.iter().find(|status| status.phase != Phase::Succeeded) {
        return Err(not_undone(other, other.summary.clone()));
    }
    let (held, wanted) = (stage.pages().holds()?, world::left(arguments));
    if held != wanted {
        let summary = format!("but the simulator holds {held:?}, and not {wanted:?}");
        return Err(not_undone(&done[0], summary));
    }
    let calls_after: Calls = stage.simulator("/_sim/counters")?;
    let estimate = Estimate {
        seconds: plans.iter().map(|plan| plan.estimate.seconds).fold(0.0, f64::max),
        calls: plans.iter().map(|plan| plan.estimate.calls).sum(),
    };
    let timings: Vec<Timing> = done.into_iter().filter_map(|status| status.timing).collect();
    let report =
        Report::new(arguments, seen_after, &estimate, &timings, &calls_after.since(&calls_before));
    Ok(report
        .with_start(stage.ready_seconds)
        .with_usage(usage_before, usage_after)
        .with_samples(&follower.samples))
}

/// Looks at all Rollbacks of a measurement again and again.
pub struct Follower<'a> {
    arguments: &'a UndoArguments,
    names: Vec<String>,
    bar: &'a ProgressBar,
    /// When they were approved: from then on, what is at work is noted.
    begun: Option<Timestamp>,
    samples: Vec<Sample>,
}

impl<'a> Follower<'a> {
    /// Notes nothing yet of what is at work.
    pub fn new(arguments: &'a UndoArguments, bar: &'a ProgressBar) -> Self {
        let names = (0..arguments.rollbacks).map(world::rollback_name).collect();
        Self::of(arguments, bar, names)
    }

    /// The same, of Rollbacks with other names.
    pub const fn of(
        arguments: &'a UndoArguments,
        bar: &'a ProgressBar,
        names: Vec<String>,
    ) -> Self {
        Self { arguments, names, bar, begun: None, samples: Vec::new() }
    }

    /// Until all their statuses are as wanted, or for far longer than it may take.
    pub async fn until(
        &mut self,
        stage: &mut Stage,
        what: &str,
        wanted: impl Fn(&RollbackStatus) -> bool,
    ) -> Result<Vec<RollbackStatus>, BenchError> {
        let life = Clock::real();
        let begun = life.now();
        let bound = super::report::bound(self.arguments) / self.arguments.time_scale;
        let patience = Duration::from_secs_f64(120.0 + 3.0 * bound);
        loop {
            stage.check()?;
            let mut statuses = Vec::new();
            for name in &self.names {
                let found = stage.rollbacks().get(name).await;
                let found = found.map_err(BenchError::kubernetes("look at the Rollback"))?;
                statuses.push(found.status.unwrap_or_default());
            }
            self.note(stage, &statuses);
            if statuses.iter().all(&wanted) {
                return Ok(statuses);
            }
            let passed = life.now().duration_since(begun).unsigned_abs();
            let lost = statuses.iter().find(|it| it.phase.is_terminal() && !wanted(it));
            let late = statuses.iter().find(|it| !wanted(it)).filter(|_| passed > patience);
            if let Some(status) = lost.or(late) {
                return Err(BenchError::Late {
                    what: what.to_owned(),
                    seconds: passed.as_secs(),
                    last: format!("{}: {}", status.phase.as_str(), status.summary),
                });
            }
            life.sleep(LOOK).await;
        }
    }

    fn note(&mut self, stage: &Stage, statuses: &[RollbackStatus]) {
        let sum = |of: fn(&Progress) -> i32| -> i32 {
            statuses.iter().filter_map(|it| it.progress.as_ref()).map(of).sum()
        };
        self.bar.set_position(u64::try_from(sum(|it| it.done)).unwrap_or_default());
        if let Some(status) = statuses.first() {
            self.bar.set_message(status.phase.as_str());
        }
        self.bar.tick();
        if let Some(begun) = self.begun {
            self.samples.push(Sample {
                seconds: timing::rounded(seconds_between(begun, stage.clock.now())),
                at_work: u32::try_from(sum(|it| it.in_flight)).unwrap_or_default(),
                memory_mebibytes: timing::rounded(as_mebibytes(
                    stage.usage().memory.unwrap_or_default(),
                )),
            });
        }
    }
}
