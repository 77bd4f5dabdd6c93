//! What the instance's policy refuses is shown and not written; what a plan means is counted in people.

use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::{Place, text};
use super::seed::{ALICE, accounts};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// What an approval would have to accept.
fn refused(place: &Place<'_>, rollback: &str) -> Vec<String> {
    let status = place.status(rollback);
    let refusals = status["plan"]["refusals"].as_array().cloned().unwrap_or_default();
    refusals.iter().map(|refusal| text(&refusal["accept"])).collect()
}

/// A place where bob, who may read everywhere, and the group Team, whose only member is alice, can
/// be given more.
fn place(set: &Value, policy: &Value) -> Place<'static> {
    Place::in_world(Cluster::shared(), 4, &json!({"policy": policy}), |instance| {
        instance["groups"] = json!([{"displayName": "Team", "members": ["alice"]}]);
        for (member, value) in set.as_object().unwrap() {
            instance["permissionSets"][0][member] = value.clone();
        }
    })
}

#[test]
fn the_last_administrator_is_not_removed_unasked() {
    let place = place(&json!({"managedPolicies": [ADMINISTRATOR]}), &json!({}));
    let bobs =
        json!({"revoke": [{"permissionSet": "Read", "user": "bob", "accounts": accounts([1])}]});
    place.operation("assign", &accounts([1, 2]));
    place.simulator.post("/_sim/changes", &bobs);
    place.rollback("undo", "assign", &json!({}));
    let said = place.wait_condition("undo", "Approved", "False", "RefusedByPolicy");
    assert_eq!(refused(&place, "undo"), [format!("LastAdministrator/{}", accounts([1])[0])]);
    assert!(said.contains("nobody who may sign in"), "{said}");
    let digest = text(&place.status("undo")["plan"]["digest"]);
    place.patch("undo", &json!({"approval": {"plan": digest}}));
    place.wait_simulated(Duration::from_secs(5));
    assert_eq!(
        (place.status("undo")["phase"].clone(), place.writes()),
        (json!("AwaitingApproval"), 0)
    );

    // Somebody else administers the account by now: a plan that is made now is not refused.
    let team =
        json!({"grant": [{"permissionSet": "Read", "group": "Team", "accounts": accounts([1])}]});
    place.simulator.post("/_sim/changes", &team);
    place.rollback("again", "assign", &json!({}));
    place.wait_phase("again", "AwaitingApproval");
    assert_eq!(refused(&place, "again"), [] as [String; 0]);
    let plan = place.status("again")["plan"].clone();
    assert_eq!(plan["people"], json!({"lose": 1, "gain": 0, "keep": 1}), "{plan}");
    let remains = plan["warnings"].as_array().unwrap().iter().map(text);
    assert!(remains.into_iter().any(
        |line| line.contains("Access remains: removing 1 assignment ") && line.contains("Team")
    ));
}

#[test]
fn two_rollbacks_do_not_remove_the_last_two_administrators() {
    let place = place(&json!({"managedPolicies": [ADMINISTRATOR]}), &json!({}));
    let bobs = |change: &str| {
        let rows = json!([{"permissionSet": "Read", "user": "bob", "accounts": accounts([1])}]);
        place.simulator.post("/_sim/changes", &json!({change: rows}));
    };
    // Two operations gave alice and bob what nobody had.
    bobs("revoke");
    place.operation("alice", &accounts([1]));
    bobs("grant");
    let mut record = place.record("bob", &accounts([1]));
    record["changes"][0]["principal"]["id"] = json!("00000000-0000-4000-8000-000000000002");
    place.create("OperationRecord", "bob", &record);
    // Each alone leaves the other, and both are approved before either begins.
    for name in ["alice", "bob"] {
        place.rollback(&format!("undo-{name}"), name, &json!({"suspend": true}));
        place.approve(&format!("undo-{name}"));
        place.wait_condition(&format!("undo-{name}"), "Approved", "True", "Approved");
    }
    place.slow_down();
    place.patch("undo-alice", &json!({"suspend": false}));
    place.wait_phase("undo-alice", "Executing");
    place.patch("undo-bob", &json!({"suspend": false}));
    place.wait_condition("undo-bob", "Approved", "False", "ApprovalForAnotherPlan");
    assert_eq!(refused(&place, "undo-bob"), [format!("LastAdministrator/{}", accounts([1])[0])]);
    place.wait_phase("undo-alice", "Succeeded");
    place.wait_simulated(Duration::from_secs(10));
    assert_eq!(place.status("undo-bob")["phase"], "AwaitingApproval");
    assert_eq!(place.writes(), 1, "bob is left");
}

#[test]
fn protected_and_too_many_are_refused_and_named() {
    let policy =
        json!({"protected": {"accounts": accounts([2]), "principals": [ALICE]}, "maxActions": 1});
    let place = place(&json!({}), &policy);
    place.operation("assign", &accounts([1, 2]));
    place.rollback("undo", "assign", &json!({}));
    place.wait_condition("undo", "Approved", "False", "RefusedByPolicy");
    assert_eq!(
        refused(&place, "undo"),
        [
            format!("ProtectedAccount/{}", accounts([2])[0]),
            format!("ProtectedPrincipal/{ALICE}"),
            "TooManyActions/2".to_owned(),
        ]
    );
    assert_eq!(place.writes(), 0);
}

#[test]
fn a_policy_that_becomes_stricter_holds_for_plans_that_were_approved() {
    let place = place(&json!({}), &json!({"approval": "Never"}));
    place.operation("assign", &accounts([1, 2]));
    place.rollback("undo", "assign", &json!({"suspend": true}));
    place.wait_condition("undo", "Approved", "True", "ApprovalNotRequired");
    let stricter =
        json!({"spec": {"policy": {"protected": {"accounts": accounts([2])}}}}).to_string();
    place.kubectl(&["patch", "idc", &place.instance, "--type=merge", "--patch", &stricter]);
    place.wait_simulated(Duration::from_secs(25));
    place.patch("undo", &json!({"suspend": false}));
    place.wait_condition("undo", "Approved", "False", "RefusedByPolicy");
    assert_eq!(place.writes(), 0);
}
