//! Somebody else approves: what the API server stamps, and what the operator makes of it.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::{Place, text};
use super::seed::accounts;
use super::support::{Finished, chart, wait_for};

/// Whether a name stamped on a new object is believed: policies need a while to be in force.
const IN_FORCE: Duration = Duration::from_secs(12);

fn patch_as(place: &Place<'_>, who: &Path, rollback: &str, spec: &Value) -> Finished {
    let patch = json!({"spec": spec}).to_string();
    let arguments = ["--namespace", &place.namespace, "patch", "rollback", rollback];
    let all = [&arguments[..], &["--type=merge", "--patch", &patch]].concat();
    place.cluster.control_plane.kubectl_as(who, &all, "")
}

fn digest(place: &Place<'_>, rollback: &str) -> String {
    place.wait_phase(rollback, "AwaitingApproval");
    text(&place.status(rollback)["plan"]["digest"])
}

/// Under every policy an approval needs somebody with the verb: whoever deletes a Rollback of which he
/// knows the plan, and creates it again with its approval, is nobody who may approve.
fn nobody_who_may(cluster: &Cluster, approver: &Path) {
    let place = Place::with(cluster, 1, &json!({"policy": {"approval": "Always"}}));
    place.operation("assign", &accounts([1]));
    let editor = cluster.control_plane.user("editor", &["editors"]);
    let binding = json!({
        "apiVersion": "v1", "kind": "List", "items": [{
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "edit", "namespace": place.namespace},
            "rules": [{"apiGroups": ["identitycenter.dev"], "resources": ["rollbacks"],
                "verbs": ["get", "create", "patch", "delete"]}],
        }, {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "edit", "namespace": place.namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "edit"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "editors"}],
        }],
    });
    cluster.control_plane.apply(&binding.to_string()).succeeded();
    let create = |spec: Value| {
        let object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
            "metadata": {"name": "undo", "namespace": place.namespace}, "spec": spec,
        });
        cluster
            .control_plane
            .kubectl_as(&editor, &["create", "-f", "-"], &object.to_string())
            .succeeded();
    };
    create(json!({"operations": {"names": ["assign"]}}));
    let known = digest(&place, "undo");
    patch_as(&place, &editor, "undo", &json!({"approval": {"plan": known}}))
        .refused("verb 'approve'");
    place.kubectl(&["delete", "rollback", "undo"]);
    create(json!({"operations": {"names": ["assign"]}, "approval": {"plan": known}}));
    let said = place.wait_condition("undo", "Approved", "False", "ApprovalNotPermitted");
    assert!(said.contains("take it out and approve again"), "{said}");
    assert_eq!(digest(&place, "undo"), known);
    assert_eq!(place.writes(), 0);
    // The plugin knows that the same approval again would change nothing.
    let kubeconfig = approver.to_str().unwrap();
    let flags = ["--kubeconfig", kubeconfig, "--namespace", &place.namespace];
    let approve = ["approve", "undo", "--yes"];
    cluster.control_plane.plugin(&[&approve[..], &flags].concat()).succeeded();
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.ledger("undo")["spec"]["rollback"]["approvedBy"], "approver");
}

/// Where no approval is needed, whoever asked is an author all the same: of the redo, some day.
fn who_asked_is_kept(cluster: &Cluster) {
    let place = Place::with(cluster, 1, &json!({"policy": {"approval": "Never"}}));
    place.operation("assign", &accounts([1]));
    let asker = cluster.control_plane.user("asker", &["system:masters"]);
    let object = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
        "metadata": {"name": "undo", "namespace": place.namespace},
        "spec": {"operations": {"names": ["assign"]}},
    });
    let create = ["create", "-f", "-"];
    cluster.control_plane.kubectl_as(&asker, &create, &object.to_string()).succeeded();
    place.wait_phase("undo", "Succeeded");
    let ledger = place.ledger("undo")["spec"]["rollback"].clone();
    assert!(ledger["authors"].as_array().unwrap().contains(&json!("asker")), "{ledger}");
    let times = ["observedAt", "startedAt", "finishedAt"].map(|time| text(&ledger[time]));
    assert!(times.is_sorted(), "{times:?}");
}

/// Whether the operator trusts names and why not is the subject; the API server's part is in
/// tests/admission.
#[test]
#[expect(clippy::disallowed_methods, reason = "policies come into force in real time")]
fn only_a_separate_approver_whose_name_is_proven_counts() {
    let cluster = Cluster::start();
    let control_plane = &cluster.control_plane;
    let policy = json!({"policy": {"approval": "SeparateApprover", "maxActions": 3}});
    let place = Place::with(&cluster, 9, &policy);
    let approver = control_plane.user("approver", &["system:masters"]);
    // Nothing is stamped yet, so nothing is proven.
    place.operation("early", &accounts([1]));
    place.rollback("early", "early", &json!({}));
    let early = digest(&place, "early");
    let (who, namespace) = (approver.to_str().unwrap(), place.namespace.as_str());
    let approve = ["approve", "early", "--yes", "--kubeconfig", who, "--namespace", namespace];
    let inert = control_plane.plugin(&approve);
    assert_eq!(inert.code, Some(4), "{}", inert.stderr);
    assert!(inert.stderr.contains("has no effect"), "{}", inert.stderr);
    let approval = json!({"approval": {"plan": early, "approvedBy": "approver"}});
    patch_as(&place, &approver, "early", &approval).succeeded();
    let said = place.wait_condition("early", "Approved", "False", "ApprovalNotSeparate");
    assert!(said.contains("is not there: install the chart with admission.enabled"), "{said}");

    control_plane.apply(&chart::rendered(&["admission"], &[])).succeeded();
    std::thread::sleep(IN_FORCE);
    place.operation("assign", &accounts([2, 3]));
    place.rollback("undo", "assign", &json!({}));
    let approval = json!({"approval": {"plan": digest(&place, "undo")}});
    let refused = patch_as(&place, control_plane.kubeconfig(), "undo", &approval);
    refused.refused("cannot approve it; ask somebody else");
    patch_as(&place, &approver, "undo", &approval).succeeded();
    place.wait_phase("undo", "Succeeded");
    let ledger = place.ledger("undo")["spec"]["rollback"].clone();
    assert_eq!(ledger["approvedBy"], "approver");
    assert_eq!(place.status("undo")["plan"]["approvedBy"], "approver");
    assert!(!ledger["authors"].as_array().unwrap().is_empty(), "{ledger}");

    // More than the policy allows: refused, unless somebody else accepts just that.
    place.operation("many", &accounts(4..=8));
    place.rollback("many", "many", &json!({}));
    let plan = digest(&place, "many");
    let approving = json!({"approval": {"plan": plan}});
    patch_as(&place, &approver, "many", &approving).succeeded();
    let said = place.wait_condition("many", "Approved", "False", "RefusedByPolicy");
    assert!(said.contains("TooManyActions/5"), "{said}");
    let accepting = json!({"approval": {"plan": plan, "accept": ["TooManyActions/5"]}});
    patch_as(&place, &approver, "many", &accepting).succeeded();
    place.wait_phase("many", "Succeeded");

    nobody_who_may(&cluster, &approver);
    who_asked_is_kept(&cluster);

    // A weakened policy proves nothing, and that is noticed before anything is written.
    let weaker = json!({"spec": {"matchConditions": [{"name": "never", "expression": "false"}]}});
    control_plane
        .kubectl(&[
            "patch",
            "validatingadmissionpolicy",
            "rollback-operator-approval",
            "--type=merge",
            "--patch",
            &weaker.to_string(),
        ])
        .succeeded();
    let writes = place.writes();
    wait_for("the weakened policy to be noticed", Duration::from_mins(1), || {
        let name = format!("late-{}", jiff::Timestamp::now().as_millisecond());
        place.operation(&name, &accounts([9]));
        place.rollback(&name, &name, &json!({}));
        let approval = json!({"approval": {"plan": digest(&place, &name)}});
        patch_as(&place, &approver, &name, &approval).succeeded();
        let said = place.wait_condition(&name, "Approved", "False", "ApprovalNotSeparate");
        said.contains("rollback-operator-approval is not what this version").then_some(())
    });
    assert_eq!(place.writes(), writes);
}
