//! Which keys each record is about: finds the records of a plan without reading all others.
//!
//! What a record says never changes, so it is enough to have seen it once. Of each key only a hash
//! is kept, four bytes: two keys that share one cost a needless read, and nothing else.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;

use crate::api::OperationRecord;
use crate::model::Key;
use crate::plan::{self, Mention};

/// Above this nothing is kept, and every plan reads every record.
const MOST_BYTES: usize = 64 << 20;
/// What a record takes beside its name and its hashes: an estimate.
const EACH: usize = 64;

/// What the watches of records have shown. Each watch has a scope of its own: one namespace, or all.
#[derive(Debug, Default)]
pub struct RecordIndex(Mutex<Vec<Scope>>);

/// The records of a namespace that may be about some keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Their names, in order.
    pub names: Vec<String>,
    /// How many records there are in the namespace, of all instances.
    pub of: usize,
}

#[derive(Debug)]
struct Scope {
    namespace: Option<String>,
    state: State,
    seen: Seen,
    listed: Seen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No list has come to its end yet.
    Incomplete,
    Complete,
    TooLarge,
}

#[derive(Debug, Default)]
struct Seen {
    namespaces: HashMap<String, Records>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Records {
    marks: HashMap<Box<str>, Box<[u32]>>,
    unreadable: BTreeSet<Box<str>>,
}

impl RecordIndex {
    /// Adds a scope; gives its number.
    pub fn add_scope(&self, namespace: Option<String>) -> usize {
        let mut scopes = self.lock();
        let (seen, listed) = (Seen::default(), Seen::default());
        scopes.push(Scope { namespace, state: State::Incomplete, seen, listed });
        scopes.len() - 1
    }

    /// Takes in what the watch of a scope shows.
    pub fn take_in(&self, scope: usize, event: &Event<DeserializeGuard<OperationRecord>>) {
        let mut scopes = self.lock();
        let Some(scope) = scopes.get_mut(scope) else { return };
        let begins_anew = matches!(event, Event::Init);
        if scope.state == State::TooLarge && !begins_anew {
            return;
        }
        match event {
            Event::Init if scope.state == State::TooLarge => scope.state = State::Incomplete,
            Event::Init => scope.listed = Seen::default(),
            Event::InitApply(record) => scope.listed.add(record),
            Event::InitDone => {
                scope.seen = std::mem::take(&mut scope.listed);
                scope.state = State::Complete;
            }
            Event::Apply(record) => scope.seen.add(record),
            Event::Delete(record) => scope.seen.remove(record),
        }
        if scope.listed.bytes > 0 && scope.seen.bytes + scope.listed.bytes > MOST_BYTES {
            // There is room for one of the two.
            scope.seen = Seen::default();
            scope.state = State::Incomplete;
        }
        if scope.seen.bytes.max(scope.listed.bytes) > MOST_BYTES {
            tracing::warn!(
                limit = MOST_BYTES,
                "there are more records than are remembered: each plan reads all of them; delete old ones"
            );
            (scope.seen, scope.listed) = (Seen::default(), Seen::default());
            scope.state = State::TooLarge;
        }
    }

    /// Whether a namespace is being listed for the first time: what is asked of it is known soon.
    #[must_use]
    pub fn is_being_listed(&self, namespace: &str) -> bool {
        let scopes = self.lock();
        let mut scopes = scopes.iter();
        scopes.any(|scope| scope.state == State::Incomplete && scope.covers(namespace))
    }

    /// The records of one namespace that may be about one of these keys of an instance. None if that
    /// is not known: not all were seen yet, one cannot be read, or there are too many.
    #[must_use]
    pub fn find(&self, namespace: &str, instance: &str, keys: &BTreeSet<Key>) -> Option<Found> {
        let scopes = self.lock();
        let scope = scopes.iter().find(|it| it.state == State::Complete && it.covers(namespace))?;
        let Some(records) = scope.seen.namespaces.get(namespace) else {
            return Some(Found { names: Vec::new(), of: 0 });
        };
        if !records.unreadable.is_empty() {
            return None;
        }
        let mut wanted: Vec<u32> = keys
            .iter()
            .flat_map(|key| [Mention::Key(key), Mention::Replacement(key.permission_set())])
            .map(|mention| mark(instance, mention))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let is_wanted = |marks: &[u32]| marks.iter().any(|it| wanted.binary_search(it).is_ok());
        let found = records.marks.iter().filter(|(_, marks)| is_wanted(marks));
        let mut names: Vec<String> = found.map(|(name, _)| name.to_string()).collect();
        names.sort_unstable();
        Some(Found { names, of: records.marks.len() })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Scope>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scope {
    fn covers(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|only| only == namespace)
    }
}

impl Seen {
    fn add(&mut self, guarded: &DeserializeGuard<OperationRecord>) {
        self.remove(guarded);
        let name: Box<str> = guarded.name_any().into();
        let records = self.namespaces.entry(guarded.namespace().unwrap_or_default()).or_default();
        if let Ok(record) = &guarded.0 {
            let marks = marks(record);
            self.bytes += size(&name, &marks);
            records.marks.insert(name, marks);
        } else {
            self.bytes += size(&name, &[]);
            records.unreadable.insert(name);
        }
    }

    fn remove(&mut self, guarded: &DeserializeGuard<OperationRecord>) {
        let namespace = guarded.namespace().unwrap_or_default();
        let Some(records) = self.namespaces.get_mut(&namespace) else { return };
        let name = guarded.name_any();
        if let Some((name, marks)) = records.marks.remove_entry(name.as_str()) {
            self.bytes = self.bytes.saturating_sub(size(&name, &marks));
        }
        if let Some(name) = records.unreadable.take(name.as_str()) {
            self.bytes = self.bytes.saturating_sub(size(&name, &[]));
        }
        if records.marks.is_empty() && records.unreadable.is_empty() {
            self.namespaces.remove(&namespace);
        }
    }
}

fn size(name: &str, marks: &[u32]) -> usize {
    EACH + name.len() + size_of_val(marks)
}

fn marks(record: &OperationRecord) -> Box<[u32]> {
    let mut marks = Vec::new();
    plan::each_mention(&record.spec, &mut |mention| {
        marks.push(mark(&record.spec.instance, mention));
    });
    marks.sort_unstable();
    marks.dedup();
    marks.into()
}

fn mark(instance: &str, mention: Mention<'_>) -> u32 {
    let mut hasher = DefaultHasher::new();
    (instance, mention).hash(&mut hasher);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests;
