//! Holds the invariants of `docs/architecture.md` against everything that an operator does, at the
//! moment when it does it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rollback_operator::model::{AssignmentKey, Key};
use rollback_operator::runtime::Clock;
use rollback_operator::sim::{Response, World};
use serde_json::Value;

use super::aws::{Arrival, Aws, Gatekeeper};
use super::cluster::{Change, Cluster, Kind, Store, Witness};
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

    fn rollback_changed(&self, store: &Store, change: &Change) {
        let name = &change.key.1;
        match (&change.before, &change.after) {
            (_, Some(after)) => {
                self.note_plan(after);
                if let Some(before) = &change.before {
                    self.moves_forward(name, before, after);
                    if !is_ready(before) && is_ready(after) {
                        self.is_truly_done(store, name, after);
                    }
                }
                let size = after["status"].to_string().len();
                if size > 100_000 {
                    self.wrong(format!("invariant 9: the status of {name} has {size} bytes"));
                }
            }
            (Some(before), None) => self.leaves_nothing(store, name, before),
            (None, None) => {}
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

    /// Invariant 9.
    fn moves_forward(&self, name: &str, before: &Value, after: &Value) {
        let (was, is) = (&before["status"], &after["status"]);
        if is_terminal(was) && !is_terminal(is) && was["attempt"] == is["attempt"] {
            let phases = (&was["phase"], &is["phase"]);
            self.wrong(format!("invariant 9: {name} was over and goes on: {phases:?}"));
        }
        if was["attempt"] != is["attempt"] || was["plan"]["digest"] != is["plan"]["digest"] {
            return;
        }
        for (index, (from, to)) in letters(before).into_iter().zip(letters(after)).enumerate() {
            let allowed = match from {
                '.' => "irskfbu.",
                'i' => "irskfbuv.",
                // A failure that may be tried again is a new intent, which may be withdrawn at once.
                'r' => "rsifbuv.",
                's' => "svifbu.",
                'v' => "v",
                'k' => "k",
                'f' => "f",
                'b' => "b",
                _ => "u",
            };
            if !allowed.contains(to) {
                self.wrong(format!("invariant 9: item {index} of {name} went from {from} to {to}"));
            }
            if to == 'v' && from != 'v' {
                self.was_read_back(name, index, after);
            }
        }
        let entries = |status: &Value| -> BTreeMap<i64, i64> {
            let list = status["inFlight"].as_array().cloned().unwrap_or_default();
            list.iter()
                .filter_map(|e| Some((e["item"].as_i64()?, e["attempt"].as_i64()?)))
                .collect()
        };
        let later = entries(is);
        for (item, attempt) in entries(was) {
            if later.get(&item).is_some_and(|now| *now < attempt) {
                self.wrong(format!(
                    "invariant 9: item {item} of {name} went back from try {attempt}"
                ));
            }
        }
    }

    /// Invariant 3: the read that showed a key at its goal began late enough.
    fn was_read_back(&self, name: &str, index: usize, object: &Value) {
        let seen = self.seen(object);
        let Some(item) = seen.items.get(index) else { return };
        let Some(key) = key_of(item) else { return };
        let settle = object["spec"]["verification"]["settle"].as_str().unwrap_or("2s");
        let settle: SignedDuration = settle.parse().unwrap();
        let inner = self.inner.lock().unwrap();
        let ended = inner.ended.get(&key).or_else(|| inner.accepted.get(&key)).copied();
        let read = inner.readings.last(&key, is_goal(item));
        drop(inner);
        let due = ended.map(|ended| ended.checked_add(settle).unwrap());
        if read < due || read.is_none() {
            self.wrong(format!(
                "invariant 3: {name} calls {key} verified; its request ended at {ended:?}, it settles for {settle:#}, and the last read that showed it at its goal began at {read:?}"
            ));
        }
    }

    /// Invariant 3, and that the ledger is there first.
    fn is_truly_done(&self, store: &Store, name: &str, object: &Value) {
        if object["status"]["phase"] != "Succeeded" {
            return;
        }
        let ledger = object["status"]["ledger"].as_str().unwrap_or_default().to_owned();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        let seen = self.seen(object);
        let acts = seen.items.iter().any(|item| item["disposition"] == "Act");
        if acts && store.get(Kind::Record, &(namespace, ledger.clone())).is_none() {
            self.wrong(format!("{name} is Ready and its ledger {ledger:?} does not exist"));
        }
        let world = self.aws.world();
        self.observe(&world);
        for (item, letter) in seen.items.iter().zip(&seen.letters) {
            let Some(key) = key_of(item) else { continue };
            if item["disposition"] != "Act" {
                continue;
            }
            if !matches!(letter, 'v' | 'k') {
                self.wrong(format!("{name} is Ready with {key} at {letter}"));
            }
            let goal = is_goal(item);
            if world.is_present(&key) != goal && !self.was_once(&key, goal) {
                self.wrong(format!("invariant 3: {name} is Ready, and {key} is not at its goal"));
            }
        }
    }

    /// Whether a key that others changed was at its goal since our last request about it.
    fn was_once(&self, key: &Key, goal: bool) -> bool {
        let inner = self.inner.lock().unwrap();
        let since = inner.accepted.get(key).copied().unwrap_or(Timestamp::MIN);
        let line = inner.timeline.get(key).cloned().unwrap_or_default();
        let last_before =
            line.iter().rev().find(|(at, _)| *at <= since).map(|(_, present)| *present);
        inner.foreign.contains(key)
            && (last_before == Some(goal)
                || line.iter().any(|(at, present)| *at >= since && *present == goal))
    }

    /// Invariant 7.
    fn leaves_nothing(&self, store: &Store, name: &str, object: &Value) {
        let seen = self.seen(object);
        let status = &object["status"];
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        if store.is_terminating(namespace) {
            return;
        }
        let world = self.aws.world();
        for (item, letter) in seen.items.iter().zip(&seen.letters) {
            let Some(Key::Assignment(key)) = key_of(item) else { continue };
            let elsewhere = self.rollbacks(store).any(|other| {
                other.items.iter().zip(&other.letters).any(|(item, letter)| {
                    matches!(letter, 'i' | 'r')
                        && key_of(item) == Some(Key::Assignment(key.clone()))
                })
            });
            if matches!(letter, 'i' | 'r') && world.is_at_work(&key) && !elsewhere {
                self.wrong(format!(
                    "invariant 7: {name} is gone while a request about {key} is at work"
                ));
            }
        }
        let wrote = seen.letters.iter().any(|letter| matches!(letter, 'r' | 's' | 'v' | 'f' | 'u'));
        let ledger = status["ledger"].as_str().unwrap_or_default().to_owned();
        if wrote && store.get(Kind::Record, &(namespace.to_owned(), ledger.clone())).is_none() {
            self.wrong(format!(
                "invariant 7: {name} is gone and its ledger {ledger:?} does not exist"
            ));
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

impl Arrival {
    /// What it is to change, and with which action of a plan.
    fn change(&self) -> Option<(Key, &'static str)> {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        let action = match self.operation.as_str() {
            "CreateAccountAssignment" => "CreateAssignment",
            "DeleteAccountAssignment" => "DeleteAssignment",
            "DeletePermissionSet" => {
                return Some((
                    Key::PermissionSet(text("PermissionSetArn").parse().ok()?),
                    "DeletePermissionSet",
                ));
            }
            _ => return None,
        };
        let key = AssignmentKey {
            account: text("TargetId").parse().ok()?,
            permission_set: text("PermissionSetArn").parse().ok()?,
            principal: serde_json::from_value(serde_json::json!({
                "type": text("PrincipalType"),
                "id": text("PrincipalId"),
            }))
            .ok()?,
        };
        Some((Key::Assignment(key), action))
    }
}

/// Whether a status says that an attempt is over.
pub fn is_terminal(status: &Value) -> bool {
    let terminal =
        ["Succeeded", "PartiallySucceeded", "Failed", "Cancelled", "Rejected", "AlreadyRolledBack"];
    terminal.iter().any(|phase| status["phase"] == *phase)
}

fn letters(object: &Value) -> Vec<char> {
    let shards = object["status"]["progress"]["shards"].as_array().cloned().unwrap_or_default();
    shards.iter().filter_map(Value::as_str).flat_map(str::chars).collect()
}

/// The key of a plan's item.
pub fn key_of(item: &Value) -> Option<Key> {
    let set = item["permissionSet"].as_str()?.parse().ok()?;
    if item["account"].is_null() {
        return Some(Key::PermissionSet(set));
    }
    let principal = serde_json::from_value(serde_json::json!({
        "type": item["principal"]["type"],
        "id": item["principal"]["id"],
    }))
    .ok()?;
    let account = item["account"].as_str()?.parse().ok()?;
    Some(Key::Assignment(AssignmentKey { account, permission_set: set, principal }))
}

/// Whether a plan's item is to make its key present.
fn is_goal(item: &Value) -> bool {
    item["action"] == "CreateAssignment"
}

pub fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// How often the requests of operators changed a key.
pub fn effective(world: &World, key: &Key) -> u64 {
    world.counters().effective.get(&place::counted_as(key)).copied().unwrap_or_default()
}
