//! The world of a measurement and the record that is undone in it, as plain data.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::simulator::Holds;
use super::{Kind, UndoArguments};

/// The instance that is measured.
pub const INSTANCE_ARN: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
/// Its region.
pub const REGION: &str = "us-east-1";
/// The namespace of the record and the Rollback.
pub const NAMESPACE: &str = "access";
const MANAGEMENT: &str = "999999999999";
/// The user whose assignments are undone.
pub const PRINCIPAL: &str = "00000000-0000-4000-8000-000000000001";
/// The user that these assignments were copied to.
const OTHER: &str = "00000000-0000-4000-8000-000000000002";

/// The id of an account of the world.
pub fn account(index: u32) -> String {
    format!("{:012}", 100_000_000_000_u64 + u64::from(index))
}

fn permission_set(index: u32) -> String {
    format!("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-{index:016x}")
}

/// Index of each permission set with the accounts that it is assigned in.
fn groups(arguments: &UndoArguments) -> Vec<(u32, Vec<String>)> {
    groups_of(arguments, |_| true)
}

/// The same, of some of the accounts.
fn groups_of(arguments: &UndoArguments, wanted: impl Fn(u32) -> bool) -> Vec<(u32, Vec<String>)> {
    if arguments.kind == Kind::Clone {
        return Vec::new();
    }
    let sets = arguments.actions.div_ceil(arguments.accounts);
    let in_set = |set: u32| {
        let left = arguments.actions - set * arguments.accounts;
        (0..left.min(arguments.accounts)).filter(|index| wanted(*index)).map(account).collect()
    };
    (0..sets).map(|set| (set, in_set(set))).collect()
}

/// The most actions in one account.
pub fn busiest_account(arguments: &UndoArguments) -> u32 {
    arguments.actions.div_ceil(arguments.accounts)
}

/// What there is to be after the undo.
pub fn left(arguments: &UndoArguments) -> Holds {
    let actions = usize::try_from(arguments.actions).unwrap_or(usize::MAX);
    let assignments = match arguments.kind {
        Kind::Assign | Kind::Clone => BTreeMap::new(),
        Kind::Revoke | Kind::Copy => BTreeMap::from([("alice".to_owned(), actions)]),
    };
    Holds { assignments, permission_sets: groups(arguments).len() }
}

/// The seed of the simulator.
pub fn seed(arguments: &UndoArguments) -> Value {
    let accounts = (0..arguments.accounts)
        .map(|index| json!({"id": account(index), "name": format!("account-{index}")}));
    let management = json!({"id": MANAGEMENT, "name": "management"});
    let groups = groups(arguments);
    // Of clones there are as many sets as actions, and nobody has them.
    let sets = if arguments.kind == Kind::Clone { arguments.actions } else { 0 }
        .max(u32::try_from(groups.len()).unwrap_or(u32::MAX));
    let users: &[&str] = match arguments.kind {
        Kind::Assign => &["alice"],
        Kind::Copy => &["alice", "bob"],
        Kind::Revoke | Kind::Clone => &[],
    };
    let assigned = users.iter().flat_map(|user| rows(&groups, user));
    let latency = format!("{}ms", (arguments.latency * 1000.0).round());
    json!({
        "organization": {"id": "o-example001", "managementAccount": MANAGEMENT},
        "accounts": std::iter::once(management).chain(accounts).collect::<Vec<_>>(),
        "instances": [{
            "arn": INSTANCE_ARN,
            "region": REGION,
            "identityStoreId": "d-0123456789",
            "ownerAccount": MANAGEMENT,
            "users": [{"userName": "alice", "id": PRINCIPAL}, {"userName": "bob", "id": OTHER}],
            "permissionSets": (0..sets)
                .map(|set| json!({"name": set_name(set), "arn": permission_set(set)}))
                .collect::<Vec<_>>(),
            "assignments": assigned.collect::<Vec<_>>(),
        }],
        "settings": {
            "latency": {"create": latency, "delete": latency},
            "limits": {"outstandingRequests": arguments.slots},
        },
    })
}

fn rows(groups: &[(u32, Vec<String>)], user: &str) -> impl Iterator<Item = Value> {
    groups.iter().map(move |(set, accounts)| {
        json!({"permissionSet": set_name(*set), "user": user, "accounts": accounts})
    })
}

/// The name of a permission set of the world.
pub fn set_name(index: u32) -> String {
    format!("Set{index}")
}

/// What goes wrong at AWS and passes: throttling, failures of its own, lost answers, and changes that
/// are accepted and fail later.
pub fn passing_faults() -> Value {
    let changes = ["CreateAccountAssignment", "DeleteAccountAssignment"];
    let error = |code: &str, status: u16| json!({"error": {"code": code, "message": "by chance", "status": status}});
    json!({"faults": [
        {"probability": 0.05, "do": error("ThrottlingException", 400)},
        {"probability": 0.02, "do": error("InternalServerException", 500)},
        {"match": {"operations": changes}, "probability": 0.02, "do": {"loseReply": true}},
        {"match": {"operations": changes}, "probability": 0.02, "do": {"fail": {"like": "internalError"}}},
    ]})
}

/// The account of the instance in Kubernetes.
pub fn instance(slots: u32, endpoint: &str) -> Value {
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "IdentityCenterInstance",
        "metadata": {"name": "bench"},
        "spec": {
            "instanceArn": INSTANCE_ARN,
            "region": REGION,
            "endpoint": endpoint,
            "allowedNamespaces": [NAMESPACE],
            "limits": {"requestsPerSecond": 18, "outstandingRequests": slots},
        },
    })
}

/// The records of the operations that one of the Rollbacks undoes, by their names.
pub fn records(
    arguments: &UndoArguments,
    number: u32,
    occurred_at: jiff::Timestamp,
) -> Vec<(String, Value)> {
    let (kind, effect, before, principal) = match arguments.kind {
        Kind::Assign => ("Assign", "Granted", "Absent", PRINCIPAL),
        Kind::Revoke => ("Revoke", "Revoked", "Present", PRINCIPAL),
        Kind::Copy => ("CopyAssignments", "Granted", "Absent", OTHER),
        Kind::Clone => return clones(arguments, number, occurred_at),
    };
    let changes: Vec<Value> =
        groups_of(arguments, |account| account % arguments.rollbacks == number)
            .into_iter()
            .filter(|(_, accounts)| !accounts.is_empty())
            .map(|(set, accounts)| {
                json!({
                    "effect": effect,
                    "principal": {"type": "USER", "id": principal},
                    "permissionSet": permission_set(set),
                    "accounts": accounts,
                    "before": before,
                })
            })
            .collect();
    let name = record_name(number);
    let record = record(&name, kind, &occurred_at.to_string(), &json!({"changes": changes}));
    vec![(name, record)]
}

/// A record for each set that is said to be a clone.
fn clones(
    arguments: &UndoArguments,
    number: u32,
    occurred_at: jiff::Timestamp,
) -> Vec<(String, Value)> {
    let mine = (0..arguments.actions).filter(|set| set % arguments.rollbacks == number);
    mine.map(|set| {
        let name = format!("clone-{set}");
        let created = json!({"arn": permission_set(set), "name": set_name(set), "content": {}});
        let what = json!({"createdPermissionSet": created});
        let record = record(&name, "ClonePermissionSet", &occurred_at.to_string(), &what);
        (name, record)
    })
    .collect()
}

fn record(name: &str, kind: &str, occurred_at: &str, what: &Value) -> Value {
    let mut spec = json!({
        "instance": "bench",
        "type": kind,
        "occurredAt": occurred_at,
        "source": {"tool": "rollback-bench", "id": name},
    });
    if let (Some(spec), Some(what)) = (spec.as_object_mut(), what.as_object()) {
        spec.extend(what.clone());
    }
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "OperationRecord",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    })
}

/// Name of the record that one of the Rollbacks undoes.
pub fn record_name(number: u32) -> String {
    format!("operation-{number}")
}

/// Name of one of the Rollbacks.
pub fn rollback_name(number: u32) -> String {
    format!("undo-{number}")
}

/// The same operation, as awsideman records it: with one permission set.
pub fn operation(arguments: &UndoArguments) -> Value {
    json!({
        "region": REGION,
        "principal": PRINCIPAL,
        "principalName": "alice",
        "permissionSet": permission_set(0),
        "permissionSetName": "Set0",
        "accounts": (0..arguments.accounts).map(account).collect::<Vec<_>>(),
    })
}

/// The record of an assignment of the first permission set to one user in one account.
pub fn grant(name: &str, user: &str, in_account: u32, occurred_at: &str) -> Value {
    grants(name, user, &[account(in_account)], occurred_at)
}

/// The same, in several accounts.
pub fn grants(name: &str, user: &str, accounts: &[String], occurred_at: &str) -> Value {
    let change = json!({
        "effect": "Granted",
        "principal": {"type": "USER", "id": user},
        "permissionSet": permission_set(0),
        "accounts": accounts,
        "before": "Absent",
    });
    record(name, "Assign", occurred_at, &json!({"changes": [change]}))
}

/// The wish to undo what records say.
pub fn rollback(name: &str, records: &[String]) -> Value {
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "Rollback",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"operations": {"names": records}, "reason": "a measurement"},
    })
}
