//! An undo that is held, ended or stopped by what it meets.

use std::time::Duration;

use serde_json::{Value, json};

use super::place::{PATIENCE, Place, ledger_accounts, stands, text};
use super::seed::{Identity, account, accounts, alice_in};
use super::support::wait_for;

/// An undo of so many assignments, of which some have been removed.
fn running(place: &Place, size: usize, more: &Value) {
    place.operation("assign", &accounts(1..=size));
    place.slow_down();
    place.rollback("undo", "assign", more);
    place.approve("undo");
    wait_for("8 assignments to be removed", PATIENCE, || {
        (place.effective().len() >= 8).then_some(())
    });
}

#[test]
fn a_suspended_undo_sends_nothing_until_it_is_resumed() {
    let place = Place::new(60);
    let before = place.simulator.access();
    running(&place, 60, &json!({}));
    place.patch("undo", &json!({"suspend": true}));
    place.wait_condition("undo", "Ready", "False", "Suspended");
    // Reading goes on meanwhile: what was sent ends and is verified.
    wait_for("what was sent to be verified", PATIENCE, || {
        (place.status("undo")["progress"]["done"] == place.writes()).then_some(())
    });
    let status = place.status("undo");
    assert_eq!(stands(&status, "Reconciling"), ("True".into(), "Suspended".into()));
    let sent = place.writes();
    assert!(sent < 60, "it was over before it was suspended");
    place.wait_simulated(Duration::from_mins(1));
    assert_eq!(place.writes(), sent, "sent although it was suspended");
    assert_eq!(place.status("undo")["phase"], "Executing");

    place.patch("undo", &json!({"suspend": false}));
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.simulator.access(), before);
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
}

#[test]
fn a_cancelled_undo_ends_with_an_account_of_what_it_did() {
    let place = Place::new(60);
    running(&place, 60, &json!({}));
    place.patch("undo", &json!({"cancel": true}));
    place.wait_phase("undo", "Cancelled");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready"), ("False".into(), "Cancelled".into()));
    assert_eq!(stands(&status, "Stalled").0, "True");
    let removed = place.effective().len();
    assert!((8..60).contains(&removed), "{removed} were removed");
    let ledger = place.ledger("undo");
    assert_eq!(ledger_accounts(&ledger, "Verified").len(), removed);
    assert_eq!(ledger_accounts(&ledger, "Unsent").len(), 60 - removed);
    assert_eq!(place.writes(), u64::try_from(removed).unwrap());
}

/// Whoever takes an approval back does not look first whether it was followed already.
#[test]
fn a_rejection_ends_an_undo_that_runs() {
    let place = Place::new(60);
    running(&place, 60, &json!({}));
    place.patch("undo", &json!({"approval": {"reject": true}}));
    place.wait_phase("undo", "Cancelled");
    let removed = place.effective().len();
    assert!((8..60).contains(&removed), "{removed} were removed");
    let ledger = place.ledger("undo");
    assert_eq!(ledger_accounts(&ledger, "Verified").len(), removed);
    assert_eq!(ledger_accounts(&ledger, "Unsent").len(), 60 - removed);
}

#[test]
fn after_a_failure_nothing_more_is_sent_if_asked() {
    let place = Place::new(60);
    place.simulator.faults(&json!({"faults": [{
        "match": {"operations": ["DeleteAccountAssignment"], "accounts": [account(3)]},
        "do": {"fail": {"like": "policyMissing"}},
    }]}));
    running(&place, 60, &json!({"onFailure": "Stop"}));
    place.wait_phase("undo", "PartiallySucceeded");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready"), ("False".into(), "ActionFailed".into()));
    let removed = place.effective().len();
    assert!(removed < 59, "it went on after the failure");
    let ledger = place.ledger("undo");
    assert_eq!(ledger_accounts(&ledger, "Failed"), accounts([3]));
    assert_eq!(ledger_accounts(&ledger, "Verified").len(), removed);
    assert_eq!(ledger_accounts(&ledger, "Unsent").len(), 59 - removed);
}

#[test]
fn an_undo_waits_for_the_instance_that_it_was_planned_for() {
    let place = Place::new(60);
    let before = place.simulator.access();
    running(&place, 60, &json!({}));
    let own = place.get(&["idc", &place.instance])["spec"].clone();
    place.kubectl(&["delete", "idc", &place.instance]);
    // The name is given to another one, whose people and accounts have the same ids.
    let identity = Identity::new(9001);
    let mut world = identity.world(60);
    let rows = world["instances"][0]["assignments"].as_array_mut().unwrap();
    rows.extend(alice_in(&accounts(1..=60)).as_array().unwrap().clone());
    let other = place.cluster.simulator(&world.to_string());
    let untouched = other.access();
    let mut spec = own.clone();
    spec["instanceArn"] = json!(identity.arn);
    spec["endpoint"] = json!(other.url());
    place.create("IdentityCenterInstance", &place.instance, &spec);
    wait_for("the undo to say which instance it waits for", PATIENCE, || {
        text(&place.status("undo")["summary"]).contains("another instanceArn").then_some(())
    });
    place.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "idc", &place.instance]);
    place.wait_simulated(Duration::from_mins(2));
    assert_eq!(other.access(), untouched, "another instance was changed");
    assert_eq!(place.status("undo")["phase"], "Executing");

    place.kubectl(&["delete", "idc", &place.instance]);
    place.create("IdentityCenterInstance", &place.instance, &own);
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.simulator.access(), before);
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
}
