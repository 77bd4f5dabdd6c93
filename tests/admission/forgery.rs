//! Names that somebody tries to forge, by every way in which an API server takes a change.

use serde_json::{Value, json};

use super::place::{
    ADMIN, DIGEST, NAMESPACE, OPERATOR, OTHER, Place, ROBOT, ledger, object, plan, record, rollback,
};
use super::support::Finished;
use super::table::Table;

/// A time at which nothing was deleted.
const FORGED_TIME: &str = "2026-01-01T00:00:00Z";

fn approval(digest: &str) -> Value {
    json!({"approval": {"plan": digest}})
}

fn forged() -> Value {
    json!({
        "requestedBy": "second", "changedBy": "second",
        "approval": {"plan": DIGEST, "approvedBy": "second"},
    })
}

/// An object with something more in its metadata.
fn with_metadata(kind: &str, name: &str, spec: &Value, more: &Value) -> String {
    let mut object: Value = serde_json::from_str(&object(kind, name, spec)).unwrap();
    for (field, value) in more.as_object().unwrap() {
        object["metadata"][field] = value.clone();
    }
    object.to_string()
}

fn patch(place: &Place, who: &str, name: &str, kind: &str, patch: &Value) -> Finished {
    let kind = format!("--type={kind}");
    place.run(who, &["patch", "rollback", name, &kind, "--patch", &patch.to_string()], "")
}

/// All of them: on objects that are made to look deleted, by each kind of patch, and beside others.
pub fn forgeries(place: &Place, table: &mut Table) {
    on_creation(place, table);
    by_each_kind_of_change(place, table);
    beside_an_approval(place, table);
    other_people(place, table);
}

fn on_creation(place: &Place, table: &mut Table) {
    const STAMPED: &str = "requestedBy is the creator, changedBy nobody, approvedBy empty";
    let deleted = json!({"deletionTimestamp": FORGED_TIME, "finalizers": ["example.com/held"]});
    let stamped = |name: &str| {
        let spec = place.spec("rollback", name);
        spec["requestedBy"] == "editor"
            && spec["changedBy"].is_null()
            && spec["approval"]["approvedBy"] == ""
    };
    let looks_deleted = with_metadata("Rollback", "looks-deleted", &rollback(&forged()), &deleted);
    let tried = place.run("editor", &["create", "-f", "-"], &looks_deleted);
    let does = "creates a Rollback that looks deleted, with somebody else's names";
    table.inert("editor", does, tried, stamped("looks-deleted"), STAMPED);

    let applied = with_metadata("Rollback", "applied-deleted", &rollback(&forged()), &deleted);
    let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    let tried = place.run("editor", &arguments, &applied);
    let does = "applies a Rollback that looks deleted, with somebody else's names";
    table.inert("editor", does, tried, stamped("applied-deleted"), STAMPED);
    let spec = record("applied-deleted", &json!({"recordedBy": "second"}));
    let applied = with_metadata("OperationRecord", "applied-deleted", &spec, &deleted);
    let tried = place.run("editor", &arguments, &applied);
    let holds = place.spec("operationrecord", "applied-deleted")["recordedBy"] == "editor";
    let does = "applies a record that looks deleted, with somebody else's name";
    table.inert("editor", does, tried, holds, "recordedBy is the creator");
    for (kind, spec) in [("RollbackPlan", plan()), ("OperationRecord", ledger())] {
        let applied = with_metadata(kind, "applied-forged", &spec, &deleted);
        let tried = place.run("editor", &arguments, &applied);
        let what = if kind == "RollbackPlan" { kind } else { "record of type Rollback" };
        let does = format!("applies a {what} that looks deleted");
        table.refused("editor", &does, &tried, "only the operator");
    }

    let mut generated: Value =
        serde_json::from_str(&object("Rollback", "x", &rollback(&approval(DIGEST)))).unwrap();
    generated["metadata"] = json!({"generateName": "generated-"});
    for (who, named) in [("approver", "approver"), ("editor", "")] {
        let arguments = ["create", "-o", "json", "-f", "-"];
        let tried = place.run(who, &arguments, &generated.to_string()).succeeded();
        let made: Value = serde_json::from_str(&tried.stdout).unwrap();
        let holds = made["spec"]["approval"]["approvedBy"] == named;
        let does = "creates a Rollback with an approval and a generated name";
        let shown = if named.is_empty() { "editor without the verb approve" } else { who };
        let what =
            if named.is_empty() { "approvedBy is empty" } else { "approvedBy is the creator" };
        table.inert(shown, does, tried, holds, what);
    }
}

fn by_each_kind_of_change(place: &Place, table: &mut Table) {
    const KEPT: &str = "all names stay as they were";
    place.planned("kept", "SeparateApprover");
    place.patch("second", "kept", &approval(DIGEST)).succeeded();
    let kept = || {
        let spec = place.spec("rollback", "kept");
        spec["requestedBy"] == "author"
            && spec["changedBy"].is_null()
            && spec["approval"] == json!({"plan": DIGEST, "reject": false, "approvedBy": "second"})
    };
    assert!(kept());
    let names =
        json!({"spec": {"requestedBy": "x", "changedBy": "x", "approval": {"approvedBy": "x"}}});
    let tried = patch(place, "author", "kept", "merge", &names);
    table.inert("author", "writes all names by merge patch", tried, kept(), KEPT);
    let operations = json!([
        {"op": "replace", "path": "/spec/requestedBy", "value": "x"},
        {"op": "add", "path": "/spec/changedBy", "value": "x"},
        {"op": "remove", "path": "/spec/approval/approvedBy"},
    ]);
    let tried = patch(place, "author", "kept", "json", &operations);
    table.inert("author", "writes and removes names by JSON patch", tried, kept(), KEPT);
    let tried = patch(place, "author", "kept", "strategic", &names);
    let does = "writes all names by strategic merge patch";
    table.refused("author", does, &tried, "is not supported");
    let mut applied = forged();
    applied["approval"]["approvedBy"] = json!("author");
    applied["requestedBy"] = json!("editor");
    let tried = place.apply("editor", "Rollback", "kept", &rollback(&applied));
    table.inert(
        "editor",
        "takes all names over by server-side apply with force",
        tried,
        kept(),
        KEPT,
    );
    let mut replaced: Value = place.whole("rollback", "kept");
    replaced["spec"]["requestedBy"] = json!("editor");
    replaced["spec"]["approval"]["approvedBy"] = json!("author");
    replaced["metadata"]["managedFields"] = json!([{}]);
    let tried = place.run("author", &["replace", "-f", "-"], &replaced.to_string());
    let does = "replaces the object with other names and without field managers";
    table.inert("author", does, tried, kept(), KEPT);
    let dry = names.to_string();
    let arguments = ["patch", "rollback", "kept", "--type=merge", "--dry-run=server", "-p", &dry];
    let tried = place.run("author", &arguments, "");
    table.inert("author", "writes all names in a dry run", tried, kept(), KEPT);
    let status = ["patch", "rollback", "kept", "--subresource=status", "--type=merge", "-p", &dry];
    let tried = place.run("author", &status, "");
    table.refused("author", "writes names through the status", &tried, "only the operator");
    let tried = place.run(OPERATOR, &status, "");
    table.inert("operator", "writes names through the status", tried, kept(), KEPT);
    let deleted = json!({"metadata": {"deletionTimestamp": FORGED_TIME}, "spec": names["spec"]});
    let tried = patch(place, "author", "kept", "merge", &deleted);
    let does = "makes a Rollback look deleted and writes names";
    if tried.ok {
        table.inert("author", does, tried, kept(), KEPT);
    } else {
        table.refused("author", does, &tried, "deletionTimestamp");
        assert!(kept());
    }
    let metadata = json!({"metadata": {
        "labels": {"a": "b"}, "annotations": {"a": "b"}, "finalizers": ["example.com/held"],
    }});
    let tried = patch(place, "author", "kept", "merge", &metadata);
    let does = "changes labels, annotations and finalizers of an approved Rollback";
    table.inert("author", does, tried, kept(), KEPT);
    let tried = patch(place, ADMIN, "kept", "merge", &names);
    table.inert("cluster administrator", "writes all names", tried, kept(), KEPT);
}

fn beside_an_approval(place: &Place, table: &mut Table) {
    place.planned("beside", "SeparateApprover");
    let both = json!({"suspend": true, "approval": {"plan": DIGEST}});
    let tried = place.patch("editor", "beside", &both);
    let does = "approves beside a change that is open to him";
    table.refused("editor without the verb approve", does, &tried, "verb 'approve'");
    place.patch("approver", "beside", &approval(DIGEST)).succeeded();
    place.patch("approver", "beside", &json!({"attempt": 2})).succeeded();
    let spec = place.spec("rollback", "beside");
    let tried = place.patch("editor", "beside", &json!({"suspend": true}));
    let holds = spec["changedBy"] == "approver" && spec["approval"]["approvedBy"] == "approver";
    let does = "approves and changes the intent then under SeparateApprover";
    table.inert("approver", does, tried, holds, "changedBy and approvedBy are the same");

    place.create("editor", "Rollback", "unnamed", &rollback(&approval(DIGEST))).succeeded();
    let unnamed = || place.spec("rollback", "unnamed")["approval"]["approvedBy"] == "";
    let tried = place.patch("approver", "unnamed", &json!({"suspend": true}));
    let does = "changes something else of a Rollback whose approval bears no name";
    table.inert("approver", does, tried, unnamed(), "it still bears none");
    let tried = place.patch("approver", "unnamed", &approval(DIGEST));
    let does = "approves what is approved without a name already";
    table.inert("approver", does, tried, unnamed(), "nothing changed: take it out first");
    place.patch("approver", "unnamed", &json!({"approval": null})).succeeded();
    place.patch("approver", "unnamed", &approval(DIGEST)).succeeded();
    assert_eq!(place.spec("rollback", "unnamed")["approval"]["approvedBy"], "approver");

    // One that is older than the policies keeps the approval that it had, whoever changes it.
    let tried = place.run("author", &["label", "rollback", "old-approved", "a=b"], "");
    let holds = place.spec("rollback", "old-approved")["approval"]["approvedBy"].is_null();
    let does = "changes labels of a Rollback that was approved before the policies";
    table.inert("author", does, tried, holds, "its approval stays as it was");
}

fn other_people(place: &Place, table: &mut Table) {
    const NO_PERSON: &str = "a service account is not a second pair of eyes";
    let robot = format!("system:serviceaccount:{NAMESPACE}:{ROBOT}");
    place.planned("others", "SeparateApprover");
    let body = json!({"spec": approval(DIGEST)}).to_string();
    let patch = ["patch", "rollback", "others", "--type=merge", "-p", &body];
    let as_somebody = |who: &str, flags: &[&str]| place.run(who, &[&patch[..], flags].concat(), "");
    let tried = as_somebody(ADMIN, &["--as", &robot]);
    let does = "approves as a service account under SeparateApprover";
    table.refused("cluster administrator", does, &tried, NO_PERSON);
    let tried = as_somebody(ROBOT, &["--as", "second"]);
    table.refused("service account", "approves as somebody else", &tried, "cannot impersonate");
    let does = "approves under SeparateApprover";
    for name in ["system:anonymous", "system:node:one", "system:kube-controller-manager"] {
        let tried = as_somebody(ADMIN, &["--as", name, "--as-group", "system:masters"]);
        table.refused(name, does, &tried, NO_PERSON);
    }
    let long = "x".repeat(257);
    let odd = r#"https://issuer.example/#o'brien "ö" \n"#;
    let as_group = ["--as-group", "system:masters"];
    let tried = place.run(
        ADMIN,
        &[&["create", "-f", "-", "--as", odd], &as_group[..]].concat(),
        &object("Rollback", "odd", &rollback(&json!({}))),
    );
    let holds = place.spec("rollback", "odd")["requestedBy"] == odd;
    table.inert(
        "somebody with quotes in the name",
        "creates a Rollback",
        tried,
        holds,
        "requestedBy is that name",
    );
    let tried = place.run(
        ADMIN,
        &[&["create", "-f", "-", "--as", &long], &as_group[..]].concat(),
        &object("Rollback", "long", &rollback(&json!({}))),
    );
    let does = "creates a Rollback";
    table.refused("somebody with a name of 257 characters", does, &tried, "spec.requestedBy");
    let tried = place.patch(ROBOT, "others", &json!({"approval": {"plan": OTHER, "reject": true}}));
    table.refused("service account", "rejects and approves at once", &tried, NO_PERSON);
}
