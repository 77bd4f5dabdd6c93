//! The questions that the chart's test and its uninstall hook ask, asked with the operator's account.

use std::time::Duration;

use serde_json::{Value, json};

use super::render::NAMESPACE;
use super::server::{install, installed};
use super::support::{ControlPlane, Operator, OperatorOptions, wait_for};

const LEASE: [&str; 2] = ["--lease-namespace", NAMESPACE];

/// A Rollback in this state, as the operator would have left it.
fn rollback(control_plane: &ControlPlane, operator: &std::path::Path, name: &str, status: &Value) {
    let object = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"operations": {"names": ["assign"]}},
    });
    control_plane.apply(&object.to_string()).succeeded();
    let patch = json!({"status": status}).to_string();
    let arguments = [
        "patch",
        "rollback",
        name,
        "--namespace",
        "default",
        "--subresource=status",
        "--type=merge",
        "--patch",
        &patch,
    ];
    control_plane.kubectl_as(operator, &arguments, "").succeeded();
}

#[test]
fn nobody_uninstalls_in_the_middle_of_an_undo() {
    let (control_plane, account) = installed();
    // kubectl reads a status before it writes it; the operator does not.
    let user = format!("--serviceaccount={NAMESPACE}:rollback-operator");
    let role =
        ["create", "clusterrole", "status-reader", "--verb=get", "--resource=rollbacks/status"];
    control_plane.kubectl(&role).succeeded();
    let binding =
        ["create", "clusterrolebinding", "status-reader", "--clusterrole=status-reader", &user];
    control_plane.kubectl(&binding).succeeded();
    let check = || control_plane.operator_once(account, &["check-idle"]);
    rollback(control_plane, account, "waits", &json!({"phase": "AwaitingApproval"}));
    let said = check().succeeded().stdout;
    assert!(said.contains("Rollbacks is at work"), "{said}");
    rollback(control_plane, account, "runs", &json!({"phase": "Executing"}));
    let said = check();
    assert_eq!(said.code, Some(1));
    said.refused("a Rollback is at work: default/runs; wait until they end, or cancel them");
    rollback(control_plane, account, "runs", &json!({"phase": "Cancelled"}));
    check().succeeded();
}

#[test]
fn what_an_installation_lacks_is_said() {
    // Its own: what is taken away here is missing to others.
    let control_plane = &ControlPlane::start();
    let account = &install(control_plane, &[]);
    let check = || {
        let arguments = [&LEASE[..], &["check-installation", "--wait=3s"]].concat();
        control_plane.operator_once(account, &arguments)
    };
    let mut operator = Operator::start(OperatorOptions {
        kubeconfig: account.clone(),
        simulator: "http://127.0.0.1:9".to_owned(),
        ..OperatorOptions::default()
    });
    let said = wait_for("a leader", Duration::from_mins(1), || {
        let said = check();
        said.ok.then_some(said.stdout)
    });
    assert!(said.contains("the kinds are served") && said.contains("an operator leads"), "{said}");
    operator.stop();

    // A person took something away.
    control_plane
        .kubectl(&["delete", "validatingadmissionpolicybinding", "rollback-operator-approval"])
        .succeeded();
    let role = control_plane.get(&["clusterrole", "rollback-operator"]);
    let mut rules = role["rules"].as_array().unwrap().iter();
    let names = rules.position(|rule| rule["resources"][0] == "mutatingadmissionpolicies").unwrap();
    let patch = json!([
        {"op": "replace", "path": "/rules/0/verbs", "value": ["get", "list", "watch"]},
        {"op": "remove", "path": format!("/rules/{names}/resourceNames/0")},
    ]);
    let patch = patch.to_string();
    control_plane
        .kubectl(&["patch", "clusterrole", "rollback-operator", "--type=json", "--patch", &patch])
        .succeeded();
    let said = wait_for("what is missing to be named", Duration::from_secs(30), || {
        let said = check();
        (!said.ok && said.stderr.contains("may not patch rollbacks.identitycenter.dev"))
            .then_some(said)
    });
    assert!(said.stderr.contains("rollback-operator-approval is not there"), "{}", said.stderr);
    let one = "may not get mutatingadmissionpolicies.admissionregistration.k8s.io rollback-operator-stamps-rollbacks in every namespace";
    assert!(said.stderr.contains(one), "{}", said.stderr);
    assert!(said.stderr.contains("no operator leads"), "{}", said.stderr);
}

#[test]
fn a_cluster_without_the_kinds_is_told_how_to_get_them() {
    let control_plane = ControlPlane::start_without_controllers();
    let arguments = ["--leader-election=false", "check-installation", "--without-admission"];
    let said = control_plane.operator_once(control_plane.kubeconfig(), &arguments);
    // Whoever removed the kinds first is not kept from removing the rest.
    let arguments = ["--leader-election=false", "check-idle"];
    let idle = control_plane.operator_once(control_plane.kubeconfig(), &arguments).succeeded();
    assert!(idle.stdout.contains("the kind Rollback is not installed"), "{}", idle.stdout);
    said.refused(
        "the kind rollbacks.identitycenter.dev is not served: install the chart with crds.install",
    );
}
