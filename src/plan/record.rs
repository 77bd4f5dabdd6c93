//! Records as planning sees them, and the keys that they touch.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::replacements::Replacements;
use crate::api::OperationRecordSpec;
use crate::api::record::{
    Change, CreatedPermissionSet, FailedChange, LedgerKeys, LedgerOutcome, NamedPrincipal,
    RecordRef,
};
use crate::model::{AccountId, AssignmentKey, Key, PermissionSetArn, Principal};

/// One record with the names and the digest of its object.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// When the object was created, if the API server said so.
    pub created: Option<Timestamp>,
    /// Digest of the spec, as [`record_digest`](super::record_digest) makes it.
    pub digest: String,
    /// The account of what was done.
    pub spec: OperationRecordSpec,
}

/// Records by identity and content, the oldest first.
#[must_use]
pub fn record_refs<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<RecordRef> {
    let mut records: Vec<&Record> = records.into_iter().collect();
    records.sort_by_key(|record| (record.spec.occurred_at, &record.spec.source));
    let reference = |record: &Record| RecordRef {
        name: record.name.clone(),
        source: record.spec.source.clone(),
        digest: record.digest.clone(),
    };
    records.into_iter().map(reference).collect()
}

/// Everything that records touch: what has to be read in AWS before an undo can be planned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// The keys, those of failed changes included.
    pub keys: BTreeSet<Key>,
    /// The permission sets of these keys.
    pub permission_sets: BTreeSet<PermissionSetArn>,
    /// The principals of these keys.
    pub principals: BTreeSet<Principal>,
    /// The accounts of these keys.
    pub accounts: BTreeSet<AccountId>,
}

/// What one entry of a record says about one key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry<'a> {
    /// An assignment was made or removed.
    Change(&'a Change),
    /// It was tried and failed.
    Failed(&'a FailedChange),
    /// A permission set was created.
    Created(&'a CreatedPermissionSet),
    /// An undo found and did something.
    Ledger(&'a LedgerKeys),
}

impl<'a> Entry<'a> {
    /// The principal with its name for people.
    pub(super) const fn principal(self) -> Option<&'a NamedPrincipal> {
        match self {
            Self::Change(change) => Some(&change.principal),
            Self::Failed(failed) => Some(&failed.principal),
            Self::Created(_) => None,
            Self::Ledger(keys) => keys.principal.as_ref(),
        }
    }

    /// The name of the permission set, if the record knows it.
    pub(super) fn permission_set_name(self) -> Option<&'a str> {
        match self {
            Self::Change(change) => change.permission_set_name.as_deref(),
            Self::Created(created) => Some(&created.name),
            Self::Failed(_) | Self::Ledger(_) => None,
        }
    }

    fn each_key(self, visit: &mut impl FnMut(Key, Self)) {
        let (set, principal, accounts) = match self {
            Self::Change(change) => (&change.permission_set, &change.principal, &change.accounts),
            Self::Failed(failed) => (&failed.permission_set, &failed.principal, &failed.accounts),
            Self::Created(created) => return visit(Key::PermissionSet(created.arn.clone()), self),
            Self::Ledger(keys) => match &keys.principal {
                Some(principal) => (&keys.permission_set, principal, &keys.accounts),
                None => return visit(Key::PermissionSet(keys.permission_set.clone()), self),
            },
        };
        for account in accounts {
            let key = AssignmentKey {
                account: account.clone(),
                permission_set: set.clone(),
                principal: principal.principal(),
            };
            visit(Key::Assignment(key), self);
        }
    }
}

/// Every entry of a record; a ledger has those of its keys alone.
pub(super) fn entries(spec: &OperationRecordSpec) -> impl Iterator<Item = Entry<'_>> {
    let ledger = spec.rollback.as_ref();
    let changes = spec.changes.iter().filter(move |_| ledger.is_none()).map(Entry::Change);
    let failed = spec.failed.iter().filter(move |_| ledger.is_none()).map(Entry::Failed);
    let created = spec.created_permission_set.iter().map(Entry::Created);
    let created = created.filter(move |_| ledger.is_none());
    let keys = ledger.into_iter().flat_map(|ledger| &ledger.keys).map(Entry::Ledger);
    changes.chain(created).chain(failed).chain(keys)
}

/// Calls `visit` for every key of every entry of a record.
pub(super) fn each_key<'a>(spec: &'a OperationRecordSpec, visit: &mut impl FnMut(Key, Entry<'a>)) {
    for entry in entries(spec) {
        entry.each_key(visit);
    }
}

/// Whether undoing the record may be about this entry: of a ledger, only what it wrote.
pub(super) fn may_be_undone(entry: Entry<'_>) -> bool {
    match entry {
        Entry::Change(_) | Entry::Created(_) | Entry::Failed(_) => true,
        Entry::Ledger(keys) => keys.outcome == LedgerOutcome::Verified,
    }
}

/// Whether undoing the record is about this entry, if only because records of it count again: an undo
/// that is over takes them back for a key, whether it had to write the key or not.
pub(super) fn is_concerned(entry: Entry<'_>) -> bool {
    match entry {
        Entry::Change(_) | Entry::Created(_) | Entry::Failed(_) => true,
        Entry::Ledger(keys) => keys.outcome.is_settled(),
    }
}

/// Everything that undoing these records may be about, through the permission sets of now.
#[must_use]
pub fn touched(selected: &[&Record], replacements: &Replacements) -> Touched {
    let mut touched = Touched::default();
    for record in selected {
        for entry in entries(&record.spec).filter(|entry| is_concerned(*entry)) {
            entry.each_key(&mut |key, _| {
                touched.keys.insert(replacements.key(key));
            });
        }
    }
    let Touched { keys, permission_sets, principals, accounts } = &mut touched;
    for key in keys.iter() {
        // Most keys share these three with others: look before cloning.
        if !permission_sets.contains(key.permission_set()) {
            permission_sets.insert(key.permission_set().clone());
        }
        if let Key::Assignment(key) = key {
            if !principals.contains(&key.principal) {
                principals.insert(key.principal.clone());
            }
            if !accounts.contains(&key.account) {
                accounts.insert(key.account.clone());
            }
        }
    }
    touched
}

/// What a record says something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mention<'a> {
    /// A key: what became of it.
    Key(&'a Key),
    /// A permission set that stands for another, or for which another stands.
    Replacement(&'a PermissionSetArn),
}

/// Calls `visit` for everything that a record says something about.
pub fn each_mention(spec: &OperationRecordSpec, visit: &mut impl FnMut(Mention<'_>)) {
    // Whoever asks about one of the two has to learn of the other: the policy may name either.
    let created = spec.rollback.iter().flat_map(|ledger| &ledger.created_permission_sets);
    for created in created {
        let Some(replaced) = &created.replaces else { continue };
        visit(Mention::Replacement(replaced));
        visit(Mention::Replacement(&created.arn));
    }
    each_key(spec, &mut |key, _| visit(Mention::Key(&key)));
}

/// Whether a record says anything about one of these keys, or about what stands for its permission set.
#[must_use]
pub fn touches(spec: &OperationRecordSpec, keys: &BTreeSet<Key>) -> bool {
    let mut found = false;
    each_mention(spec, &mut |mention| {
        found = found
            || match mention {
                Mention::Key(key) => keys.contains(key),
                Mention::Replacement(set) => keys.iter().any(|key| key.permission_set() == set),
            };
    });
    found
}
