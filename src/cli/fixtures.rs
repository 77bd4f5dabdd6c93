//! Objects that the tests of this room share.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use crate::api::condition::{ConditionType, Reason, set_condition};
use crate::api::{OperationRecord, Phase, Rollback, RollbackPlan};
use crate::record::{ImportedRecord, Origin};

const DIGEST: &str = "sha256:7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069";
const UID: &str = "6f2c1d1e-8a0b-4c52-9f3e-1d2c3b4a5968";
const READ_ONLY: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const ADMIN: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-to2ykydoqhktcnp5";
const JOHN: &str = "0f791059-3b41-4313-86da-59fa2cf217a7";

/// A record of an assignment in two accounts.
pub fn record() -> OperationRecord {
    serde_json::from_value(json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "OperationRecord",
        "metadata": {"name": "assign-2abdc948", "namespace": "access"},
        "spec": {
            "instance": "main", "type": "Assign", "actor": "alice",
            "occurredAt": "2026-11-23T20:50:11.234159Z",
            "source": {"tool": "awsideman", "id": "2abdc948-e85d-486a-8d50-37afbf1855ff"},
            "changes": [{
                "effect": "Granted", "permissionSet": READ_ONLY,
                "permissionSetName": "ReadOnlyAccess",
                "principal": {"type": "USER", "id": JOHN, "name": "john.doe"},
                "accounts": ["061836611202", "592740528984"],
            }],
        },
    }))
    .unwrap()
}

/// The same as it is imported.
pub fn imported() -> ImportedRecord {
    let spec = record().spec;
    ImportedRecord {
        name: "assign-2abdc948".to_owned(),
        short_name: "assign-2abdc948".to_owned(),
        full_name: format!("assign-{}", spec.source.id),
        labels: std::collections::BTreeMap::default(),
        annotations: std::collections::BTreeMap::default(),
        spec,
        origin: Origin { file: "operations.json".to_owned(), position: 24 },
    }
}

/// A Rollback in a phase, with a plan of three actions.
pub fn rollback(phase: Phase) -> Rollback {
    serde_json::from_value(json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
        "metadata": {
            "name": "undo", "namespace": "access", "uid": UID, "generation": 1,
            "creationTimestamp": "2026-11-23T20:55:00Z",
        },
        "spec": {"operations": {"names": ["assign-2abdc948"]}, "reason": "wrong group"},
        "status": {
            "observedGeneration": 1, "phase": phase, "attempt": 1,
            "summary": "3 actions wait for approval", "operation": "assign-2abdc948",
            "operationType": "Assign", "instance": "main",
            "plan": {
                "digest": DIGEST, "createdAt": "2026-11-23T20:55:01Z", "policy": "Always",
                "grade": "Lossy", "actions": 3, "kept": 1, "blocked": 1, "shards": ["undo-0"],
                "givesAccess": true, "assumed": false,
                "warnings": ["sessions that are open now last until 2026-11-24T08:50:00Z"],
                "estimate": {"seconds": 6.5, "calls": 9},
            },
        },
    }))
    .unwrap()
}

/// The shard of that plan.
pub fn shard() -> RollbackPlan {
    let john = json!({"type": "USER", "id": JOHN, "name": "john.doe"});
    let item = |account: &str, disposition: &str| {
        json!({
            "disposition": disposition, "action": "DeleteAssignment", "account": account,
            "principal": john, "permissionSet": READ_ONLY, "permissionSetName": "ReadOnlyAccess",
            "live": "Present", "grade": "Exact",
        })
    };
    let mut kept = item("577289225385", "Kept");
    kept["keptFor"] = "assign-e6e133b0".into();
    let mut blocked = item("474716250369", "Blocked");
    blocked["blocked"] = "AccountUnavailable".into();
    let given = json!({
        "disposition": "Act", "action": "CreateAssignment", "account": "925628735057",
        "principal": {"type": "GROUP", "id": "c0fbd4e2-0f34-444d-91ff-3c7ff45c2709"},
        "permissionSet": ADMIN, "live": "Absent", "grade": "Lossy",
        "message": "the role comes back under another name",
    });
    serde_json::from_value(json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "RollbackPlan",
        "metadata": {"name": "undo-0", "namespace": "access"},
        "spec": {
            "rollback": "undo", "rollbackUid": UID, "attempt": 1, "digest": DIGEST, "shard": 0,
            "instanceArn": "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7",
            "items": [item("061836611202", "Act"), item("592740528984", "Act"), kept, blocked, given],
        },
    }))
    .unwrap()
}

/// Sets a condition of a Rollback.
pub fn condition(rollback: &mut Rollback, kind: ConditionType, status: bool, reason: Reason) {
    let status_of = rollback.status.as_mut().unwrap();
    let generation = Some(status_of.observed_generation);
    let conditions = &mut status_of.conditions;
    set_condition(conditions, kind, status, reason, "said so", generation, Timestamp::UNIX_EPOCH);
}

/// The ledger record of an attempt of a Rollback in which one key ended so.
pub fn ledger(name: &str, rollback: &str, uid: &str, outcome: &str) -> OperationRecord {
    serde_json::from_value(json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "OperationRecord",
        "metadata": {"name": name, "namespace": "access"},
        "spec": {
            "instance": "main", "type": "Rollback", "occurredAt": "2026-11-23T20:58:00Z",
            "source": {"tool": "rollback-operator", "id": name},
            "rollback": {
                "by": {"namespace": "access", "name": rollback, "uid": uid}, "attempt": 1,
                "outcome": "Succeeded", "undone": [], "authors": ["alice"],
                "startedAt": "2026-11-23T20:57:00Z", "finishedAt": "2026-11-23T20:58:00Z",
                "keys": [{
                    "permissionSet": READ_ONLY, "before": "Present", "goal": "Absent",
                    "principal": {"type": "USER", "id": JOHN, "name": "john.doe"},
                    "accounts": ["061836611202"], "outcome": outcome,
                }],
            },
        },
    }))
    .unwrap()
}

/// Holds that a file of this repository is what is found; `UPDATE_DOCS=1` writes it.
#[track_caller]
pub fn is_in(file: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == found, "{file} is out of date: run this test with UPDATE_DOCS=1");
}
