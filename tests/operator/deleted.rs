//! A Rollback that is deleted, running or done, forgets nothing.

use std::time::Duration;

use serde_json::json;

use super::place::{PATIENCE, Place, ledger_accounts, stands, text};
use super::seed::accounts;
use super::support::wait_for;

#[test]
fn what_is_at_work_is_drained_and_the_same_object_undoes_the_rest() {
    let place = Place::new(60);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=60));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    wait_for("15 assignments to be removed", PATIENCE, || {
        (place.effective().len() >= 15).then_some(())
    });
    // Returns when the finalizer is gone.
    place.kubectl(&["delete", "rollback", "undo", "--timeout=60s"]);

    let undone: Vec<String> = place.effective().into_iter().map(|(key, _)| key).collect();
    assert!(undone.len() < 60, "it was over before it was deleted");
    let ledgers = place.get(&["operationrecords", "--field-selector=spec.type=Rollback"]);
    let ledgers = ledgers["items"].as_array().unwrap();
    assert_eq!(ledgers.len(), 1, "{ledgers:?}");
    assert_eq!(ledgers[0]["spec"]["rollback"]["outcome"], "Cancelled");
    let verified = ledger_accounts(&ledgers[0], "Verified");
    let keys: Vec<String> = verified.iter().map(|account| place.identity.key(account)).collect();
    assert_eq!(keys, undone, "the ledger and AWS tell of different keys");
    let unsent = ledger_accounts(&ledgers[0], "Unsent");
    assert_eq!(verified.len() + unsent.len(), 60, "every key is settled or untouched");

    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    assert_eq!(place.status("undo")["plan"]["actions"], unsent.len());
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Verified"), unsent);
    assert_eq!(place.simulator.access(), before);
    let effective = place.effective();
    assert_eq!(effective.len(), 60);
    assert!(effective.iter().all(|(_, times)| *times == 1), "{effective:?}");
}

#[test]
fn an_object_that_is_made_again_after_success_has_nothing_to_do() {
    let place = Place::new(4);
    place.operation("assign", &accounts(1..=4));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    let first = text(&place.get(&["rollback", "undo"])["metadata"]["uid"]);
    place.kubectl(&["delete", "rollback", "undo", "--timeout=60s"]);
    let sent = place.writes();

    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "AlreadyRolledBack");
    assert_ne!(text(&place.get(&["rollback", "undo"])["metadata"]["uid"]), first);
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready"), ("True".into(), "AlreadyRolledBack".into()));
    assert_eq!(stands(&status, "Stalled").0, "False");
    assert_eq!(place.writes(), sent, "something was written");
    assert_eq!(place.effective().len(), 4);
}

#[test]
fn a_record_that_was_imported_again_has_not_forgotten() {
    let place = Place::new(4);
    place.operation("assign", &accounts(1..=4));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    let sent = place.writes();
    place.kubectl(&["delete", "operationrecord", "assign"]);
    place.create("OperationRecord", "assign", &place.record("assign", &accounts(1..=4)));

    place.rollback("undo-again", "assign", &json!({}));
    place.wait_phase("undo-again", "AlreadyRolledBack");
    assert_eq!(place.writes(), sent, "something was written");
}

#[test]
fn a_namespace_that_goes_while_it_runs_is_not_held_up() {
    let place = Place::new(200);
    place.operation("assign", &accounts(1..=200));
    // The namespace controller takes seconds until it comes to the Rollback.
    place.slow_down();
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    wait_for("an assignment to be removed", PATIENCE, || {
        (!place.effective().is_empty()).then_some(())
    });
    place.kubectl(&["delete", "namespace", &place.namespace, "--timeout=60s"]);
    let sent = place.writes();
    assert!(sent < 200, "it was over before the namespace was gone");
    assert_eq!(u64::try_from(place.effective().len()).unwrap(), sent, "not drained");
    place.wait_simulated(Duration::from_mins(1));
    assert_eq!(place.writes(), sent, "it writes for a Rollback that is gone");

    // The operator does not go on about it, and the next one is served.
    let next = Place::new(1);
    next.operation("assign", &accounts([1]));
    next.rollback("undo", "assign", &json!({}));
    next.approve("undo");
    next.wait_phase("undo", "Succeeded");
}

#[test]
fn what_was_put_back_stays_when_the_same_object_is_applied_again() {
    let place = Place::new(3);
    place.operation("assign", &accounts(1..=3));
    let operated = place.simulator.access();
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    let ledger = text(&place.status("undo")["ledger"]);
    place.rollback("redo", &ledger, &json!({}));
    place.approve("redo");
    place.wait_phase("redo", "Succeeded");
    assert_eq!(place.simulator.access(), operated, "the redo gave it back");

    let writes = place.writes();
    place.kubectl(&["delete", "rollback", "undo"]);
    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "Failed");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready"), ("False".into(), "Redone".into()));
    assert_eq!(stands(&status, "Stalled").0, "True");
    assert_eq!((place.writes(), place.simulator.access()), (writes, operated.clone()));

    place.rollback("undo-again", "assign", &json!({}));
    place.approve("undo-again");
    place.wait_phase("undo-again", "Succeeded");
    assert_ne!(place.simulator.access(), operated);
}
