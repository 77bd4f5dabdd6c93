//! What somebody sees who has kubectl alone.

use serde_json::json;

use super::place::{Place, text};
use super::seed::accounts;

#[test]
fn kubectl_waits_and_shows_what_became_of_it() {
    let place = Place::new(3);
    place.operation("assign", &accounts(1..=3));
    place.rollback("undo", "assign", &json!({"reason": "it was the wrong group"}));
    let digest = place.approve("undo");
    place.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "rollback/undo"]);

    let table = place.kubectl(&["get", "rb", "-o", "wide"]);
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let expected = [
        "NAME",
        "OPERATION",
        "TYPE",
        "PHASE",
        "DONE",
        "GRADE",
        "READY",
        "AGE",
        "REASON",
        "APPROVER",
        "PLAN",
        "MESSAGE",
    ];
    assert_eq!(columns, expected);
    let row = lines.next().unwrap();
    for cell in
        ["undo", "assign", "Assign", "Succeeded", "3/3", "Exact", "True", &digest, "read back"]
    {
        assert!(row.contains(cell), "{cell} is missing in {row}");
    }
    assert_eq!(lines.next(), None);
    let narrow = place.kubectl(&["get", "rollbacks"]);
    assert!(narrow.lines().all(|line| line.len() <= 80), "wider than a terminal:\n{narrow}");

    let described = place.kubectl(&["describe", "rollback", "undo"]);
    for words in ["it was the wrong group", "3 of 3 undone and read back", "Execution Seconds"] {
        assert!(described.contains(words), "{words} is missing in\n{described}");
    }
    let records = place.kubectl(&["get", "oprec"]);
    let ledger = text(&place.status("undo")["ledger"]);
    assert!(records.lines().any(|line| line.starts_with(&ledger)), "{ledger} in\n{records}");
    let undone = records.lines().find(|line| line.starts_with("assign ")).unwrap();
    assert!(undone.contains("True"), "not shown as rolled back: {undone}");
    let plans = place.kubectl(&["get", "rbp"]);
    assert_eq!(plans.lines().count(), 2, "{plans}");
    let all = place.kubectl(&["get", "identitycenter"]);
    assert!(all.contains("rollback.identitycenter.dev/undo"), "{all}");
}

#[test]
fn a_wait_for_what_will_not_come_can_watch_for_stalled() {
    let place = Place::new(1);
    place.operation("assign", &accounts([1]));
    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    place.patch("undo", &json!({"approval": {"reject": true}}));
    place.kubectl(&["wait", "--for=condition=Stalled", "--timeout=60s", "rollback/undo"]);
    let ready = ["wait", "--for=condition=Ready", "--timeout=0s", "rollback/undo"];
    let namespace = ["--namespace", &place.namespace];
    place.cluster.control_plane.kubectl(&[&namespace, ready.as_slice()].concat()).refused("undo");
}

#[test]
fn kubectl_explains_every_field() {
    let place = Place::new(1);
    let explained = place.kubectl(&["explain", "rollback.spec"]);
    for field in [
        "operations",
        "mode",
        "approval",
        "onDrift",
        "onFailure",
        "priority",
        "notBefore",
        "deadline",
        "suspend",
        "cancel",
        "attempt",
        "verification",
        "reason",
        "ticket",
    ] {
        assert!(explained.contains(&format!("  {field}\t")), "{field} in\n{explained}");
    }
    assert!(!explained.contains("<no description>"), "{explained}");
    assert!(explained.contains("Which operations to undo. Immutable."), "{explained}");
    assert!(explained.contains("enum: Apply, PlanOnly"), "{explained}");
    for kind in ["rollback", "rollbackplan", "operationrecord", "identitycenterinstance"] {
        let whole = place.kubectl(&["explain", kind, "--recursive"]);
        let lines = whole.lines().count();
        assert!(lines > 20, "{kind} is explained in {lines} lines");
        let spec = place.kubectl(&["explain", &format!("{kind}.spec")]);
        assert!(!spec.contains("<no description>"), "{spec}");
        let status = place.kubectl(&["explain", &format!("{kind}.status")]);
        assert!(!status.contains("<no description>"), "{status}");
    }
}
