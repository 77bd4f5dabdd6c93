//! Objects that were stored under another schema, and that this version cannot read.

use serde_json::json;

use super::cluster::Cluster;
use super::place::{PATIENCE, Place, text};
use super::seed::accounts;
use super::support::wait_for;

/// Runs something while the kinds take whatever comes.
fn without_schemas(cluster: &Cluster, kinds: &[&str], act: impl FnOnce()) {
    for kind in kinds {
        let name = format!("{kind}.identitycenter.dev");
        let mut crd = cluster.control_plane.get(&["crd", &name]);
        crd["metadata"].as_object_mut().unwrap().remove("managedFields");
        let mut schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        if *kind == "operationrecords" {
            // Fields that can be selected must be there.
            let (mut spec, text) = (schema.clone(), json!({"type": "string"}));
            spec["properties"] = json!({"instance": text, "type": text});
            schema["properties"] = json!({"spec": spec});
        }
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema;
        let control_plane = &cluster.control_plane;
        let arguments = ["replace", "-f", "-"];
        control_plane
            .kubectl_as(control_plane.kubeconfig(), &arguments, &crd.to_string())
            .succeeded();
    }
    act();
    let crds = super::support::checkout().join("crds");
    let arguments = ["apply", "--server-side", "--force-conflicts", "-f", crds.to_str().unwrap()];
    cluster.control_plane.kubectl(&arguments).succeeded();
}

#[test]
fn what_cannot_be_read_stops_nobody_else() {
    let cluster = Cluster::start();
    let place = Place::with(&cluster, 4, &json!({}));
    let instance = format!("{}-bad", place.namespace);
    // As at an upgrade: what begins with all of that is a new process.
    cluster.operator().stop();
    let kinds = ["rollbacks", "operationrecords", "identitycenterinstances"];
    without_schemas(&cluster, &kinds, || {
        // The server may take the new schemas a moment later.
        let mut bad_record = place.record("bad", &accounts([1]));
        bad_record["changes"][0]["effect"] = json!("Perhaps");
        for (kind, name, spec) in [
            ("Rollback", "bad", json!({"operations": "everything", "attempt": "first"})),
            ("OperationRecord", "bad", bad_record),
            (
                "IdentityCenterInstance",
                &instance,
                json!({"instanceArn": 7, "allowedNamespaces": "all"}),
            ),
        ] {
            wait_for(&format!("a {kind} of another schema to be taken"), PATIENCE, || {
                place.try_create(kind, name, &spec).ok.then_some(())
            });
        }
    });
    let mut lost = place.record("lost", &accounts([1]));
    lost["instance"] = json!(instance);
    wait_for("the schemas to be back", PATIENCE, || {
        let nonsense = json!({"operations": "everything"});
        let said = place.try_create("Rollback", "nonsense", &nonsense);
        (!said.ok && said.stderr.contains("spec.operations")).then_some(())
    });
    cluster.operator().start_again();
    // It has no status that could be written; an event is where kubectl describe shows it.
    let note = wait_for("the operator to tell of the Rollback", PATIENCE, || {
        let events = place.get(&["events.events.k8s.io"]);
        let mut events = events["items"].as_array().unwrap().iter();
        let told = events.find(|event| event["reason"] == "InvalidObject")?;
        (told["regarding"]["name"] == "bad").then(|| text(&told["note"]))
    });
    assert!(note.contains("delete it and create it again"), "{note}");
    place.create("OperationRecord", "lost", &lost);
    place.rollback("of-bad-record", "bad", &json!({}));
    place.rollback("of-bad-instance", "lost", &json!({}));
    place.wait_condition("of-bad-record", "Ready", "False", "RecordInvalid");
    let said = place.wait_condition("of-bad-instance", "Ready", "False", "InstanceNotReady");
    assert!(said.contains("cannot be read") && said.contains("create it again"), "{said}");
    assert_eq!(place.writes(), 0);

    // The others go on.
    place.operation("good", &accounts([2, 3, 4]));
    place.rollback("undo-good", "good", &json!({}));
    place.approve("undo-good");
    place.wait_phase("undo-good", "Succeeded");
    assert_eq!(place.writes(), 3);
}
