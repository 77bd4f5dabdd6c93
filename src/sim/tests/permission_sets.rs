//! Permission sets: their life, their content and its provisioning.

use serde_json::{Value, json};

use super::{ADMIN, GROUP, Lab, ONE, READ, TWO, USER, key};

const LATEST: &str = "LATEST_PERMISSION_SET_PROVISIONED";

#[test]
fn a_set_cannot_be_deleted_while_it_is_assigned_or_still_deprovisioned() {
    let mut lab = Lab::with("settings: {latency: {deprovision: 30s}}");
    let refused = (
        "ConflictException".to_owned(),
        "Could not delete because PermissionSet has ApplicationProfile associated with it"
            .to_owned(),
    );
    let delete = |lab: &mut Lab| lab.sso("DeletePermissionSet", json!({"PermissionSetArn": READ}));
    assert_eq!(delete(&mut lab).unwrap_err(), refused);
    lab.delete(ONE, READ, USER).unwrap();
    lab.wait(2000);
    for account in [ONE, TWO] {
        lab.sso("DeleteAccountAssignment", key(account, READ, "GROUP", GROUP)).unwrap();
    }
    lab.wait(2000);
    assert_eq!(delete(&mut lab).unwrap_err(), refused, "its roles are not gone yet");
    lab.wait(30_000);
    assert_eq!(delete(&mut lab).unwrap(), json!({}));
    let error = lab.sso("DescribePermissionSet", json!({"PermissionSetArn": READ})).unwrap_err();
    assert_eq!(error.0, "ResourceNotFoundException");
    assert_eq!(lab.sso("ListPermissionSets", json!({})).unwrap()["PermissionSets"], json!([ADMIN]));
    assert_eq!(lab.world.counters().effective[READ], 1);
}

#[test]
fn a_set_that_is_being_assigned_cannot_be_deleted() {
    let mut lab = Lab::new();
    lab.create(ONE, ADMIN, USER).unwrap();
    let error = lab.sso("DeletePermissionSet", json!({"PermissionSetArn": ADMIN})).unwrap_err();
    assert_eq!(error.0, "ConflictException");
}

#[test]
fn names_are_unique_and_a_new_set_has_a_new_arn() {
    let mut lab = Lab::new();
    let error = lab.sso("CreatePermissionSet", json!({"Name": "Read"})).unwrap_err();
    assert_eq!(error.1, "PermissionSet with name Read already exists");
    let mut make = || {
        let answer = lab.sso("CreatePermissionSet", json!({"Name": "New"})).unwrap();
        let set = answer["PermissionSet"].clone();
        assert_eq!(set["SessionDuration"], "PT1H");
        let arn = set["PermissionSetArn"].clone();
        lab.sso("DeletePermissionSet", json!({"PermissionSetArn": arn})).unwrap();
        arn
    };
    assert_ne!(make(), make());
}

#[test]
fn what_an_update_leaves_out_stays_but_for_the_relay_state() {
    let mut lab = Lab::new();
    let describe = |lab: &mut Lab| {
        lab.sso("DescribePermissionSet", json!({"PermissionSetArn": READ})).unwrap()["PermissionSet"].clone()
    };
    let first = json!({
        "PermissionSetArn": READ, "Description": "d", "RelayState": "https://a", "SessionDuration": "PT2H",
    });
    lab.sso("UpdatePermissionSet", first).unwrap();
    lab.sso("UpdatePermissionSet", json!({"PermissionSetArn": READ})).unwrap();
    let set = describe(&mut lab);
    assert_eq!((&set["Description"], &set["SessionDuration"]), (&json!("d"), &json!("PT2H")));
    assert_eq!(set.get("RelayState"), None);
    for bad in ["PT30M", "PT13H", "2h", "P1"] {
        let body = json!({"PermissionSetArn": READ, "SessionDuration": bad});
        assert_eq!(
            lab.sso("UpdatePermissionSet", body).unwrap_err().0,
            "ValidationException",
            "{bad}"
        );
    }
}

#[test]
fn content_is_written_and_read_back() {
    let mut lab = Lab::with("settings: {limits: {requestsPerSecond: 0, managedPolicies: 2}}");
    let mut on = |operation: &str, mut body: Value| {
        body["PermissionSetArn"] = json!(READ);
        lab.sso(operation, body)
    };
    let policy =
        |name: &str| json!({"ManagedPolicyArn": format!("arn:aws:iam::aws:policy/{name}")});
    on("AttachManagedPolicyToPermissionSet", policy("job-function/Billing")).unwrap();
    let twice = on("AttachManagedPolicyToPermissionSet", policy("job-function/Billing"));
    assert_eq!(twice.unwrap_err().0, "ConflictException");
    let third = on("AttachManagedPolicyToPermissionSet", policy("Third"));
    assert_eq!(third.unwrap_err().0, "ServiceQuotaExceededException");
    let listed = on("ListManagedPoliciesInPermissionSet", json!({})).unwrap();
    let names: Vec<&str> = listed["AttachedManagedPolicies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["Name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ReadOnlyAccess", "Billing"]);
    on("DetachManagedPolicyFromPermissionSet", policy("ReadOnlyAccess")).unwrap();
    let absent = on("DetachManagedPolicyFromPermissionSet", policy("ReadOnlyAccess"));
    assert_eq!(absent.unwrap_err().0, "ResourceNotFoundException");

    let inline = |answer: Result<Value, _>| answer.unwrap()["InlinePolicy"].clone();
    assert_eq!(inline(on("GetInlinePolicyForPermissionSet", json!({}))), "");
    let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
    on("PutInlinePolicyToPermissionSet", json!({"InlinePolicy": document})).unwrap();
    assert_eq!(inline(on("GetInlinePolicyForPermissionSet", json!({}))), document);
    let bad = on("PutInlinePolicyToPermissionSet", json!({"InlinePolicy": "allow all"}));
    assert_eq!(bad.unwrap_err().0, "ValidationException");
    on("DeleteInlinePolicyFromPermissionSet", json!({})).unwrap();
    assert_eq!(inline(on("GetInlinePolicyForPermissionSet", json!({}))), "");

    let none = on("GetPermissionsBoundaryForPermissionSet", json!({}));
    assert_eq!(none.unwrap_err().0, "ResourceNotFoundException");
    let boundary = json!({"CustomerManagedPolicyReference": {"Name": "Guard", "Path": "/"}});
    on("PutPermissionsBoundaryToPermissionSet", json!({"PermissionsBoundary": boundary})).unwrap();
    let read = on("GetPermissionsBoundaryForPermissionSet", json!({})).unwrap();
    assert_eq!(read["PermissionsBoundary"], boundary);
    on("DeletePermissionsBoundaryFromPermissionSet", json!({})).unwrap();
    assert!(on("GetPermissionsBoundaryForPermissionSet", json!({})).is_err());
}

#[test]
fn a_changed_set_is_outdated_in_its_accounts_until_it_is_provisioned() {
    let mut lab = Lab::new();
    let accounts = |lab: &mut Lab, status: &str| {
        let body = json!({"PermissionSetArn": READ, "ProvisioningStatus": status});
        let answer = lab.sso("ListAccountsForProvisionedPermissionSet", body).unwrap();
        serde_json::from_value::<Vec<String>>(answer["AccountIds"].clone()).unwrap()
    };
    assert_eq!(accounts(&mut lab, LATEST), [ONE, TWO]);
    let policy = json!({"PermissionSetArn": READ, "InlinePolicy": "{}"});
    lab.sso("PutInlinePolicyToPermissionSet", policy).unwrap();
    assert!(accounts(&mut lab, LATEST).is_empty());
    let body = json!({"PermissionSetArn": READ, "TargetType": "AWS_ACCOUNT", "TargetId": ONE});
    let answer = lab.sso("ProvisionPermissionSet", body.clone()).unwrap();
    let id = answer["PermissionSetProvisioningStatus"]["RequestId"].clone();
    assert_eq!(lab.sso("ProvisionPermissionSet", body).unwrap_err().0, "ConflictException");
    lab.wait(2000);
    assert_eq!(accounts(&mut lab, LATEST), [ONE]);
    let asked = json!({"ProvisionPermissionSetRequestId": id});
    let status = lab.sso("DescribePermissionSetProvisioningStatus", asked).unwrap();
    assert_eq!(status["PermissionSetProvisioningStatus"]["Status"], "SUCCEEDED");
    let all = json!({"PermissionSetArn": READ, "TargetType": "ALL_PROVISIONED_ACCOUNTS"});
    lab.sso("ProvisionPermissionSet", all).unwrap();
    lab.wait(2000);
    assert_eq!(accounts(&mut lab, LATEST), [ONE, TWO]);
}

#[test]
fn a_policy_that_the_account_lacks_fails_the_assignment_later() {
    let mut lab = Lab::new();
    let there = lab.create(ONE, ADMIN, USER).unwrap();
    let lacking = lab.create(TWO, ADMIN, USER).unwrap();
    lab.wait(2000);
    assert_eq!(lab.status("Creation", &there).0, "SUCCEEDED");
    let (status, reason) = lab.status("Creation", &lacking);
    assert_eq!(status, "FAILED");
    assert_eq!(reason, "Received a 404 status error: Not supported policy Guard.");
}

#[test]
fn tags_are_added_listed_and_removed() {
    let mut lab = Lab::new();
    let tags = |lab: &mut Lab| {
        let answer =
            lab.ask("SWBExternalService.ListTagsForResource", &json!({"ResourceArn": READ}));
        answer.unwrap()["Tags"].clone()
    };
    let body = json!({"ResourceArn": READ, "Tags": [{"Key": "stage", "Value": "test"}]});
    lab.sso("TagResource", body).unwrap();
    assert_eq!(
        tags(&mut lab),
        json!([{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "a"}])
    );
    lab.sso("UntagResource", json!({"ResourceArn": READ, "TagKeys": ["team"]})).unwrap();
    assert_eq!(tags(&mut lab).as_array().unwrap().len(), 1);
}
