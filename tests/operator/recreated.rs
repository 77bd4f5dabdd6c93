//! A permission set that an undo deleted is created again by its redo, with all its content, and
//! stands for the old one from then on.

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::{Place, text};
use super::seed::accounts;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const AUDIT: &str = "arn:aws:iam::aws:policy/SecurityAudit";
const INLINE: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;
const TAG: &str = "identitycenter.dev/rollback";

/// A place in which somebody cloned a set and let alice in through the clone.
struct Cloned {
    place: Place<'static>,
    arn: String,
}

impl Cloned {
    fn new() -> Self {
        Self::under(&json!({}))
    }

    fn under(policy: &Value) -> Self {
        let mut arn = String::new();
        let spec = json!({"policy": policy});
        let place = Place::in_world(Cluster::shared(), 3, &spec, |instance| {
            let read = text(&instance["permissionSets"][0]["arn"]);
            arn = format!("{}/ps-{:016}", read.rsplit_once('/').unwrap().0, 77);
            instance["permissionSets"].as_array_mut().unwrap().push(json!({
                "name": "Clone",
                "arn": arn,
                "description": "Read, and audit",
                "sessionDuration": "PT2H",
                "managedPolicies": [READ_ONLY, AUDIT],
                "inlinePolicy": INLINE,
                "tags": {"team": "a"},
            }));
            let alice =
                json!({"permissionSet": "Clone", "user": "alice", "accounts": accounts(1..=2)});
            instance["assignments"].as_array_mut().unwrap().push(alice);
        });
        let mut clone = place.record("clone", &accounts([1]));
        clone["type"] = json!("ClonePermissionSet");
        clone["changes"] = json!([]);
        clone["createdPermissionSet"] = json!({
            "arn": arn,
            "name": "Clone",
            "source": place.identity.read,
            "content": {
                "description": "Read, and audit",
                "sessionDuration": "PT2H",
                "managedPolicies": [READ_ONLY, AUDIT],
                "inlinePolicy": INLINE,
                "tags": ["team=a"],
            },
        });
        place.create("OperationRecord", "clone", &clone);
        let mut assign = place.record("assign", &accounts(1..=2));
        assign["changes"][0]["permissionSet"] = json!(arn);
        place.create("OperationRecord", "assign", &assign);
        Self { place, arn }
    }

    fn undo(&self, name: &str, records: &[&str]) {
        self.place.create("Rollback", name, &json!({"operations": {"names": records}}));
        self.place.approve(name);
        self.place.wait_phase(name, "Succeeded");
    }

    /// Name and content of the clone, if it is there, without what AWS and the operator add; and its ARN.
    fn found(&self) -> Option<(Value, String)> {
        let access = self.place.simulator.access();
        let sets = access["instances"][0]["permissionSets"].as_array().unwrap();
        let mut set = sets.iter().find(|set| set["name"] == "Clone")?.clone();
        let arn = text(&set["arn"]);
        set.as_object_mut().unwrap().remove("arn");
        if let Some(tags) = set["tags"].as_object_mut() {
            tags.remove(TAG);
        }
        Some((set, arn))
    }

    /// Who has access through the clone.
    fn assigned(&self) -> Vec<Value> {
        let access = self.place.simulator.access();
        let rows = access["instances"][0]["assignments"].as_array().unwrap();
        rows.iter().filter(|row| row["permissionSet"] == "Clone").cloned().collect()
    }
}

#[test]
fn a_redo_creates_the_set_again_and_its_undo_deletes_that_one() {
    let cloned = Cloned::new();
    let (before, first) = cloned.found().unwrap();
    let assigned = cloned.assigned();
    assert_eq!(first, cloned.arn);
    cloned.undo("undo", &["clone", "assign"]);
    assert_eq!((cloned.found(), cloned.assigned()), (None, vec![]));

    let ledger = text(&cloned.place.status("undo")["ledger"]);
    cloned.undo("redo", &[&ledger]);
    let (after, second) = cloned.found().unwrap();
    assert_eq!((after, cloned.assigned()), (before.clone(), assigned.clone()));
    assert_ne!(second, first);
    let status = cloned.place.status("redo");
    assert_eq!(status["createdPermissionSets"], json!([{"replaces": first, "arn": second}]));
    assert_eq!(status["plan"]["grade"], "Lossy", "the roles have other names");
    let created = &cloned.place.ledger("redo")["spec"]["rollback"]["createdPermissionSets"][0];
    assert_eq!((&created["arn"], &created["replaces"]), (&json!(second), &json!(first)));
    assert!(created["content"]["tags"].to_string().contains(TAG), "{created}");

    // The records still name the first set; what they did is undone through the second.
    cloned.undo("undo-again", &["clone", "assign"]);
    assert_eq!((cloned.found(), cloned.assigned()), (None, vec![]));
    let ledger = text(&cloned.place.status("undo-again")["ledger"]);
    cloned.undo("redo-again", &[&ledger]);
    let (after, third) = cloned.found().unwrap();
    assert_eq!((after, cloned.assigned()), (before, assigned));
    assert_eq!(
        cloned.place.status("redo-again")["createdPermissionSets"],
        json!([{"replaces": second, "arn": third}])
    );
    // Undoing the redo is undoing it through the third.
    let ledger = text(&cloned.place.status("redo-again")["ledger"]);
    cloned.undo("last", &[&ledger]);
    assert_eq!((cloned.found(), cloned.assigned()), (None, vec![]));
}

#[test]
fn a_name_that_somebody_took_is_found_before_anything_is_written() {
    let cloned = Cloned::new();
    cloned.undo("undo", &["clone", "assign"]);
    let place = &cloned.place;
    let taken = json!({"InstanceArn": place.identity.arn, "Name": "Clone"});
    place.simulator.call("CreatePermissionSet", &taken);
    let writes = place.writes();
    let ledger = text(&place.status("undo")["ledger"]);
    place.rollback("redo", &ledger, &json!({}));
    // Nothing is left to do, and so nothing to approve.
    place.wait_phase("redo", "Failed");
    let plan = place.status("redo")["plan"].clone();
    let said = plan["warnings"].to_string();
    assert!(said.contains("NameTaken: cannot undo 1 key"), "{said}");
    assert_eq!((&plan["actions"], place.writes()), (&json!(0), writes), "{plan}");
}

#[test]
fn lost_replies_and_refusals_create_no_second_set() {
    let cloned = Cloned::new();
    let before = cloned.found().unwrap().0;
    let assigned = cloned.assigned();
    cloned.undo("undo", &["clone", "assign"]);
    let one = |operation: &str, does: Value| json!({"match": {"operations": [operation]}, "count": 1, "do": does});
    let throttled = json!({"error": {"code": "ThrottlingException", "message": "Rate exceeded", "status": 400}});
    let broken =
        json!({"error": {"code": "InternalServerException", "message": "broken", "status": 500}});
    cloned.place.simulator.faults(&json!({"faults": [
        one("CreatePermissionSet", json!({"loseReply": true})),
        one("PutInlinePolicyToPermissionSet", broken),
        one("AttachManagedPolicyToPermissionSet", throttled),
        one("ListTagsForResource", json!({"loseReply": true})),
    ]}));
    cloned.undo("redo", &[&text(&cloned.place.status("undo")["ledger"])]);
    assert_eq!(cloned.found().unwrap().0, before);
    assert_eq!(cloned.assigned(), assigned);
    let state = cloned.place.simulator.access();
    assert_eq!(state["instances"][0]["permissionSets"].as_array().unwrap().len(), 2, "{state}");
}

#[test]
fn a_name_that_somebody_took_unseen_is_not_taken_from_them() {
    // Executed as it is planned, and planned without a look at the names.
    let cloned = Cloned::under(&json!({"approval": "Never"}));
    let undo = json!({"operations": {"names": ["clone", "assign"]}});
    cloned.place.create("Rollback", "undo", &undo);
    cloned.place.wait_phase("undo", "Succeeded");
    let denied = json!({"code": "AccessDeniedException", "status": 400, "message": "not now"});
    cloned.place.simulator.faults(&json!({"faults": [
        {"match": {"operations": ["ListPermissionSets"]}, "count": 1, "do": {"error": denied}},
    ]}));
    cloned.place.simulator.call(
        "CreatePermissionSet",
        &json!({"InstanceArn": cloned.place.identity.arn, "Name": "Clone"}),
    );
    let foreign = cloned.found().unwrap();
    let ledger = text(&cloned.place.status("undo")["ledger"]);
    cloned.place.create("Rollback", "redo", &json!({"operations": {"names": [ledger]}}));
    cloned.place.wait_phase("redo", "Failed");
    let status = cloned.place.status("redo");
    let reasons: Vec<&Value> =
        status["failures"].as_array().unwrap().iter().map(|failure| &failure["reason"]).collect();
    assert!(reasons.contains(&&json!("NameTaken")), "{status}");
    assert!(reasons.contains(&&json!("DependencyFailed")), "{status}");
    assert_eq!((cloned.found().unwrap(), cloned.assigned()), (foreign, vec![]));
}

#[test]
fn what_stands_for_a_protected_set_is_protected_in_every_record_through_it() {
    let cloned = Cloned::new();
    let place = &cloned.place;
    cloned.undo("undo", &["clone", "assign"]);
    cloned.undo("redo", &[&text(&place.status("undo")["ledger"])]);
    let (_, second) = cloned.found().unwrap();
    // The policy names the set as it was called then. A record that has nothing to do with the undo
    // gave access through what stands for it.
    let policy = json!({"spec": {"policy": {"protected": {"permissionSets": [cloned.arn]}}}});
    place.kubectl(&["patch", "idc", &place.instance, "--type=merge", "-p", &policy.to_string()]);
    let mut other = place.record("other", &accounts([3]));
    other["changes"][0]["permissionSet"] = json!(second);
    let row = json!([{"permissionSet": "Clone", "user": "alice", "accounts": accounts([3])}]);
    place.simulator.post("/_sim/changes", &json!({"grant": row}));
    place.create("OperationRecord", "other", &other);
    place.rollback("protected", "other", &json!({}));
    let said = place.wait_condition("protected", "Approved", "False", "RefusedByPolicy");
    assert!(said.contains("ProtectedPermissionSet"), "{said}");
}

#[test]
fn a_set_that_is_changed_while_the_undo_is_at_work_is_not_deleted() {
    let cloned = Cloned::new();
    let place = &cloned.place;
    place.simulator.post("/_sim/settings", &json!({"latency": {"create": "60s", "delete": "60s"}}));
    place.create("Rollback", "undo", &json!({"operations": {"names": ["clone", "assign"]}}));
    place.approve("undo");
    place.wait_phase("undo", "Executing");
    let policy = json!({
        "InstanceArn": place.identity.arn, "PermissionSetArn": cloned.arn,
        "InlinePolicy": r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#,
    });
    place.simulator.call("PutInlinePolicyToPermissionSet", &policy);
    place.wait_phase("undo", "PartiallySucceeded");
    let failures = place.status("undo")["failures"].clone();
    assert_eq!(failures[0]["reason"], "ContentChanged", "{failures}");
    assert_eq!(failures.as_array().unwrap().len(), 1, "{failures}");
    let (set, _) = cloned.found().unwrap();
    assert!(set["inlinePolicy"].to_string().contains("Deny"), "{set}");
    assert_eq!(cloned.assigned(), Vec::<Value>::new());
}

#[test]
fn a_set_that_may_not_be_completed_ends_the_redo_with_what_is_missing() {
    let cloned = Cloned::new();
    let place = &cloned.place;
    let (before, assigned) = (cloned.found().unwrap().0, cloned.assigned());
    cloned.undo("undo", &["clone", "assign"]);
    // The set is made, nobody hears of it, and what it lacks is refused for good.
    let denied = json!({"code": "AccessDeniedException", "status": 400, "message": "not that one"});
    place.simulator.faults(&json!({"faults": [
        {"match": {"operations": ["CreatePermissionSet"]}, "count": 1, "do": {"loseReply": true}},
        {"match": {"operations": ["PutInlinePolicyToPermissionSet"]}, "do": {"error": denied}},
    ]}));
    let ledger = text(&place.status("undo")["ledger"]);
    place.create("Rollback", "redo", &json!({"operations": {"names": [ledger]}}));
    place.approve("redo");
    place.wait_phase("redo", "Failed");
    let failures = place.status("redo")["failures"].clone();
    let reasons: Vec<&Value> =
        failures.as_array().unwrap().iter().map(|failure| &failure["reason"]).collect();
    assert!(reasons.contains(&&json!("AccessDenied")), "{failures}");
    assert!(reasons.contains(&&json!("DependencyFailed")), "{failures}");
    assert_eq!(cloned.assigned(), Vec::<Value>::new(), "nobody is let in through half a set");

    // Once it is allowed, another attempt completes the set that is there.
    let half = cloned.found().unwrap().1;
    place.simulator.faults(&json!({"faults": []}));
    place.patch("redo", &json!({"attempt": 2}));
    place.wait_field("redo", ".status.attempt", "2");
    place.approve("redo");
    place.wait_phase("redo", "Succeeded");
    assert_eq!(cloned.found().unwrap(), (before, half));
    assert_eq!(cloned.assigned(), assigned);
}
