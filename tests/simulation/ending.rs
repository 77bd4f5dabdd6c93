//! How a run ends: when it is over, and what must be so then.

use jiff::{SignedDuration, Timestamp};
use rollback_operator::runtime::Clock;
use serde_json::{Value, json};

use super::aws::Aws;
use super::cluster::{Cluster, Kind};
use super::judge::{self, Judge};
use super::objects::is_terminal;
use super::scenario::Scenario;

/// What stands at the beginning of the violation when a Rollback is not over in time.
pub const NOT_OVER: &str = "invariant 8: not over";

/// Waits until every Rollback is over, for as long as the bound allows.
pub async fn wait(
    scenario: &Scenario,
    clock: Clock,
    cluster: &Cluster,
    judge: &Judge,
    calm_since: impl Fn() -> Timestamp,
) {
    let mut revision = cluster.follow();
    loop {
        revision.borrow_and_update();
        let open = open(cluster);
        if open.is_empty() {
            return;
        }
        let bound = scenario.bound();
        let deadline = calm_since().checked_add(SignedDuration::try_from(bound).unwrap()).unwrap();
        let left = deadline.duration_since(clock.now());
        if left <= SignedDuration::ZERO {
            judge.wrong(format!("{NOT_OVER} {bound:?} after all was calm: {open:?}"));
            return;
        }
        let _ = clock.timeout(left.unsigned_abs(), revision.changed()).await;
    }
}

/// Rollbacks that are not over.
fn open(cluster: &Cluster) -> Vec<String> {
    cluster.look(|store| {
        store
            .all(Kind::Rollback)
            .filter(|(_, object)| !is_over(object))
            .map(|((_, name), object)| {
                let status = &object["status"];
                format!(
                    "{name}: {} {} {}",
                    status["phase"], status["summary"], status["progress"]["shards"]
                )
            })
            .collect()
    })
}

pub fn phases(cluster: &Cluster) -> Vec<String> {
    cluster.look(|store| {
        let all = store.all(Kind::Rollback);
        all.map(|(_, object)| object["status"]["phase"].as_str().unwrap_or_default().to_owned())
            .collect()
    })
}

/// What must be so when all is over.
pub fn conclude(scenario: &Scenario, cluster: &Cluster, aws: &Aws, judge: &Judge) {
    let world = aws.world();
    judge.observe(&world);
    for (key, wanted) in &scenario.keys {
        let times = judge::effective(&world, key);
        let allowed = judge.times_planned(key);
        // A request that AWS forgot, or says to have failed for a while, about a key that somebody
        // else put back as it was read, cannot be told from one that had no effect.
        let untold = scenario.forgets || scenario.fails_in_words_only;
        let undecidable = untold && judge.was_changed_by_others(key);
        if times > allowed && !undecidable {
            judge.wrong(format!(
                "invariant 2: {key} was changed {times} times by {allowed} attempts"
            ));
        }
        if scenario.must_succeed && world.is_present(key) != *wanted {
            judge.wrong(format!("{key} is not as it was before the operations"));
        }
    }
    if scenario.is_calm() {
        // A crash is no reason to ask for anything again.
        for (key, requests) in judge.requests() {
            if requests > 1 {
                judge.wrong(format!("invariant 2: {key} was requested {requests} times"));
            }
        }
    }
    if scenario.must_succeed {
        let phases = phases(cluster);
        if phases.iter().any(|phase| phase != "Succeeded" && phase != "AlreadyRolledBack") {
            judge.wrong(format!(
                "invariant 6: nothing stood in the way, and it ended as {phases:?}"
            ));
        }
    }
    let throttles = &world.counters().throttles;
    if scenario.no_throttles && throttles.rate + throttles.outstanding > 0 {
        judge.wrong(format!("nobody competes, and AWS throttled: {throttles:?}"));
    }
}

fn is_over(object: &Value) -> bool {
    let (spec, status, metadata) = (&object["spec"], &object["status"], &object["metadata"]);
    is_terminal(status)
        && status["attempt"] == *spec.get("attempt").unwrap_or(&json!(1))
        && status["observedGeneration"] == metadata["generation"]
        && metadata["deletionTimestamp"].is_null()
        && metadata["finalizers"].as_array().is_none_or(Vec::is_empty)
}
