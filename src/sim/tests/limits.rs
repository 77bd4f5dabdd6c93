//! Quotas and conflicts: each with its own error, none with an effect.

use serde_json::json;

use super::{ADMIN, GROUP, Lab, ONE, READ, TWO, USER};

fn many(settings: &str) -> Lab {
    let seed = format!(
        r#"
organization: {{id: o-0123456789, managementAccount: "100000000001"}}
instances:
- arn: arn:aws:sso:::instance/ssoins-0123456789abcdef
  region: eu-west-1
  identityStoreId: d-0123456789
  generate: {{accounts: 30, users: 1, permissionSets: 1}}
settings: {settings}
"#
    );
    Lab::of(&seed, 1)
}

fn user_and_set(lab: &Lab) -> (String, String) {
    let instance = &lab.world.dump(crate::sim::View::All).instances[0];
    let user = instance.users[0].id.as_ref().unwrap().to_string();
    (user, instance.permission_sets[0].arn.as_ref().unwrap().to_string())
}

fn account(number: usize) -> String {
    (100_000_000_000_usize + number).to_string()
}

#[test]
fn the_eleventh_outstanding_request_is_throttled_whatever_its_kind() {
    let mut lab = many("{}");
    let (user, set) = user_and_set(&lab);
    for number in 1..=10 {
        lab.create(&account(number), &set, &user).unwrap();
    }
    let text = "There are too many requests processing. Please try again later.";
    let error = lab.delete(&account(11), &set, &user).unwrap_err();
    assert_eq!(error, ("ThrottlingException".to_owned(), text.to_owned()));
    assert_eq!(lab.world.counters().throttles.outstanding, 1);
    assert_eq!(lab.world.counters().peak_outstanding, 10);
    lab.wait(2000);
    lab.create(&account(11), &set, &user).unwrap();
    lab.wait(2000);
    assert_eq!(lab.world.counters().effective.len(), 11);
}

#[test]
fn deletes_can_have_a_pool_of_their_own() {
    let mut lab = many("{limits: {separatePools: true, outstandingRequests: 2}}");
    let (user, set) = user_and_set(&lab);
    for number in 1..=2 {
        lab.create(&account(number), &set, &user).unwrap();
        lab.delete(&account(number + 10), &set, &user).unwrap();
    }
    assert!(lab.create(&account(3), &set, &user).is_err());
    assert!(lab.delete(&account(13), &set, &user).is_err());
}

#[test]
fn more_than_twenty_requests_in_a_second_are_refused_without_effect() {
    let mut lab = Lab::new();
    for _ in 0..20 {
        lab.sso("ListPermissionSets", json!({})).unwrap();
    }
    let error = lab.create(TWO, READ, USER).unwrap_err();
    assert_eq!(error, ("ThrottlingException".to_owned(), "Rate exceeded".to_owned()));
    lab.store("DescribeUser", json!({"UserId": USER})).unwrap();
    lab.wait(999);
    assert!(lab.create(TWO, READ, USER).is_err());
    lab.wait(1);
    lab.create(TWO, READ, USER).unwrap();
    let counters = lab.world.counters();
    assert_eq!(counters.throttles.rate, 2);
    assert!(counters.peak_per_second >= 21, "refused ones arrived too");
    assert_eq!(counters.calls["CreateAccountAssignment"].errors["ThrottlingException"], 2);
    assert_eq!(counters.accepted.len(), 1);
}

#[test]
fn the_store_counts_each_operation_for_itself() {
    let mut lab = Lab::new();
    for _ in 0..20 {
        lab.store("DescribeUser", json!({"UserId": USER})).unwrap();
    }
    assert!(lab.store("DescribeUser", json!({"UserId": USER})).is_err());
    lab.store("DescribeGroup", json!({"GroupId": GROUP})).unwrap();
}

#[test]
fn one_change_at_a_time_in_an_account() {
    let mut lab = Lab::new();
    lab.create(ONE, ADMIN, USER).unwrap();
    let busy =
        ("ConflictException".to_owned(), "There is a conflicting operation in process.".to_owned());
    assert_eq!(lab.delete(ONE, READ, USER).unwrap_err(), busy);
    lab.create(TWO, READ, USER).unwrap();
    lab.wait(2000);
    lab.delete(ONE, READ, USER).unwrap();
    assert_eq!(lab.world.counters().conflicts, 1);
}

#[test]
fn conflicts_can_be_narrower() {
    let mut lab = Lab::with("settings: {limits: {conflictScope: permissionSet}}");
    lab.create(ONE, ADMIN, USER).unwrap();
    lab.delete(ONE, READ, USER).unwrap();
    assert!(lab.create(ONE, READ, USER).is_err());
    let mut lab = Lab::with("settings: {limits: {conflictScope: assignment}}");
    lab.delete(ONE, READ, USER).unwrap();
    lab.sso("DeleteAccountAssignment", super::key(ONE, READ, "GROUP", GROUP)).unwrap();
    assert!(lab.create(ONE, READ, USER).is_err());
}

#[test]
fn only_three_provisioning_requests_at_once() {
    let mut lab = many("{}");
    let (_, _) = user_and_set(&lab);
    let sets: Vec<String> = (0..4)
        .map(|n| {
            let answer =
                lab.sso("CreatePermissionSet", json!({"Name": format!("new-{n}")})).unwrap();
            answer["PermissionSet"]["PermissionSetArn"].as_str().unwrap().to_owned()
        })
        .collect();
    for (n, set) in sets.iter().enumerate() {
        let body = json!({"PermissionSetArn": set, "TargetType": "AWS_ACCOUNT", "TargetId": account(n + 1)});
        let answer = lab.sso("ProvisionPermissionSet", body);
        assert_eq!(answer.is_ok(), n < 3);
    }
    assert_eq!(lab.world.counters().throttles.provisioning, 1);
}
