//! Those who act beside the operators: somebody who approves, and the garbage collector.

use std::time::Duration;

use rollback_operator::runtime::Clock;
use serde_json::{Value, json};

use super::cluster::{Cluster, Kind};
use super::place::NAMESPACE;

/// Approves every plan that waits for it, and says so each time.
pub async fn approve(clock: Clock, cluster: Cluster, takes: Duration, approved: impl Fn()) {
    let mut revision = cluster.follow();
    loop {
        revision.borrow_and_update();
        let waiting: Vec<(String, Value)> = cluster.look(|store| {
            let waiting = store.all(Kind::Rollback).filter(|(_, object)| {
                object["status"]["phase"] == "AwaitingApproval"
                    && object["status"]["plan"]["digest"] != object["spec"]["approval"]["plan"]
                    && object["metadata"]["deletionTimestamp"].is_null()
            });
            waiting
                .map(|((_, name), object)| {
                    (name.clone(), object["status"]["plan"]["digest"].clone())
                })
                .collect()
        });
        if waiting.is_empty() {
            if revision.changed().await.is_err() {
                return;
            }
            continue;
        }
        clock.sleep(takes).await;
        for (name, digest) in waiting {
            let patch = json!({"spec": {"approval": {"plan": digest}}});
            if cluster.merge(Kind::Rollback, NAMESPACE, &name, &patch).is_ok() {
                approved();
            }
        }
    }
}

/// Collects garbage some time after each change.
pub async fn collect_garbage(clock: Clock, cluster: Cluster, random: u64) {
    let mut random = fastrand::Rng::with_seed(random);
    let mut revision = cluster.follow();
    while revision.changed().await.is_ok() {
        clock.sleep(Duration::from_millis(random.u64(200..3000))).await;
        revision.borrow_and_update();
        cluster.collect_garbage();
    }
}
