//! Nothing is written before the plan that is executed was approved.

use std::time::Duration;

use serde_json::json;

use super::cluster::Cluster;
use super::place::{Place, condition, stands, text};
use super::seed::{accounts, alice_in};

#[test]
fn a_dry_run_writes_nothing_and_may_be_executed_later() {
    let place = Place::new(5);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=5));
    place.rollback("undo", "assign", &json!({"mode": "PlanOnly"}));
    place.wait_phase("undo", "Planned");
    let status = place.status("undo");
    assert_eq!(status["plan"]["actions"], 5);
    assert_eq!(stands(&status, "Reconciling").0, "False");
    assert_eq!(stands(&status, "Stalled").0, "False");
    assert!(condition(&status, "Ready").is_none(), "a dry run is never ready");
    // An approval does not make a dry run an undo.
    let shown = text(&status["plan"]["digest"]);
    place.patch("undo", &json!({"approval": {"plan": shown}}));
    let generation = place.get(&["rollback", "undo"])["metadata"]["generation"].to_string();
    place.wait_field("undo", ".status.observedGeneration", &generation);
    assert_eq!(place.status("undo")["phase"], "Planned");
    assert_eq!(place.writes(), 0);

    place.patch("undo", &json!({"mode": "Apply"}));
    let digest = place.approve("undo");
    assert_ne!(digest, shown, "the intent is part of the digest");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.simulator.access(), before);
    assert_eq!(place.writes(), 5);
}

#[test]
fn an_approval_of_another_plan_has_no_effect_and_says_so() {
    let place = Place::new(3);
    place.operation("assign", &accounts(1..=3));
    let wrong = format!("sha256:{}", "0".repeat(64));
    // It came with the object, as with GitOps: inert, not an error.
    place.rollback("undo", "assign", &json!({"approval": {"plan": wrong}}));
    let said = place.wait_condition("undo", "Approved", "False", "ApprovalForAnotherPlan");
    let digest = text(&place.status("undo")["plan"]["digest"]);
    assert!(said.contains(&wrong) && said.contains(&digest), "{said}");
    assert_eq!(place.status("undo")["phase"], "AwaitingApproval");
    assert_eq!(place.writes(), 0);
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(stands(&place.status("undo"), "Approved"), ("True".into(), "Approved".into()));
    assert_eq!(place.writes(), 3);
}

#[test]
fn a_plan_that_is_no_longer_true_is_not_executed_by_its_approval() {
    let place = Place::new(3);
    place.operation("assign", &accounts(1..=3));
    place.simulator.post("/_sim/changes", &json!({"revoke": alice_in(&accounts([2]))}));
    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    let status = place.status("undo");
    assert_eq!((&status["plan"]["actions"], &status["plan"]["kept"]), (&json!(2), &json!(1)));
    let old = text(&status["plan"]["digest"]);
    // What was as wanted already, and so in no action of the plan, is not so any more.
    place.simulator.post("/_sim/changes", &json!({"grant": alice_in(&accounts([2]))}));
    // Within its first seconds a plan is taken as it is, and each key is read before its write.
    place.wait_simulated(Duration::from_secs(25));
    place.patch("undo", &json!({"approval": {"plan": old}}));
    place.wait_condition("undo", "Approved", "False", "ApprovalForAnotherPlan");
    let status = place.status("undo");
    assert_ne!(status["plan"]["digest"], old.as_str());
    assert_eq!(status["plan"]["actions"], 3);
    assert_eq!(place.writes(), 0);
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.writes(), 3);
}

#[test]
fn a_rejected_plan_is_over() {
    let place = Place::new(2);
    place.operation("assign", &accounts(1..=2));
    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    place.patch("undo", &json!({"approval": {"reject": true}}));
    place.wait_phase("undo", "Rejected");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready"), ("False".into(), "Rejected".into()));
    assert_eq!(stands(&status, "Stalled").0, "True");
    assert_eq!(place.writes(), 0);
}

#[test]
fn under_policy_never_nobody_needs_to_approve() {
    let policy = json!({"policy": {"approval": "Never"}});
    let place = Place::with(Cluster::shared(), 5, &policy);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=4));
    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "Succeeded");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Approved"), ("True".into(), "ApprovalNotRequired".into()));
    assert_eq!(place.simulator.access(), before);
    // Except where an action rests on something that nobody recorded.
    let mut record = place.record("guess", &accounts([5]));
    record["changes"][0]["before"] = json!("Unknown");
    place.simulator.post("/_sim/changes", &json!({"grant": alice_in(&accounts([5]))}));
    place.create("OperationRecord", "guess", &record);
    let sent = place.writes();
    place.rollback("undo-guess", "guess", &json!({}));
    place.wait_phase("undo-guess", "AwaitingApproval");
    assert_eq!(place.status("undo-guess")["plan"]["grade"], "Assumed");
    assert_eq!(place.writes(), sent);
}

#[test]
fn an_approval_is_for_the_time_that_was_planned() {
    let place = Place::new(2);
    place.operation("assign", &accounts(1..=2));
    place.rollback("undo", "assign", &json!({"notBefore": "2100-01-01T00:00:00Z"}));
    let approved = place.approve("undo");
    place.wait_condition("undo", "Approved", "True", "Approved");
    place.patch("undo", &json!({"notBefore": null}));
    place.wait_condition("undo", "Approved", "False", "ApprovalForAnotherPlan");
    assert_ne!(text(&place.status("undo")["plan"]["digest"]), approved);
    assert_eq!(place.writes(), 0);
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.writes(), 2);
}
