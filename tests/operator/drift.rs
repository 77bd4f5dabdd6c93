//! Somebody else changes a key while it is undone.

use std::time::Duration;

use serde_json::json;

use super::place::{PATIENCE, Place, ledger_accounts, stands, text};
use super::seed::{account, accounts, alice_in};
use super::support::wait_for;

/// Longer than a read counts as fresh before a write.
const STALE: Duration = Duration::from_secs(25);

/// A key that somebody else brought to where it should be is done, whatever is said about drift.
#[track_caller]
fn a_key_that_is_as_wanted_is_left(on_drift: &str) {
    let place = Place::new(60);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=60));
    place.slow_down();
    place.rollback("undo", "assign", &json!({"onDrift": on_drift}));
    place.approve("undo");
    wait_for("3 assignments to be removed", PATIENCE, || {
        (place.effective().len() >= 3).then_some(())
    });
    place.patch("undo", &json!({"suspend": true}));
    place.wait_condition("undo", "Ready", "False", "Suspended");
    place.simulator.post("/_sim/changes", &json!({"revoke": alice_in(&accounts([60]))}));
    place.wait_simulated(STALE);
    let removed: Vec<String> = place.effective().into_iter().map(|(key, _)| key).collect();
    assert!(!removed.contains(&place.identity.key(&account(60))), "it was removed before");

    place.patch("undo", &json!({"suspend": false}));
    place.wait_phase("undo", "Succeeded");
    let ledger = place.ledger("undo");
    assert_eq!(ledger_accounts(&ledger, "AlreadySo"), accounts([60]));
    assert_eq!(ledger_accounts(&ledger, "Verified"), accounts(1..=59));
    assert_eq!(place.writes(), 59, "a call for a key that was as wanted");
    assert_eq!(place.simulator.access(), before);
}

#[test]
fn a_key_that_is_as_wanted_is_left_under_skip() {
    a_key_that_is_as_wanted_is_left("Skip");
}

#[test]
fn a_key_that_is_as_wanted_is_left_under_fail() {
    a_key_that_is_as_wanted_is_left("Fail");
}

/// An undo of 60 assignments of which somebody makes one anew before it was read back. It is
/// suspended from then on until that was found out, and resumed then.
#[track_caller]
fn somebody_puts_one_back(on_drift: &str) -> Place<'static> {
    let place = Place::new(60);
    place.operation("assign", &accounts(1..=60));
    place.slow_down();
    let spec = json!({"onDrift": on_drift, "verification": {"settle": "60s"}});
    place.rollback("undo", "assign", &spec);
    place.approve("undo");
    wait_for("the first assignment to be removed", PATIENCE, || {
        place.effective().contains(&(place.identity.key(&account(1)), 1)).then_some(())
    });
    place.simulator.post("/_sim/changes", &json!({"grant": alice_in(&accounts([1]))}));
    place.patch("undo", &json!({"suspend": true}));
    wait_for("the drift to be found out", PATIENCE, || {
        (place.status("undo")["failures"][0]["reason"] == "Drifted").then_some(())
    });
    assert!(place.writes() < 60, "everything was sent before it was suspended");
    place.patch("undo", &json!({"suspend": false}));
    place.wait_phase("undo", "PartiallySucceeded");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready").0, "False");
    assert_eq!(stands(&status, "Stalled").0, "True");
    let failures = status["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(text(&failures[0]["action"]).contains(&account(1)), "{failures:?}");
    assert!(text(&failures[0]["nextStep"]).contains("who changed the key"), "{failures:?}");
    let effective = place.effective();
    assert!(effective.iter().all(|(_, times)| *times == 1), "it fought the other one's change");
    let ledger = place.ledger("undo");
    assert_eq!(ledger_accounts(&ledger, "Blocked"), accounts([1]));
    assert_eq!(ledger_accounts(&ledger, "Verified").len(), effective.len() - 1);
    place
}

#[test]
fn drift_is_skipped_and_the_others_go_on() {
    let place = somebody_puts_one_back("Skip");
    assert_eq!(stands(&place.status("undo"), "Ready").1, "PartiallySucceeded");
    assert_eq!(place.effective().len(), 60);
}

#[test]
fn drift_stops_the_others_if_asked() {
    let place = somebody_puts_one_back("Fail");
    assert_eq!(stands(&place.status("undo"), "Ready").1, "Drifted");
    let removed = place.effective().len();
    assert!(removed < 60, "it went on after the drift");
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Unsent").len(), 60 - removed);
}

#[test]
fn a_change_after_success_is_no_business_of_the_undo() {
    let place = Place::new(3);
    place.operation("assign", &accounts(1..=3));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    place.simulator.post("/_sim/changes", &json!({"grant": alice_in(&accounts([2]))}));
    place.wait_simulated(Duration::from_mins(1));
    assert_eq!(stands(&place.status("undo"), "Ready").0, "True");
    assert_eq!(place.writes(), 3);
}
