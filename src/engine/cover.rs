//! Which lists to ask for to read a set of keys with few calls.
//!
//! AWS has no call that reads one assignment. `ListAccountAssignmentsForPrincipal` shows all of a
//! principal's, `ListAccountAssignments` all of one permission set in one account.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AccountId, Key, PermissionSetArn, Principal};

/// One list, or one description, to ask AWS for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReadOperation {
    /// Every assignment of one principal.
    Principal(Principal),
    /// Every principal that has one permission set in one account.
    Pair(AccountId, PermissionSetArn),
    /// One permission set itself.
    PermissionSet(PermissionSetArn),
}

impl ReadOperation {
    /// Whether this list shows the state of a key.
    #[must_use]
    pub fn shows(&self, key: &Key) -> bool {
        match (self, key) {
            (Self::Principal(principal), Key::Assignment(key)) => *principal == key.principal,
            (Self::Pair(account, set), Key::Assignment(key)) => {
                *account == key.account && *set == key.permission_set
            }
            (Self::PermissionSet(set), Key::PermissionSet(key)) => set == key,
            _ => false,
        }
    }
}

/// What is known about the cost of lists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CoverHints {
    /// Pages of each principal's list when it was last read.
    pub principal_pages: BTreeMap<Principal, usize>,
    /// AWS denied lists by principal: it does so to some delegated administrators.
    pub principal_lists_denied: bool,
}

/// The lists that show all the keys, and how many calls they take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover {
    /// The lists, each once.
    pub operations: BTreeSet<ReadOperation>,
    /// Calls that they take, pages included.
    pub calls: usize,
}

/// Chooses for each principal the cheaper way: its whole list, or one list for each pair.
#[must_use]
pub fn cover<'a>(keys: impl IntoIterator<Item = &'a Key>, hints: &CoverHints) -> Cover {
    let mut by_principal: BTreeMap<&Principal, BTreeSet<(&AccountId, &PermissionSetArn)>> =
        BTreeMap::new();
    let mut cover = Cover::default();
    for key in keys {
        match key {
            Key::Assignment(key) => {
                by_principal
                    .entry(&key.principal)
                    .or_default()
                    .insert((&key.account, &key.permission_set));
            }
            Key::PermissionSet(set) => {
                if cover.operations.insert(ReadOperation::PermissionSet(set.clone())) {
                    cover.calls += 1;
                }
            }
        }
    }
    let mut principals_of_pair: BTreeMap<(&AccountId, &PermissionSetArn), usize> = BTreeMap::new();
    for pair in by_principal.values().flatten() {
        *principals_of_pair.entry(*pair).or_default() += 1;
    }
    for (principal, pairs) in by_principal {
        let pages = hints.principal_pages.get(principal).copied().unwrap_or(1);
        // A pair that several principals need costs each of them only its share.
        let shares: f64 = pairs
            .iter()
            .map(|pair| 1.0 / as_f64(principals_of_pair.get(pair).copied().unwrap_or(1)))
            .sum();
        if !hints.principal_lists_denied && as_f64(pages) < shares {
            cover.operations.insert(ReadOperation::Principal(principal.clone()));
            cover.calls += pages.max(1);
        } else {
            for (account, set) in pairs {
                if cover.operations.insert(ReadOperation::Pair(account.clone(), set.clone())) {
                    cover.calls += 1;
                }
            }
        }
    }
    cover
}

#[allow(clippy::cast_precision_loss, reason = "counts of pages and pairs are far below 2^52")]
const fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;
    use crate::model::ActionKind;

    fn keys(principals: usize, accounts: usize) -> Vec<Key> {
        (0..principals)
            .flat_map(|user| (0..accounts).map(move |account| (user, account)))
            .map(|(user, account)| {
                fixtures::assignment(ActionKind::DeleteAssignment, account, user).key()
            })
            .collect()
    }

    #[test]
    fn many_accounts_of_one_principal_are_read_by_its_list() {
        let keys = keys(1, 200);
        let mut hints = CoverHints::default();
        assert_eq!(cover(&keys, &hints).calls, 1);
        hints.principal_pages = keys.iter().filter_map(principal).map(|p| (p, 10)).collect();
        assert_eq!(cover(&keys, &hints).calls, 10);
        hints.principal_pages = keys.iter().filter_map(principal).map(|p| (p, 300)).collect();
        assert_eq!(cover(&keys, &hints).calls, 200);
    }

    #[test]
    fn many_principals_in_one_account_are_read_by_the_pair() {
        assert_eq!(cover(&keys(50, 1), &CoverHints::default()).calls, 1);
    }

    #[test]
    fn denied_lists_are_done_without() {
        let hints = CoverHints { principal_lists_denied: true, ..CoverHints::default() };
        assert_eq!(cover(&keys(1, 200), &hints).calls, 200);
    }

    #[test]
    fn every_key_is_shown_by_its_cover() {
        for (principals, accounts) in [(1, 1), (1, 7), (7, 1), (5, 5), (3, 40)] {
            let keys = keys(principals, accounts);
            let cover = cover(&keys, &CoverHints::default());
            assert!(
                keys.iter()
                    .all(|key| cover.operations.iter().any(|operation| operation.shows(key)))
            );
        }
    }

    fn principal(key: &Key) -> Option<Principal> {
        match key {
            Key::Assignment(key) => Some(key.principal.clone()),
            Key::PermissionSet(_) => None,
        }
    }
}
