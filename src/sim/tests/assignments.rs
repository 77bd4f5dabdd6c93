//! Creates and deletes: accepted now, done later.

use serde_json::json;

use super::{CLOSED, GROUP, INSTANCE, Lab, ONE, READ, TWO, USER, key};

fn succeeded() -> (String, String) {
    ("SUCCEEDED".to_owned(), String::new())
}

#[test]
fn a_create_is_seen_only_after_its_latency() {
    let mut lab = Lab::new();
    let id = lab.create(TWO, READ, USER).unwrap();
    assert_eq!(lab.status("Creation", &id).0, "IN_PROGRESS");
    lab.wait(1999);
    assert_eq!(lab.listed(TWO, READ), [GROUP]);
    assert!(lab.world.next_event().is_some_and(|at| at > lab.now));
    lab.wait(1);
    assert_eq!(lab.status("Creation", &id), succeeded());
    assert_eq!(lab.listed(TWO, READ), [GROUP, USER]);
    assert_eq!(lab.world.next_event(), None, "forgetting is nothing to wait for");
}

#[test]
fn a_redundant_create_succeeds_and_changes_nothing() {
    let mut lab = Lab::new();
    let id = lab.create(ONE, READ, USER).unwrap();
    lab.wait(2000);
    assert_eq!(lab.status("Creation", &id), succeeded());
    assert_eq!(lab.listed(ONE, READ).len(), 2);
    assert_eq!(lab.world.counters().accepted.len(), 1);
    assert!(lab.world.counters().effective.is_empty());
}

#[test]
fn a_delete_of_what_is_not_there_fails_later_in_the_words_of_aws() {
    let mut lab = Lab::new();
    let id = lab.delete(TWO, READ, USER).unwrap();
    lab.wait(2000);
    let (status, reason) = lab.status("Deletion", &id);
    assert_eq!(status, "FAILED");
    assert_eq!(
        reason,
        format!(
            "Received a 404 status error: EntitlementItem doesn't exist with the given entitlement \
             key EntitlementKey{{accessorId={USER}, resourceId={TWO}, \
             auxiliaryResourceId=ps-aaaaaaaaaaaaaaaa, containerId=ssoins-0123456789abcdef}}"
        )
    );
}

#[test]
fn statuses_are_kept_apart_and_outlive_the_assignment_until_they_are_forgotten() {
    let mut lab = Lab::with("settings: {statusRetention: 1h}");
    let made = lab.create(TWO, READ, USER).unwrap();
    lab.wait(2000);
    let removed = lab.delete(TWO, READ, USER).unwrap();
    lab.wait(2000);
    assert_ne!(made, removed);
    assert_eq!(lab.status("Creation", &made), succeeded());
    assert_eq!(lab.status("Deletion", &removed), succeeded());
    let wrong = json!({"AccountAssignmentCreationRequestId": removed});
    let error = lab.sso("DescribeAccountAssignmentCreationStatus", wrong).unwrap_err();
    assert_eq!(error.0, "ResourceNotFoundException");
    lab.wait(3_600_000 - 2000);
    let asked = json!({"AccountAssignmentCreationRequestId": made});
    let error = lab.sso("DescribeAccountAssignmentCreationStatus", asked).unwrap_err();
    assert_eq!(error.0, "ResourceNotFoundException");
    assert_eq!(lab.status("Deletion", &removed), succeeded());
}

#[test]
fn a_suspended_account_and_a_missing_principal_fail_later() {
    let mut lab = Lab::new();
    let closed = lab.create(CLOSED, READ, USER).unwrap();
    let nobody = "00000000-0000-4000-8000-00000000000f";
    let missing = lab.create(TWO, READ, nobody).unwrap();
    lab.wait(2000);
    let (status, reason) = lab.status("Creation", &closed);
    assert_eq!(status, "FAILED");
    assert!(reason.contains("'444444444444' is taking longer than usual"), "{reason}");
    let (_, reason) = lab.status("Creation", &missing);
    assert_eq!(
        reason,
        format!(
            "Received a 404 status error: the USER assignee {nobody} was not found in directory d-0123456789"
        )
    );
}

#[test]
fn a_deleted_user_stays_assigned_and_can_be_removed_or_not_as_set() {
    for (setting, expected) in [("succeed", "SUCCEEDED"), ("fail", "FAILED")] {
        let mut lab = Lab::with(&format!("settings: {{deleteForMissingPrincipal: {setting}}}"));
        lab.store("DeleteUser", json!({"UserId": USER})).unwrap();
        let error = lab.store("DescribeUser", json!({"UserId": USER})).unwrap_err();
        assert_eq!(error, ("ResourceNotFoundException".to_owned(), "USER not found.".to_owned()));
        assert_eq!(lab.listed(ONE, READ), [GROUP, USER]);
        let id = lab.delete(ONE, READ, USER).unwrap();
        lab.wait(2000);
        assert_eq!(lab.status("Deletion", &id).0, expected);
    }
}

#[test]
fn what_does_not_exist_or_does_not_fit_is_refused_at_once() {
    let mut lab = Lab::new();
    let gone = READ.replace("aaaa", "cccc");
    assert_eq!(lab.create(ONE, &gone, USER).unwrap_err().0, "ResourceNotFoundException");
    assert_eq!(lab.create("999999999999", READ, USER).unwrap_err().0, "ResourceNotFoundException");
    for (member, value) in [
        ("TargetId", "12"),
        ("TargetType", "AWS_OU"),
        ("PermissionSetArn", INSTANCE),
        ("PrincipalType", "ROBOT"),
        ("PrincipalId", "john"),
        ("InstanceArn", READ),
    ] {
        let mut body = key(ONE, READ, "USER", USER);
        body["InstanceArn"] = json!(INSTANCE);
        body[member] = json!(value);
        let target = "SWBExternalService.CreateAccountAssignment";
        let (code, message) = lab.ask(target, &body).unwrap_err();
        assert_eq!(code, "ValidationException", "{member}");
        assert!(message.contains(value), "{message}");
        body.as_object_mut().unwrap().remove(member);
        assert_eq!(lab.ask(target, &body).unwrap_err().0, "ValidationException", "{member}");
    }
    assert!(lab.world.counters().accepted.is_empty());
    let other = json!({"InstanceArn": INSTANCE.replace("0123", "9999")});
    let error = lab.ask("SWBExternalService.ListPermissionSets", &other).unwrap_err();
    assert_eq!(error.0, "ResourceNotFoundException");
    assert_eq!(
        lab.ask("SWBExternalService.Nonsense", &json!({})).unwrap_err().0,
        "UnknownOperationException"
    );
}

#[test]
fn the_role_goes_with_the_last_assignment_and_returns_under_another_name() {
    let mut lab = Lab::new();
    let suffix = |lab: &Lab| {
        let seed = lab.world.dump(crate::sim::View::All);
        let rows = seed.instances[0].provisioned.iter().find(|row| row.permission_set == "Read");
        rows.and_then(|row| row.suffixes.get(&ONE.parse().unwrap()).cloned())
    };
    let before = suffix(&lab).unwrap();
    lab.delete(ONE, READ, USER).unwrap();
    lab.wait(2000);
    assert_eq!(suffix(&lab), Some(before.clone()), "the group still has it");
    lab.sso("DeleteAccountAssignment", key(ONE, READ, "GROUP", GROUP)).unwrap();
    lab.wait(2000);
    assert_eq!(suffix(&lab), None);
    lab.create(ONE, READ, USER).unwrap();
    lab.wait(2000);
    let after = suffix(&lab).unwrap();
    assert_ne!(before, after);
    assert_eq!(after.len(), 16);
}
