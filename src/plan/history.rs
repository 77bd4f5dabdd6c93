//! What all records say about each key that is to be undone.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::catalogue::Catalogue;
use super::record::{Entry, each_key, is_concerned};
use crate::api::record::{CreatedPermissionSet, LedgerOutcome, NamedPrincipal};
use crate::model::{Effect, Key, Presence, RequestId};

/// Who did or saw something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Somebody's operation.
    Operation,
    /// An operation whose record is gone: the ledger of its undo still tells of it.
    LostOperation,
    /// An undo.
    Ledger,
}

/// One thing that is known to have happened to a key, or to have been seen of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    /// Index of the record in the catalogue that tells of it.
    pub record: usize,
    /// When.
    pub at: Timestamp,
    /// When it may have been at the earliest, where the record has one time for many changes.
    pub began: Timestamp,
    /// How far `at` may be off.
    pub uncertainty: SignedDuration,
    /// Who did it.
    pub by: By,
    /// What was there before, if that is known.
    pub before: Option<Presence>,
    /// What was there after, if it changed or confirmed anything.
    pub after: Option<Presence>,
    /// AWS's id of the request.
    pub request: Option<&'a RequestId>,
}

/// Everything that is known about one key.
#[derive(Debug, Default)]
pub(super) struct KeyHistory<'a> {
    /// What happened, not yet in order.
    pub events: Vec<Event<'a>>,
    /// What ledgers say became of the key.
    pub ledgers: Vec<(usize, LedgerOutcome)>,
    /// What selected records say was tried and failed.
    pub failed: Vec<(usize, Effect)>,
    /// The principal, with its name for people.
    pub principal: Option<&'a NamedPrincipal>,
    /// The name of the permission set, as recorded.
    pub permission_set_name: Option<&'a str>,
    /// The account of the set's creation, if the key is a set's existence: that of the set which is
    /// there now, if it stands for another, else the selected one.
    pub created: Option<&'a CreatedPermissionSet>,
}

/// Gathers the history of every key that undoing the selected records may be about.
pub(super) fn histories<'a>(catalogue: &Catalogue<'a>) -> BTreeMap<Key, KeyHistory<'a>> {
    let mut index: HashMap<Key, usize> = HashMap::new();
    let mut histories: Vec<KeyHistory<'a>> = Vec::new();
    for (record, listed) in catalogue.entries.iter().enumerate().filter(|(_, it)| it.selected) {
        each_key(&listed.record.spec, &mut |key, entry| {
            if !is_concerned(entry) {
                return;
            }
            let key = catalogue.replacements.key(key);
            let existence = match &key {
                Key::PermissionSet(set) => Some(set.clone()),
                Key::Assignment(_) => None,
            };
            let position = *index.entry(key).or_insert_with(|| {
                histories.push(KeyHistory::default());
                histories.len() - 1
            });
            let Some(history) = histories.get_mut(position) else { return };
            if let Some(set) = existence {
                history.created = history.created.or_else(|| catalogue.creation_in_place(&set));
            }
            history.describe(entry);
            if let Entry::Failed(failed) = entry {
                history.failed.push((record, failed.effect));
            }
        });
    }
    for (record, listed) in catalogue.entries.iter().enumerate() {
        let base = Event {
            record,
            at: listed.at,
            began: listed.began,
            uncertainty: listed.uncertainty,
            by: By::Operation,
            before: None,
            after: None,
            request: None,
        };
        let ended = listed.record.spec.occurred_at.max(listed.at);
        each_key(&listed.record.spec, &mut |key, entry| {
            let key = catalogue.replacements.key(key);
            if let Some(history) = index.get(&key).and_then(|at| histories.get_mut(*at)) {
                history.add(base, (listed.observed, ended), entry);
            }
        });
    }
    for history in &mut histories {
        history.add_lost_operations(catalogue);
    }
    let mut histories: Vec<Option<KeyHistory<'a>>> = histories.into_iter().map(Some).collect();
    index.into_iter().filter_map(|(key, at)| Some((key, histories.get_mut(at)?.take()?))).collect()
}

impl<'a> KeyHistory<'a> {
    fn describe(&mut self, entry: Entry<'a>) {
        self.principal = self.principal.or(entry.principal());
        self.permission_set_name = self.permission_set_name.or(entry.permission_set_name());
        if let Entry::Created(created) = entry {
            self.created = self.created.or(Some(created));
        }
    }

    /// Takes in what an entry says; a ledger observed from the first of the times to the second.
    fn add(
        &mut self,
        base: Event<'a>,
        (observed, ended): (Timestamp, Timestamp),
        entry: Entry<'a>,
    ) {
        match entry {
            Entry::Change(change) => self.add_operation(Event {
                before: change.before.known(),
                after: Some(change.effect.after()),
                request: change.request_id.as_ref(),
                ..base
            }),
            // AWS gives every permission set an ARN of its own: it cannot have been there before.
            Entry::Created(_) => self.add_operation(Event {
                before: Some(Presence::Absent),
                after: Some(Presence::Present),
                ..base
            }),
            Entry::Failed(_) => {}
            Entry::Ledger(keys) => {
                self.ledgers.push((base.record, keys.outcome));
                let wrote = Event { by: By::Ledger, before: Some(keys.before), ..base };
                let seen = Event { at: observed, began: observed, ..wrote };
                match keys.outcome {
                    LedgerOutcome::Verified => {
                        self.events.push(Event { after: Some(keys.goal), ..wrote });
                    }
                    // It became so by itself between the plan and its turn.
                    LedgerOutcome::AlreadySo if keys.before != keys.goal => {
                        self.events.push(seen);
                        let found = Event { at: ended, began: ended, ..seen };
                        self.events.push(Event { before: Some(keys.goal), ..found });
                    }
                    _ => self.events.push(seen),
                }
            }
        }
    }

    /// An undo wrote, so there was an operation that it undid. Where no record of that one is
    /// left, the ledger stands in for it.
    fn add_lost_operations(&mut self, catalogue: &Catalogue<'_>) {
        let lost: Vec<Event<'a>> = self
            .events
            .iter()
            .filter(|event| event.by == By::Ledger && event.after.is_some())
            .filter(|undo| {
                !self.events.iter().any(|event| {
                    event.after == undo.before && catalogue.undid(undo.record, event.record)
                })
            })
            .map(|undo| Event { by: By::LostOperation, before: None, after: undo.before, ..*undo })
            .collect();
        self.events.extend(lost);
    }

    /// A record that names a key twice did one thing to it.
    fn add_operation(&mut self, event: Event<'a>) {
        let same = |known: &&mut Event<'a>| {
            known.record == event.record && known.by == By::Operation && known.after == event.after
        };
        match self.events.iter_mut().rev().find(same) {
            Some(known) => {
                known.before = known.before.or(event.before);
                known.request = known.request.or(event.request);
            }
            None => self.events.push(event),
        }
    }
}
