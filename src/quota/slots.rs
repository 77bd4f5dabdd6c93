//! Changes at once: at most so many over all Rollbacks, and one in each account.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::AccountId;

/// One slot for one item of one Rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Uid of the Rollback.
    pub rollback: String,
    /// Item of its plan.
    pub item: u32,
    /// The account that is occupied with it.
    pub account: AccountId,
}

/// Turns that a Rollback has in one round.
const NORMAL_WEIGHT: u32 = 1;
const EMERGENCY_WEIGHT: u32 = 4;

#[derive(Debug, Clone, Default)]
struct Waiting {
    emergency: bool,
    items: Vec<(u32, AccountId)>,
    /// Turns left in this round.
    turns: u32,
}

impl Waiting {
    const fn weight(&self) -> u32 {
        if self.emergency { EMERGENCY_WEIGHT } else { NORMAL_WEIGHT }
    }
}

/// The slots of one instance.
#[derive(Debug, Clone)]
pub struct Slots {
    limit: usize,
    allowed: usize,
    completions: usize,
    occupied: BTreeMap<(String, u32), AccountId>,
    busy: BTreeMap<AccountId, usize>,
    held: BTreeMap<AccountId, Timestamp>,
    waiting: BTreeMap<String, Waiting>,
    last_served: String,
}

impl Slots {
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            limit,
            allowed: limit,
            completions: 0,
            occupied: BTreeMap::new(),
            busy: BTreeMap::new(),
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last_served: String::new(),
        }
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        let recovered = self.is_recovered();
        self.limit = limit.max(1);
        if recovered || self.allowed > self.limit {
            self.allowed = self.limit;
        }
    }

    pub(super) fn want(&mut self, rollback: &str, emergency: bool, items: Vec<(u32, AccountId)>) {
        let occupied = &self.occupied;
        let items: Vec<_> = items
            .into_iter()
            .filter(|(item, _)| !occupied.contains_key(&(rollback.to_owned(), *item)))
            .collect();
        if items.is_empty() {
            self.waiting.remove(rollback);
            return;
        }
        let waiting = self.waiting.entry(rollback.to_owned()).or_default();
        waiting.emergency = emergency;
        waiting.items = items;
    }

    pub(super) fn grants(&mut self, now: Timestamp) -> Vec<Grant> {
        self.held.retain(|_, until| *until > now);
        let mut grants = Vec::new();
        while self.occupied.len() < self.allowed {
            let Some(grant) = self.next() else { break };
            self.occupy(&grant.rollback, grant.item, grant.account.clone());
            grants.push(grant);
        }
        grants
    }

    /// Deficit round robin: every Rollback that can use a slot has as many turns in a round as its
    /// weight; those of an emergency come first, also within an account.
    fn next(&mut self) -> Option<Grant> {
        let urgent: BTreeSet<AccountId> = self
            .waiting
            .values()
            .filter(|waiting| waiting.emergency)
            .flat_map(|waiting| waiting.items.iter().map(|(_, account)| account.clone()))
            .collect();
        let usable: Vec<(String, usize)> = self
            .waiting
            .iter()
            .filter_map(|(rollback, waiting)| {
                let free = |account: &AccountId| {
                    !self.busy.contains_key(account)
                        && !self.held.contains_key(account)
                        && (waiting.emergency || !urgent.contains(account))
                };
                let position = waiting.items.iter().position(|(_, account)| free(account))?;
                Some((rollback.clone(), position))
            })
            .collect();
        let has_turns = |slots: &Self, rollback: &String| {
            slots.waiting.get(rollback).is_some_and(|w| w.turns > 0)
        };
        if !usable.iter().any(|(rollback, _)| has_turns(self, rollback)) {
            for (rollback, _) in &usable {
                if let Some(waiting) = self.waiting.get_mut(rollback) {
                    waiting.turns = waiting.weight();
                }
            }
        }
        let last = self.last_served.clone();
        let (rollback, position) = usable
            .into_iter()
            .filter(|(rollback, _)| has_turns(self, rollback))
            .min_by_key(|(rollback, _)| {
                let emergency = self.waiting.get(rollback).is_some_and(|waiting| waiting.emergency);
                (!emergency, *rollback <= last, rollback.clone())
            })?;
        let waiting = self.waiting.get_mut(&rollback)?;
        waiting.turns -= 1;
        let (item, account) = waiting.items.remove(position);
        if waiting.items.is_empty() {
            self.waiting.remove(&rollback);
        }
        self.last_served.clone_from(&rollback);
        Some(Grant { rollback, item, account })
    }

    pub(super) fn next_grant(&self, now: Timestamp) -> Option<Timestamp> {
        let wanted = self.waiting.values().flat_map(|waiting| &waiting.items);
        wanted
            .filter_map(|(_, account)| self.held.get(account))
            .filter(|until| **until > now)
            .min()
            .copied()
    }

    pub(super) fn adopt(&mut self, rollback: &str, item: u32, account: AccountId) {
        if let Some(waiting) = self.waiting.get_mut(rollback) {
            waiting.items.retain(|(other, _)| *other != item);
        }
        self.occupy(rollback, item, account);
    }

    fn occupy(&mut self, rollback: &str, item: u32, account: AccountId) {
        if self.occupied.insert((rollback.to_owned(), item), account.clone()).is_none() {
            *self.busy.entry(account).or_default() += 1;
        }
    }

    pub(super) fn release(&mut self, rollback: &str, item: u32) {
        let Some(account) = self.occupied.remove(&(rollback.to_owned(), item)) else { return };
        if let Some(count) = self.busy.get_mut(&account) {
            *count -= 1;
            if *count == 0 {
                self.busy.remove(&account);
            }
        }
        self.completions += 1;
        if self.completions >= self.allowed && self.allowed < self.limit {
            self.allowed += 1;
            self.completions = 0;
        }
    }

    pub(super) fn hold_account(&mut self, account: AccountId, until: Timestamp) {
        let held = self.held.entry(account).or_insert(until);
        *held = (*held).max(until);
    }

    pub(super) fn forget(&mut self, rollback: &str) {
        self.waiting.remove(rollback);
    }

    pub(super) fn throttled(&mut self) {
        self.allowed = (self.allowed / 2).max(1);
        self.completions = 0;
    }

    pub(super) const fn is_recovered(&self) -> bool {
        self.allowed >= self.limit
    }

    pub(super) const fn allowed(&self) -> usize {
        self.allowed
    }

    pub(super) fn in_flight(&self) -> usize {
        self.occupied.len()
    }

    pub(super) fn queued(&self) -> usize {
        self.waiting.values().map(|waiting| waiting.items.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn account(n: u32) -> AccountId {
        format!("{n:012}").parse().unwrap()
    }

    fn items(range: std::ops::Range<u32>) -> Vec<(u32, AccountId)> {
        range.map(|n| (n, account(n))).collect()
    }

    fn by_rollback(grants: &[Grant]) -> HashMap<&str, usize> {
        let mut counts = HashMap::new();
        for grant in grants {
            *counts.entry(grant.rollback.as_str()).or_default() += 1;
        }
        counts
    }

    #[test]
    fn slots_are_shared_alike_and_an_emergency_goes_first() {
        let mut slots = Slots::new(10);
        slots.want("a", false, items(0..20));
        slots.want("b", false, items(100..120));
        let counts = by_rollback(&slots.grants(NOW))
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect::<HashMap<_, _>>();
        assert_eq!(counts, HashMap::from([("a".to_owned(), 5), ("b".to_owned(), 5)]));

        let mut slots = Slots::new(10);
        slots.want("a", false, items(0..20));
        slots.want("z", true, items(100..120));
        let grants = slots.grants(NOW);
        assert!(grants[..4].iter().all(|grant| grant.rollback == "z"));
        assert_eq!(by_rollback(&grants)["z"], 8);
        assert_eq!(by_rollback(&grants)["a"], 2, "the others are not starved");
    }

    #[test]
    fn one_account_has_one_change_at_a_time_and_an_emergency_first() {
        let mut slots = Slots::new(10);
        slots.want("a", false, vec![(0, account(7)), (1, account(7))]);
        assert_eq!(slots.grants(NOW).len(), 1);
        slots.want("z", true, vec![(0, account(7))]);
        slots.release("a", 0);
        assert_eq!(slots.grants(NOW)[0].rollback, "z");
        slots.release("z", 0);
        assert_eq!(slots.grants(NOW)[0].rollback, "a");
    }

    #[test]
    fn an_account_that_is_left_alone_is_granted_later() {
        let later = Timestamp::from_second(2).unwrap();
        let mut slots = Slots::new(10);
        slots.hold_account(account(1), later);
        slots.want("a", false, items(1..3));
        assert_eq!(slots.grants(NOW).len(), 1);
        assert_eq!(slots.next_grant(NOW), Some(later));
        assert_eq!(slots.grants(later).len(), 1);
    }

    #[test]
    fn what_was_adopted_counts() {
        let mut slots = Slots::new(2);
        for item in 0..3 {
            slots.adopt("a", item, account(item));
        }
        slots.adopt("a", 0, account(0));
        slots.want("a", false, items(5..9));
        assert_eq!(slots.in_flight(), 3);
        assert!(slots.grants(NOW).is_empty());
        slots.release("a", 0);
        assert!(slots.grants(NOW).is_empty());
        slots.release("a", 1);
        assert_eq!(slots.grants(NOW).len(), 1);
    }

    #[test]
    fn slots_fall_when_throttled_and_come_back() {
        let mut slots = Slots::new(10);
        slots.throttled();
        assert_eq!(slots.allowed(), 5);
        slots.want("a", false, items(0..100));
        for round in 0..100 {
            slots.grants(NOW);
            slots.release("a", round);
        }
        assert_eq!(slots.allowed(), 10);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Want(u8, bool, Vec<(u32, u8)>),
        Grant,
        ReleaseOldest,
        Throttled,
        Forget(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0_u8..4, any::<bool>(), prop::collection::vec((0_u32..40, 0_u8..12), 0..12))
                .prop_map(|(rollback, emergency, items)| Step::Want(rollback, emergency, items)),
            4 => Just(Step::Grant),
            4 => Just(Step::ReleaseOldest),
            1 => Just(Step::Throttled),
            1 => (0_u8..4).prop_map(Step::Forget),
        ]
    }

    proptest! {
        #[test]
        fn the_limits_hold_whatever_happens(limit in 1_usize..12, steps in prop::collection::vec(step(), 1..120)) {
            let mut slots = Slots::new(limit);
            let mut open: Vec<Grant> = Vec::new();
            for step in steps {
                match step {
                    Step::Want(rollback, emergency, items) => {
                        let items: BTreeMap<_, _> = items.into_iter().collect();
                        let items = items.into_iter().map(|(item, n)| (item, account(u32::from(n)))).collect();
                        slots.want(&rollback.to_string(), emergency, items);
                    }
                    Step::Grant => {
                        open.extend(slots.grants(NOW));
                        // Work conserving: what is left waits for an account or for a slot.
                        let busy: BTreeSet<_> = open.iter().map(|grant| grant.account.clone()).collect();
                        let free = slots.waiting.values().flat_map(|w| &w.items).any(|(_, a)| !busy.contains(a));
                        prop_assert!(!free || slots.in_flight() >= slots.allowed());
                    }
                    Step::ReleaseOldest if !open.is_empty() => {
                        let grant = open.remove(0);
                        slots.release(&grant.rollback, grant.item);
                        slots.release(&grant.rollback, grant.item);
                    }
                    Step::ReleaseOldest => {}
                    Step::Throttled => slots.throttled(),
                    Step::Forget(rollback) => slots.forget(&rollback.to_string()),
                }
                prop_assert!(slots.allowed() <= limit);
                prop_assert_eq!(slots.in_flight(), open.len());
                prop_assert!(open.len() <= limit);
                let accounts: BTreeSet<_> = open.iter().map(|grant| &grant.account).collect();
                prop_assert_eq!(accounts.len(), open.len(), "two at once in one account");
                prop_assert_eq!(slots.busy.len(), open.len());
            }
        }
    }
}
