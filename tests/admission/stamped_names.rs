//! Where the API server stamps names: Kubernetes 1.36 and newer.

use serde_json::{Value, json};

use super::forgery::forgeries;
use super::place::{
    ADMIN, DIGEST, LABELLER, OPERATOR, OTHER, Place, ROBOT, ledger, plan, record, rollback,
};
use super::table::Table;

fn approval(digest: &str) -> Value {
    json!({"approval": {"plan": digest}})
}

#[test]
fn nobody_gets_past_the_policies() {
    let place = Place::new();
    let mut table = Table::default();
    // These are older than the policies.
    for name in ["old", "old-finalizer"] {
        place.create("author", "Rollback", name, &rollback(&json!({}))).succeeded();
    }
    place.create("author", "Rollback", "old-approved", &rollback(&approval(DIGEST))).succeeded();
    place.create("author", "OperationRecord", "old", &record("old", &json!({}))).succeeded();
    let held = json!({"metadata": {"finalizers": ["identitycenter.dev/ledger"]}}).to_string();
    let patch = ["patch", "rollback", "old-finalizer", "--type=merge", "--patch", &held];
    place.run(OPERATOR, &patch, "").succeeded();
    place.install_policies(&[]);

    names_on_creation(&place, &mut table);
    names_later(&place, &mut table);
    approvals(&place, &mut table);
    separate_approvers(&place, &mut table);
    git(&place, &mut table);
    only_the_operator(&place, &mut table);
    old_objects(&place, &mut table);
    forgeries(&place, &mut table);
    table.is_in_the_docs("stamped names");
}

fn names_on_creation(place: &Place, table: &mut Table) {
    let forged = json!({"requestedBy": "second", "changedBy": "second"});
    let tried = place.create("author", "Rollback", "forged", &rollback(&forged));
    let spec = place.spec("rollback", "forged");
    let holds = spec["requestedBy"] == "author" && spec["changedBy"].is_null();
    table.inert(
        "author",
        "creates a Rollback with somebody else's names",
        tried,
        holds,
        "requestedBy is the creator, changedBy nobody",
    );

    let with_approval = json!({"approval": {"plan": DIGEST, "approvedBy": "approver"}});
    let tried = place.create("editor", "Rollback", "brought", &rollback(&with_approval));
    let holds = place.spec("rollback", "brought")["approval"]["approvedBy"] == "";
    table.inert(
        "editor without the verb approve",
        "creates a Rollback with an approval",
        tried,
        holds,
        "approvedBy is empty",
    );

    let tried = place.create("approver", "Rollback", "approved", &rollback(&approval(DIGEST)));
    let holds = place.spec("rollback", "approved")["approval"]["approvedBy"] == "approver";
    table.inert(
        "approver",
        "creates a Rollback with an approval",
        tried,
        holds,
        "approvedBy is the creator, who is its author, too",
    );

    let forged = record("forged", &json!({"recordedBy": "second"}));
    let tried = place.create("recorder", "OperationRecord", "forged", &forged);
    let holds = place.spec("operationrecord", "forged")["recordedBy"] == "recorder";
    table.inert(
        "recorder",
        "creates a record with somebody else's name",
        tried,
        holds,
        "recordedBy is the creator",
    );
}

fn names_later(place: &Place, table: &mut Table) {
    place.planned("later", "Always");
    let tried =
        place.patch("editor", "later", &json!({"requestedBy": "editor", "changedBy": "second"}));
    let spec = place.spec("rollback", "later");
    let holds = spec["requestedBy"] == "author" && spec["changedBy"].is_null();
    table.inert(
        "editor",
        "writes names on a Rollback later",
        tried,
        holds,
        "they stay as they were",
    );

    place.patch("editor", "later", &json!({"attempt": 2, "changedBy": "second"})).succeeded();
    assert_eq!(place.spec("rollback", "later")["changedBy"], "editor");
    let tried = place.patch("author", "later", &json!({"reason": "x"}));
    table.refused("author", "changes an immutable field", &tried, "reason cannot be changed");
    let tried = place.patch("approver", "later", &json!({"changedBy": null, "requestedBy": null}));
    let spec = place.spec("rollback", "later");
    let holds = spec["requestedBy"] == "author" && spec["changedBy"] == "editor";
    table.inert("approver", "takes the names out", tried, holds, "they stay as they were");

    let labelled = place.run("author", &["label", "rollback", "later", "team=a"], "");
    table.passes("author", "changes labels", labelled);
    let suspended = place.patch("author", "later", &json!({"suspend": true}));
    table.passes("author", "suspends, resumes, cancels", suspended);
    assert_eq!(
        place.spec("rollback", "later")["changedBy"],
        "editor",
        "that is no change of intent"
    );
}

fn approvals(place: &Place, table: &mut Table) {
    const VERB: &str = "an approval is changed only by those who have the verb 'approve'";
    place.planned("always", "Always");
    let tried = place.patch("editor", "always", &approval(DIGEST));
    table.refused("editor without the verb approve", "approves", &tried, VERB);
    let forged = json!({"approval": {"plan": DIGEST, "approvedBy": "second"}});
    let tried = place.patch("approver", "always", &forged);
    let holds = place.spec("rollback", "always")["approval"]["approvedBy"] == "approver";
    table.inert(
        "approver",
        "approves under another name",
        tried,
        holds,
        "approvedBy is who approved",
    );

    let tried = place.patch("editor", "always", &approval(OTHER));
    table.refused(
        "editor without the verb approve",
        "puts another digest under an approval",
        &tried,
        VERB,
    );
    let tried =
        place.patch("editor", "always", &json!({"approval": {"accept": ["LastAdministrator/1"]}}));
    table.refused(
        "editor without the verb approve",
        "adds something to accept to an approval",
        &tried,
        VERB,
    );
    let tried = place.patch("editor", "always", &json!({"approval": null}));
    table.refused("editor without the verb approve", "takes an approval out", &tried, VERB);
    let tried = place.patch("editor", "always", &json!({"approval": {"reject": true}}));
    table.refused("editor without the verb approve", "rejects", &tried, VERB);
    let tried = place.patch("second", "always", &approval(OTHER));
    let holds = place.spec("rollback", "always")["approval"]["approvedBy"] == "second";
    table.inert(
        "second approver",
        "puts another digest under an approval",
        tried,
        holds,
        "approvedBy is who did it",
    );
    let kept = json!({"approval": {"approvedBy": "approver"}});
    let tried = place.patch("approver", "always", &kept);
    let holds = place.spec("rollback", "always")["approval"]["approvedBy"] == "second";
    table.inert("approver", "changes approvedBy alone", tried, holds, "it stays as it was");
    let tried = place.patch("author", "always", &approval(DIGEST));
    table.passes("author with the verb approve", "approves his own Rollback under Always", tried);
    let tried = place.patch("approver", "always", &json!({"approval": null}));
    table.passes("approver", "takes an approval out", tried);

    let tried = place.patch("approver", "always", &json!({"approval": {"reject": true}}));
    table.passes("approver", "rejects", tried);
    let tried = place.patch("approver", "always", &json!({"approval": {"reject": false}}));
    table.refused("approver", "takes a rejection back", &tried, "a rejection is final");
    let tried = place.patch(ADMIN, "always", &json!({"approval": null}));
    table.refused("cluster administrator", "takes a rejection out", &tried, "a rejection is final");
}

fn separate_approvers(place: &Place, table: &mut Table) {
    const AUTHOR: &str = "who asked for the undo, changed what it intends or recorded what it undoes cannot approve it";
    let under = "under SeparateApprover";
    place.planned("separate", "SeparateApprover");
    let tried = place.patch("author", "separate", &approval(DIGEST));
    table.refused(
        "author with the verb approve",
        &format!("approves his own Rollback {under}"),
        &tried,
        AUTHOR,
    );
    let tried = place.patch("recorder", "separate", &approval(DIGEST));
    table.refused(
        "recorder with the verb approve",
        &format!("approves the undo of what he recorded {under}"),
        &tried,
        AUTHOR,
    );
    let tried = place.patch(ROBOT, "separate", &approval(DIGEST));
    table.refused(
        "service account with the verb approve",
        &format!("approves {under}"),
        &tried,
        "a service account is not a second pair of eyes",
    );
    place.patch("approver", "separate", &json!({"attempt": 2})).succeeded();
    let tried = place.patch("approver", "separate", &approval(DIGEST));
    table.refused(
        "approver",
        &format!("changes the intent and approves then {under}"),
        &tried,
        AUTHOR,
    );
    let both = json!({"attempt": 3, "approval": {"plan": DIGEST}});
    let tried = place.patch("second", "separate", &both);
    table.refused(
        "second approver",
        &format!("changes the intent and approves at once {under}"),
        &tried,
        AUTHOR,
    );
    let tried = place.patch("second", "separate", &approval(DIGEST));
    table.passes("second approver", &format!("approves {under}"), tried);
    let tried = place.patch("author", "separate", &json!({"approval": {"plan": OTHER}}));
    table.refused(
        "author with the verb approve",
        &format!("puts another digest under an approval {under}"),
        &tried,
        AUTHOR,
    );
    let tried =
        place.patch("author", "separate", &json!({"approval": {"plan": null, "reject": true}}));
    table.passes(
        "author with the verb approve",
        &format!("rejects his own Rollback {under}"),
        tried,
    );
}

/// A `GitOps` controller applies the same manifests again and again.
fn git(place: &Place, table: &mut Table) {
    let spec = rollback(&json!({}));
    place.apply(ROBOT, "Rollback", "from-git", &spec).succeeded();
    place.apply(ROBOT, "Rollback", "from-git", &spec).succeeded();
    let tried = place.apply(ROBOT, "Rollback", "from-git", &rollback(&approval(DIGEST)));
    table.passes(
        "service account with the verb approve (GitOps)",
        "applies a Rollback with an approval from Git",
        tried,
    );
    let robot = format!("system:serviceaccount:access:{ROBOT}");
    assert_eq!(place.spec("rollback", "from-git")["approval"]["approvedBy"], json!(robot));
    let tried = place.apply(ROBOT, "Rollback", "from-git", &rollback(&approval(DIGEST)));
    let found = place.spec("rollback", "from-git");
    let holds =
        found["approval"]["approvedBy"] == json!(robot) && found["requestedBy"] == json!(robot);
    table.inert(
        "service account (GitOps)",
        "applies the same manifest again",
        tried,
        holds,
        "all names stay",
    );
    place.run(ADMIN, &["delete", "rollback", "from-git"], "").succeeded();
    let tried = place.apply(ROBOT, "Rollback", "from-git", &rollback(&approval(DIGEST)));
    table.passes("service account (GitOps)", "applies a Rollback again that was deleted", tried);
    let spec = record("from-git", &json!({}));
    place.apply(ROBOT, "OperationRecord", "from-git", &spec).succeeded();
    let tried = place.apply(ROBOT, "OperationRecord", "from-git", &spec);
    table.passes("service account (GitOps)", "applies a record again", tried);
    let tried = place.apply("recorder", "OperationRecord", "from-git", &spec);
    let holds = place.spec("operationrecord", "from-git")["recordedBy"] == json!(robot);
    table.inert(
        "recorder",
        "applies a record that somebody else recorded",
        tried,
        holds,
        "recordedBy stays",
    );
}

fn only_the_operator(place: &Place, table: &mut Table) {
    const STATUS: &str =
        "only the operator (system:serviceaccount:rollback-system:rollback-operator) writes status";
    place.planned("status", "Always");
    for who in ["approver", ADMIN] {
        let shown = if who == ADMIN { "cluster administrator" } else { who };
        let status = json!({"plan": {"policy": "Never"}});
        let tried = place.patch_status(who, "rollback", "status", &status);
        table.refused(shown, "writes the status of a Rollback", &tried, STATUS);
    }
    let tried =
        place.patch_status("recorder", "operationrecord", "forged", &json!({"rolledBackBy": []}));
    table.refused("recorder", "writes the status of a record", &tried, STATUS);
    let tried = place.create("author", "RollbackPlan", "forged", &plan());
    table.refused("author", "creates a RollbackPlan", &tried, "only the operator");
    let tried = place.create("author", "OperationRecord", "forged-ledger", &ledger());
    table.refused("author", "creates a record of type Rollback", &tried, "only the operator");
    let source = json!({"source": {"tool": "rollback-operator", "id": "undo-1"}});
    let tried = place.create("author", "OperationRecord", "forged-ledger", &record("x", &source));
    let does = "creates a record of another type in the place of a ledger";
    table.refused("author", does, &tried, "only the operator");
    let tried = place.create(OPERATOR, "RollbackPlan", "own", &plan());
    table.passes("operator", "creates a RollbackPlan", tried);
    let tried = place.run("author", &["label", "rollbackplan", "own", "a=b"], "");
    table.refused(
        "author",
        "changes labels, owners or finalizers of a RollbackPlan",
        &tried,
        "only the operator",
    );
    let tried = place.create(OPERATOR, "OperationRecord", "own-ledger", &ledger());
    table.passes("operator", "creates a record of type Rollback", tried);
    let tried = place.run(LABELLER, &["label", "operationrecord", "own-ledger", "a=b"], "");
    table.passes("who may change and not delete records", "labels one of type Rollback", tried);
    let gone = json!({"metadata": {"ownerReferences": [{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "gone",
        "uid": "00000000-0000-4000-8000-000000000000",
    }]}})
    .to_string();
    let patch = ["patch", "operationrecord", "own-ledger", "--type=merge", "--patch", &gone];
    let tried = place.run(LABELLER, &patch, "");
    table.refused(
        "who may change and not delete records",
        "gives one an owner, with which it would be deleted",
        &tried,
        "owners of a record are changed only by those who may delete it",
    );
    let owner = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "OperationRecord",
        "name": "own-ledger", "uid": place.whole("operationrecord", "own-ledger")["metadata"]["uid"],
    });
    let handed = json!({"metadata": {"ownerReferences": [owner]}}).to_string();
    let patch = ["patch", "rollbackplan", "own", "--type=merge", "--patch", &handed];
    let tried = place.run(OPERATOR, &patch, "");
    table.passes("operator", "hands a RollbackPlan over to a ledger record", tried);
    let tried = place.patch_status(OPERATOR, "rollback", "status", &json!({"summary": "x"}));
    table.passes("operator", "writes the status of a Rollback", tried);
}

fn old_objects(place: &Place, table: &mut Table) {
    let tried = place.run("author", &["label", "rollback", "old", "a=b"], "");
    let holds = place.spec("rollback", "old")["requestedBy"].is_null();
    table.inert(
        "author",
        "changes a Rollback that is older than the policies",
        tried,
        holds,
        "it bears no name of who asked",
    );
    let spec = record("old", &json!({}));
    let tried = place.apply("recorder", "OperationRecord", "old", &spec);
    table.passes("recorder", "applies a record again that is older than the policies", tried);
    let tried = place.patch("editor", "old", &approval(DIGEST));
    table.refused(
        "editor without the verb approve",
        "approves a Rollback that is older than the policies",
        &tried,
        "verb 'approve'",
    );
    place.run(ADMIN, &["delete", "--wait=false", "rollback", "old-finalizer"], "").succeeded();
    let free = json!({"metadata": {"finalizers": null}}).to_string();
    let patch = ["patch", "rollback", "old-finalizer", "--type=merge", "--patch", &free];
    let tried = place.run("author", &patch, "");
    table.passes("author", "takes the finalizer from a Rollback that is being deleted", tried);
    let tried = place.run("author", &["delete", "rollback", "old", "--timeout=20s"], "");
    table.passes("author", "deletes a Rollback", tried);
}
