//! What is there before the operator starts: finished Rollbacks with their ledgers, and records.

use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{record_name, rollback_name};
use crate::api::{OperationRecord, Rollback};
use crate::bench::stage::Stage;
use crate::bench::{BenchError, ScaleArguments, world};
use crate::runtime::clock::Clock;

/// Requests at once.
const AT_ONCE: usize = 24;

/// The undo that every other finished one is a copy of, with other names.
struct Pattern {
    record: String,
    rollback: String,
    ledger: String,
    uid: String,
    ledger_name: String,
}

/// Creates everything; gives the objects a second.
pub async fn load(
    stage: &Stage,
    arguments: &ScaleArguments,
    bar: &ProgressBar,
) -> Result<f64, BenchError> {
    let pattern = Pattern::read(stage).await?;
    let begun = Clock::real().now();
    let total = arguments.rollbacks + arguments.records;
    bar.set_length(u64::from(total));
    bar.enable_steady_tick(Duration::from_millis(200));
    // A finished Rollback comes with its record and its ledger.
    let records = arguments.records.saturating_sub(2 * arguments.rollbacks);
    let finished =
        stream::iter(0..arguments.rollbacks).map(|index| finished(stage, &pattern, index));
    let mut done = 0_u64;
    let mut finished = finished.map(Ok).try_buffer_unordered(AT_ONCE);
    while finished.try_next().await?.is_some() {
        done += 3;
        bar.set_message(format!("{done} of {total} objects are there"));
    }
    let others = stream::iter(0..records).map(|index| {
        let user = user(u64::from(index % 5000) + 1_000_000);
        let record = world::grant(
            &format!("other-{index}"),
            &user,
            index % 100,
            &stage.clock.now().to_string(),
        );
        stage.create::<OperationRecord>(record)
    });
    let mut others = others.map(Ok).try_buffer_unordered(AT_ONCE);
    while others.try_next().await?.is_some() {
        done += 1;
        if done.is_multiple_of(500) {
            bar.set_message(format!("{done} of {total} objects are there"));
        }
    }
    let seconds = Clock::real().now().duration_since(begun).as_secs_f64();
    Ok(f64::from(total) / seconds)
}

/// A user that nothing else is about.
fn user(index: u64) -> String {
    format!("00000000-0000-4000-8000-{index:012}")
}

impl Pattern {
    async fn read(stage: &Stage) -> Result<Self, BenchError> {
        let failed = BenchError::kubernetes("read the first undo");
        let rollback = stage.rollbacks().get(&rollback_name(0)).await.map_err(failed)?;
        let status = rollback.status.clone().unwrap_or_default();
        let ledger_name = status.ledger.unwrap_or_default();
        let failed = BenchError::kubernetes("read the first ledger");
        let ledger: OperationRecord = stage.objects().get(&ledger_name).await.map_err(failed)?;
        let failed = BenchError::kubernetes("read the first record");
        let record: OperationRecord = stage.objects().get(&record_name(0)).await.map_err(failed)?;
        let text = |value: Value| value.to_string();
        let mut rollback = json!({
            "spec": rollback.spec,
            "status": rollback.status,
            "uid": rollback.metadata.uid,
        });
        is_of_the_first_generation(&mut rollback["status"]);
        Ok(Self {
            record: text(json!({"spec": record.spec})),
            uid: rollback["uid"].take().as_str().unwrap_or_default().to_owned(),
            rollback: text(json!({"spec": rollback["spec"], "status": rollback["status"]})),
            ledger: text(json!({"spec": ledger.spec})),
            ledger_name,
        })
    }

    /// One of the objects, as it would be for another undo.
    fn copy(&self, text: &str, index: u32, kind: &str, name: &str) -> Result<Value, BenchError> {
        let text = text
            .replace(&self.ledger_name, &ledger_name(index))
            .replace(&self.uid, &format!("{index:08x}-0000-4000-8000-000000000000"))
            .replace(&record_name(0), &format!("record-{index}"))
            .replace(&rollback_name(0), &format!("over-{index}"))
            .replace(world::PRINCIPAL, &user(u64::from(index) + 2_000_000));
        let mut object: Value =
            serde_json::from_str(&text).map_err(|error| BenchError::World(error.to_string()))?;
        object["apiVersion"] = json!("identitycenter.dev/v1alpha1");
        object["kind"] = json!(kind);
        object["metadata"] = json!({"name": name, "namespace": world::NAMESPACE});
        Ok(object)
    }
}

/// A copy is created with its approval, where the original got it later: nothing is left to observe.
fn is_of_the_first_generation(status: &mut Value) {
    status["observedGeneration"] = json!(1);
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["observedGeneration"] = json!(1);
    }
}

fn ledger_name(index: u32) -> String {
    format!("over-{index}-{index:08x}-0")
}

/// An operation that was undone: its record, its ledger and the Rollback.
async fn finished(stage: &Stage, pattern: &Pattern, index: u32) -> Result<(), BenchError> {
    let record = format!("record-{index}");
    let record = pattern.copy(&pattern.record, index, "OperationRecord", &record)?;
    stage.create::<OperationRecord>(record).await?;
    let ledger = pattern.copy(&pattern.ledger, index, "OperationRecord", &ledger_name(index))?;
    stage.create::<OperationRecord>(ledger).await?;
    let name = format!("over-{index}");
    let rollback = pattern.copy(&pattern.rollback, index, "Rollback", &name)?;
    let status = json!({"status": rollback["status"]});
    stage.create::<Rollback>(rollback).await?;
    let written =
        stage.rollbacks().patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await;
    written.map_err(BenchError::kubernetes("write the status of a finished Rollback"))?;
    Ok(())
}
