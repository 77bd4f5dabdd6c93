//! Which Rollback holds which key: from its first intent until its ledger is written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::model::Key;

/// The key table of one instance.
#[derive(Debug)]
pub struct KeyTable(Mutex<Table>);

#[derive(Debug)]
struct Table {
    holders: HashMap<Key, String>,
    last_release: Timestamp,
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
    pub fn acquire(&self, uid: &str, keys: impl Iterator<Item = Key>) -> Result<(), String> {
        let mut table = self.lock();
        let keys: Vec<Key> = keys.collect();
        if let Some(holder) = table.other_holder(uid, keys.iter()) {
            return Err(holder);
        }
        for key in keys {
            table.holders.insert(key, uid.to_owned());
        }
        Ok(())
    }

    /// Lets go of every key of a Rollback.
    pub fn release(&self, uid: &str, now: Timestamp) {
        let mut table = self.lock();
        let held = table.holders.len();
        table.holders.retain(|_, holder| holder != uid);
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
        holders.find(|holder| *holder != uid).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::later;
    use jiff::SignedDuration;

    fn key(n: u32) -> Key {
        let arn = format!("arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-{n:016}");
        Key::PermissionSet(arn.parse().unwrap())
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
        table.release("a", at(1));
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
}
