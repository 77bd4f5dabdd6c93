//! What a permission set gives is part of what is approved.

use std::time::Duration;

use serde_json::{Value, json};

use super::place::{Place, text};
use super::seed::{accounts, alice_in};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
/// Longer than a plan counts as young.
const AGED: Duration = Duration::from_secs(25);

/// Somebody takes alice's access to the first account away, and it is recorded.
fn revoked(place: &Place<'_>) {
    place.simulator.post("/_sim/changes", &json!({"grant": alice_in(&accounts([1]))}));
    place.simulator.post("/_sim/changes", &json!({"revoke": alice_in(&accounts([1]))}));
    let mut record = place.record("revoke", &accounts([1]));
    record["type"] = json!("Revoke");
    record["changes"][0]["effect"] = json!("Revoked");
    record["changes"][0]["before"] = json!("Present");
    place.create("OperationRecord", "revoke", &record);
}

fn warning(place: &Place<'_>) -> String {
    let plan = place.status("undo")["plan"].clone();
    let warnings = plan["warnings"].as_array().cloned().unwrap_or_default();
    let told = warnings.iter().map(text).find(|line| line.contains("estores access through"));
    told.unwrap_or_else(|| panic!("{plan}"))
}

fn attach(place: &Place<'_>, policy: &str) {
    place.simulator.call(
        "AttachManagedPolicyToPermissionSet",
        &json!({
            "InstanceArn": place.identity.arn,
            "PermissionSetArn": place.identity.read,
            "ManagedPolicyArn": policy,
        }),
    );
}

fn assigned(place: &Place<'_>) -> u64 {
    let calls = &place.simulator.counters()["calls"]["CreateAccountAssignment"];
    calls["total"].as_u64().unwrap_or_default()
}

#[test]
fn a_set_that_was_changed_since_the_approval_is_not_given() {
    let place = Place::new(2);
    revoked(&place);
    place.rollback("undo", "revoke", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    assert!(warning(&place).contains("gives no policy at all"), "{}", warning(&place));
    let digest = text(&place.status("undo")["plan"]["digest"]);

    attach(&place, ADMINISTRATOR);
    place.wait_simulated(AGED);
    place.patch("undo", &json!({"approval": {"plan": digest}}));
    place.wait_condition("undo", "Approved", "False", "ApprovalForAnotherPlan");
    assert_eq!(assigned(&place), 0, "what was approved is not what would be given");
    let status = place.status("undo");
    assert_eq!(status["phase"], "AwaitingApproval");
    assert_ne!(text(&status["plan"]["digest"]), digest);
    assert!(warning(&place).contains("gives AWS's AdministratorAccess"), "{}", warning(&place));

    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(assigned(&place), 1);
}

#[test]
fn what_cannot_be_read_is_assumed_and_said() {
    let place = Place::new(2);
    revoked(&place);
    let denied = json!({"code": "AccessDeniedException", "status": 400,
        "message": "User is not authorized to perform: sso:GetInlinePolicyForPermissionSet"});
    place.simulator.faults(&json!({"faults": [
        {"match": {"operations": ["GetInlinePolicyForPermissionSet"]}, "do": {"error": denied}},
    ]}));
    place.rollback("undo", "revoke", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    let plan: Value = place.status("undo")["plan"].clone();
    assert_ne!(plan["grade"], "Exact", "{plan}");
    assert!(warning(&place).contains("could not be read"), "{}", warning(&place));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
}
