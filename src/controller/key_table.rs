//! Which Rollback holds which key: from its first intent until its ledger is written.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::api::plan::{Disposition, PlanItem};
use crate::model::{AssignmentKey, Key, Presence};

/// The key table of one instance.
#[derive(Debug)]
pub struct KeyTable(Mutex<Table>);

#[derive(Debug)]
struct Table {
    holders: HashMap<Key, Holder>,
    last_release: Timestamp,
}

#[derive(Debug)]
struct Holder {
    uid: String,
    removes: bool,
}

/// A key that a Rollback takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub key: Key,
    /// Whether it is being removed.
    pub removes: bool,
}

impl Claim {
    /// The key of an item of a plan.
    #[must_use]
    pub fn of(item: &PlanItem) -> Self {
        let removes =
            item.disposition == Disposition::Act && item.action.goal() == Presence::Absent;
        Self { key: item.key(), removes }
    }
}

impl KeyTable {
    /// An empty table. What was held and let go of before `now` is not known to it.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Table { holders: HashMap::new(), last_release: now }))
    }

    /// Takes all keys for a Rollback, or none.
    ///
    /// # Errors
    /// The uid of a Rollback that holds one of them.
    pub fn acquire(&self, uid: &str, claims: impl Iterator<Item = Claim>) -> Result<(), String> {
        let mut table = self.lock();
        let claims: Vec<Claim> = claims.collect();
        if let Some(holder) = table.other_holder(uid, claims.iter().map(|claim| &claim.key)) {
            return Err(holder);
        }
        for Claim { key, removes } in claims {
            table.holders.insert(key, Holder { uid: uid.to_owned(), removes });
        }
        Ok(())
    }

    /// The assignments that other Rollbacks are removing.
    #[must_use]
    pub fn removed_by_others(&self, uid: &str) -> BTreeSet<AssignmentKey> {
        let table = self.lock();
        let others = table.holders.iter().filter(|(_, holder)| holder.removes && holder.uid != uid);
        others
            .filter_map(|(key, _)| match key {
                Key::Assignment(key) => Some(key.clone()),
                Key::PermissionSet(_) => None,
            })
            .collect()
    }

    /// Whether a Rollback holds any key.
    #[must_use]
    pub fn is_held_by(&self, uid: &str) -> bool {
        self.lock().holders.values().any(|holder| holder.uid == uid)
    }

    /// Lets go of every key of a Rollback.
    pub fn release(&self, uid: &str, now: Timestamp) {
        let mut table = self.lock();
        let held = table.holders.len();
        table.holders.retain(|_, holder| holder.uid != uid);
        if table.holders.len() < held {
            table.last_release = table.last_release.max(now);
        }
    }

    /// When a Rollback last let go of keys: what was read before that may have changed.
    #[must_use]
    pub fn last_release(&self) -> Timestamp {
        self.lock().last_release
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn other_holder<'a>(&self, uid: &str, keys: impl Iterator<Item = &'a Key>) -> Option<String> {
        let mut holders = keys.filter_map(|key| self.holders.get(key));
        holders.find(|holder| holder.uid != uid).map(|holder| holder.uid.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::later;
    use jiff::SignedDuration;

    fn key(n: u32) -> Claim {
        let arn = format!("arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-{n:016}");
        Claim { key: Key::PermissionSet(arn.parse().unwrap()), removes: false }
    }

    fn at(seconds: i64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(seconds))
    }

    #[test]
    fn all_keys_are_taken_or_none() {
        let table = KeyTable::new(at(0));
        assert_eq!(table.acquire("a", [key(1), key(2)].into_iter()), Ok(()));
        assert_eq!(
            table.acquire("a", [key(2), key(3)].into_iter()),
            Ok(()),
            "its own keys are no obstacle"
        );
        assert_eq!(table.acquire("b", [key(4), key(2)].into_iter()), Err("a".into()));
        assert_eq!(table.acquire("c", [key(4)].into_iter()), Ok(()), "b took nothing");
        assert!(table.is_held_by("a") && !table.is_held_by("b"));
        table.release("a", at(1));
        assert!(!table.is_held_by("a"));
        assert_eq!(table.acquire("b", [key(1), key(2), key(3)].into_iter()), Ok(()));
    }

    #[test]
    fn only_a_release_that_lets_go_of_something_is_remembered() {
        let table = KeyTable::new(at(0));
        table.release("a", at(5));
        assert_eq!(table.last_release(), at(0));
        assert_eq!(table.acquire("a", [key(1)].into_iter()), Ok(()));
        table.release("a", at(7));
        assert_eq!(table.last_release(), at(7));
    }

    #[test]
    fn what_others_remove_is_known_until_they_let_go() {
        let table = KeyTable::new(at(0));
        let assignment = |account: &str| AssignmentKey {
            account: account.parse().unwrap(),
            permission_set: key(1).key.permission_set().clone(),
            principal: crate::model::Principal {
                kind: crate::model::PrincipalType::User,
                id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            },
        };
        let claim = |account, removes| Claim { key: Key::Assignment(assignment(account)), removes };
        let claims = [claim("111111111111", true), claim("222222222222", false)];
        assert_eq!(table.acquire("a", claims.into_iter()), Ok(()));
        assert_eq!(table.removed_by_others("b"), [assignment("111111111111")].into());
        assert_eq!(table.removed_by_others("a"), BTreeSet::new(), "its own are its plan's");
        table.release("a", at(1));
        assert_eq!(table.removed_by_others("b"), BTreeSet::new());
    }
}
