//! The world of a measurement and the record that is undone in it, as plain data.

use serde_json::{Value, json};

use super::UndoArguments;

/// The instance that is measured.
pub const INSTANCE_ARN: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
/// Its region.
pub const REGION: &str = "us-east-1";
/// The namespace of the record and the Rollback.
pub const NAMESPACE: &str = "access";
const MANAGEMENT: &str = "999999999999";
/// The user whose assignments are undone.
pub const PRINCIPAL: &str = "00000000-0000-4000-8000-000000000001";

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

/// The seed of the simulator.
pub fn seed(arguments: &UndoArguments) -> Value {
    let accounts = (0..arguments.accounts)
        .map(|index| json!({"id": account(index), "name": format!("account-{index}")}));
    let management = json!({"id": MANAGEMENT, "name": "management"});
    let groups = groups(arguments);
    let sets: Vec<Value> = groups
        .iter()
        .map(|(set, _)| json!({"name": format!("Set{set}"), "arn": permission_set(*set)}))
        .collect();
    let present = if arguments.gives { &[][..] } else { &groups[..] };
    let assignments: Vec<Value> = present
        .iter()
        .map(|(set, accounts)| {
            json!({"permissionSet": format!("Set{set}"), "user": "alice", "accounts": accounts})
        })
        .collect();
    let latency = format!("{}ms", (arguments.latency * 1000.0).round());
    json!({
        "organization": {"id": "o-example001", "managementAccount": MANAGEMENT},
        "accounts": std::iter::once(management).chain(accounts).collect::<Vec<_>>(),
        "instances": [{
            "arn": INSTANCE_ARN,
            "region": REGION,
            "identityStoreId": "d-0123456789",
            "ownerAccount": MANAGEMENT,
            "users": [{"userName": "alice", "id": PRINCIPAL}],
            "permissionSets": sets,
            "assignments": assignments,
        }],
        "settings": {
            "latency": {"create": latency, "delete": latency},
            "limits": {"outstandingRequests": arguments.slots},
        },
    })
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

/// The record of the operation that one of the Rollbacks undoes.
pub fn record(arguments: &UndoArguments, number: u32, occurred_at: jiff::Timestamp) -> Value {
    let (effect, before, kind) = if arguments.gives {
        ("Revoked", "Present", "Revoke")
    } else {
        ("Granted", "Absent", "Assign")
    };
    let changes: Vec<Value> =
        groups_of(arguments, |account| account % arguments.rollbacks == number)
            .into_iter()
            .filter(|(_, accounts)| !accounts.is_empty())
            .map(|(set, accounts)| {
                json!({
                    "effect": effect,
                    "principal": {"type": "USER", "id": PRINCIPAL},
                    "permissionSet": permission_set(set),
                    "accounts": accounts,
                    "before": before,
                })
            })
            .collect();
    let name = record_name(number);
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "OperationRecord",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "instance": "bench",
            "type": kind,
            "occurredAt": occurred_at.to_string(),
            "source": {"tool": "rollback-bench", "id": name},
            "changes": changes,
        },
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
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "OperationRecord",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "instance": "bench",
            "type": "Assign",
            "occurredAt": occurred_at,
            "source": {"tool": "rollback-bench", "id": name},
            "changes": [{
                "effect": "Granted",
                "principal": {"type": "USER", "id": user},
                "permissionSet": permission_set(0),
                "accounts": [account(in_account)],
                "before": "Absent",
            }],
        },
    })
}

/// The wish to undo what a record says.
pub fn rollback(name: &str, record: &str) -> Value {
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "Rollback",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"operations": {"names": [record]}, "reason": "a measurement"},
    })
}
