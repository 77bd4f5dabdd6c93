//! Permission sets that were deleted and created again: one key through all their ARNs.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Record;
use crate::model::{AssignmentKey, Key, PermissionSetArn};

/// Which permission set stands for a deleted one now, as ledgers tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replacements(BTreeMap<PermissionSetArn, PermissionSetArn>);

impl Replacements {
    /// Those that these records tell of.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let ledgers = records.into_iter().filter_map(|record| record.spec.rollback.as_ref());
        let created = ledgers.flat_map(|ledger| &ledger.created_permission_sets);
        Self(
            created
                .filter_map(|created| Some((created.replaces.clone()?, created.arn.clone())))
                .collect(),
        )
    }

    /// The permission set that stands for this one: itself, unless it was replaced.
    #[must_use]
    pub fn current<'a>(&'a self, set: &'a PermissionSetArn) -> &'a PermissionSetArn {
        let mut current = set;
        // As many steps as there are replacements: what goes in circles was not written by AWS's ids.
        for _ in 0..self.0.len() {
            match self.0.get(current) {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }

    /// The same keys through every permission set that ever stood for theirs: what records of any
    /// time call them.
    #[must_use]
    pub fn all_names(&self, keys: &BTreeSet<Key>) -> BTreeSet<Key> {
        let mut all = keys.clone();
        let mut earlier: BTreeMap<&PermissionSetArn, Vec<&PermissionSetArn>> = BTreeMap::new();
        for replaced in self.0.keys() {
            earlier.entry(self.current(replaced)).or_default().push(replaced);
        }
        for key in keys {
            let current = self.current(key.permission_set());
            let names = earlier.get(current).into_iter().flatten().copied().chain([current]);
            all.extend(names.map(|set| through(key, set)));
        }
        all
    }

    /// The same key through the permission set of now.
    #[must_use]
    pub fn key(&self, key: Key) -> Key {
        if self.0.is_empty() {
            return key;
        }
        through(&key, self.current(key.permission_set()))
    }
}

fn through(key: &Key, set: &PermissionSetArn) -> Key {
    match key {
        Key::Assignment(key) => {
            Key::Assignment(AssignmentKey { permission_set: set.clone(), ..key.clone() })
        }
        Key::PermissionSet(_) => Key::PermissionSet(set.clone()),
    }
}
