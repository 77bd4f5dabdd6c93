//! A set whose lists lag behind its writes.
//!
//! Conflict's own documentation speaks of writes that "did not have time to propagate to the
//! host serving the current request"; lists of Identity Center show a change some time after
//! the request that made it has ended. Each key lags for a time of its own.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Whether something is there, and when that came to be seen.
#[derive(Debug, Clone, Default)]
struct Presence {
    now: bool,
    /// What is shown from when on; ascending in time. Nothing is shown before the first.
    shown: Vec<(Timestamp, bool)>,
}

/// A set of keys with what is true and what is shown.
#[derive(Debug, Clone)]
pub(super) struct LaggedSet<K> {
    keys: BTreeMap<K, Presence>,
}

impl<K> Default for LaggedSet<K> {
    fn default() -> Self {
        Self { keys: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> LaggedSet<K> {
    /// Puts the key in or takes it out. It is shown so from `seen` on.
    /// True if that changed anything.
    pub fn set(&mut self, key: &K, present: bool, now: Timestamp, seen: Timestamp) -> bool {
        if !present && !self.keys.contains_key(key) {
            return false;
        }
        let presence = self.keys.entry(key.clone()).or_default();
        if presence.now == present {
            return false;
        }
        presence.now = present;
        // A later change is never seen before an earlier one.
        let seen = presence.shown.last().map_or(seen, |(last, _)| seen.max(*last));
        presence.shown.push((seen, present));
        // What was overtaken is not needed any more, and an absence that all can see is nothing.
        let current = presence.shown.iter().rposition(|(at, _)| *at <= now).unwrap_or(0);
        presence.shown.drain(..current);
        if !present && seen <= now {
            self.keys.remove(key);
        }
        true
    }

    /// Whether the key is there in truth.
    pub fn contains(&self, key: &K) -> bool {
        self.keys.get(key).is_some_and(|presence| presence.now)
    }

    /// The keys that are there in truth.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        self.keys.iter().filter(|(_, presence)| presence.now).map(|(key, _)| key)
    }

    /// The keys that a list shows now.
    pub fn seen(&self, now: Timestamp) -> impl Iterator<Item = &K> {
        self.keys.iter().filter(move |(_, presence)| presence.is_seen(now)).map(|(key, _)| key)
    }

    /// Whether a list shows the key now.
    pub fn is_seen(&self, key: &K, now: Timestamp) -> bool {
        self.keys.get(key).is_some_and(|presence| presence.is_seen(now))
    }

    /// Whether no key is there in truth.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether there is nothing that a list may still show.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        self.keys.values().all(|presence| {
            !presence.now && presence.shown.last().is_none_or(|(seen, _)| *seen <= now)
        })
    }
}

impl Presence {
    fn is_seen(&self, now: Timestamp) -> bool {
        self.shown.iter().rev().find(|(at, _)| *at <= now).is_some_and(|(_, shown)| *shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn lists_show_each_change_in_its_turn_and_late() {
        let mut set = LaggedSet::default();
        assert!(set.set(&"a", true, at(0), at(10)));
        assert!(!set.set(&"a", true, at(1), at(11)), "twice is no change");
        assert!(set.contains(&"a") && !set.is_seen(&"a", at(9)) && set.is_seen(&"a", at(10)));
        // Removed at 2 with a shorter lag: still not seen removed before it was seen present.
        assert!(set.set(&"a", false, at(2), at(3)));
        assert!(!set.contains(&"a"));
        assert!(!set.is_seen(&"a", at(5)) && !set.is_seen(&"a", at(10)));
        assert!(set.set(&"a", true, at(20), at(25)));
        assert!(set.set(&"a", false, at(30), at(40)));
        assert!(set.is_seen(&"a", at(39)) && !set.is_seen(&"a", at(40)));
        assert!(set.is_empty() && !set.is_forgotten(at(39)) && set.is_forgotten(at(40)));
    }

    #[test]
    fn without_lag_nothing_is_kept() {
        let mut set = LaggedSet::default();
        assert!(!set.set(&"a", false, at(0), at(0)));
        set.set(&"a", true, at(0), at(0));
        set.set(&"a", false, at(1), at(1));
        assert!(set.keys.is_empty());
    }
}
