//! Changes at once: at most so many over all Rollbacks, and one in each account.
//!
//! Deficit round robin in two classes. Emergencies have four turns for each one of the others as
//! long as both can use a slot, and within a class whoever was served longest ago is next. A turn
//! is kept while a Rollback waits for an account, and no more than one, so nobody saves up and
//! nobody is starved, not even by a stream of new emergencies.
//!
//! What can be granted is kept ready when something changes and not searched for when a slot
//! becomes free, so that one call costs about as much with ten thousand waiting items as with ten.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

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

/// Turns of emergencies for each turn of the others.
const EMERGENCY_TURNS: u32 = 4;
/// Throttled requests that left together count once.
const TOGETHER: SignedDuration = SignedDuration::from_secs(1);

type Id = Arc<str>;

/// Items of one Rollback that wait for one account, in the caller's order.
#[derive(Debug, Clone)]
struct Line {
    /// Position of its first item in the caller's list.
    position: usize,
    items: VecDeque<u32>,
}

#[derive(Debug, Clone, Default)]
struct Rollback {
    emergency: bool,
    /// When it was served last, or came; counted in turns.
    turn: u64,
    /// Items that occupy a slot, and in which epoch they got it.
    occupied: BTreeMap<u32, (AccountId, u64)>,
    lines: HashMap<AccountId, Line>,
    /// Items that wait, with their accounts.
    waiting: HashMap<u32, AccountId>,
    /// Accounts that could be granted now: the longest line first, because an account works off
    /// its line one by one and the longest takes the longest.
    ready: BTreeSet<(Reverse<usize>, usize, AccountId)>,
}

#[derive(Debug, Clone, Default)]
struct Account {
    occupied: usize,
    held_until: Option<Timestamp>,
    wanted_by: BTreeSet<Id>,
    /// How many of those are emergencies.
    emergencies: usize,
}

/// The slots of one instance.
#[derive(Debug, Clone)]
pub struct Slots {
    limit: usize,
    allowed: usize,
    completions: usize,
    /// Counts throttled requests: a slot that was granted before one says nothing about after.
    epoch: u64,
    throttled_at: Option<Timestamp>,
    rollbacks: BTreeMap<Id, Rollback>,
    accounts: HashMap<AccountId, Account>,
    held: BTreeSet<(Timestamp, AccountId)>,
    /// Rollbacks that can use a slot now, by turn.
    usable: Classes,
    next_turn: u64,
    /// Turns that emergencies had since the others had one.
    emergency_turns: u32,
    in_flight: usize,
    queued: usize,
}

#[derive(Debug, Clone, Default)]
struct Classes {
    emergencies: BTreeSet<(u64, Id)>,
    others: BTreeSet<(u64, Id)>,
}

impl Classes {
    fn of(&mut self, emergency: bool) -> &mut BTreeSet<(u64, Id)> {
        if emergency { &mut self.emergencies } else { &mut self.others }
    }
}

impl Slots {
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            limit,
            allowed: limit,
            completions: 0,
            epoch: 0,
            throttled_at: None,
            rollbacks: BTreeMap::new(),
            accounts: HashMap::new(),
            held: BTreeSet::new(),
            usable: Classes::default(),
            next_turn: 0,
            emergency_turns: 0,
            in_flight: 0,
            queued: 0,
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
        let mut changed = self.stop_waiting(rollback);
        if !items.is_empty() {
            let id = self.id(rollback);
            let mut queued = 0;
            if let Some(rollback) = self.rollbacks.get_mut(&id) {
                rollback.emergency = emergency;
                for (position, (item, account)) in items.into_iter().enumerate() {
                    let known = rollback.occupied.contains_key(&item);
                    if known || rollback.waiting.contains_key(&item) {
                        continue;
                    }
                    queued += 1;
                    rollback.waiting.insert(item, account.clone());
                    let line = Line { position, items: VecDeque::new() };
                    rollback.lines.entry(account).or_insert(line).items.push_back(item);
                }
                for account in rollback.lines.keys() {
                    let entry = self.accounts.entry(account.clone()).or_default();
                    entry.wanted_by.insert(Arc::clone(&id));
                    entry.emergencies += usize::from(emergency);
                    changed.insert(account.clone());
                }
            }
            self.queued += queued;
        }
        self.refresh_all(changed);
        self.tidy(rollback);
    }

    pub(super) fn forget(&mut self, rollback: &str) {
        let changed = self.stop_waiting(rollback);
        self.refresh_all(changed);
        self.tidy(rollback);
    }

    /// Takes everything out that a Rollback waits for; says for which accounts that was.
    fn stop_waiting(&mut self, rollback: &str) -> BTreeSet<AccountId> {
        let Some((id, _)) = self.rollbacks.get_key_value(rollback) else { return BTreeSet::new() };
        let id = Arc::clone(id);
        let Some(rollback) = self.rollbacks.get_mut(&id) else { return BTreeSet::new() };
        self.usable.of(rollback.emergency).remove(&(rollback.turn, Arc::clone(&id)));
        self.queued -= rollback.waiting.len();
        rollback.waiting.clear();
        rollback.ready.clear();
        let lines = std::mem::take(&mut rollback.lines);
        for account in lines.keys() {
            if let Some(entry) = self.accounts.get_mut(account) {
                entry.wanted_by.remove(&id);
                entry.emergencies -= usize::from(rollback.emergency);
            }
        }
        lines.into_keys().collect()
    }

    pub(super) fn grants(&mut self, now: Timestamp) -> Vec<Grant> {
        self.end_holds(now);
        let mut grants = Vec::new();
        while self.in_flight < self.allowed {
            let Some(grant) = self.grant_next() else { break };
            grants.push(grant);
        }
        grants
    }

    fn end_holds(&mut self, now: Timestamp) {
        while self.held.first().is_some_and(|(until, _)| *until <= now) {
            let Some((_, account)) = self.held.pop_first() else { break };
            if let Some(entry) = self.accounts.get_mut(&account) {
                entry.held_until = None;
            }
            self.refresh(&account);
        }
    }

    fn grant_next(&mut self) -> Option<Grant> {
        let (emergencies, others) = (&self.usable.emergencies, &self.usable.others);
        let emergency = match (emergencies.is_empty(), others.is_empty()) {
            (true, true) => return None,
            (false, false) if self.emergency_turns < EMERGENCY_TURNS => {
                self.emergency_turns += 1;
                true
            }
            (false, true) => true,
            (_, false) => {
                self.emergency_turns = 0;
                false
            }
        };
        let (turn, id) = self.usable.of(emergency).first()?.clone();
        let rollback = self.rollbacks.get_mut(&id)?;
        let (_, _, account) = rollback.ready.first()?.clone();
        let item = *rollback.lines.get(&account)?.items.front()?;
        self.usable.of(emergency).remove(&(turn, Arc::clone(&id)));
        rollback.turn = self.next_turn;
        self.next_turn += 1;
        if !rollback.ready.is_empty() {
            self.usable.of(emergency).insert((rollback.turn, Arc::clone(&id)));
        }
        self.occupy(&id, item, account.clone());
        Some(Grant { rollback: id.as_ref().to_owned(), item, account })
    }

    pub(super) fn next_grant(&self, now: Timestamp) -> Option<Timestamp> {
        let wanted = |account: &AccountId| {
            self.accounts.get(account).is_some_and(|account| !account.wanted_by.is_empty())
        };
        self.held.iter().find(|(_, account)| wanted(account)).map(|(until, _)| (*until).max(now))
    }

    pub(super) fn adopt(&mut self, rollback: &str, item: u32, account: AccountId) {
        let id = self.id(rollback);
        self.occupy(&id, item, account);
    }

    /// Occupies a slot, and takes the item out of its line if it waits.
    fn occupy(&mut self, id: &Id, item: u32, account: AccountId) {
        let Some(rollback) = self.rollbacks.get_mut(id) else { return };
        if rollback.occupied.contains_key(&item) {
            return;
        }
        let waited_for = rollback.waiting.remove(&item);
        self.accounts.entry(account.clone()).or_default().occupied += 1;
        if let Some(waited_for) = waited_for {
            self.queued -= 1;
            self.leave_line(id, item, &waited_for);
            self.refresh(&waited_for);
        }
        self.refresh(&account);
        self.in_flight += 1;
        if let Some(rollback) = self.rollbacks.get_mut(id) {
            rollback.occupied.insert(item, (account, self.epoch));
        }
    }

    fn leave_line(&mut self, id: &Id, item: u32, account: &AccountId) {
        let Some(rollback) = self.rollbacks.get_mut(id) else { return };
        let Some(line) = rollback.lines.get_mut(account) else { return };
        rollback.ready.remove(&(Reverse(line.items.len()), line.position, account.clone()));
        if line.items.front() == Some(&item) {
            line.items.pop_front();
        } else {
            line.items.retain(|other| *other != item);
        }
        if line.items.is_empty() {
            rollback.lines.remove(account);
            if let Some(entry) = self.accounts.get_mut(account) {
                entry.wanted_by.remove(id);
                entry.emergencies -= usize::from(rollback.emergency);
            }
        }
        if rollback.ready.is_empty() {
            self.usable.of(rollback.emergency).remove(&(rollback.turn, Arc::clone(id)));
        }
    }

    pub(super) fn release(&mut self, rollback: &str, item: u32) {
        let Some(entry) = self.rollbacks.get_mut(rollback) else { return };
        let Some((account, epoch)) = entry.occupied.remove(&item) else { return };
        self.in_flight -= 1;
        if let Some(entry) = self.accounts.get_mut(&account) {
            entry.occupied -= 1;
        }
        self.refresh(&account);
        self.tidy(rollback);
        if epoch == self.epoch && self.allowed < self.limit {
            self.completions += 1;
            if self.completions >= self.allowed {
                self.allowed += 1;
                self.completions = 0;
            }
        }
    }

    pub(super) fn release_all(&mut self, rollback: &str) {
        let occupied =
            self.rollbacks.get(rollback).map(|entry| entry.occupied.keys().copied().collect());
        let items: Vec<u32> = occupied.unwrap_or_default();
        for item in items {
            self.release(rollback, item);
        }
    }

    pub(super) fn hold_account(&mut self, account: AccountId, until: Timestamp) {
        let entry = self.accounts.entry(account.clone()).or_default();
        if let Some(held_until) = entry.held_until {
            if held_until >= until {
                return;
            }
            self.held.remove(&(held_until, account.clone()));
        }
        entry.held_until = Some(until);
        self.refresh(&account);
        self.held.insert((until, account));
    }

    pub(super) fn throttled(&mut self, now: Timestamp) {
        self.epoch += 1;
        self.completions = 0;
        if self.throttled_at.is_some_and(|at| now.duration_since(at) < TOGETHER) {
            return;
        }
        self.throttled_at = Some(now);
        self.allowed = (self.allowed / 2).max(1);
    }

    fn refresh_all(&mut self, accounts: BTreeSet<AccountId>) {
        for account in accounts {
            self.refresh(&account);
        }
    }

    /// Works out again which Rollbacks could be granted this account.
    fn refresh(&mut self, account: &AccountId) {
        let Some(entry) = self.accounts.get(account) else { return };
        if entry.occupied == 0 && entry.held_until.is_none() && entry.wanted_by.is_empty() {
            self.accounts.remove(account);
            return;
        }
        let free = entry.occupied == 0 && entry.held_until.is_none();
        for id in &entry.wanted_by {
            let Some(rollback) = self.rollbacks.get_mut(id) else { continue };
            let Some(line) = rollback.lines.get(account) else { continue };
            let place = (Reverse(line.items.len()), line.position, account.clone());
            // An emergency goes first within an account.
            if free && (rollback.emergency || entry.emergencies == 0) {
                rollback.ready.insert(place);
            } else {
                rollback.ready.remove(&place);
            }
            let usable = self.usable.of(rollback.emergency);
            let turn = (rollback.turn, Arc::clone(id));
            if rollback.ready.is_empty() {
                usable.remove(&turn);
            } else {
                usable.insert(turn);
            }
        }
    }

    /// The Rollback's own copy of its uid; a new one is behind all others.
    fn id(&mut self, rollback: &str) -> Id {
        if let Some((id, _)) = self.rollbacks.get_key_value(rollback) {
            return Arc::clone(id);
        }
        let id: Id = rollback.into();
        let turn = self.next_turn;
        self.next_turn += 1;
        self.rollbacks.insert(Arc::clone(&id), Rollback { turn, ..Rollback::default() });
        id
    }

    /// Forgets a Rollback that neither waits nor occupies anything.
    fn tidy(&mut self, rollback: &str) {
        let is_idle = |r: &Rollback| r.waiting.is_empty() && r.occupied.is_empty();
        if self.rollbacks.get(rollback).is_some_and(is_idle) {
            self.rollbacks.remove(rollback);
        }
    }

    pub(super) const fn is_recovered(&self) -> bool {
        self.allowed >= self.limit
    }

    pub(super) const fn allowed(&self) -> usize {
        self.allowed
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn held_by(&self, rollback: &str) -> usize {
        self.rollbacks.get(rollback).map_or(0, |rollback| rollback.occupied.len())
    }

    pub(super) const fn queued(&self) -> usize {
        self.queued
    }
}

#[cfg(test)]
mod tests;
