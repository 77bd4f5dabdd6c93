//! The objects of the API server in memory, with every version that they ever had.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::{Kind, apply, merge};
use super::refusal::Refusal;

/// Larger objects are refused by etcd.
const LARGEST: usize = 1_572_864;

/// A namespace, empty for what has none, and a name.
pub type Key = (String, String);

/// One version of one object, or its end.
#[derive(Debug, Clone)]
pub struct Change {
    pub revision: u64,
    pub kind: Kind,
    pub key: Key,
    pub before: Option<Arc<Value>>,
    pub after: Option<Arc<Value>>,
}

/// What kind of patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind<'a> {
    Merge,
    Apply { manager: &'a str },
}

#[derive(Debug)]
pub struct Store {
    revision: u64,
    made: u64,
    objects: BTreeMap<Kind, BTreeMap<Key, Arc<Value>>>,
    changes: Vec<Change>,
    applied: BTreeMap<(Kind, Key, String, bool), Value>,
    terminating: Vec<String>,
    compacted: u64,
}

impl Store {
    /// An empty one. No list is of version 0: that means any version.
    pub const fn new() -> Self {
        Self {
            revision: 1,
            made: 0,
            objects: BTreeMap::new(),
            changes: Vec::new(),
            applied: BTreeMap::new(),
            terminating: Vec::new(),
            compacted: 0,
        }
    }

    pub const fn revision(&self) -> u64 {
        self.revision
    }

    pub const fn compacted(&self) -> u64 {
        self.compacted
    }

    /// Forgets how it came to the present: watches that are behind it end with 410.
    pub const fn compact(&mut self) {
        self.compacted = self.revision;
    }

    pub fn changes_after(&self, revision: u64) -> &[Change] {
        let begin = self.changes.partition_point(|change| change.revision <= revision);
        &self.changes[begin..]
    }

    pub fn get(&self, kind: Kind, key: &Key) -> Option<&Value> {
        self.objects.get(&kind)?.get(key).map(Arc::as_ref)
    }

    fn shared(&self, kind: Kind, key: &Key) -> Option<Arc<Value>> {
        self.objects.get(&kind)?.get(key).cloned()
    }

    pub fn all(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.get(&kind).into_iter().flatten().map(|(key, object)| (key, object.as_ref()))
    }

    /// All objects as they were at a revision.
    pub fn at(&self, kind: Kind, revision: u64) -> BTreeMap<Key, Arc<Value>> {
        let mut objects = self.objects.get(&kind).cloned().unwrap_or_default();
        for change in self.changes_after(revision).iter().rev().filter(|c| c.kind == kind) {
            match &change.before {
                Some(before) => objects.insert(change.key.clone(), before.clone()),
                None => objects.remove(&change.key),
            };
        }
        objects
    }

    pub fn is_terminating(&self, namespace: &str) -> bool {
        self.terminating.iter().any(|name| name == namespace)
    }

    pub fn terminate(&mut self, namespace: &str) {
        if !self.is_terminating(namespace) {
            self.terminating.push(namespace.to_owned());
        }
    }

    pub fn create(
        &mut self,
        kind: Kind,
        namespace: &str,
        mut object: Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if name.is_empty() {
            let problem = "Required value";
            return Err(Refusal::invalid(kind, "", "metadata.name", "FieldValueRequired", problem));
        }
        let key = (namespace.to_owned(), name);
        if self.is_terminating(namespace) {
            return Err(Refusal::terminating(kind, &key));
        }
        if self.get(kind, &key).is_some() {
            return Err(Refusal::already_exists(kind, &key));
        }
        self.made += 1;
        let metadata = &mut object["metadata"];
        if !namespace.is_empty() {
            metadata["namespace"] = json!(namespace);
        }
        // Names of plans and ledgers begin with the first eight digits.
        let first = (self.made * 0x9e37_79b1) & 0xffff_ffff;
        metadata["uid"] = json!(format!("{first:08x}-0000-4000-8000-{:012x}", self.made));
        metadata["creationTimestamp"] = json!(format!("{now:.0}"));
        object["apiVersion"] = json!(kind.api_version());
        object["kind"] = json!(kind.name());
        tidy(&mut object);
        if kind.has_status() {
            object["metadata"]["generation"] = json!(1);
            take_status(&mut object, &Value::Null);
        }
        kind.default_fields(&mut object);
        self.commit(kind, key, Some(object))
    }

    pub fn replace(&mut self, kind: Kind, key: &Key, mut object: Value) -> Result<Value, Refusal> {
        let Some(live) = self.shared(kind, key) else {
            // Whoever names a uid does not mean an object that is not there.
            let named = object["metadata"]["uid"].is_string();
            return Err(if named { Refusal::conflict } else { Refusal::not_found }(kind, key));
        };
        check_version(kind, key, &live, &object)?;
        for field in ["namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp"] {
            if let Some(value) = live["metadata"].get(field) {
                object["metadata"][field] = value.clone();
            }
        }
        if kind.has_status() {
            take_status(&mut object, &live);
        }
        self.update(kind, key, &live, object)
    }

    pub fn patch(
        &mut self,
        kind: Kind,
        key: &Key,
        status: bool,
        patch: &Value,
        how: PatchKind<'_>,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let Some(live) = self.shared(kind, key) else {
            if matches!(how, PatchKind::Apply { .. }) && !status {
                return self.create(kind, &key.0, patch.clone(), now);
            }
            return Err(Refusal::not_found(kind, key));
        };
        check_version(kind, key, &live, patch)?;
        let mut object = live.as_ref().clone();
        let mut patch = patch.clone();
        if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        match how {
            PatchKind::Merge => merge(&mut object, &patch),
            PatchKind::Apply { manager } => {
                let last = (kind, key.clone(), manager.to_owned(), status);
                let before = self.applied.get(&last).cloned().unwrap_or(Value::Null);
                apply(&mut object, &before, &patch);
                self.applied.insert(last, patch);
            }
        }
        // A write of one half does not change the other.
        if status {
            let written = std::mem::replace(&mut object, live.as_ref().clone());
            take_status(&mut object, &written);
        } else if kind.has_status() {
            take_status(&mut object, &live);
        }
        self.update(kind, key, &live, object)
    }

    pub fn delete(&mut self, kind: Kind, key: &Key, now: Timestamp) -> Result<Value, Refusal> {
        let live = self.get(kind, key).ok_or_else(|| Refusal::not_found(kind, key))?.clone();
        if finalizers(&live).is_empty() {
            self.commit(kind, key.clone(), None)?;
            return Ok(live);
        }
        if live["metadata"]["deletionTimestamp"].is_string() {
            return Ok(live);
        }
        let mut object = live;
        object["metadata"]["deletionTimestamp"] = json!(format!("{now:.0}"));
        bump(&mut object);
        self.commit(kind, key.clone(), Some(object))
    }

    fn update(
        &mut self,
        kind: Kind,
        key: &Key,
        live: &Value,
        mut object: Value,
    ) -> Result<Value, Refusal> {
        tidy(&mut object);
        kind.default_fields(&mut object);
        if object == *live {
            return Ok(object);
        }
        let dying = live["metadata"]["deletionTimestamp"].is_string();
        if dying && finalizers(&object).iter().any(|it| !finalizers(live).contains(it)) {
            let (field, reason) = ("metadata.finalizers", "FieldValueForbidden");
            let problem =
                "Forbidden: no new finalizers can be added if the object is being deleted";
            return Err(Refusal::invalid(kind, &key.1, field, reason, problem));
        }
        if dying && finalizers(&object).is_empty() {
            self.commit(kind, key.clone(), None)?;
            return Ok(object);
        }
        if kind.has_status() && object["spec"] != live["spec"] {
            bump(&mut object);
        }
        self.commit(kind, key.clone(), Some(object))
    }

    pub(super) fn commit(
        &mut self,
        kind: Kind,
        key: Key,
        after: Option<Value>,
    ) -> Result<Value, Refusal> {
        if after.as_ref().is_some_and(|object| object.to_string().len() > LARGEST) {
            return Err(Refusal::too_large());
        }
        self.revision += 1;
        let objects = self.objects.entry(kind).or_default();
        let after = after.map(|mut object| {
            object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
            Arc::new(object)
        });
        let before = match &after {
            Some(object) => objects.insert(key.clone(), Arc::clone(object)),
            None => objects.remove(&key),
        };
        if after.is_none() {
            self.applied.retain(|(k, at, ..), _| (k, at) != (&kind, &key));
        }
        let object = after.as_deref().cloned().unwrap_or(Value::Null);
        self.changes.push(Change { revision: self.revision, kind, key, before, after });
        Ok(object)
    }
}

/// Gives an object the status of another.
fn take_status(object: &mut Value, other: &Value) {
    let Some(fields) = object.as_object_mut() else { return };
    match other.get("status") {
        Some(status) => fields.insert("status".to_owned(), status.clone()),
        None => fields.remove("status"),
    };
}

/// Drops what is empty in the metadata.
fn tidy(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|_, value| *value != json!([]) && *value != json!({}) && !value.is_null());
    }
}

fn finalizers(object: &Value) -> &[Value] {
    object["metadata"]["finalizers"].as_array().map_or(&[], Vec::as_slice)
}

fn bump(object: &mut Value) {
    let generation = object["metadata"]["generation"].as_i64().unwrap_or(0);
    object["metadata"]["generation"] = json!(generation + 1);
}

/// A write that names a version, or a uid, is about that one alone.
fn check_version(kind: Kind, key: &Key, live: &Value, wanted: &Value) -> Result<(), Refusal> {
    for field in ["resourceVersion", "uid"] {
        let named = &wanted["metadata"][field];
        if named.is_string() && *named != live["metadata"][field] {
            return Err(Refusal::conflict(kind, key));
        }
    }
    Ok(())
}
