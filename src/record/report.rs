//! What became of the operations that a source holds.

use std::collections::BTreeMap;
use std::fmt;

use crate::api::{OperationRecord, OperationRecordSpec};

/// Everything that a source gave, item by item.
#[derive(Debug, Default)]
pub struct Report {
    /// Operations that became records, oldest first.
    pub records: Vec<ImportedRecord>,
    /// What was mended or left out in operations that were taken.
    pub repairs: Vec<Repair>,
    /// Operations that were not taken.
    pub refusals: Vec<Refusal>,
    /// Places where a file is damaged.
    pub tears: Vec<Tear>,
    /// How many items were left out because they are no operations to undo, by what they are: a
    /// noun in the plural.
    pub left_out: BTreeMap<&'static str, usize>,
}

impl Report {
    /// Puts everything in an order that does not depend on where it was found, and keeps names
    /// apart: where two operations would get one short name, both get their full ones.
    pub(in crate::record) fn put_in_order(&mut self) {
        self.records.sort_by(|a, b| {
            (a.spec.occurred_at, &a.spec.source).cmp(&(b.spec.occurred_at, &b.spec.source))
        });
        let mut count = BTreeMap::<String, usize>::new();
        for record in &self.records {
            *count.entry(record.name.clone()).or_default() += 1;
        }
        for record in &mut self.records {
            if count.get(&record.name).is_some_and(|count| *count > 1) {
                record.name.clone_from(&record.full_name);
            }
        }
        self.repairs.sort();
        self.refusals.sort();
    }

    /// Names who did what the source does not say who did.
    pub fn name_actor(&mut self, actor: &str) {
        for record in &mut self.records {
            record.spec.actor.get_or_insert_with(|| actor.to_owned());
        }
    }

    /// Whether every operation of every file was taken.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.refusals.is_empty() && self.tears.is_empty()
    }
}

/// Where in a source an item stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file, relative to the directory that was read.
    pub file: String,
    /// Byte at which the operation begins, in the decompressed file.
    pub position: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.file, self.position)
    }
}

/// One operation as a record that can be created.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedRecord {
    /// Name of the object: the same for the same operation, every time. The short one, unless two
    /// operations of the same source would share it.
    pub name: String,
    /// The type and the beginning of the operation's id.
    pub short_name: String,
    /// The type and the whole id, with a hash of tool and id: for when another record already has
    /// the short one.
    pub full_name: String,
    /// Labels of the object.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the object: what the source says but nobody relies on.
    pub annotations: BTreeMap<String, String>,
    /// What was done.
    pub spec: OperationRecordSpec,
    /// Where it was read.
    pub origin: Origin,
}

impl ImportedRecord {
    /// The object, under a name of this record's choice.
    #[must_use]
    pub fn object(&self, name: &str, namespace: Option<&str>) -> OperationRecord {
        let mut object = OperationRecord::new(name, self.spec.clone());
        object.metadata.namespace = namespace.map(str::to_owned);
        object.metadata.labels = Some(self.labels.clone());
        object.metadata.annotations = Some(self.annotations.clone());
        object
    }
}

/// Something that was mended or left out in an operation that was taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repair {
    /// Where the operation stands.
    pub origin: Origin,
    /// The operation's id.
    pub operation: String,
    /// What was done about it: a clause.
    pub what: String,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: operation {}: {}", self.origin, self.operation, self.what)
    }
}

/// An operation that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Where the operation stands.
    pub origin: Origin,
    /// The operation's id, if it could be read.
    pub operation: Option<String>,
    /// Why, and what to do about it: a sentence without its full stop.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.as_deref().unwrap_or("without an id");
        write!(f, "{}: operation {operation}: {}", self.origin, self.reason)
    }
}

/// A place where a file is damaged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tear {
    /// The file, relative to the directory that was read.
    pub file: String,
    /// Byte at which the damage shows, in the decompressed file.
    pub position: usize,
    /// What is lost there: a clause.
    pub what: String,
}

impl fmt::Display for Tear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: torn at byte {}: {}", self.file, self.position, self.what)
    }
}
