//! Approvals: by a second commit, and by a person while Git holds the Rollback.

use serde_json::{Value, json};

use super::flux::is_ready;
use super::place::text;
use super::seed::accounts;
use super::tenant::Tenant;

#[test]
fn a_second_commit_approves() {
    let tenant = Tenant::new("Always", &accounts(1..=3));
    let place = &tenant.place;
    tenant.rollback("undo", &json!({}));
    tenant.repository.commit("undo");
    tenant.begin();
    let revision = tenant.commit("nothing");
    // What waits for its approval does not hold up the next commit.
    tenant.wait_ready(&revision);
    assert_eq!(place.status("undo")["phase"], "AwaitingApproval");
    assert_eq!(place.writes(), 0);

    let digest = text(&place.status("undo")["plan"]["digest"]);
    tenant.rollback("undo", &json!({"approval": {"plan": digest}}));
    let revision = tenant.commit("approve");
    tenant.wait_ready(&revision);
    let rollback = place.get(&["rollback", "undo"]);
    assert_eq!(rollback["status"]["phase"], "Succeeded");
    // The API server names who applied it, and Flux leaves that as it is.
    let flux = format!("system:serviceaccount:{}:flux", place.namespace);
    assert_eq!(rollback["spec"]["approval"]["approvedBy"], flux);
    assert_eq!(place.effective().len(), 3);
    let before = tenant.metadata("undo");
    assert!(is_ready(&tenant.apply_again()));
    assert_eq!(tenant.metadata("undo"), before);

    // Without the expressions the same commit is held up: what waits is no success.
    let record = place.record("other", &accounts([5]));
    place.simulator.post("/_sim/changes", &json!({"grant": super::seed::alice_in(&accounts([5]))}));
    place.create("OperationRecord", "other", &record);
    let patch = json!({"spec": {"healthCheckExprs": null, "timeout": "8s"}}).to_string();
    place.kubectl(&["patch", "kustomization", "rollbacks", "--type=merge", "--patch", &patch]);
    tenant.rollback("second", &json!({"operations": {"names": ["other"]}}));
    let revision = tenant.commit("one more");
    let (reason, message) = tenant.flux.wait_failed(&place.namespace, "rollbacks", &revision);
    assert_eq!(reason, "HealthCheckFailed", "{message}");
    let named = format!("Rollback/{}/second status: 'InProgress'", place.namespace);
    assert!(message.contains(&named), "{message}");
}

#[test]
fn an_approval_by_a_person_survives_what_flux_applies_next() {
    let tenant = Tenant::new("SeparateApprover", &accounts(1..=3));
    let place = &tenant.place;
    let control_plane = &tenant.flux.cluster.control_plane;
    // Approved, but suspended in Git, so that Flux comes between the approval and the undo.
    tenant.rollback("undo", &json!({"suspend": true}));
    tenant.repository.commit("undo");
    tenant.begin();
    let revision = tenant.commit("nothing");
    tenant.wait_ready(&revision);

    let approver = control_plane.user("carol", &["approvers"]);
    place.kubectl(&[
        "create",
        "rolebinding",
        "approvers",
        "--clusterrole=rollback-operator-approve",
        "--group=approvers",
    ]);
    let approve = ["approve", "undo", "--yes", "-n", &place.namespace];
    control_plane.plugin_as(&approver, &approve).succeeded();
    let approval = place.get(&["rollback", "undo"])["spec"]["approval"].clone();
    assert_eq!(approval["approvedBy"], "carol");
    place.wait_condition("undo", "Approved", "True", "Approved");
    // What is suspended does not hold up the next commit.
    assert!(is_ready(&tenant.apply_again()));
    assert_eq!(place.get(&["rollback", "undo"])["spec"]["approval"], approval);

    // Flux applies a change of the same object, and it is undone as it was approved.
    tenant.rollback("undo", &json!({"priority": "Emergency"}));
    let revision = tenant.commit("go on, first of all");
    tenant.wait_ready(&revision);
    let show = ["get", "rollback", "undo", "--show-managed-fields", "-o", "json"];
    let rollback: Value = serde_json::from_str(&place.kubectl(&show)).unwrap();
    assert_eq!(rollback["status"]["phase"], "Succeeded");
    assert_eq!(rollback["spec"]["priority"], "Emergency");
    assert_eq!(rollback["spec"]["approval"], approval);
    assert_eq!(rollback["status"]["plan"]["approvedBy"], "carol");
    let of = |manager: &str| -> String {
        let entries = rollback["metadata"]["managedFields"].as_array().unwrap().iter();
        let mine = entries.filter(|entry| entry["manager"] == manager);
        mine.map(|entry| entry["fieldsV1"]["f:spec"].to_string()).collect()
    };
    assert!(of("rollback-approver").contains("f:approval"), "{rollback}");
    assert!(of("kustomize-controller").contains("f:priority"), "{rollback}");
    assert!(!of("kustomize-controller").contains("f:approval"), "{rollback}");
}
