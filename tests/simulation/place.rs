//! The organization of the runs, and the records and Rollbacks in it, as plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rollback_operator::model::{
    AccountId, AssignmentKey, Key, PermissionSetArn, Principal, PrincipalType,
};
use rollback_operator::sim::{Request, World};
use serde_json::{Value, json};

pub const NAMESPACE: &str = "access";
pub const INSTANCE: &str = "main";
const INSTANCE_ARN: &str = "arn:aws:sso:::instance/ssoins-0000000000000001";
const MANAGEMENT: &str = "900000000000";
/// Users 1 and 2, and a group.
pub const PRINCIPALS: usize = 3;
/// Permission sets; the last is one that was cloned from the first.
pub const SETS: usize = 4;
pub const CLONE: usize = SETS - 1;

pub fn account(number: usize) -> AccountId {
    format!("{:012}", 100_000_000_000 + number).parse().unwrap()
}

pub fn set(number: usize) -> PermissionSetArn {
    format!("arn:aws:sso:::permissionSet/ssoins-0000000000000001/ps-{number:016x}").parse().unwrap()
}

pub fn principal(number: usize) -> Principal {
    let kind = if number + 1 == PRINCIPALS { PrincipalType::Group } else { PrincipalType::User };
    let id = format!("00000000-0000-4000-8000-{number:012}").parse().unwrap();
    Principal { kind, id }
}

/// An assignment by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    pub principal: usize,
    pub set: usize,
    pub account: usize,
}

impl Cell {
    pub fn key(self) -> Key {
        Key::Assignment(AssignmentKey {
            account: account(self.account),
            permission_set: set(self.set),
            principal: principal(self.principal),
        })
    }

    /// A row of the simulator's seed or of a foreign change.
    pub fn row(self) -> Value {
        let name = format!("p{}", self.principal);
        let kind = if self.principal + 1 == PRINCIPALS { "group" } else { "user" };
        json!({"permissionSet": set(self.set), kind: name, "accounts": [account(self.account)]})
    }
}

/// The key as the simulator's counters name it.
pub fn counted_as(key: &Key) -> String {
    match key {
        Key::Assignment(key) => {
            format!("{} {} {}", key.account, key.permission_set, key.principal)
        }
        Key::PermissionSet(set) => set.to_string(),
    }
}

/// The simulator's seed: an organization with these assignments.
pub fn seed(accounts: usize, present: &[Cell], cloned: bool, settings: &Value) -> Value {
    let members = (1..=accounts).map(|n| json!({"id": account(n), "name": format!("member-{n}")}));
    let management = json!({"id": MANAGEMENT, "name": "management"});
    let users: Vec<Value> = (0..PRINCIPALS - 1)
        .map(|n| json!({"userName": format!("p{n}"), "id": principal(n).id}))
        .collect();
    let group = PRINCIPALS - 1;
    let sets: Vec<Value> = (0..SETS)
        .filter(|n| cloned || *n != CLONE)
        .map(|n| json!({"name": format!("Set{n}"), "arn": set(n)}))
        .collect();
    let assignments: Vec<Value> = present.iter().map(|cell| cell.row()).collect();
    json!({
        "organization": {"id": "o-simulated1", "managementAccount": MANAGEMENT},
        "accounts": std::iter::once(management).chain(members).collect::<Vec<_>>(),
        "instances": [{
            "arn": INSTANCE_ARN,
            "region": "us-east-1",
            "identityStoreId": "d-9067c0ffee",
            "users": users,
            "groups": [{"displayName": format!("p{group}"), "id": principal(group).id}],
            "permissionSets": sets,
            "assignments": assignments,
        }],
        "settings": settings,
    })
}

pub fn instance(policy: &Value, limits: &Value) -> Value {
    json!({
        "metadata": {"name": INSTANCE},
        "spec": {
            "instanceArn": INSTANCE_ARN,
            "region": "us-east-1",
            "endpoint": "http://simulator.invalid",
            "allowedNamespaces": [NAMESPACE],
            "policy": policy,
            "limits": limits,
        },
    })
}

/// A read that counts for the quota, as another client sends it.
pub fn others_request(world: &mut World, now: Timestamp) -> u16 {
    let body = json!({"InstanceArn": INSTANCE_ARN}).to_string();
    let request = Request {
        target: "SWBExternalService.ListPermissionSets",
        body: body.as_bytes(),
        access_key: None,
        region: None,
        user_agent: None,
    };
    world.handle(now, &request).status
}

/// What an operation did to one assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub cell: Cell,
    pub granted: bool,
}

/// The record of an operation, done `minutes` before the run began.
pub fn record(name: &str, kind: &str, minutes: i64, done: &[Done], clone: bool) -> Value {
    let mut groups: BTreeMap<(usize, usize, bool), Vec<usize>> = BTreeMap::new();
    for Done { cell, granted } in done {
        groups.entry((cell.principal, cell.set, *granted)).or_default().push(cell.account);
    }
    let changes: Vec<Value> = groups
        .into_iter()
        .map(|((who, what, granted), accounts)| {
            let (effect, before) =
                if granted { ("Granted", "Absent") } else { ("Revoked", "Present") };
            json!({
                "effect": effect,
                "principal": principal(who),
                "permissionSet": set(what),
                "accounts": accounts.into_iter().map(account).collect::<Vec<_>>(),
                "before": before,
            })
        })
        .collect();
    let at = super::play::start().checked_sub(jiff::SignedDuration::from_mins(minutes)).unwrap();
    let mut spec = json!({
        "instance": INSTANCE,
        "type": kind,
        "occurredAt": at.to_string(),
        "source": {"tool": "simulation", "id": name},
        "changes": changes,
    });
    if clone {
        spec["createdPermissionSet"] =
            json!({"arn": set(CLONE), "name": format!("Set{CLONE}"), "source": set(0)});
    }
    json!({"metadata": {"name": name}, "spec": spec})
}

pub fn rollback(name: &str, records: &[String], more: &Value) -> Value {
    let mut spec = json!({"operations": {"names": records}});
    if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
        spec.extend(more.clone());
    }
    json!({"metadata": {"name": name}, "spec": spec})
}
