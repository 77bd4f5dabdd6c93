//! Records of many operations, for what measures.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollback_operator::api::OperationRecordSpec;
use rollback_operator::api::record::{
    Change, LedgerEntry, LedgerKeys, LedgerOutcome, NamedPrincipal, Precision, RecordRef,
    RollbackIdentity, Source,
};
use rollback_operator::model::{
    AccountId, AssignmentKey, Before, Effect, Key, OperationType, PermissionSetArn, Presence,
    PrincipalType,
};
use rollback_operator::plan::{
    AccountState, Live, PrincipalState, Record, Replacements, SetFacts, record_digest, touched,
};

/// Operations of 80 keys or so each, of which every key is touched twice; every fifth was undone.
pub fn history(operations: usize, keys: usize) -> Vec<Record> {
    let each = keys / operations;
    let mut records: Vec<Record> = (0..operations)
        .map(|number| {
            let first = number * each;
            let again = (first + each) % keys;
            let mut record =
                operation(number, first..first + each, Effect::Granted, Before::Absent);
            let overlap = operation(number, again..again + each, Effect::Granted, Before::Unknown);
            record.spec.changes.extend(overlap.spec.changes);
            record.digest = record_digest(&record.spec);
            record
        })
        .collect();
    let ledgers: Vec<Record> = records.iter().step_by(5).map(ledger).collect();
    records.extend(ledgers);
    records
}

/// One operation on some keys.
pub fn operation(
    number: usize,
    keys: std::ops::Range<usize>,
    effect: Effect,
    before: Before,
) -> Record {
    let mut changes: Vec<Change> = Vec::new();
    for key in keys {
        // 2,000 accounts for each pair of user and permission set.
        let (account, pair) = (account(key % 2_000), key / 2_000);
        match changes.last_mut() {
            Some(change) if change.principal.id.as_str().ends_with(&format!("-{pair:012}")) => {
                change.accounts.push(account);
            }
            _ => changes.push(Change {
                effect,
                principal: user(pair),
                permission_set: set(pair % 50),
                permission_set_name: None,
                accounts: vec![account],
                before,
                request_id: None,
            }),
        }
    }
    let spec = OperationRecordSpec {
        instance: "main".to_owned(),
        operation_type: OperationType::Assign,
        occurred_at: time(number),
        started_at: None,
        occurred_at_precision: Precision::Microsecond,
        actor: None,
        source: Source { tool: "bench".to_owned(), id: number.to_string() },
        changes,
        created_permission_set: None,
        failed: Vec::new(),
        reason: None,
        ticket: None,
        recorded_by: None,
        rollback: None,
    };
    let digest = record_digest(&spec);
    Record {
        namespace: "access".to_owned(),
        name: format!("operation-{number}"),
        created: None,
        digest,
        spec,
    }
}

/// The ledger of an undo that kept every second key and could not undo the others.
fn ledger(undone: &Record) -> Record {
    let mut spec = undone.spec.clone();
    let changes = std::mem::take(&mut spec.changes);
    let keys = changes.into_iter().enumerate().map(|(index, change)| LedgerKeys {
        permission_set: change.permission_set,
        principal: Some(change.principal),
        accounts: change.accounts,
        before: Presence::Present,
        goal: Presence::Present,
        outcome: if index % 2 == 0 { LedgerOutcome::Kept } else { LedgerOutcome::Failed },
    });
    spec.rollback = Some(LedgerEntry {
        by: RollbackIdentity {
            namespace: "access".to_owned(),
            name: format!("undo-{}", undone.name),
            uid: undone.name.clone(),
        },
        attempt: 1,
        outcome: "PartiallySucceeded".to_owned(),
        digest: None,
        undone: vec![RecordRef {
            name: undone.name.clone(),
            source: undone.spec.source.clone(),
            digest: undone.digest.clone(),
        }],
        keys: keys.collect(),
        deleted_permission_sets: Vec::new(),
        created_permission_sets: Vec::new(),
        authors: Vec::new(),
        approved_by: None,
        observed_at: None,
        started_at: None,
        finished_at: time(1_000),
    });
    spec.operation_type = OperationType::Rollback;
    spec.occurred_at = time(1_000);
    spec.source = Source { tool: "rollback-operator".to_owned(), id: undone.name.clone() };
    let digest = record_digest(&spec);
    Record {
        namespace: "access".to_owned(),
        name: format!("ledger-{}", undone.name),
        created: None,
        digest,
        spec,
    }
}

/// AWS as these records left it: every key is there.
pub fn live(selected: &[Record]) -> Live {
    let touched = touched(&selected.iter().collect::<Vec<_>>(), &Replacements::default());
    let assignments: BTreeSet<AssignmentKey> = touched
        .keys
        .iter()
        .filter_map(|key| match key {
            Key::Assignment(key) => Some(key.clone()),
            Key::PermissionSet(_) => None,
        })
        .collect();
    let facts = SetFacts { exists: true, name: Some("Set".to_owned()), ..SetFacts::default() };
    Live {
        assignments,
        permission_sets: touched
            .permission_sets
            .iter()
            .map(|it| (it.clone(), facts.clone()))
            .collect(),
        principal_names: BTreeMap::new(),
        account_names: BTreeMap::new(),
        accounts: touched.accounts.iter().map(|it| (it.clone(), AccountState::Active)).collect(),
        principals: touched
            .principals
            .iter()
            .map(|it| (it.clone(), PrincipalState::Exists))
            .collect(),
        ..Live::default()
    }
}

fn time(hours: usize) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + 3_600 * i64::try_from(hours).unwrap()).unwrap()
}

/// An account.
pub fn account(number: usize) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

/// A permission set.
pub fn set(number: usize) -> PermissionSetArn {
    format!("arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-{number:016}").parse().unwrap()
}

/// A user.
pub fn user(number: usize) -> NamedPrincipal {
    let id = format!("00000000-0000-4000-8000-{number:012}").parse().unwrap();
    NamedPrincipal { kind: PrincipalType::User, id, name: None }
}
