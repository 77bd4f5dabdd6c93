//! Who may do what: callers, delegated administrators, regions, assumed roles.

use serde_json::json;

use super::{ADMIN, DELEGATE, INSTANCE, Lab, MANAGEMENT, ONE, READ, TWO, USER};
use crate::sim::{Request, World};

#[test]
fn a_delegated_administrator_reads_all_but_cannot_touch_the_management_account() {
    let mut lab = Lab::new();
    lab.create(MANAGEMENT, READ, USER).unwrap();
    lab.wait(2000);
    lab.caller = Some("DELEGATE");
    assert!(lab.listed(MANAGEMENT, READ).contains(&USER.to_owned()));
    let (code, message) = lab.delete(MANAGEMENT, READ, USER).unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    assert_eq!(
        message,
        format!(
            "User: arn:aws:iam::{DELEGATE}:user/caller is not authorized to perform: \
             sso:DeleteAccountAssignment on resource: arn:aws:sso:::account/{MANAGEMENT} with an \
             explicit deny in a resource-based policy"
        )
    );
    // A set that is in the management account is not the delegate's to change; others are.
    let on = |set: &str| json!({"PermissionSetArn": set, "InlinePolicy": "{}"});
    let denied = lab.sso("PutInlinePolicyToPermissionSet", on(READ)).unwrap_err();
    assert_eq!(denied.0, "AccessDeniedException");
    lab.sso("PutInlinePolicyToPermissionSet", on(ADMIN)).unwrap();
    lab.delete(ONE, READ, USER).unwrap();
}

#[test]
fn strangers_see_nothing_and_a_denied_action_is_named() {
    let mut lab = Lab::new();
    lab.caller = Some("STRANGER");
    let list = json!({});
    assert_eq!(
        lab.ask("SWBExternalService.ListInstances", &list).unwrap(),
        json!({"Instances": []})
    );
    let error = lab.sso("ListPermissionSets", json!({})).unwrap_err();
    assert_eq!(error.0, "AccessDeniedException");
    assert_eq!(
        lab.store("DescribeUser", json!({"UserId": USER})).unwrap_err().0,
        "AccessDeniedException"
    );
    lab.caller = Some("READER");
    let (code, message) = lab.delete(ONE, READ, USER).unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("sso:DeleteAccountAssignment"), "{message}");
    lab.create(TWO, READ, USER).unwrap();
}

#[test]
fn the_management_account_needs_iam_rights_for_a_create_and_says_so_later() {
    let mut lab = Lab::new();
    lab.caller = Some("NOIAM");
    let id = lab.create(MANAGEMENT, READ, USER).unwrap();
    lab.wait(2000);
    let (status, reason) = lab.status("Creation", &id);
    assert_eq!(status, "FAILED");
    assert!(reason.starts_with("Received a 403 status error: Access denied by IAM."), "{reason}");
}

#[test]
fn in_the_wrong_region_there_is_no_instance() {
    let mut lab = Lab::new();
    let ask = |world: &mut World, target: &str, region| {
        let body = json!({"InstanceArn": INSTANCE}).to_string();
        let request =
            Request { target, body: body.as_bytes(), access_key: None, region, user_agent: None };
        world.handle(lab.now, &request).body
    };
    let list = "SWBExternalService.ListInstances";
    assert_eq!(ask(&mut lab.world, list, Some("us-east-1")), r#"{"Instances":[]}"#);
    assert!(ask(&mut lab.world, list, Some("eu-west-1")).contains(INSTANCE));
    assert!(ask(&mut lab.world, list, None).contains(INSTANCE));
    // Each with an error that its model knows.
    let describe = "SWBExternalService.DescribeInstance";
    assert!(ask(&mut lab.world, describe, Some("us-east-1")).contains("AccessDeniedException"));
    let sets = "SWBExternalService.ListPermissionSets";
    assert!(ask(&mut lab.world, sets, Some("us-east-1")).contains("ResourceNotFoundException"));
}

#[test]
fn an_assumed_role_is_another_caller() {
    let mut lab = Lab::with(
        "roles: [{arn: 'arn:aws:iam::222222222222:role/path/operator', externalId: secret word}]",
    );
    let form = |external: &str| {
        format!(
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=test&DurationSeconds=900\
             &RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fpath%2Foperator&ExternalId={external}"
        )
    };
    let refused = lab.world.handle_query(lab.now, &form("other"), None);
    assert_eq!((refused.status, refused.error.as_deref()), (403, Some("AccessDenied")));
    let answer = lab.world.handle_query(lab.now, &form("secret+word"), None);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, rest) = answer.body.split_once("<AccessKeyId>").unwrap();
    let key = rest.split('<').next().unwrap();
    assert!(
        answer.body.contains("<Expiration>2027-01-15T08:15:00Z</Expiration>"),
        "{}",
        answer.body
    );
    let who = lab.world.handle_query(lab.now, "Action=GetCallerIdentity", Some(key)).body;
    assert!(who.contains("arn:aws:sts::222222222222:assumed-role/operator/test"), "{who}");
    assert_eq!(lab.world.handle_query(lab.now, "Action=Nonsense", None).status, 400);
}
