//! The operator needs no more than the chart gives it.

use serde_json::json;

use super::place::{PATIENCE, Place, text};
use super::seed::accounts;
use super::support::wait_for;

const ACCOUNT: &str = "system:serviceaccount:rollback-system:rollback-operator";

/// Whether the operator's account may do this.
fn may(place: &Place, what: &[&str]) -> bool {
    let account = format!("--as={ACCOUNT}");
    let arguments = [&["auth", "can-i", "--quiet", &account], what].concat();
    place.cluster.control_plane.kubectl(&arguments).ok
}

/// Refuses statuses in a namespace to everybody but the operator's account, administrators too.
fn only_the_account_writes_statuses(place: &Place) {
    let namespace = &place.namespace;
    let control_plane = &place.cluster.control_plane;
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "resourceRules": [{
                    "apiGroups": ["identitycenter.dev"],
                    "apiVersions": ["*"],
                    "operations": ["UPDATE"],
                    "resources": ["rollbacks/status", "rollbackplans/status"],
                }],
            },
            "validations": [{
                "expression": format!("request.userInfo.username == '{ACCOUNT}'"),
                "message": "only the operator's account writes here",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"]},
    });
    control_plane.apply(&policy.to_string()).succeeded();
    control_plane.apply(&binding.to_string()).succeeded();
}

#[test]
fn the_operator_works_with_its_own_account_and_that_may_little() {
    let place = Place::new(2);
    only_the_account_writes_statuses(&place);
    place.rollback("refused", "missing", &json!({}));
    let patch = json!({"status": {"summary": "mine"}}).to_string();
    let arguments = [
        "--namespace",
        &place.namespace,
        "patch",
        "rollback",
        "refused",
        "--subresource=status",
        "--type=merge",
        "--patch",
        &patch,
    ];
    wait_for("an administrator to be refused", PATIENCE, || {
        let said = place.cluster.control_plane.kubectl(&arguments);
        (!said.ok && said.stderr.contains("only the operator's account")).then_some(())
    });
    place.operation("assign", &accounts([1, 2]));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");

    let namespace = format!("--namespace={}", place.namespace);
    let status = ["patch", "rollbacks.identitycenter.dev", "--subresource=status", &namespace];
    assert!(may(&place, &status));
    for forbidden in [
        ["create", "rollbacks.identitycenter.dev"],
        ["update", "rollbacks.identitycenter.dev"],
        ["deletecollection", "rollbacks.identitycenter.dev"],
        ["delete", "operationrecords.identitycenter.dev"],
        ["patch", "operationrecords.identitycenter.dev"],
        ["patch", "identitycenterinstances.identitycenter.dev"],
        ["get", "secrets"],
        ["get", "configmaps"],
        ["create", "pods"],
        ["get", "leases.coordination.k8s.io"],
    ] {
        assert!(!may(&place, &[forbidden[0], forbidden[1], &namespace]), "it may {forbidden:?}");
    }
    let log = place.cluster.operator().log();
    let refused: Vec<&str> = log.lines().filter(|line| line.contains("orbidden")).collect();
    assert!(refused.is_empty(), "it asks for more than it may: {refused:?}");
}

#[test]
fn what_it_does_is_told_in_events_with_stable_reasons() {
    let place = Place::new(2);
    place.operation("assign", &accounts([1, 2]));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    let told = || -> Vec<String> {
        let events = place.get(&["events.events.k8s.io"]);
        let events = events["items"].as_array().unwrap();
        events
            .iter()
            .filter(|event| event["regarding"]["name"] == "undo")
            .map(|event| text(&event["reason"]))
            .collect()
    };
    wait_for("the last event", PATIENCE, || {
        told().iter().any(|reason| reason == "Succeeded").then_some(())
    });
    let told = told();
    for reason in ["Planned", "AwaitingApproval", "Executing", "LedgerWritten", "Succeeded"] {
        assert!(told.iter().any(|told| told == reason), "{reason} is not among {told:?}");
    }
}
