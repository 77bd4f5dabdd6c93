//! An operator that works in some namespaces only, with no more rights than that takes.

use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::{Cluster, TIME_SCALE};
use super::place::{Place, condition};
use super::render::NAMESPACE;
use super::seed::{Identity, accounts};
use super::server::install;
use super::support::{ControlPlane, wait_for};

const WATCHED: &str = "--watch-namespace=team-a,team-b";
const FLAGS: [&str; 4] =
    [WATCHED, "--lease-duration=8s", "--renew-deadline=6s", "--retry-period=1s"];

fn place<'a>(cluster: &'a Cluster, number: u32, namespace: &str) -> Place<'a> {
    let identity = Identity::new(number);
    let simulator = cluster.simulator(&identity.world(6).to_string());
    let instance = format!("{namespace}-instance");
    let place = Place { cluster, namespace: namespace.to_owned(), instance, identity, simulator };
    place.create(
        "IdentityCenterInstance",
        &place.instance,
        &json!({
            "instanceArn": place.identity.arn,
            "region": "us-east-1",
            "endpoint": place.simulator.url(),
            "allowedNamespaces": [namespace],
        }),
    );
    place.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "idc", &place.instance]);
    place
}

#[test]
fn tenants_undo_in_their_namespaces_and_a_namespace_that_goes_is_let_go() {
    let control_plane = ControlPlane::start();
    for namespace in ["team-a", "team-b", "other"] {
        control_plane.kubectl(&["create", "namespace", namespace]).succeeded();
    }
    let account =
        install(&control_plane, &["--set-json", r#"watchNamespaces=["team-a","team-b"]"#]);
    let check = [WATCHED, "--lease-namespace", NAMESPACE, "check-installation"];
    let cluster = Cluster::on(control_plane, account.clone(), TIME_SCALE, &FLAGS);
    let control_plane = &cluster.control_plane;
    control_plane.operator_once(&account, &check).succeeded();
    control_plane
        .operator_once(&account, &["--lease-namespace", NAMESPACE, "check-installation"])
        .refused("may not get rollbackplans.identitycenter.dev in every namespace");

    let first = place(&cluster, 8001, "team-a");
    first.operation("assign", &accounts([1, 2]));
    // It waits for its record, which is watched in this namespace alone.
    first.rollback("undo", "assign", &json!({}));
    first.rollback("early", "late", &json!({}));
    first.approve("undo");
    first.wait_phase("undo", "Succeeded");
    first.operation("late", &accounts([3]));
    first.wait_phase("early", "AwaitingApproval");

    // The records in a namespace that is not watched cannot be seen, so no plan could be made.
    let allow = |namespaces: &Value| {
        let patch = json!({"spec": {"allowedNamespaces": namespaces}}).to_string();
        first.kubectl(&["patch", "idc", &first.instance, "--type=merge", "-p", &patch]);
    };
    allow(&json!(["team-a", "other"]));
    wait_for("the instance to be stalled", Duration::from_mins(1), || {
        let stalled = condition(&first.get(&["idc", &first.instance])["status"], "Stalled")?;
        (stalled["status"] == "True" && stalled["reason"] == "NamespaceNotWatched").then_some(())
    });
    let ready = condition(&first.get(&["idc", &first.instance])["status"], "Ready").unwrap();
    assert_eq!(ready["status"], "False");
    let message = ready["message"].as_str().unwrap();
    assert!(message.contains("names other, which"), "{message}");
    allow(&json!(["team-a"]));
    first.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "idc", &first.instance]);

    // The namespace loses its Roles before its Rollback, in the middle of it.
    let second = place(&cluster, 8002, "team-b");
    second.operation("assign", &accounts(1..=4));
    second.slow_down();
    second.rollback("undo", "assign", &json!({}));
    second.approve("undo");
    second.wait_phase("undo", "Executing");
    second.kubectl(&["delete", "rolebinding", "rollback-operator"]);
    control_plane.kubectl(&["delete", "namespace", "team-b", "--wait=false"]).succeeded();
    wait_for("the namespace to be gone", Duration::from_secs(90), || {
        let found: Value = control_plane.get(&["namespaces"]);
        let gone = !found["items"].as_array()?.iter().any(|it| it["metadata"]["name"] == "team-b");
        gone.then_some(())
    });

    for (verb, resource) in [("list", "operationrecords"), ("create", "rollbackplans")] {
        let resource = format!("{resource}.identitycenter.dev");
        let question = ["auth", "can-i", verb, &resource, "--namespace", "other"];
        let answer = control_plane.kubectl_as(&account, &question, "");
        assert_eq!(answer.stdout.trim(), "no", "{verb} {resource}");
    }
}
