//! The records as a set: each source once, with its time and with what ledgers say about it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::record::Record;
use super::refusal::Refusal;
use super::replacements::Replacements;
use crate::api::record::{CreatedPermissionSet, Precision, Source};
use crate::model::PermissionSetArn;

/// The records of one instance, each source once.
#[derive(Debug)]
pub(super) struct Catalogue<'a> {
    /// In the order of their sources.
    pub entries: Vec<Listed<'a>>,
    /// Which permission sets stand for deleted ones.
    pub replacements: Replacements,
}

/// One record among the others.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    /// The object that stands for the record.
    pub record: &'a Record,
    /// Whether it is to be undone.
    pub selected: bool,
    /// When it happened: for a ledger, when its writes began.
    pub at: Timestamp,
    /// When its first change may have been made, where it has one time for many.
    pub began: Timestamp,
    /// When what it says of keys that it did not change was so: for a ledger, when AWS began to be
    /// read for its plan.
    pub observed: Timestamp,
    /// How far `at` may be off.
    pub uncertainty: SignedDuration,
    /// The records that it undid, if it is a ledger: sorted indices.
    pub undone: Vec<usize>,
}

impl<'a> Catalogue<'a> {
    /// Brings together what is selected and all else that is known about the instance.
    pub(super) fn new(
        instance: &str,
        records: &'a [Record],
        selected: &'a [Record],
    ) -> Result<Self, Refusal> {
        let mut all: Vec<(&Record, bool)> = selected.iter().map(|record| (record, true)).collect();
        all.extend(
            records
                .iter()
                .filter(|record| record.spec.instance == instance)
                .map(|record| (record, false)),
        );
        // Of several objects of one record the first selected one stands for it.
        all.sort_by(|(a, a_selected), (b, b_selected)| {
            (&a.spec.source, b_selected, &a.namespace, &a.name).cmp(&(
                &b.spec.source,
                a_selected,
                &b.namespace,
                &b.name,
            ))
        });
        let mut entries: Vec<Listed<'a>> = Vec::with_capacity(all.len());
        for (record, selected) in all {
            match entries.last() {
                Some(known) if known.record.spec.source == record.spec.source => {
                    if known.record.digest != record.digest {
                        return Err(contradiction(known.record, record));
                    }
                }
                _ => entries.push(Listed::new(record, selected)),
            }
        }
        let replacements = Replacements::of(entries.iter().map(|listed| listed.record));
        let mut catalogue = Self { entries, replacements };
        catalogue.link_ledgers();
        Ok(catalogue)
    }

    /// How a permission set was created that stands for a deleted one.
    pub(super) fn creation_in_place(
        &self,
        set: &PermissionSetArn,
    ) -> Option<&'a CreatedPermissionSet> {
        let ledgers = self.entries.iter().filter_map(|listed| listed.record.spec.rollback.as_ref());
        ledgers
            .flat_map(|ledger| &ledger.created_permission_sets)
            .find(|created| created.arn == *set)
    }

    /// A permission set as it was when it was deleted, as the selected ledgers saved it.
    pub(super) fn deleted(&self, set: &PermissionSetArn) -> Option<&'a CreatedPermissionSet> {
        let selected = self.entries.iter().filter(|listed| listed.selected);
        let ledgers = selected.filter_map(|listed| listed.record.spec.rollback.as_ref());
        let mut deleted = ledgers.flat_map(|ledger| &ledger.deleted_permission_sets);
        deleted.rfind(|deleted| self.replacements.current(&deleted.arn) == set)
    }

    /// Whether the ledger `ledger` names the record `record`.
    pub(super) fn undid(&self, ledger: usize, record: usize) -> bool {
        self.entries.get(ledger).is_some_and(|ledger| ledger.undone.binary_search(&record).is_ok())
    }

    /// Finds what each ledger undid. What was undone happened before, whatever its clock said.
    fn link_ledgers(&mut self) {
        let by_source: BTreeMap<&Source, usize> = self
            .entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (&entry.record.spec.source, index))
            .collect();
        let mut ledgers: Vec<(usize, Vec<usize>)> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let Some(ledger) = &entry.record.spec.rollback else { continue };
            let named = ledger.undone.iter().filter_map(|undone| by_source.get(&undone.source));
            let mut undone: Vec<usize> = named.copied().filter(|undone| *undone != index).collect();
            undone.sort_unstable();
            undone.dedup();
            ledgers.push((index, undone));
        }
        drop(by_source);
        // The newest first, so that what a redo says about a ledger counts for its originals too.
        ledgers.sort_by_key(|(index, _)| {
            std::cmp::Reverse(self.entries.get(*index).map(|entry| entry.at))
        });
        for (index, undone) in ledgers {
            let Some(observed) = self.entries.get(index).map(|entry| entry.observed) else {
                continue;
            };
            for original in &undone {
                if let Some(original) = self.entries.get_mut(*original) {
                    original.at = original.at.min(observed);
                    original.began = original.began.min(original.at);
                    original.observed = original.observed.min(observed);
                }
            }
            if let Some(entry) = self.entries.get_mut(index) {
                entry.undone = undone;
            }
        }
    }
}

impl<'a> Listed<'a> {
    fn new(record: &'a Record, selected: bool) -> Self {
        let spec = &record.spec;
        let ledger = spec.rollback.as_ref();
        let started = ledger.and_then(|ledger| ledger.started_at);
        let at = started.unwrap_or(spec.occurred_at).min(spec.occurred_at);
        let observed = ledger.and_then(|ledger| ledger.observed_at);
        Self {
            record,
            selected,
            at,
            began: spec.started_at.unwrap_or(at).min(at),
            observed: observed.unwrap_or(at).min(at),
            uncertainty: match spec.occurred_at_precision {
                Precision::Microsecond => SignedDuration::from_micros(1),
                Precision::Second => SignedDuration::from_secs(1),
                Precision::Minute => SignedDuration::from_secs(60),
            },
            undone: Vec::new(),
        }
    }

    /// How messages name the record.
    pub(super) fn display(&self) -> String {
        display(self.record)
    }
}

/// How messages name a record.
pub(super) fn display(record: &Record) -> String {
    format!("{}/{}", record.namespace, record.name)
}

fn contradiction(first: &Record, second: &Record) -> Refusal {
    let Source { tool, id } = first.spec.source.clone();
    Refusal::RecordsContradict { first: display(first), second: display(second), tool, id }
}
