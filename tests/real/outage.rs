//! What the operator depends on goes away in the middle of an undo and comes back.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::{Cluster, TIME_SCALE};
use super::place::{PATIENCE, Place, ledger_accounts};
use super::seed::accounts;
use super::support::wait_for;
use super::turn;

const KEYS: usize = 40;
/// What the instance allows at once. The simulator would take ten.
const SLOTS: u64 = 5;
/// A leader that could not renew its lease ends; the next waits until that lease has run out, and
/// for one request.
const RECOVERY: Duration = Duration::from_mins(2);

/// An undo in the middle, and access before the operation that is undone.
fn running(cluster: &Cluster) -> (Place<'_>, Value) {
    let limits = json!({"limits": {"outstandingRequests": SLOTS}});
    let place = Place::with(cluster, KEYS, &limits);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=KEYS));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    wait_for("some assignments to be removed", PATIENCE, || {
        (place.effective().len() >= 8).then_some(())
    });
    (place, before)
}

/// Waits for success, and starts the operator again whenever it ends, as a kubelet does. Gives how
/// often that was.
#[track_caller]
fn succeeds(cluster: &Cluster, place: &Place) -> u32 {
    let mut restarts = 0;
    let arguments = [
        "--namespace",
        &place.namespace,
        "get",
        "rollback",
        "undo",
        "-o",
        "jsonpath={.status.phase}",
    ];
    wait_for("the undo to succeed", RECOVERY, || {
        let mut operator = cluster.operator();
        if let Some(status) = operator.ended() {
            assert!(operator.log().contains("leadership was lost"), "{status}\n{}", operator.log());
            operator.start_again();
            restarts += 1;
        }
        // The API server may still be busy with itself.
        let said = cluster.control_plane.kubectl(&arguments);
        (said.ok && said.stdout == "Succeeded").then_some(())
    });
    restarts
}

/// Holds that everything was undone once, and never too much at a time.
#[track_caller]
fn judge(place: &Place, before: &Value) {
    let effective = place.effective();
    assert!(effective.iter().all(|(_, times)| *times == 1), "{effective:?}");
    assert_eq!(effective.len(), KEYS);
    assert_eq!(place.simulator.access(), *before);
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Verified"), accounts(1..=KEYS));
    let counters = place.simulator.counters();
    let peak = counters["peakOutstanding"].as_u64().unwrap();
    assert!((2..=SLOTS).contains(&peak), "{peak} requests were at work at once");
    assert_eq!(counters["throttles"]["outstanding"], 0);
}

#[expect(clippy::disallowed_methods, reason = "outages last in real time")]
fn passes(time: Duration) {
    thread::sleep(time);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it says how long it took")]
fn a_killed_api_server_delays_the_undo_and_no_more() {
    let _turn = turn::beside_others();
    let cluster = Cluster::with(1.0, &[]);
    let (place, before) = running(&cluster);
    cluster.control_plane.crash("kube-apiserver");
    passes(Duration::from_secs(8));
    let removed = place.effective().len();
    assert!(removed < KEYS, "all was over before the API server came back");
    cluster.control_plane.revive("kube-apiserver");
    let back = Instant::now();
    let restarts = succeeds(&cluster, &place);
    let took = back.elapsed().as_secs_f64();
    println!("{took:.1} s after the API server was back, {restarts} starts of the operator");
    judge(&place, &before);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it says how long it took")]
fn a_frozen_etcd_delays_the_undo_and_no_more() {
    let _turn = turn::beside_others();
    let cluster = Cluster::with(1.0, &[]);
    let (place, before) = running(&cluster);
    cluster.control_plane.freeze("etcd");
    passes(Duration::from_secs(30));
    let removed = place.effective().len();
    assert!(removed < KEYS, "all was over before etcd went on");
    cluster.control_plane.thaw("etcd");
    let back = Instant::now();
    let restarts = succeeds(&cluster, &place);
    let took = back.elapsed().as_secs_f64();
    println!("{took:.1} s after etcd went on, {restarts} starts of the operator");
    judge(&place, &before);
}

/// A minute of the scaled clock, by which the operator waits for AWS.
fn a_minute() -> Duration {
    Duration::from_mins(1).div_f64(TIME_SCALE)
}

#[test]
fn aws_that_is_unreachable_or_silent_for_a_minute_delays_the_undo_and_no_more() {
    let _turn = turn::beside_others();
    let cluster = Cluster::start();
    let (mut place, before) = running(&cluster);
    place.slow_down();
    // Each connection is closed without an answer.
    let outage = json!({"faults": [{"until": "60s", "do": {"loseRequest": true}}]});
    place.simulator.faults(&outage);
    passes(a_minute());
    let removed = place.effective().len();
    assert!(removed < KEYS - 10, "too little was left for the second outage");
    wait_for("it to go on", PATIENCE, || (place.effective().len() > removed + 2).then_some(()));
    // No answer at all; what was asked meanwhile may be done later.
    place.simulator.freeze();
    passes(a_minute());
    place.simulator.thaw();
    assert!(place.effective().len() < KEYS, "all was over before it went on");
    assert_eq!(succeeds(&cluster, &place), 0);
    judge(&place, &before);
}
