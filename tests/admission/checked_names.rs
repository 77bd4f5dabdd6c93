//! Where the API server cannot stamp names: who writes a name has to write his own.

use serde_json::json;

use super::place::{DIGEST, Place, record, rollback};
use super::support::chart::rendered;
use super::table::Table;

#[test]
fn names_that_are_given_are_true() {
    let place = Place::new();
    let mut table = Table::default();
    place.install_policies(&["admission.names=check"]);
    let with = |more| rollback(&more);

    let tried = place.create("author", "Rollback", "plain", &with(json!({})));
    table.passes("author", "creates a Rollback without names", tried);
    let tried = place.create("author", "Rollback", "own", &with(json!({"requestedBy": "author"})));
    table.passes("author", "creates a Rollback with his own name", tried);
    let tried =
        place.create("author", "Rollback", "forged", &with(json!({"requestedBy": "second"})));
    table.refused(
        "author",
        "creates a Rollback with somebody else's name",
        &tried,
        "requestedBy must be your own user name",
    );
    let tried = place.create("author", "Rollback", "forged", &with(json!({"requestedBy": ""})));
    table.refused(
        "author",
        "creates a Rollback with an empty name",
        &tried,
        "requestedBy must be your own user name",
    );
    let tried = place.create("author", "Rollback", "forged", &with(json!({"changedBy": "author"})));
    table.refused(
        "author",
        "creates a Rollback with changedBy",
        &tried,
        "whoever changes mode, attempt, notBefore or deadline sets changedBy",
    );

    let tried = place.patch("editor", "own", &json!({"requestedBy": "editor"}));
    table.refused(
        "editor",
        "writes himself into requestedBy later",
        &tried,
        "cannot be changed later",
    );
    let tried = place.patch("editor", "own", &json!({"requestedBy": null}));
    table.refused("editor", "takes requestedBy out", &tried, "requestedBy cannot be taken out");
    let tried = place.patch("editor", "own", &json!({"attempt": 2}));
    table.refused(
        "editor",
        "changes the intent without a name",
        &tried,
        "sets changedBy to his own user name",
    );
    let tried = place.patch("editor", "own", &json!({"attempt": 2, "changedBy": "second"}));
    table.refused(
        "editor",
        "changes the intent under another name",
        &tried,
        "sets changedBy to his own user name",
    );
    let tried = place.patch("editor", "own", &json!({"attempt": 2, "changedBy": "editor"}));
    table.passes("editor", "changes the intent under his own name", tried);
    let tried = place.patch("approver", "own", &json!({"changedBy": null}));
    table.refused("approver", "takes changedBy out", &tried, "nobody else changes it");

    approvals_are_signed(&place, &mut table);
    records_are_signed(&place, &mut table);
    table.is_in_the_docs("checked names");
}

fn approvals_are_signed(place: &Place, table: &mut Table) {
    let with = |more| rollback(&more);
    let own = json!({"approval": {"plan": DIGEST, "approvedBy": "approver"}});
    let tried = place.patch("second", "own", &own);
    table.refused(
        "second approver",
        "approves under another name",
        &tried,
        "approvedBy must be the user name of whoever writes this approval",
    );
    let tried = place.patch("approver", "own", &own);
    table.passes("approver", "approves under his own name", tried);
    let tried = place.patch("second", "own", &json!({"approval": {"accept": ["x"]}}));
    table.refused(
        "second approver",
        "changes an approval and keeps the old name",
        &tried,
        "approvedBy must be the user name",
    );
    let tried = place.run("author", &["label", "rollback", "own", "a=b"], "");
    table.passes("author", "changes labels", tried);
    let without_verb = json!({"approval": {"plan": DIGEST, "approvedBy": "editor"}});
    let tried = place.create("editor", "Rollback", "brought", &with(without_verb));
    table.refused(
        "editor without the verb approve",
        "creates a Rollback with an approval under his name",
        &tried,
        "who needs the verb 'approve'",
    );
    let nameless = json!({"approval": {"plan": DIGEST}});
    let tried = place.create("editor", "Rollback", "brought", &with(nameless.clone()));
    table.refused(
        "editor without the verb approve",
        "creates a Rollback with an approval without a name",
        &tried,
        "an approval that comes with a Rollback needs the verb 'approve'",
    );
    let tried = place.create("approver", "Rollback", "brought", &with(nameless));
    table.passes("approver", "creates a Rollback with an approval without a name", tried);
}

fn records_are_signed(place: &Place, table: &mut Table) {
    let tried = place.create(
        "recorder",
        "OperationRecord",
        "own",
        &record("own", &json!({"recordedBy": "recorder"})),
    );
    table.passes("recorder", "creates a record with his own name", tried);
    let tried = place.create(
        "recorder",
        "OperationRecord",
        "forged",
        &record("x", &json!({"recordedBy": "second"})),
    );
    table.refused(
        "recorder",
        "creates a record with somebody else's name",
        &tried,
        "recordedBy must be your own user name",
    );
}

#[test]
fn the_chart_installs_what_the_cluster_can_do() {
    assert!(rendered(&["admission"], &[]).contains("kind: MutatingAdmissionPolicy\n"));
    let checked = rendered(&["admission"], &["admission.names=check"]);
    assert!(
        !checked.contains("MutatingAdmissionPolicy\n")
            && checked.contains("rollback-operator-names-records")
    );
    assert!(!rendered(&["admission"], &[]).contains("${"), "every name is filled in");
}
