//! Two operators, and the one that leads stands still for longer than its lease.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::{PATIENCE, Place, text};
use super::seed::accounts;
use super::support::{Operator, wait_for};
use super::turn;

const KEYS: usize = 50;
/// What the instance allows at once. The simulator would take ten.
const SLOTS: u64 = 8;
/// So few that requests queue up in the operator: some wait for their turn when it is stopped.
const REQUESTS_PER_SECOND: u64 = 4;
/// The defaults of the flags.
const LEASE: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How many requests wait for their turn inside an operator.
fn queued(operator: &Operator) -> u64 {
    let state: Value = serde_json::from_str(&operator.read("/debug/state").unwrap()).unwrap();
    state["instances"][0]["queued"].as_u64().unwrap_or(0)
}

/// When this operator sent each of its changes.
fn sent(place: &Place, access_key: &str) -> Vec<jiff::Timestamp> {
    let log = place.simulator.log();
    let changes = log.iter().filter(|entry| {
        entry["operation"] == "DeleteAccountAssignment" && entry["accessKey"] == access_key
    });
    changes.map(|entry| text(&entry["at"]).parse().unwrap()).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "real leases are waited for in real time")]
fn a_leader_that_stood_still_changes_nothing_more_and_another_goes_on() {
    let _turn = turn::beside_others();
    let cluster = Cluster::with(1.0, &["--pod-name=first"]);
    let leads = || cluster.operator().log().contains(r#""message":"leading""#).then_some(());
    wait_for("the first one to lead", PATIENCE, leads);
    let second = cluster.another(&["--pod-name=second"], &[("AWS_ACCESS_KEY_ID", "AKIDSECOND")]);
    let limits = json!({"requestsPerSecond": REQUESTS_PER_SECOND, "outstandingRequests": SLOTS});
    let place = Place::with(&cluster, KEYS, &json!({"limits": limits}));
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=KEYS));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");

    let mut first = cluster.operator();
    wait_for("changes to be made and others to wait for their turn", PATIENCE, || {
        (place.effective().len() >= 6 && queued(&first) >= 3).then_some(())
    });
    first.freeze();
    let stopped = Instant::now();
    // What was on its way arrives.
    thread::sleep(Duration::from_secs(1));
    let stopped_at: jiff::Timestamp = text(&place.simulator.health()["now"]).parse().unwrap();
    let writes = place.writes();
    wait_for("the other one to go on", PATIENCE, || (place.writes() > writes).then_some(()));
    let took = stopped.elapsed();
    println!("the other one went on {:.1} s after the stop", took.as_secs_f64());
    let most = LEASE + REQUEST_TIMEOUT + Duration::from_secs(10);
    assert!(took <= most, "it took {took:?}, more than {most:?}");
    // One that is only slow may still have a request on its way for so long.
    let since_renewal = took + RETRY.mul_f64(1.2) + Duration::from_secs(1);
    assert!(since_renewal >= LEASE + REQUEST_TIMEOUT, "it took only {took:?}");

    first.thaw();
    let ended = wait_for("the first to end", Duration::from_secs(10), || first.ended());
    assert!(!ended.success(), "it ended with {ended}");
    let log = first.log();
    assert!(log.contains("leadership was lost"), "{log}");
    assert!(place.effective().len() < KEYS, "all was over before the first was let go on");
    place.wait_phase("undo", "Succeeded");

    let by_first = sent(&place, "AKIDSIMULATOR");
    let late = by_first.iter().filter(|at| **at > stopped_at).count();
    assert_eq!(late, 0, "it sent changes although it had lost the lease");
    let by_second = sent(&place, "AKIDSECOND").len();
    assert!(by_first.len() >= 6 && by_second >= 6, "{} and {by_second}", by_first.len());
    let effective = place.effective();
    assert!(effective.iter().all(|(_, times)| *times == 1), "{effective:?}");
    assert_eq!(effective.len(), KEYS);
    assert_eq!(place.simulator.access(), before);
    let counters = place.simulator.counters();
    let peak = counters["peakOutstanding"].as_u64().unwrap();
    assert!((2..=SLOTS).contains(&peak), "{peak} requests were at work at once");
    assert_eq!(counters["throttles"]["outstanding"], 0);
    drop(second);
}
