//! Two Rollbacks want the same keys.

use serde_json::json;

use super::place::{PATIENCE, Place, stands};
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
