//! Objects that were stored under another schema, and that this version cannot read.

use serde_json::{Value, json};

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
    // What could not be read may be about the same access.
    let plan = &place.status("undo-good")["plan"];
    assert_eq!((&plan["assumed"], &plan["grade"]), (&json!(true), &json!("Assumed")), "{plan}");
    let warnings = plan["warnings"].to_string();
    let left_out = "cannot be read by this version and were left out: ";
    assert!(warnings.contains(&format!("{left_out}{}/bad", place.namespace)), "{plan}");
    // And it may be what made the operation count again.
    place.rollback("once-more", "good", &json!({}));
    let said = place.wait_condition("once-more", "Ready", "False", "RecordInvalid");
    assert!(said.contains(left_out), "{said}");
    let arguments = ["-n", &place.namespace, "delete", "operationrecord", "bad"];
    cluster.control_plane.kubectl(&arguments).succeeded();
    place.wait_phase("once-more", "AlreadyRolledBack");
    assert_eq!(place.writes(), 3);
}

#[test]
fn a_plan_that_cannot_be_read_any_more_stops_nobody_else() {
    let cluster = Cluster::start();
    let place = Place::with(&cluster, 33, &json!({}));
    let before = place.simulator.access();
    place.operation("first", &accounts(1..=30));
    place.operation("second", &accounts(31..=33));
    place.slow_down();
    place.rollback("undo-first", "first", &json!({}));
    place.approve("undo-first");
    wait_for("an assignment to be removed", PATIENCE, || {
        (!place.effective().is_empty()).then_some(())
    });
    cluster.operator().stop();
    let shard = text(&place.status("undo-first")["plan"]["shards"][0]);
    let mut good = cluster.control_plane.get(&["rollbackplan", &shard, "-n", &place.namespace]);
    for field in ["managedFields", "resourceVersion"] {
        good["metadata"].as_object_mut().unwrap().remove(field);
    }
    let mut bad = good.clone();
    bad["spec"]["items"] = json!("some");
    let write = |object: &Value| {
        without_schemas(&cluster, &["rollbackplans"], || {
            wait_for("the plan to be changed", PATIENCE, || {
                let control_plane = &cluster.control_plane;
                let arguments = ["replace", "-f", "-"];
                let input = object.to_string();
                let said = control_plane.kubectl_as(control_plane.kubeconfig(), &arguments, &input);
                said.ok.then_some(())
            });
        });
    };
    write(&bad);
    cluster.operator().start_again();
    place.rollback("undo-second", "second", &json!({}));
    place.approve("undo-second");
    place.wait_phase("undo-second", "Succeeded");
    let said = place.wait_condition("undo-first", "Ready", "False", "InvalidObject");
    assert!(said.contains(&format!("plan shard {shard} cannot be read")), "{said}");
    write(&good);
    place.wait_phase("undo-first", "Succeeded");
    assert_eq!(place.simulator.access(), before);
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
}

#[test]
fn an_undo_that_cannot_be_read_any_more_keeps_no_slots_from_others() {
    let cluster = Cluster::start();
    let place = Place::with(&cluster, 33, &json!({"limits": {"outstandingRequests": 1}}));
    let before = place.simulator.access();
    place.operation("first", &accounts(1..=30));
    place.operation("second", &accounts(31..=33));
    place.rollback("undo-first", "first", &json!({}));
    place.approve("undo-first");
    wait_for("two assignments to be removed", PATIENCE, || {
        (place.effective().len() >= 2).then_some(())
    });
    let arguments =
        ["-n", &place.namespace, "patch", "rollback", "undo-first", "--type=merge", "-p"];
    let unreadable = [arguments.as_slice(), &[r#"{"spec":{"attempt":"first"}}"#]].concat();
    without_schemas(&cluster, &["rollbacks"], || {
        wait_for("the Rollback to be changed", PATIENCE, || {
            cluster.control_plane.kubectl(&unreadable).ok.then_some(())
        });
    });
    wait_for("the operator to tell of it", PATIENCE, || {
        let events = place.get(&["events.events.k8s.io"]);
        let mut events = events["items"].as_array().unwrap().iter();
        events.any(|event| event["reason"] == "InvalidObject").then_some(())
    });
    assert!(place.effective().len() < 30, "it was over before");
    place.rollback("undo-second", "second", &json!({}));
    place.approve("undo-second");
    place.wait_phase("undo-second", "Succeeded");
    // Its own keys stay its own, because what it sent may still be at work.
    place.rollback("undo-first-again", "first", &json!({}));
    place.approve("undo-first-again");
    place.wait_condition("undo-first-again", "Ready", "False", "HeldBy");
    // Once it can be read again it goes on.
    let readable = [arguments.as_slice(), &[r#"{"spec":{"attempt":1}}"#]].concat();
    without_schemas(&cluster, &["rollbacks"], || {
        wait_for("the Rollback to be mended", PATIENCE, || {
            cluster.control_plane.kubectl(&readable).ok.then_some(())
        });
    });
    place.wait_phase("undo-first", "Succeeded");
    assert_eq!(place.simulator.access(), before);
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
}
