//! Names that AWS told beside other facts: for people to read. Nobody asks AWS for a name alone,
//! and nothing is decided by one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{AccountId, Principal};

/// The last known names of one instance's principals and accounts.
#[derive(Debug, Default)]
pub struct KnownNames {
    principals: HashMap<Principal, String>,
    accounts: HashMap<AccountId, String>,
}

impl KnownNames {
    /// Takes in what AWS calls a user or group. One that is gone keeps the name that it had.
    pub fn learn_principal(&mut self, principal: &Principal, name: Option<String>) {
        self.principals.extend(name.map(|name| (principal.clone(), name)));
    }

    /// Takes in what AWS calls an account.
    pub fn learn_account(&mut self, account: &AccountId, name: Option<String>) {
        self.accounts.extend(name.map(|name| (account.clone(), name)));
    }

    /// Those of the principals whose names are known.
    #[must_use]
    pub fn of_principals(&self, principals: &BTreeSet<Principal>) -> BTreeMap<Principal, String> {
        let named =
            principals.iter().filter_map(|it| Some((it.clone(), self.principals.get(it)?.clone())));
        named.collect()
    }

    /// Those of the accounts whose names are known.
    #[must_use]
    pub fn of_accounts(&self, accounts: &BTreeSet<AccountId>) -> BTreeMap<AccountId, String> {
        let named =
            accounts.iter().filter_map(|it| Some((it.clone(), self.accounts.get(it)?.clone())));
        named.collect()
    }
}
