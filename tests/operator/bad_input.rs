//! Input that cannot be worked on is waited for or refused, with a reason and what to do; nothing
//! is written for it, and the others go on.

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::{Place, stands, text};
use super::seed::accounts;

/// Another Rollback in the same place ends as ever, and nothing but it has written.
#[track_caller]
fn others_go_on(place: &Place) {
    assert_eq!(place.writes(), 0, "something was written for bad input");
    place.operation("good", &accounts([1, 2]));
    place.rollback("undo-good", "good", &json!({}));
    place.approve("undo-good");
    place.wait_phase("undo-good", "Succeeded");
    assert_eq!(place.writes(), 2);
}

/// Holds that a Rollback waits for this reason; gives what it says.
#[track_caller]
fn waits(place: &Place, rollback: &str, reason: &str) -> String {
    let said = place.wait_condition(rollback, "Ready", "False", reason);
    let status = place.status(rollback);
    assert_eq!(status["phase"], "Pending");
    assert_eq!(stands(&status, "Reconciling"), ("True".into(), reason.into()));
    assert!(text(&status["summary"]).contains(&said), "{status}");
    said
}

/// Holds that a Rollback is over for this reason; gives what it says.
#[track_caller]
fn is_refused(place: &Place, rollback: &str, reason: &str) -> String {
    let said = place.wait_condition(rollback, "Ready", "False", reason);
    let status = place.status(rollback);
    assert_eq!(status["phase"], "Failed");
    assert_eq!(stands(&status, "Stalled"), ("True".into(), reason.into()));
    said
}

#[test]
fn a_record_that_does_not_exist_is_waited_for() {
    let place = Place::new(5);
    place.rollback("undo", "later", &json!({}));
    let said = waits(&place, "undo", "RecordNotFound");
    assert!(said.contains("OperationRecord later") && said.contains("import it"), "{said}");
    others_go_on(&place);

    place.operation("later", &accounts([3, 4, 5]));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.writes(), 5);
}

#[test]
fn an_instance_that_does_not_exist_is_waited_for() {
    let place = Place::new(2);
    let missing = format!("{}-missing", place.namespace);
    let mut record = place.record("lost", &accounts([1]));
    record["instance"] = json!(missing);
    place.create("OperationRecord", "lost", &record);
    place.rollback("undo", "lost", &json!({}));
    let said = waits(&place, "undo", "InstanceNotFound");
    assert!(said.contains(&missing) && said.contains("create it"), "{said}");
    others_go_on(&place);
}

#[test]
fn a_namespace_that_the_instance_does_not_allow_is_told_how_to_be() {
    let nobody = json!({"allowedNamespaces": []});
    let place = Place::with(Cluster::shared(), 2, &nobody);
    place.operation("assign", &accounts([1, 2]));
    place.rollback("undo", "assign", &json!({}));
    let said = waits(&place, "undo", "NamespaceNotAllowed");
    assert!(said.contains(&place.namespace) && said.contains("spec.allowedNamespaces"), "{said}");
    assert_eq!(place.writes(), 0);

    let allowed = json!({"spec": {"allowedNamespaces": [place.namespace]}}).to_string();
    place.kubectl(&[
        "patch",
        "identitycenterinstance",
        &place.instance,
        "--type=merge",
        "--patch",
        &allowed,
    ]);
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
}

/// A record that names a permission set which cannot be of the instance.
fn with_set(place: &Place, set: &str) -> Value {
    let mut record = place.record("foreign", &accounts([1]));
    record["changes"][0]["permissionSet"] = json!(set);
    record
}

#[test]
fn a_record_of_another_instance_is_refused() {
    let place = Place::new(2);
    let other = "arn:aws:sso:::permissionSet/ssoins-ffffffffffffffff/ps-0000000000000001";
    place.create("OperationRecord", "foreign", &with_set(&place, other));
    place.rollback("undo", "foreign", &json!({}));
    let said = is_refused(&place, "undo", "InstancesDiffer");
    assert!(said.contains(other) && said.contains("importing it again"), "{said}");
    others_go_on(&place);
}

#[test]
fn a_record_of_another_partition_is_refused() {
    let place = Place::new(2);
    let chinese = place.identity.read.replace("arn:aws:", "arn:aws-cn:");
    place.create("OperationRecord", "foreign", &with_set(&place, &chinese));
    place.rollback("undo", "foreign", &json!({}));
    let said = is_refused(&place, "undo", "InstancesDiffer");
    assert!(said.contains(&chinese), "{said}");
    others_go_on(&place);
}

#[test]
fn records_of_two_instances_are_not_undone_together() {
    let place = Place::new(3);
    place.create("OperationRecord", "here", &place.record("here", &accounts([3])));
    let mut record = place.record("there", &accounts([3]));
    record["instance"] = json!("another");
    place.create("OperationRecord", "there", &record);
    place.rollback("undo", "here", &json!({"operations": {"names": ["here", "there"]}}));
    let said = is_refused(&place, "undo", "InstancesDiffer");
    assert!(said.contains("another") && said.contains("one Rollback for each"), "{said}");
    others_go_on(&place);
}

#[test]
fn an_instance_that_aws_does_not_know_says_so() {
    let place = Place::new(2);
    let unknown = format!("{}-unknown", place.namespace);
    let spec = json!({
        "instanceArn": "arn:aws:sso:::instance/ssoins-ffffffffffffffff",
        "region": "us-east-1",
        "endpoint": place.simulator.url(),
        "allowedNamespaces": [place.namespace],
    });
    place.create("IdentityCenterInstance", &unknown, &spec);
    let mut record = place.record("lost", &accounts([1]));
    record["instance"] = json!(unknown);
    record["changes"][0]["permissionSet"] =
        json!("arn:aws:sso:::permissionSet/ssoins-ffffffffffffffff/ps-0000000000000001");
    place.create("OperationRecord", "lost", &record);
    place.rollback("undo", "lost", &json!({}));
    let said = waits(&place, "undo", "InstanceNotReady");
    assert!(said.contains(&unknown), "{said}");
    place.kubectl(&["wait", "--for=condition=Ready=False", "--timeout=60s", "idc", &unknown]);
    let status = place.get(&["idc", &unknown])["status"].take();
    let ready = super::place::condition(&status, "Ready").unwrap();
    assert!(text(&ready["message"]).contains("spec.instanceArn"), "{ready}");
    others_go_on(&place);
    place.kubectl(&["delete", "idc", &unknown]);
}

#[test]
fn what_the_schema_refuses_never_reaches_the_operator() {
    let place = Place::new(1);
    let refused = |spec: Value, because: &str| {
        place.try_create("Rollback", "undo", &spec).refused(because);
    };
    refused(json!({"operations": {"names": []}}), "says nothing to undo");
    refused(json!({"operations": {"names": ["a"]}, "attempt": 0}), "spec.attempt");
    refused(json!({"operations": {"names": ["a"]}, "mode": "Perhaps"}), "spec.mode");
    refused(
        json!({"operations": {"names": ["a"]}, "approval": {"plan": "yes"}}),
        "spec.approval.plan",
    );
    let mut record = place.record("bad", &["12".to_owned()]);
    place.try_create("OperationRecord", "bad", &record).refused("accounts");
    record = with_set(&place, "ReadOnly");
    place.try_create("OperationRecord", "bad", &record).refused("permissionSet");
}
