//! The operator, on the stage of the other measurements.

use std::collections::BTreeSet;

use indicatif::ProgressBar;

use super::Said;
use super::faults::Faults;
use super::truth::{Left, Watch};
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{OperationRecord, Rollback, RollbackPlan};
use crate::bench::calls::Calls;
use crate::bench::stage::Stage;
use crate::bench::undo::Follower;
use crate::bench::{BenchError, UndoArguments, world};
use crate::model::ActionState;
use crate::runtime::clock::Clock;

/// Lets the operator undo what a record says; the plan is approved as soon as it is there.
pub async fn measure(world: &UndoArguments, faults: Faults) -> Result<(Said, Left), BenchError> {
    let (life, bar) = (Clock::real(), ProgressBar::hidden());
    let mut stage = Stage::start(world).await?;
    stage.pages().set_faults(&faults.script(world))?;
    let mut records = Vec::new();
    for (name, record) in world::records(world, 0, stage.clock.now()) {
        stage.create::<OperationRecord>(record).await?;
        records.push(name);
    }
    let calls_before: Calls = stage.simulator("/_sim/counters")?;
    let watch = Watch::begin(stage.pages())?;

    let begun_at = life.now();
    let since = |begun| life.now().duration_since(begun).as_secs_f64();
    let rollback = world::rollback_name(0);
    stage.create::<Rollback>(world::rollback(&rollback, &records)).await?;
    let mut follower = Follower::new(world, &bar);
    let planned = follower
        .until(&mut stage, "the plan", |status| status.phase == Phase::AwaitingApproval)
        .await?;
    let planned_seconds = since(begun_at);
    let plan = planned.into_iter().find_map(|status| status.plan);
    let plan = plan.ok_or_else(|| BenchError::World("no plan was shown".to_owned()))?;
    stage.approve(&rollback, &plan.digest).await?;
    let done = follower
        .until(&mut stage, "the end of the undo", |status| status.phase.is_terminal())
        .await?
        .pop()
        .unwrap_or_default();
    let ended_seconds = since(begun_at);
    let usage = stage.usage();
    let left = watch.end(world).await?;
    let calls: Calls = stage.simulator("/_sim/counters")?;
    let said = Said {
        tool: format!("rollback-operator {}", env!("CARGO_PKG_VERSION")),
        begun_at,
        planned_seconds,
        ended_seconds,
        conclusion: done.phase.as_str().to_owned(),
        undone: undone(&stage, &done).await?,
        usage,
        calls: calls.since(&calls_before),
    };
    Ok((said, left))
}

/// The accounts of the actions that the status says are verified, or were so already.
async fn undone(stage: &Stage, status: &RollbackStatus) -> Result<BTreeSet<String>, BenchError> {
    let plans = stage.objects::<RollbackPlan>().list(&kube::api::ListParams::default()).await;
    let mut plans = plans.map_err(BenchError::kubernetes("read the plan"))?.items;
    plans.sort_by_key(|plan| plan.spec.shard);
    let items = plans.into_iter().flat_map(|plan| plan.spec.items);
    let progress = status.progress.as_ref();
    let journal = progress.map(|progress| progress.shards.concat()).unwrap_or_default();
    let is_done = |letter| {
        [ActionState::Verified, ActionState::AlreadySo].iter().any(|state| state.letter() == letter)
    };
    Ok(items
        .zip(journal.chars())
        .filter(|(_, letter)| is_done(*letter))
        .filter_map(|(item, _)| item.account.map(|account| account.to_string()))
        .collect())
}
