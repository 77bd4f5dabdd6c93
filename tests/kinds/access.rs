//! What the operator's service account may do, asked of the API server itself.

use super::support::ControlPlane;

const GROUP: &str = "identitycenter.dev";

#[test]
fn the_operator_may_do_what_it_needs_and_no_more() {
    let control_plane = ControlPlane::shared();
    let operator = control_plane.install_operator_access();
    let may = |verb: &str, resource: &str, namespace: &str| {
        // `RESOURCE@NAME`: that one object.
        let (resource, name) = resource.split_once('@').unwrap_or((resource, ""));
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let named = format!("{resource}/{name}");
        let resource = if name.is_empty() { resource } else { &named };
        let subresource = format!("--subresource={subresource}");
        let question = ["auth", "can-i", verb, resource, &subresource, "--namespace", namespace];
        let answer = control_plane.kubectl_as(&operator, &question, "");
        // "no" is an exit code of its own; anything else is not an answer.
        match answer.stdout.trim() {
            "yes" => true,
            "no" => false,
            _ => panic!("{verb} {resource}: {}{}", answer.stdout, answer.stderr),
        }
    };
    let mut wrong = Vec::new();
    let mut hold = |expected: bool, verbs: &[&str], resource: &str, namespace: &str| {
        for verb in verbs {
            if may(verb, resource, namespace) != expected {
                let word = if expected { "may not" } else { "may" };
                wrong.push(format!("{word} {verb} {resource} in {namespace}"));
            }
        }
    };
    let kind = |name: &str| match name.split_once('/') {
        Some((kind, sub)) => format!("{kind}.{GROUP}/{sub}"),
        None => format!("{name}.{GROUP}"),
    };
    let (yes, no) = (true, false);
    // It deletes what spec.ttlAfterFinished says.
    hold(yes, &["get", "list", "watch", "patch", "delete"], &kind("rollbacks"), "default");
    hold(no, &["create", "update", "deletecollection"], &kind("rollbacks"), "default");
    hold(yes, &["patch"], &kind("rollbacks/status"), "default");
    hold(no, &["update"], &kind("rollbacks/status"), "default");
    // No owner reference that the operator writes blocks a deletion.
    for owner in ["rollbacks/finalizers", "rollbackplans/finalizers", "operationrecords/finalizers"]
    {
        hold(no, &["update", "patch"], &kind(owner), "default");
    }
    // Who may not delete a plan may not pass it to another owner, where that is enforced.
    hold(yes, &["get", "create", "patch", "delete"], &kind("rollbackplans"), "default");
    hold(no, &["update", "list", "watch", "deletecollection"], &kind("rollbackplans"), "default");
    hold(yes, &["patch"], &kind("rollbackplans/status"), "default");
    hold(yes, &["get", "list", "watch", "create"], &kind("operationrecords"), "default");
    hold(no, &["update", "patch", "delete"], &kind("operationrecords"), "default");
    hold(yes, &["patch"], &kind("operationrecords/status"), "default");
    hold(yes, &["get", "list", "watch"], &kind("identitycenterinstances"), "default");
    hold(no, &["create", "update", "patch", "delete"], &kind("identitycenterinstances"), "default");
    hold(yes, &["patch"], &kind("identitycenterinstances/status"), "default");
    hold(yes, &["create", "patch"], "events.events.k8s.io", "default");
    hold(no, &["get", "list", "delete"], "events.events.k8s.io", "default");
    // Its own lease and no other's, such as those of kubelets or other controllers.
    hold(yes, &["create"], "leases.coordination.k8s.io", "rollback-system");
    let own = "leases.coordination.k8s.io@rollback-operator";
    hold(yes, &["get", "update"], own, "rollback-system");
    hold(no, &["patch", "delete"], own, "rollback-system");
    hold(no, &["get", "update", "list"], "leases.coordination.k8s.io", "rollback-system");
    hold(no, &["get", "update"], "leases.coordination.k8s.io@another", "rollback-system");
    hold(no, &["get", "create", "update"], "leases.coordination.k8s.io", "default");
    for kind in ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] {
        let named = format!("{kind}.admissionregistration.k8s.io@rollback-operator-approval");
        hold(yes, &["get"], &named, "default");
        hold(no, &["update", "patch", "delete"], &named, "default");
        hold(
            no,
            &["get", "list", "watch"],
            &format!("{kind}.admissionregistration.k8s.io"),
            "default",
        );
    }
    hold(no, &["get", "list"], "secrets", "rollback-system");
    hold(no, &["get", "list"], "configmaps", "default");
    hold(no, &["get", "list", "watch"], "namespaces", "default");
    hold(no, &["create", "list"], "pods", "default");
    hold(no, &["create"], "serviceaccounts/token", "rollback-system");
    hold(no, &["get", "patch"], "customresourcedefinitions.apiextensions.k8s.io", "default");
    hold(no, &["bind", "escalate"], "clusterroles.rbac.authorization.k8s.io", "default");
    assert!(wrong.is_empty(), "the operator\n{}\n", wrong.join("\n"));
}
