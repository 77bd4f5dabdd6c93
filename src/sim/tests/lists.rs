//! Lists: pages, tokens, lag, and rows through groups.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{GROUP, Lab, ONE, READ, TWO, USER};

fn pages(lab: &mut Lab, operation: &str, member: &str, mut body: Value) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    loop {
        lab.wait(100);
        let answer = lab.sso(operation, body.clone()).unwrap();
        pages.push(answer[member].as_array().unwrap().clone());
        match answer.get("NextToken") {
            Some(token) => body["NextToken"] = token.clone(),
            None => return pages,
        }
        assert!(pages.len() < 1000, "the pages do not end");
    }
}

#[test]
fn a_user_is_listed_through_groups_each_row_with_its_own_principal() {
    let mut lab = Lab::new();
    let mut rows = |body: Value| -> Vec<String> {
        let answer = lab.sso("ListAccountAssignmentsForPrincipal", body).unwrap();
        let row = |row: &Value| {
            format!("{} {} {}", row["AccountId"], row["PrincipalType"], row["PrincipalId"])
                .replace('"', "")
        };
        answer["AccountAssignments"].as_array().unwrap().iter().map(row).collect()
    };
    let user = json!({"PrincipalType": "USER", "PrincipalId": USER});
    assert_eq!(
        rows(user.clone()),
        [
            format!("{ONE} GROUP {GROUP}"),
            format!("{ONE} USER {USER}"),
            format!("{TWO} GROUP {GROUP}"),
        ]
    );
    let mut filtered = user;
    filtered["Filter"] = json!({"AccountId": TWO});
    assert_eq!(rows(filtered), [format!("{TWO} GROUP {GROUP}")]);
    let group = json!({"PrincipalType": "GROUP", "PrincipalId": GROUP});
    assert_eq!(rows(group).len(), 2);
}

#[test]
fn short_and_empty_pages_lose_nothing_and_repeat_nothing() {
    let seed = r#"
organization: {id: o-0123456789, managementAccount: "100000000001"}
instances:
- arn: arn:aws:sso:::instance/ssoins-0123456789abcdef
  region: eu-west-1
  identityStoreId: d-0123456789
  generate:
    {accounts: 60, users: 1, permissionSets: 1, assigned: {users: 1, permissionSets: 1, accounts: 60}}
settings: {paging: {shortPages: 0.5, emptyPages: 0.2}}
"#;
    let mut short = 0;
    for random_seed in 0..20 {
        let mut lab = Lab::of(seed, random_seed);
        let user = lab.world.dump(crate::sim::View::All).instances[0].users[0].id.clone();
        let body = json!({"PrincipalType": "USER", "PrincipalId": user, "MaxResults": 7});
        let pages =
            pages(&mut lab, "ListAccountAssignmentsForPrincipal", "AccountAssignments", body);
        assert!(pages.iter().all(|page| page.len() <= 7));
        short += pages.iter().filter(|page| page.len() < 7).count();
        let all: Vec<String> = pages.concat().iter().map(ToString::to_string).collect();
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (60, 60));
    }
    assert!(short > 40, "{short}");
}

#[test]
fn a_row_that_was_there_all_along_is_on_some_page_whatever_else_changes() {
    let mut lab = Lab::with("settings: {limits: {requestsPerSecond: 0}}");
    for n in 0..30 {
        lab.sso("CreatePermissionSet", json!({"Name": format!("set-{n}")})).unwrap();
    }
    let list = |lab: &mut Lab, body: &Value| lab.sso("ListPermissionSets", body.clone()).unwrap();
    let all = list(&mut lab, &json!({}));
    let all: Vec<String> = serde_json::from_value(all["PermissionSets"].clone()).unwrap();
    let mut body = json!({"MaxResults": 5});
    let mut seen = BTreeSet::new();
    let mut deleted = BTreeSet::new();
    loop {
        let page = list(&mut lab, &body);
        let rows: Vec<String> = serde_json::from_value(page["PermissionSets"].clone()).unwrap();
        // What the page ended with goes, and something new comes: the next page must not care.
        if let Some(last) =
            rows.last().filter(|last| ![READ, super::ADMIN].contains(&last.as_str()))
        {
            lab.sso("DeletePermissionSet", json!({"PermissionSetArn": last})).unwrap();
            deleted.insert(last.clone());
        }
        lab.sso("CreatePermissionSet", json!({"Name": format!("new-{}", seen.len())})).unwrap();
        seen.extend(rows);
        let Some(token) = page.get("NextToken") else { break };
        body["NextToken"] = token.clone();
    }
    for arn in all {
        assert!(seen.contains(&arn), "{arn} was skipped");
    }
    assert!(deleted.len() > 3);
}

#[test]
fn a_token_is_good_for_its_own_request_only() {
    let mut lab = Lab::new();
    let page = lab.sso("ListPermissionSets", json!({"MaxResults": 1})).unwrap();
    let token = page["NextToken"].clone();
    assert!(token.as_str().unwrap().bytes().all(|b| b.is_ascii_alphanumeric()));
    let other = json!({"AccountId": ONE, "NextToken": token});
    let error = lab.sso("ListPermissionSetsProvisionedToAccount", other).unwrap_err();
    assert_eq!(error.0, "ValidationException");
    for token in ["nonsense", "00", "é"] {
        let error = lab.sso("ListPermissionSets", json!({"NextToken": token})).unwrap_err();
        assert_eq!(error.0, "ValidationException");
    }
    let page =
        lab.sso("ListPermissionSets", json!({"MaxResults": 100, "NextToken": token})).unwrap();
    assert_eq!(page["PermissionSets"].as_array().unwrap().len(), 1);
    for size in [json!(0), json!(101), json!(-1)] {
        let error = lab.sso("ListPermissionSets", json!({"MaxResults": size})).unwrap_err();
        assert_eq!(error.0, "ValidationException");
    }
}

#[test]
fn lists_lag_behind_an_ended_request_by_at_most_the_setting() {
    let mut late = 0;
    for random_seed in 0..20 {
        let mut lab = Lab::of(&format!("{}\nsettings: {{lag: 5s}}", super::SEED), random_seed);
        let id = lab.create(TWO, READ, USER).unwrap();
        lab.wait(2000);
        assert_eq!(lab.status("Creation", &id).0, "SUCCEEDED", "the status does not lag");
        late += usize::from(!lab.listed(TWO, READ).contains(&USER.to_owned()));
        lab.wait(5000);
        assert!(lab.listed(TWO, READ).contains(&USER.to_owned()));
        lab.delete(TWO, READ, USER).unwrap();
        lab.wait(2000);
        late += usize::from(lab.listed(TWO, READ).contains(&USER.to_owned()));
        lab.wait(5000);
        assert!(!lab.listed(TWO, READ).contains(&USER.to_owned()));
    }
    assert!(late > 20, "{late}");
}

#[test]
fn statuses_are_listed_in_brief_newest_first_and_by_filter() {
    let mut lab = Lab::new();
    let first = lab.create(ONE, READ, USER).unwrap();
    lab.wait(1500);
    let second = lab.create(TWO, READ, USER).unwrap();
    lab.wait(600);
    let mut list = |body: Value| -> Vec<(String, String)> {
        let answer = lab.sso("ListAccountAssignmentCreationStatus", body).unwrap();
        let rows = answer["AccountAssignmentsCreationStatus"].as_array().unwrap();
        rows.iter()
            .map(|row| {
                assert_eq!(row.as_object().unwrap().len(), 3, "neither target nor principal");
                let text = |member: &str| row[member].as_str().unwrap().to_owned();
                (text("RequestId"), text("Status"))
            })
            .collect()
    };
    let (done, running) = ("SUCCEEDED".to_owned(), "IN_PROGRESS".to_owned());
    assert_eq!(list(json!({})), [(second.clone(), running.clone()), (first, done)]);
    assert_eq!(list(json!({"Filter": {"Status": "IN_PROGRESS"}})), [(second, running)]);
    assert!(list(json!({"Filter": {"Status": "FAILED"}})).is_empty());
}
