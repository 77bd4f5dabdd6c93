//! Two Rollbacks want the same keys.

use serde_json::json;

use super::place::{PATIENCE, Place, ledger_accounts, stands, text};
use super::seed::accounts;
use super::support::wait_for;

#[test]
fn the_second_waits_and_finds_nothing_to_do() {
    let place = Place::new(40);
    place.operation("assign", &accounts(1..=40));
    place.slow_down();
    for name in ["first", "second"] {
        place.rollback(name, "assign", &json!({}));
        place.wait_phase(name, "AwaitingApproval");
    }
    place.approve("first");
    wait_for("the first to have begun", PATIENCE, || (!place.effective().is_empty()).then_some(()));
    place.approve("second");
    let said = place.wait_condition("second", "Ready", "False", "HeldBy");
    assert!(said.contains("first"), "it does not say for whom it waits: {said}");
    assert_eq!(stands(&place.status("second"), "Reconciling").0, "True");

    place.wait_phase("first", "Succeeded");
    place.wait_phase("second", "AlreadyRolledBack");
    assert_eq!(place.writes(), 40);
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
}

#[test]
fn what_the_first_left_to_do_is_planned_anew_and_wants_an_approval_of_its_own() {
    let place = Place::new(44);
    let before = place.simulator.access();
    place.operation("shared", &accounts(1..=40));
    place.operation("own", &accounts(41..=44));
    place.slow_down();
    place.rollback("first", "shared", &json!({}));
    let both = json!({"operations": {"names": ["shared", "own"]}});
    place.rollback("second", "shared", &both);
    place.wait_phase("second", "AwaitingApproval");
    place.approve("first");
    wait_for("the first to have begun", PATIENCE, || (!place.effective().is_empty()).then_some(()));
    let old = place.approve("second");
    assert_eq!(place.status("second")["plan"]["actions"], 44);
    place.wait_condition("second", "Ready", "False", "HeldBy");

    place.wait_phase("first", "Succeeded");
    place.wait_condition("second", "Approved", "False", "ApprovalForAnotherPlan");
    let plan = place.status("second")["plan"].clone();
    assert_ne!(text(&plan["digest"]), old);
    assert_eq!(plan["actions"], 4, "{plan}");
    assert_eq!(place.writes(), 40, "sent by a plan that nobody approved");
    place.approve("second");
    place.wait_phase("second", "Succeeded");
    assert_eq!(ledger_accounts(&place.ledger("second"), "Verified"), accounts(41..=44));
    assert_eq!(place.simulator.access(), before);
    assert_eq!(place.writes(), 44);
}
