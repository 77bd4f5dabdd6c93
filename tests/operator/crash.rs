//! The operator is killed while it writes.

use serde_json::json;

use super::cluster::Cluster;
use super::place::{PATIENCE, Place, ledger_accounts};
use super::seed::accounts;
use super::support::wait_for;

#[test]
fn a_killed_operator_goes_on_and_changes_nothing_twice() {
    let cluster = Cluster::start();
    let place = Place::with(&cluster, 200, &json!({}));
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=200));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");

    // Killed twice: the second time it is one that had taken up the work of another.
    for done in [40, 110] {
        wait_for(&format!("{done} assignments to be removed"), PATIENCE, || {
            (place.effective().len() >= done).then_some(())
        });
        cluster.operator().kill9();
        let left = place.effective().len();
        assert!(left < 200, "all {left} assignments were removed before it was killed");
        assert_eq!(place.status("undo")["phase"], "Executing");
        cluster.operator().start_again();
    }
    place.wait_phase("undo", "Succeeded");

    let status = place.status("undo");
    assert_eq!(status["progress"]["display"], "200/200");
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Verified"), accounts(1..=200));
    assert_eq!(place.simulator.access(), before);
    let effective = place.effective();
    let twice: Vec<_> = effective.iter().filter(|(_, times)| *times != 1).collect();
    assert!(twice.is_empty(), "changed more than once: {twice:?}");
    assert_eq!(effective.len(), 200);
    // A delete that was accepted again would have failed without effect.
    let counters = place.simulator.counters();
    let accepted = counters["accepted"].as_object().unwrap();
    let again: Vec<_> = accepted.iter().filter(|(_, times)| **times != 1).collect();
    assert!(again.is_empty(), "requested more than once: {again:?}");
    // What the killed one had at work counts for the next: AWS never had to refuse.
    assert_eq!(counters["throttles"]["outstanding"], 0, "{}", counters["throttles"]);
    assert!(counters["peakOutstanding"].as_u64().unwrap() <= 10, "{}", counters["peakOutstanding"]);
}
