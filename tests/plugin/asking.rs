//! What a person at a terminal says yes to: nothing is sent before, and nothing else is approved.

use serde_json::{Value, json};

use super::decisions::plan_by_hand;
use super::support::cluster::Cluster;
use super::support::place;
use super::support::seed::accounts;
use super::terminal::answered;
use super::{Place, samples};

const QUESTION: &str = "Execute these 3 actions? [y/N]";

/// A policy that needs no approval sends nothing before the answer, and nothing after a no.
#[test]
fn whoever_is_asked_is_asked_before_anything_is_sent() {
    let never = json!({"policy": {"approval": "Never"}});
    let place = place::Place::with(Cluster::shared(), 3, &never);
    place.operation("assign", &accounts(1..=3));
    let before = place.simulator.access();
    let run = |line: &[&str], answer: &str, name: &str| {
        let line = [line, &["-n", &place.namespace, "--timeout", "2m"]].concat();
        let writes = place.writes();
        let kubeconfig = place.cluster.control_plane.kubeconfig();
        let ended = answered(kubeconfig, &line, QUESTION, answer, || {
            let held = place.get(&["rollback", name]);
            assert_eq!(held["spec"]["suspend"], true, "{held}");
            assert_eq!(held["status"]["phase"], "AwaitingApproval", "{held}");
            assert_eq!(place.writes(), writes, "something was sent before the answer");
        });
        (ended, place.writes() - writes)
    };

    let ((code, said), writes) = run(&["apply", "assign", "--name", "not"], "n", "not");
    assert_eq!((code, writes), (1, 0), "{said}");
    assert!(said.contains("Cancelled rollback not: nothing was written."), "{said}");
    place.wait_phase("not", "Cancelled");
    assert_eq!(place.simulator.access(), before);

    let ((code, said), writes) = run(&["apply", "assign", "--name", "undo"], "y", "undo");
    assert_eq!((code, writes), (0, 3), "{said}");
    let undo = place.get(&["rollback", "undo"]);
    assert_eq!(undo["status"]["phase"], "Succeeded");
    assert_eq!(undo["spec"]["suspend"], false);
    assert_eq!(undo["spec"]["approval"], Value::Null, "the policy needs none");

    // A redo gives access, and is asked about as well.
    let ((code, said), writes) = run(&["redo", "undo", "--name", "back"], "y", "back");
    assert_eq!((code, writes), (0, 3), "{said}");
}

/// Under a policy that needs one, the yes is the approval too.
#[test]
fn a_yes_approves_what_needs_an_approval() {
    let place = place::Place::new(3);
    place.operation("assign", &accounts(1..=3));
    let line = ["apply", "assign", "--name", "undo", "-n", &place.namespace, "--timeout", "2m"];
    let kubeconfig = place.cluster.control_plane.kubeconfig();
    let (code, said) = answered(kubeconfig, &line, QUESTION, "y", || ());
    assert_eq!(code, 0, "{said}");
    let undo = place.get(&["rollback", "undo"]);
    assert_eq!(undo["spec"]["approval"]["plan"], undo["status"]["plan"]["digest"]);
    assert_eq!(undo["spec"]["suspend"], false);
}

/// A Rollback that waits, in a namespace of its own, under `name`.
fn waiting(place: &Place, name: &str, digest: &str) {
    place.plugin(&["apply", "assign-2abdc948", "--name", name, "--wait=false"]).done();
    plan_by_hand(place, name, digest, digest);
}

#[test]
fn an_approval_is_of_the_object_that_was_looked_at() {
    let place = Place::new();
    place.import(&samples()).done();
    let digest = format!("sha256:{:064}", 1);
    waiting(&place, "undo", &digest);
    // Names are taken as -o name gives them.
    let name = "rollback.identitycenter.dev/undo";
    let line = ["approve", name, "-n", &place.namespace, "--timeout", "0s"];
    let kubeconfig = place.control_plane.kubeconfig();
    let (code, said) = answered(kubeconfig, &line, "Execute this action? [y/N]", "y", || {
        place.kubectl(&["delete", "rollback", "undo", "--wait=true"]);
        place.plugin(&["apply", "copy-39156504", "--name", "undo", "--wait=false"]).done();
    });
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("another one has its name now"), "{said}");
    assert_eq!(place.get("rollback", "undo")["spec"]["approval"], Value::Null);
}

#[test]
fn an_approval_that_is_written_is_said_to_be_where_watching_is_denied() {
    let place = Place::new();
    place.import(&samples()).done();
    let digest = format!("sha256:{:064}", 1);
    waiting(&place, "undo", &digest);
    let carol = place.control_plane.user("carol", &[]);
    place.create(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "approver"},
        "rules": [
            {"apiGroups": ["identitycenter.dev"], "resources": ["rollbacks"],
             "verbs": ["get", "patch", "approve"]},
            {"apiGroups": ["identitycenter.dev"], "resources": ["rollbackplans"], "verbs": ["get"]},
        ],
    }));
    place.create(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "approver"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "approver"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "carol"}],
    }));
    let said = place.plugin_as(&carol, &["approve", "undo", "--yes"]).ended(1);
    assert!(said.contains("the approval of undo is written, but cannot watch"), "{said}");
    assert_eq!(place.get("rollback", "undo")["spec"]["approval"]["plan"], json!(digest));
}
