//! `spec.operations.select`: what is found is found once, and nothing else is undone.

use serde_json::{Value, json};

use super::place::{PATIENCE, Place, stands, text};
use super::seed::{accounts, alice_in};
use super::support::wait_for;

/// Somebody gives alice access in one account, and it is recorded as this actor's doing.
fn operation(place: &Place<'_>, name: &str, actor: &str, number: usize) {
    let accounts = accounts([number]);
    place.simulator.post("/_sim/changes", &json!({"grant": alice_in(&accounts)}));
    place.create("OperationRecord", name, &record(place, name, actor, number));
}

fn record(place: &Place<'_>, name: &str, actor: &str, number: usize) -> Value {
    let mut record = place.record(name, &accounts([number]));
    record["actor"] = json!(actor);
    record["occurredAt"] = json!(format!("2026-01-05T10:{number:02}:00Z"));
    record
}

fn select(place: &Place<'_>, name: &str, select: &Value) {
    place.create("Rollback", name, &json!({"operations": {"select": select}}));
}

fn found(place: &Place<'_>, rollback: &str) -> Vec<String> {
    let status = place.status(rollback);
    let refs = status["recordRefs"].as_array().unwrap_or_else(|| panic!("{status}"));
    refs.iter().map(|found| text(&found["name"])).collect()
}

fn ready_because(place: &Place<'_>, rollback: &str, phase: &str) -> (String, String) {
    place.wait_phase(rollback, phase);
    stands(&place.status(rollback), "Ready")
}

#[test]
fn what_was_found_once_is_what_every_plan_is_about() {
    let place = Place::new(5);
    operation(&place, "first", "agent", 1);
    operation(&place, "second", "agent", 2);
    operation(&place, "of-another", "other", 3);
    select(&place, "undo", &json!({"actor": "agent"}));
    place.wait_phase("undo", "AwaitingApproval");
    let old = text(&place.status("undo")["plan"]["digest"]);
    assert_eq!(found(&place, "undo"), ["first", "second"]);

    // Another one would fit now, and what the plan rests on changes.
    operation(&place, "third", "agent", 4);
    place.patch("undo", &json!({"notBefore": "2026-01-05T10:00:00Z"}));
    wait_for("another plan", PATIENCE, || {
        let status = place.status("undo");
        let planned = status["phase"] == "AwaitingApproval";
        (planned && status["plan"]["digest"] != json!(old)).then_some(())
    });
    assert_eq!(found(&place, "undo"), ["first", "second"]);
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.writes(), 2);

    place.patch("undo", &json!({"attempt": 2}));
    place.wait_field("undo", ".status.attempt", "2");
    place.wait_phase("undo", "AlreadyRolledBack");
    assert_eq!(found(&place, "undo"), ["first", "second"]);
    assert_eq!(place.writes(), 2);
}

#[test]
fn what_is_rolled_back_is_left_out() {
    let place = Place::new(5);
    for number in 1..=4 {
        operation(&place, &format!("assign-{number}"), "agent", number);
    }
    place.rollback("undo-one", "assign-4", &json!({}));
    place.approve("undo-one");
    place.wait_phase("undo-one", "Succeeded");
    select(&place, "undo-two", &json!({"actor": "agent", "last": 2}));
    place.approve("undo-two");
    assert_eq!(found(&place, "undo-two"), ["assign-2", "assign-3"]);
    place.wait_phase("undo-two", "Succeeded");
    select(&place, "undo-rest", &json!({"actor": "agent"}));
    place.approve("undo-rest");
    assert_eq!(found(&place, "undo-rest"), ["assign-1"]);
    place.wait_phase("undo-rest", "Succeeded");
    assert_eq!(place.writes(), 4);
    // Ledgers have no actor and are not meant; all that fits is undone.
    select(&place, "undo-again", &json!({"actor": "agent"}));
    assert_eq!(ready_because(&place, "undo-again", "AlreadyRolledBack").0, "True");
    assert_eq!(place.writes(), 4);
}

#[test]
fn nothing_found_is_said_and_found_by_another_attempt() {
    let place = Place::new(2);
    select(&place, "undo", &json!({"actor": "agent"}));
    let said = place.wait_condition("undo", "Stalled", "True", "NothingSelected");
    assert!(said.contains("raise spec.attempt"), "{said}");
    operation(&place, "late", "agent", 1);
    place.patch("undo", &json!({"attempt": 2}));
    place.approve("undo");
    assert_eq!(found(&place, "undo"), ["late"]);
    place.wait_phase("undo", "Succeeded");
}

#[test]
fn labels_select_by_kubernetes_syntax() {
    let place = Place::new(3);
    for number in 1..=3 {
        operation(&place, &format!("assign-{number}"), "agent", number);
    }
    place.kubectl(&["label", "operationrecord", "assign-1", "team=a"]);
    place.kubectl(&["label", "operationrecord", "assign-2", "team=b"]);
    select(&place, "undo", &json!({"labels": "team in (a, b),team!=b"}));
    place.wait_phase("undo", "AwaitingApproval");
    assert_eq!(found(&place, "undo"), ["assign-1"]);
    select(&place, "wrong", &json!({"labels": "team in a"}));
    let said = place.wait_condition("wrong", "Stalled", "True", "SelectorInvalid");
    assert!(said.contains("is no label selector") && said.contains("team=payments"), "{said}");
}

#[test]
fn records_of_two_instances_need_two_rollbacks() {
    let place = Place::new(2);
    operation(&place, "here", "agent", 1);
    let mut elsewhere = record(&place, "elsewhere", "agent", 2);
    elsewhere["instance"] = json!("another");
    place.create("OperationRecord", "elsewhere", &elsewhere);
    select(&place, "both", &json!({"actor": "agent"}));
    let said = place.wait_condition("both", "Stalled", "True", "InstancesDiffer");
    assert!(said.contains("select.instance"), "{said}");
    select(&place, "one", &json!({"actor": "agent", "instance": place.instance}));
    place.wait_phase("one", "AwaitingApproval");
    assert_eq!(found(&place, "one"), ["here"]);
}

#[test]
fn a_record_is_found_again_by_what_it_is_and_not_by_its_name() {
    let place = Place::new(3);
    operation(&place, "moved", "agent", 1);
    operation(&place, "changed", "agent", 2);
    select(&place, "undo-moved", &json!({"actor": "agent", "accounts": accounts([1])}));
    select(&place, "undo-changed", &json!({"actor": "agent", "accounts": accounts([2])}));
    for rollback in ["undo-moved", "undo-changed"] {
        place.wait_phase(rollback, "AwaitingApproval");
    }
    place.kubectl(&["delete", "operationrecord", "moved", "changed"]);
    place.create("OperationRecord", "imported-again", &record(&place, "moved", "agent", 1));
    let other = record(&place, "changed", "agent", 3);
    place.create("OperationRecord", "changed", &other);

    place.approve("undo-moved");
    place.wait_phase("undo-moved", "Succeeded");
    assert_eq!(place.writes(), 1);
    let digest = text(&place.status("undo-changed")["plan"]["digest"]);
    place.patch("undo-changed", &json!({"approval": {"plan": digest}}));
    let said = place.wait_condition("undo-changed", "Ready", "False", "RecordChanged");
    assert!(said.contains("says something else now"), "{said}");
    assert_eq!(place.writes(), 1);
}
