//! Holds the invariants of `docs/architecture.md` against everything that an operator does, at the
//! moment when it does it.

mod rollbacks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rollback_operator::model::Key;
use rollback_operator::runtime::Clock;
use rollback_operator::sim::{Response, World};
use serde_json::Value;

use super::aws::{Arrival, Aws, Gatekeeper};
use super::cluster::{Change, Cluster, Kind, Store, Witness};
use super::objects::{key_of, letters};
use super::place;
use super::readings::Readings;
use super::scenario::Scenario;
use super::trace::Trace;

/// What one Rollback is about, as the API server holds it.
struct Seen<'a> {
    object: &'a Value,
    items: Vec<Value>,
    letters: Vec<char>,
}

pub struct Judge {
    clock: Clock,
    cluster: Cluster,
    aws: Aws,
    trace: Arc<Trace>,
    slots: usize,
    rate: usize,
    approval: bool,
    keys: Vec<Key>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    violations: Vec<String>,
    arrivals: VecDeque<Timestamp>,
    /// Of each key: when it was seen to become present or absent.
    timeline: BTreeMap<Key, Vec<(Timestamp, bool)>>,
    /// When the last request about a key was accepted.
    accepted: BTreeMap<Key, Timestamp>,
    /// When that request ended, or the last time when it was seen at work.
    ended: BTreeMap<Key, Timestamp>,
    readings: Readings,
    requests: BTreeMap<Key, u64>,
    /// Keys that somebody else changed.
    foreign: BTreeSet<Key>,
    /// The Rollbacks and attempts in whose plan a key is to be written.
    planned: BTreeMap<Key, BTreeSet<(String, i64)>>,
    /// The items of every plan that there ever was, by the names of their shards.
    plans: BTreeMap<String, Vec<Value>>,
}

impl Judge {
    pub fn new(
        scenario: &Scenario,
        clock: Clock,
        cluster: &Cluster,
        aws: &Aws,
        trace: &Arc<Trace>,
    ) -> Arc<Self> {
        let judge = Arc::new(Self {
            clock,
            cluster: cluster.clone(),
            aws: aws.clone(),
            trace: Arc::clone(trace),
            slots: scenario.slots(),
            rate: scenario.rate(),
            approval: scenario.policy["approval"] != "Never",
            keys: scenario.keys.iter().map(|(key, _)| key.clone()).collect(),
            inner: Mutex::default(),
        });
        judge.observe(&aws.world());
        cluster.set_witness(Some(Arc::clone(&judge) as Arc<dyn Witness>));
        aws.set_gatekeeper(Some(Arc::clone(&judge) as Arc<dyn Gatekeeper>));
        judge
    }

    pub fn violations(&self) -> Vec<String> {
        self.inner.lock().unwrap().violations.clone()
    }

    pub fn wrong(&self, text: String) {
        self.trace.note(self.clock.now(), format!("VIOLATION {text}"));
        self.inner.lock().unwrap().violations.push(text);
    }

    /// Somebody else is about to change a key.
    pub fn foreign(&self, key: &Key) {
        self.inner.lock().unwrap().foreign.insert(key.clone());
    }

    pub fn was_changed_by_others(&self, key: &Key) -> bool {
        self.inner.lock().unwrap().foreign.contains(key)
    }

    /// How many Rollbacks and attempts planned to write a key.
    pub fn times_planned(&self, key: &Key) -> u64 {
        self.inner.lock().unwrap().planned.get(key).map_or(0, |by| by.len() as u64)
    }

    /// How many requests about each key AWS accepted.
    pub fn requests(&self) -> BTreeMap<Key, u64> {
        self.inner.lock().unwrap().requests.clone()
    }

    /// Notes what is there now.
    pub fn observe(&self, world: &World) {
        let now = self.clock.now();
        let mut inner = self.inner.lock().unwrap();
        for key in &self.keys {
            let present = world.is_present(key);
            let line = inner.timeline.entry(key.clone()).or_default();
            if line.last().is_none_or(|(_, last)| *last != present) {
                line.push((now, present));
            }
            let Key::Assignment(assignment) = key else { continue };
            if world.is_at_work(assignment) {
                inner.ended.insert(key.clone(), now);
            } else if let Some(at) = world.ended_at(assignment) {
                inner.ended.insert(key.clone(), at);
            }
        }
    }

    /// Invariant 5, the requests of a second.
    fn count(&self, at: Timestamp) {
        let mut inner = self.inner.lock().unwrap();
        inner.arrivals.push_back(at);
        while inner
            .arrivals
            .front()
            .is_some_and(|first| at.duration_since(*first) >= SignedDuration::from_secs(1))
        {
            inner.arrivals.pop_front();
        }
        let count = inner.arrivals.len();
        drop(inner);
        if count > self.rate {
            self.wrong(format!(
                "invariant 5: {count} requests in one second, {} are allowed",
                self.rate
            ));
        }
    }

    /// Invariants 1 and 4: an intent of an approved plan stands for exactly this change.
    fn has_intent(&self, key: &Key, action: &str) {
        let verdict = self.cluster.look(|store| {
            let mut found = Vec::new();
            for seen in self.rollbacks(store) {
                for (index, item) in seen.items.iter().enumerate() {
                    if item["action"] != action || key_of(item).as_ref() != Some(key) {
                        continue;
                    }
                    let letter = seen.letters.get(index).copied().unwrap_or('?');
                    let digest = &seen.object["status"]["plan"]["digest"];
                    let approved =
                        !self.approval || seen.object["spec"]["approval"]["plan"] == *digest;
                    found.push((letter, approved, item["disposition"] == "Act"));
                }
            }
            found
        });
        if !verdict.iter().any(|(letter, approved, act)| *letter == 'i' && *approved && *act) {
            self.wrong(format!(
                "invariants 1 and 4: {action} {key} without an intent of an approved plan; journals, approvals, dispositions: {verdict:?}"
            ));
        }
    }

    /// A plan is remembered, also when its shards are gone: with its namespace they may go first.
    fn seen<'a>(&self, object: &'a Value) -> Seen<'a> {
        let names = object["status"]["plan"]["shards"].as_array().cloned().unwrap_or_default();
        let inner = self.inner.lock().unwrap();
        let items = names
            .iter()
            .filter_map(|name| inner.plans.get(name.as_str()?))
            .flat_map(|items| items.iter().cloned())
            .collect();
        Seen { object, items, letters: letters(object) }
    }

    fn rollbacks<'a>(&self, store: &'a Store) -> impl Iterator<Item = Seen<'a>> {
        store.all(Kind::Rollback).map(|(_, object)| self.seen(object))
    }

    fn note_plan(&self, object: &Value) {
        if object["status"]["progress"].is_null() {
            return;
        }
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let attempt = object["status"]["attempt"].as_i64().unwrap_or(1);
        let seen = self.seen(object);
        let mut inner = self.inner.lock().unwrap();
        for item in seen.items.iter().filter(|item| item["disposition"] == "Act") {
            if let Some(key) = key_of(item) {
                inner.planned.entry(key).or_default().insert((uid.clone(), attempt));
            }
        }
    }
}

impl Witness for Judge {
    fn changed(&self, store: &Store, change: &Change) {
        match (change.kind, &change.after) {
            (Kind::Rollback, _) => self.rollback_changed(store, change),
            (Kind::Plan, Some(shard)) => {
                let items = shard["spec"]["items"].as_array().cloned().unwrap_or_default();
                self.inner.lock().unwrap().plans.insert(change.key.1.clone(), items);
            }
            _ => {}
        }
    }
}

impl Gatekeeper for Judge {
    fn arrives(&self, world: &World, arrival: &Arrival) {
        self.observe(world);
        if arrival.takes_quota {
            self.count(arrival.at);
        }
        if let Some((key, action)) = arrival.change() {
            self.has_intent(&key, action);
        }
    }

    fn answered(&self, world: &World, arrival: &Arrival, reply: &Response) {
        self.observe(world);
        let Some((key, action)) = arrival.change() else {
            self.inner.lock().unwrap().readings.answered(arrival, reply, &self.keys);
            return;
        };
        let outcome = reply.error.as_deref().unwrap_or("accepted");
        self.trace.note(arrival.at, format!("AWS: {action} {key}: {outcome}"));
        if reply.error.is_some() {
            return;
        }
        let outstanding = world.outstanding();
        {
            let mut inner = self.inner.lock().unwrap();
            inner.accepted.insert(key.clone(), arrival.at);
            *inner.requests.entry(key).or_default() += 1;
        }
        if outstanding > self.slots {
            self.wrong(format!(
                "invariant 5: {outstanding} requests are at work, {} are allowed",
                self.slots
            ));
        }
    }
}

/// How often the requests of operators changed a key.
pub fn effective(world: &World, key: &Key) -> u64 {
    world.counters().effective.get(&place::counted_as(key)).copied().unwrap_or_default()
}
