//! An undo whose ledger the API server does not take.

use serde_json::json;

use super::cluster::Cluster;
use super::place::{PATIENCE, Place, ledger_accounts};
use super::seed::accounts;
use super::support::wait_for;

#[test]
fn an_undo_is_not_over_before_its_ledger_is_taken() {
    let place = Place::new(3);
    place.operation("assign", &accounts([1, 2]));
    let control_plane = &Cluster::shared().control_plane;
    let name = format!("no-ledgers-in-{}", place.namespace);
    let namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": place.namespace}});
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["identitycenter.dev"], "apiVersions": ["*"],
                "operations": ["CREATE"], "resources": ["operationrecords"],
            }]},
            "validations": [{
                "expression": "object.spec.type != 'Rollback' && !object.metadata.name.startsWith('probe')",
                "message": "the books are closed",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": namespace},
        },
    });
    for object in [&policy, &binding] {
        control_plane.apply(&object.to_string()).succeeded();
    }
    // A policy holds a moment after it is there.
    let mut probes = 0;
    wait_for("the policy to hold", PATIENCE, || {
        probes += 1;
        let name = format!("probe-{probes}");
        let said = place.try_create("OperationRecord", &name, &place.record(&name, &accounts([3])));
        said.stderr.contains("the books are closed").then_some(())
    });
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    let said = place.wait_condition("undo", "Ready", "False", "RecordInvalid");
    assert!(said.starts_with("the ledger cannot be written: "), "{said}");
    assert!(said.contains("the books are closed"), "{said}");
    assert_eq!(place.effective().len(), 2);
    let kind = "validatingadmissionpolicybinding";
    control_plane.kubectl(&["delete", kind, &name]).succeeded();
    place.wait_phase("undo", "Succeeded");
    assert_eq!(ledger_accounts(&place.ledger("undo"), "Verified"), accounts([1, 2]));
    control_plane.kubectl(&["delete", "validatingadmissionpolicy", &name]).succeeded();
}
