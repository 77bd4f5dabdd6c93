//! What AWS refuses stays open, is named, and is finished by another attempt.

use serde_json::json;

use super::place::{Place, ledger_accounts, stands, text};
use super::seed::{account, accounts};

#[test]
fn what_failed_is_named_and_another_attempt_finishes_it() {
    let place = Place::new(12);
    let before = place.simulator.access();
    let all = accounts(1..=12);
    place.operation("assign", &all);
    assert_ne!(place.simulator.access(), before);
    let quota = "Received a 409 status error: Cannot exceed quota for RolesPerAccount: 1000";
    let policy = "Received a 404 status error: Not supported policy BoundaryPolicy.";
    place.simulator.faults(&json!({"faults": [
        {"match": {"operations": ["DeleteAccountAssignment"], "accounts": [account(3)]}, "do": {"fail": {"like": "roleQuota"}}},
        {"match": {"operations": ["DeleteAccountAssignment"], "accounts": [account(9)]}, "do": {"fail": {"like": "policyMissing"}}},
    ]}));

    place.rollback("undo", "assign", &json!({}));
    let first = place.approve("undo");
    place.wait_phase("undo", "PartiallySucceeded");

    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready").0, "False");
    assert_eq!(stands(&status, "Stalled").0, "True");
    assert_eq!(stands(&status, "Reconciling").0, "False");
    assert_eq!(status["progress"]["display"], "10/12");
    let failures: Vec<(String, String)> = status["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| (text(&failure["action"]), text(&failure["message"])))
        .collect();
    assert_eq!(failures.len(), 2, "{failures:?}");
    for (number, reason) in [(3, quota), (9, policy)] {
        let named = failures
            .iter()
            .any(|(action, message)| action.contains(&account(number)) && message.contains(reason));
        assert!(named, "{} with {reason} in {failures:?}", account(number));
    }
    let ledger = place.ledger("undo");
    assert_eq!(ledger["spec"]["type"], "Rollback");
    assert_eq!(ledger["spec"]["rollback"]["digest"], first);
    // Another attempt alone does not help against a quota; both are open.
    assert_eq!(ledger_accounts(&ledger, "Blocked"), accounts([3]));
    assert_eq!(ledger_accounts(&ledger, "Failed"), accounts([9]));
    let undone: Vec<String> = accounts((1..=12).filter(|number| ![3, 9].contains(number)));
    assert_eq!(ledger_accounts(&ledger, "Verified"), undone);
    assert_eq!(place.effective().len(), 10);

    place.simulator.faults(&json!({"faults": []}));
    let sent = place.writes();
    place.patch("undo", &json!({"attempt": 2}));
    place.wait_field("undo", ".status.attempt", "2");
    place.wait_phase("undo", "AwaitingApproval");
    let status = place.status("undo");
    let second = text(&status["plan"]["digest"]);
    assert_ne!(second, first, "the first approval must not cover the second plan");
    assert_eq!(status["plan"]["actions"], 2);
    assert_eq!(stands(&status, "Approved"), ("False".into(), "ApprovalForAnotherPlan".into()));
    assert_eq!(place.writes(), sent, "written without an approval");

    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready").0, "True");
    assert_eq!(stands(&status, "Stalled").0, "False");
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Verified"), accounts([3, 9]));
    assert_eq!(place.simulator.access(), before);
    assert!(place.effective().iter().all(|(_, times)| *times == 1), "{:?}", place.effective());
    assert_eq!(place.effective().len(), 12);
}

#[test]
fn what_failed_by_its_record_and_is_there_waits_for_somebody_to_accept_it() {
    let place = Place::new(2);
    let before = place.simulator.access();
    place.operation("grant", &accounts([1, 2]));
    let mut record = place.record("assign", &accounts([1]));
    record["failed"] = json!([{
        "effect": "Granted", "principal": record["changes"][0]["principal"],
        "permissionSet": place.identity.read, "accounts": accounts([2]), "message": "timed out",
    }]);
    place.kubectl(&["delete", "oprec", "grant"]);
    place.create("OperationRecord", "assign", &record);
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "PartiallySucceeded");
    let plan = place.status("undo")["plan"].clone();
    assert!(plan["warnings"].to_string().contains("PossiblyApplied: leaves 1 change"), "{plan}");
    let shard = place.get(&["rollbackplan", &text(&plan["shards"][0])]);
    let items = shard["spec"]["items"].to_string();
    assert!(items.contains("add PossiblyApplied/assign to spec.approval.accept"), "{items}");
    assert_eq!(place.effective().len(), 1);
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Blocked"), accounts([2]));

    // The same object again is no reason to call it done.
    place.kubectl(&["delete", "rollback", "undo"]);
    place.rollback("again", "assign", &json!({}));
    place.wait_phase("again", "Failed");
    assert_eq!(place.effective().len(), 1);
    let accept = json!({"accept": ["PossiblyApplied/assign"]});
    place.patch("again", &json!({"attempt": 2, "approval": accept}));
    place.wait_field("again", ".status.attempt", "2");
    place.wait_phase("again", "AwaitingApproval");
    let digest = text(&place.status("again")["plan"]["digest"]);
    place.patch("again", &json!({"approval": {"plan": digest}}));
    place.wait_phase("again", "Succeeded");
    assert_eq!(place.simulator.access(), before);
    place.rollback("last", "assign", &json!({}));
    place.wait_phase("last", "AlreadyRolledBack");
}
