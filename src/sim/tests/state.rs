//! Seeds, dumps, foreign changes, and that one seed gives one run.

use serde_json::json;

use super::{GROUP, Lab, ONE, READ, SEED, TWO, USER};
use crate::sim::{FaultScript, Seed, View, World};

fn world(yaml: &str) -> Result<World, String> {
    let seed = Seed::from_yaml(yaml).map_err(|error| error.to_string())?;
    let now = jiff::Timestamp::UNIX_EPOCH;
    World::new(&seed, FaultScript::default(), 0, now).map_err(|error| error.to_string())
}

#[test]
fn a_dump_is_a_seed_that_gives_the_same_dump() {
    let mut lab =
        Lab::with("settings: {lag: 3s, latency: {create: {uniform: {min: 1s, max: 2s}}}}");
    lab.create(TWO, READ, USER).unwrap();
    let policy = json!({"PermissionSetArn": READ, "InlinePolicy": "{\"a\": \"b: [c]\"}"});
    lab.sso("PutInlinePolicyToPermissionSet", policy).unwrap();
    lab.store("DeleteGroup", json!({"GroupId": GROUP})).unwrap();
    lab.wait(2000);
    let dump = lab.world.dump(View::All);
    let yaml = dump.to_yaml().unwrap();
    let again = world(&yaml).unwrap();
    assert_eq!(again.dump(View::All), dump, "{yaml}");
    assert_eq!(again.dump(View::All).to_yaml().unwrap(), yaml);
    assert_eq!(again.dump(View::Access), lab.world.dump(View::Access));
    let rows = &dump.instances[0].assignments;
    assert!(
        rows.iter().any(|row| row.group.as_deref() == Some(GROUP)),
        "a deleted group by its id"
    );
}

#[test]
fn the_access_view_is_the_same_when_access_is() {
    let mut lab = Lab::new();
    let before = lab.world.dump(View::Access);
    let all = lab.world.dump(View::All);
    lab.delete(ONE, READ, USER).unwrap();
    lab.wait(2000);
    assert_ne!(lab.world.dump(View::Access), before);
    lab.change("revoke: [{permissionSet: Read, group: Group, accounts: [one]}]");
    lab.change("grant: [{permissionSet: Read, group: Group, accounts: [one]}, {permissionSet: Read, user: user, accounts: [one]}]");
    assert_eq!(lab.world.dump(View::Access), before);
    assert_ne!(lab.world.dump(View::All), all, "the role has another suffix");
}

#[test]
fn a_foreign_change_is_at_once_and_all_or_nothing() {
    let mut lab = Lab::new();
    assert_eq!(lab.change("grant: [{permissionSet: Admin, user: user, accounts: [one, two]}]"), 2);
    assert_eq!(lab.change("grant: [{permissionSet: Admin, user: user, accounts: [one]}]"), 0);
    assert_eq!(lab.listed(TWO, super::ADMIN), [USER]);
    assert!(lab.world.counters().effective.is_empty(), "nobody asked for it over the API");
    let change = "revoke: [{permissionSet: Admin, user: user, accounts: [one, nowhere]}]";
    let change = serde_saphyr::from_str(change).unwrap();
    let error = lab.world.change_from_outside(lab.now, &change).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert_eq!(lab.listed(ONE, super::ADMIN), [USER]);
    lab.change("suspend: ['222222222222']");
    let id = lab.delete(ONE, super::ADMIN, USER).unwrap();
    lab.wait(2000);
    assert_eq!(lab.status("Deletion", &id).0, "FAILED");
    lab.change("reopen: ['222222222222']");
    lab.delete(ONE, super::ADMIN, USER).unwrap();
}

#[test]
fn one_random_seed_gives_one_run() {
    let run = |random_seed| {
        let settings =
            "settings: {lag: 4s, latency: {create: {lognormal: {median: 2s, sigma: 1, max: 60s}}}}";
        let mut lab = Lab::of(&format!("{SEED}\n{settings}"), random_seed);
        let mut trace = Vec::new();
        for account in [ONE, TWO] {
            trace.push(lab.create(account, READ, USER).unwrap());
            while let Some(at) = lab.world.next_event() {
                lab.world.advance(at);
                lab.now = at;
                trace.push(at.to_string());
            }
            trace.extend(lab.listed(account, READ));
        }
        trace
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn a_seed_that_cannot_be_meant_is_refused_with_its_place() {
    for (from, to, expected) in [
        ("region: eu-west-1", "reigon: eu-west-1", "reigon"),
        ("members: [user]", "members: [nobody]", "group Group: no user is named nobody"),
        (
            "user: user, accounts: [one]",
            "user: user, accounts: [none]",
            "assignments[0]: there is no account none",
        ),
        (
            "permissionSet: Read, user",
            "permissionSet: None, user",
            "there is no permission set None",
        ),
        (
            "name: two}",
            "name: two}\n- {id: \"333333333333\", name: twice}",
            "333333333333 is there twice",
        ),
        (
            "managementAccount: \"111111111111\"",
            "managementAccount: \"999999999999\"",
            "not among the accounts",
        ),
        ("ps-aaaaaaaaaaaaaaaa", "ps-bbbbbbbbbbbbbbbb", "is there twice"),
        ("id: \"222222222222\"", "id: \"22\"", "AWS account id"),
    ] {
        let yaml = SEED.replacen(from, to, 1);
        assert_ne!(yaml, SEED);
        let error = world(&yaml).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let error = world(&SEED.replacen("region:", "reigon:", 1)).unwrap_err();
    assert!(error.contains("17"), "the line: {error}");
}

#[test]
fn numbers_make_a_world() {
    let yaml = r#"
organization: {id: o-0123456789, managementAccount: "100000000001"}
instances:
- arn: arn:aws:sso:::instance/ssoins-0123456789abcdef
  region: eu-west-1
  identityStoreId: d-0123456789
  generate:
    accounts: 200
    users: 10
    groups: 1
    permissionSets: 5
    assigned: {users: 10, permissionSets: 5, accounts: 200}
"#;
    let dump = world(yaml).unwrap().dump(View::All);
    let instance = &dump.instances[0];
    assert_eq!((instance.users.len(), instance.permission_sets.len()), (10, 5));
    let count: usize = instance.assignments.iter().map(|row| row.accounts.len()).sum();
    assert_eq!(count, 10_000);
    assert_eq!(world(yaml).unwrap().dump(View::All), dump);
    let error = world(&yaml.replace("users: 10,", "users: 11,")).unwrap_err();
    assert!(error.contains("11 are to be assigned but only 10 are made"), "{error}");
}

#[test]
fn account_ids_need_no_quotes_even_with_a_leading_zero() {
    let yaml = SEED.replace("\"333333333333\"", "033333333333");
    assert!(world(&yaml).is_ok());
}

#[test]
fn the_examples_of_the_handbook_are_good() {
    let text = include_str!("../../../docs/simulator.md");
    let blocks: Vec<&str> =
        text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [seed, faults] = blocks.as_slice() else { panic!("{} examples", blocks.len()) };
    let dump = world(seed).unwrap().dump(View::All);
    let count = |row: &crate::sim::AssignmentSeed| row.accounts.len();
    assert_eq!(dump.instances[0].assignments.iter().map(count).sum::<usize>(), 1_003);
    assert_eq!(dump.settings, crate::sim::Settings::default(), "the defaults are the defaults");
    assert_eq!(FaultScript::from_yaml(faults).unwrap().faults.len(), 8);
}
