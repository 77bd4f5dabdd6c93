//! Which Rollback holds which key: from its first intent until its ledger is written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::Key;

/// The key table of one instance.
#[derive(Debug, Default)]
pub struct KeyTable(Mutex<HashMap<Key, String>>);

impl KeyTable {
    /// Takes all keys for a Rollback, or none.
    ///
    /// # Errors
    /// The uid of a Rollback that holds one of them.
    pub fn acquire(&self, uid: &str, keys: impl Iterator<Item = Key>) -> Result<(), String> {
        let mut table = self.lock();
        let keys: Vec<Key> = keys.collect();
        if let Some(holder) =
            keys.iter().filter_map(|key| table.get(key)).find(|holder| *holder != uid)
        {
            return Err(holder.clone());
        }
        for key in keys {
            table.insert(key, uid.to_owned());
        }
        Ok(())
    }

    /// Lets go of every key of a Rollback.
    pub fn release(&self, uid: &str) {
        self.lock().retain(|_, holder| holder != uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        let arn = format!("arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-{n:016}");
        Key::PermissionSet(arn.parse().unwrap())
    }

    #[test]
    fn all_keys_are_taken_or_none() {
        let table = KeyTable::default();
        assert_eq!(table.acquire("a", [key(1), key(2)].into_iter()), Ok(()));
        assert_eq!(
            table.acquire("a", [key(2), key(3)].into_iter()),
            Ok(()),
            "its own keys are no obstacle"
        );
        assert_eq!(table.acquire("b", [key(4), key(2)].into_iter()), Err("a".into()));
        assert_eq!(table.acquire("c", [key(4)].into_iter()), Ok(()), "b took nothing");
        table.release("a");
        assert_eq!(table.acquire("b", [key(1), key(2), key(3)].into_iter()), Ok(()));
    }
}
