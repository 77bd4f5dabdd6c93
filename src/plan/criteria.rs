//! Which records a selection means: what `spec.operations.select` says, as one question to a record.

use jiff::Timestamp;

use super::record::{Entry, entries, may_be_undone};
use crate::api::OperationRecordSpec;
use crate::api::record::CreatedPermissionSet;
use crate::api::rollback::Select;
use crate::model::{AccountId, OperationType, PermissionSetArn, PrincipalId};

/// Criteria that a record fits or does not. Labels are the API server's to compare, and `last`
/// is about records together.
#[derive(Debug, Clone)]
pub struct Criteria<'a> {
    select: &'a Select,
    to: Timestamp,
}

impl<'a> Criteria<'a> {
    /// What is selected by a Rollback that was created at this time.
    #[must_use]
    pub fn new(select: &'a Select, created: Timestamp) -> Self {
        Self { select, to: select.to.unwrap_or(created) }
    }

    /// Whether a record fits all of them.
    #[must_use]
    pub fn fits(&self, spec: &OperationRecordSpec) -> bool {
        let Select { instance, types, actor, principal, permission_set, accounts, from, .. } =
            self.select;
        instance.as_ref().is_none_or(|instance| spec.instance == *instance)
            && fits_type(types, spec.operation_type)
            && from.is_none_or(|from| spec.occurred_at >= from)
            && spec.occurred_at <= self.to
            && (actor.is_none() || spec.actor == *actor)
            && principal.as_ref().is_none_or(|id| principals(spec).any(|it| it == id))
            && permission_set.as_ref().is_none_or(|set| sets(spec).any(|it| it == set))
            && (accounts.is_empty() || changed_in(spec).any(|it| accounts.contains(it)))
    }
}

/// A redo is asked for by its name: who undoes all that happened does not mean the undos.
fn fits_type(wanted: &[OperationType], found: OperationType) -> bool {
    if wanted.is_empty() { found != OperationType::Rollback } else { wanted.contains(&found) }
}

/// What a record changed; what failed by its own account is no change.
fn changes(spec: &OperationRecordSpec) -> impl Iterator<Item = Entry<'_>> {
    entries(spec).filter(|entry| may_be_undone(*entry) && !matches!(entry, Entry::Failed(_)))
}

fn principals(spec: &OperationRecordSpec) -> impl Iterator<Item = &PrincipalId> {
    changes(spec).filter_map(|entry| entry.principal().map(|principal| &principal.id))
}

fn sets(spec: &OperationRecordSpec) -> impl Iterator<Item = &PermissionSetArn> {
    changes(spec).map(|entry| match entry {
        Entry::Change(change) => &change.permission_set,
        Entry::Failed(failed) => &failed.permission_set,
        Entry::Created(CreatedPermissionSet { arn, .. }) => arn,
        Entry::Ledger(keys) => &keys.permission_set,
    })
}

fn changed_in(spec: &OperationRecordSpec) -> impl Iterator<Item = &AccountId> {
    changes(spec).flat_map(|entry| match entry {
        Entry::Change(change) => change.accounts.as_slice(),
        Entry::Ledger(keys) => keys.accounts.as_slice(),
        Entry::Failed(_) | Entry::Created(_) => &[],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
    const OTHER: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-to2ykydoqhktcnp5";
    const JOHN: &str = "0f791059-3b41-4313-86da-59fa2cf217a7";
    const JANE: &str = "08574c02-bbc3-4aac-841f-0c24ea4bad1f";

    fn assign() -> Value {
        json!({
            "instance": "main", "type": "Assign", "actor": "alice",
            "occurredAt": "2026-11-23T20:50:11Z",
            "source": {"tool": "test", "id": "1"},
            "changes": [{
                "effect": "Granted", "permissionSet": SET,
                "principal": {"type": "USER", "id": JOHN},
                "accounts": ["061836611202", "592740528984"],
            }],
            "failed": [{
                "effect": "Granted", "permissionSet": OTHER,
                "principal": {"type": "USER", "id": JANE},
                "accounts": ["577289225385"],
            }],
        })
    }

    fn clone() -> Value {
        json!({
            "instance": "main", "type": "ClonePermissionSet",
            "occurredAt": "2026-11-23T20:50:11Z",
            "source": {"tool": "test", "id": "2"},
            "createdPermissionSet": {"arn": OTHER, "name": "Clone", "source": SET},
        })
    }

    fn ledger() -> Value {
        let keys = |account: &str, outcome: &str| {
            json!({
                "permissionSet": SET, "principal": {"type": "USER", "id": JOHN},
                "accounts": [account], "before": "Present", "goal": "Absent", "outcome": outcome,
            })
        };
        json!({
            "instance": "main", "type": "Rollback", "occurredAt": "2026-11-23T20:50:11Z",
            "source": {"tool": "rollback-operator", "id": "3"},
            "rollback": {
                "by": {"namespace": "access", "name": "undo", "uid": "1"}, "attempt": 1,
                "outcome": "Succeeded", "undone": [], "finishedAt": "2026-11-23T20:50:11Z",
                "keys": [keys("061836611202", "Verified"), keys("592740528984", "AlreadySo")],
            },
        })
    }

    #[track_caller]
    fn fits(select: &Value, record: &Value) -> bool {
        let select: Select = serde_json::from_value(select.clone()).unwrap();
        let record = serde_json::from_value(record.clone()).unwrap();
        let created = "2026-11-24T00:00:00Z".parse().unwrap();
        Criteria::new(&select, created).fits(&record)
    }

    #[test]
    fn each_criterion_takes_and_leaves() {
        for (takes, leaves) in [
            (json!({"instance": "main"}), json!({"instance": "other"})),
            (json!({"types": ["Revoke", "Assign"]}), json!({"types": ["Revoke"]})),
            (json!({"actor": "alice"}), json!({"actor": "alic"})),
            (json!({"principal": JOHN}), json!({"principal": JANE})),
            (json!({"permissionSet": SET}), json!({"permissionSet": OTHER})),
            (
                json!({"accounts": ["000000000000", "592740528984"]}),
                json!({"accounts": ["577289225385"]}),
            ),
            (json!({"from": "2026-11-23T20:50:11Z"}), json!({"from": "2026-11-23T20:50:12Z"})),
            (json!({"to": "2026-11-23T20:50:11Z"}), json!({"to": "2026-11-23T20:50:10Z"})),
        ] {
            assert!(fits(&takes, &assign()), "{takes}");
            assert!(!fits(&leaves, &assign()), "{leaves}");
        }
        assert!(!fits(&json!({"actor": "alice", "types": ["Revoke"]}), &assign()), "all must fit");
    }

    #[test]
    fn what_happened_after_the_creation_is_not_meant() {
        let mut later = assign();
        later["occurredAt"] = json!("2026-11-24T00:00:01Z");
        assert!(!fits(&json!({"actor": "alice"}), &later));
        assert!(fits(&json!({"actor": "alice", "to": "2026-11-25T00:00:00Z"}), &later));
    }

    #[test]
    fn a_clone_fits_by_the_set_that_it_made() {
        assert!(fits(&json!({"permissionSet": OTHER}), &clone()));
        assert!(!fits(&json!({"permissionSet": SET}), &clone()));
        assert!(!fits(&json!({"accounts": ["061836611202"]}), &clone()));
    }

    #[test]
    fn a_ledger_is_selected_only_by_its_type_and_by_what_it_wrote() {
        let rollback = |more: Value| {
            let mut select = more;
            select["types"] = json!(["Rollback"]);
            select
        };
        assert!(!fits(&json!({"from": "2026-11-01T00:00:00Z"}), &ledger()));
        assert!(fits(&rollback(json!({})), &ledger()));
        assert!(fits(&rollback(json!({"accounts": ["061836611202"]})), &ledger()));
        assert!(!fits(&rollback(json!({"accounts": ["592740528984"]})), &ledger()));
    }
}
