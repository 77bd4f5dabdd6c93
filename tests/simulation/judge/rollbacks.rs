//! What each change of a Rollback must keep to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rollback_operator::model::Key;
use serde_json::Value;

use super::super::cluster::{Change, Kind, Store};
use super::super::objects::{is_goal, is_ready, is_terminal, key_of, letters};
use super::Judge;

impl Judge {
    pub(super) fn rollback_changed(&self, store: &Store, change: &Change) {
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
