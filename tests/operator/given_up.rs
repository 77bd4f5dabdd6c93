//! What AWS refuses again and again is tried for as long as it may help, and given up then.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::place::{Place, ledger_accounts, stands, text};
use super::seed::{account, accounts};

/// Requests that fail are tried again within this time …
const RETRIED: SignedDuration = SignedDuration::from_mins(5);
/// … and a permission set that is in use is asked about for so long.
const PATIENCE: SignedDuration = SignedDuration::from_mins(4);

/// When AWS was asked for an operation whose key holds this.
fn asked(place: &Place, operation: &str, about: &str) -> Vec<Timestamp> {
    let log = place.simulator.log();
    let entries = log.iter().filter(|entry| {
        entry["operation"] == operation && entry["key"].as_str().is_some_and(|k| k.contains(about))
    });
    entries.map(|entry| text(&entry["at"]).parse().unwrap()).collect()
}

/// The one failure that a status names.
#[track_caller]
fn failure(place: &Place) -> Value {
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready").0, "False");
    assert_eq!(stands(&status, "Stalled").0, "True");
    let failures = status["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    failures[0].clone()
}

#[test]
fn a_request_that_fails_each_time_is_given_up_with_the_reason_of_aws() {
    let place = Place::new(6);
    place.operation("assign", &accounts(1..=6));
    let reason = "An unexpected internal service exception was encountered";
    place.simulator.faults(&json!({"faults": [{
        "match": {"operations": ["DeleteAccountAssignment"], "accounts": [account(3)]},
        "do": {"fail": {"like": "internalError"}},
    }]}));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "PartiallySucceeded");

    let failure = failure(&place);
    assert_eq!(failure["reason"], "AsynchronousFailure");
    assert_eq!(failure["message"], reason);
    assert!(text(&failure["action"]).contains(&account(3)), "{failure}");
    let ledger = place.ledger("undo");
    assert_eq!(ledger_accounts(&ledger, "Failed"), accounts([3]));
    assert_eq!(ledger_accounts(&ledger, "Verified"), accounts([1, 2, 4, 5, 6]));
    let tries = asked(&place, "DeleteAccountAssignment", &account(3));
    assert_eq!(tries.len(), 3, "{tries:?}");
    assert!(tries[2].duration_since(tries[0]) < RETRIED, "{tries:?}");
    let accepted = &place.simulator.counters()["accepted"];
    assert_eq!(accepted[place.identity.key(&account(3))], 3, "{accepted}");
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
    assert_eq!(place.effective().len(), 5);
}

/// A copy of a permission set, through which alice was given access afterwards.
fn copied_set(place: &Place) -> String {
    let copy = place.identity.read.replace("/ps-0", "/ps-c");
    let mut world = place.identity.world(2);
    world["instances"][0]["permissionSets"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "Copy", "arn": copy}));
    world["settings"] = json!({});
    place.simulator.post("/_sim/seed", &world);
    let row = json!([{"permissionSet": "Copy", "user": "alice", "accounts": accounts([1, 2])}]);
    place.simulator.post("/_sim/changes", &json!({"grant": row}));

    let mut clone = place.record("clone", &[]);
    clone["type"] = json!("ClonePermissionSet");
    clone["occurredAt"] = json!("2026-01-05T09:00:00Z");
    clone["changes"] = json!([]);
    clone["createdPermissionSet"] =
        json!({"arn": copy, "name": "Copy", "source": place.identity.read});
    place.create("OperationRecord", "clone", &clone);
    let mut assign = place.record("assign", &accounts([1, 2]));
    assign["changes"][0]["permissionSet"] = json!(copy);
    place.create("OperationRecord", "assign", &assign);
    copy
}

#[test]
fn a_set_whose_deletion_meets_a_conflict_for_four_minutes_is_blocked() {
    let place = Place::new(2);
    let set = copied_set(&place);
    let words = "PermissionSet is still in use.";
    let conflict = json!({"code": "ConflictException", "message": words, "status": 409});
    place.simulator.faults(&json!({"faults": [{
        "match": {"operations": ["DeletePermissionSet"]},
        "do": {"error": conflict},
    }]}));
    place.rollback("undo", "assign", &json!({"operations": {"names": ["clone", "assign"]}}));
    place.approve("undo");
    place.wait_phase("undo", "PartiallySucceeded");

    let failure = failure(&place);
    assert_eq!(failure["reason"], "StillAssigned");
    assert!(text(&failure["message"]).contains(words), "{failure}");
    assert!(text(&failure["action"]).contains(&set), "{failure}");
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Verified"), accounts([1, 2]));
    let id = set.rsplit('/').next().unwrap();
    let tries = asked(&place, "DeletePermissionSet", id);
    let span = tries[tries.len() - 1].duration_since(tries[0]);
    // The last one leaves within the time, and is answered after it.
    let answer = SignedDuration::from_secs(10);
    assert!(tries.len() > 3 && span + answer >= PATIENCE, "{} times in {span:#}", tries.len());
    assert!(span < PATIENCE + SignedDuration::from_mins(1), "it was tried for {span:#}");

    // Once it is out of use, another attempt does what is left.
    place.simulator.faults(&json!({"faults": []}));
    place.patch("undo", &json!({"attempt": 2}));
    place.wait_field("undo", ".status.attempt", "2");
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert!(place.effective().iter().all(|(_, times)| *times == 1), "{:?}", place.effective());
}
