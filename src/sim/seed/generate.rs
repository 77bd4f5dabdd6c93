//! Worlds by numbers, for benchmarks: the same numbers give the same world.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    AccountSeed, AssignmentSeed, GroupSeed, InstanceSeed, PermissionSetSeed, SeedError, UserSeed,
};
use crate::model::AccountId;
use crate::sim::directory::UserStatus;
use crate::sim::organization::AccountStatus;

/// How many of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Generate {
    /// Accounts `account-0001` and so on, with ids from 100000000001 on.
    pub accounts: usize,
    /// Users `user-0001` and so on.
    pub users: usize,
    /// Groups `group-0001` and so on, without members.
    pub groups: usize,
    /// Permission sets `set-0001` and so on.
    pub permission_sets: usize,
    /// Which of them are assigned.
    pub assigned: Assigned,
}

/// The first so many of each kind: every user and group with every set in every account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Assigned {
    /// Users.
    pub users: usize,
    /// Groups.
    pub groups: usize,
    /// Permission sets.
    pub permission_sets: usize,
    /// Accounts.
    pub accounts: usize,
}

impl Generate {
    /// Adds what is asked for to the accounts and the instance.
    pub(super) fn expand(
        &self,
        accounts: &mut Vec<AccountSeed>,
        instance: &mut InstanceSeed,
    ) -> Result<(), SeedError> {
        let Assigned { users, groups, permission_sets, accounts: in_accounts } = self.assigned;
        for (name, assigned, made) in [
            ("users", users, self.users),
            ("groups", groups, self.groups),
            ("permissionSets", permission_sets, self.permission_sets),
            ("accounts", in_accounts, self.accounts),
        ] {
            if assigned > made {
                let place = format!("instance {} generate.assigned.{name}", instance.arn);
                let problem = format!("{assigned} are to be assigned but only {made} are made");
                return Err(SeedError::at(place, problem));
            }
        }
        for number in 1..=self.accounts {
            let id = account_id(number)?;
            // Two instances may share generated accounts.
            if accounts.iter().all(|account| account.id != id) {
                let name = named("account", number);
                let status = AccountStatus::Active;
                let customer_managed_policies = BTreeSet::new();
                let (email, joined) = (None, None);
                accounts.push(AccountSeed {
                    id,
                    name,
                    email,
                    status,
                    joined,
                    customer_managed_policies,
                });
            }
        }
        instance.users.extend((1..=self.users).map(|number| UserSeed {
            id: None,
            user_name: named("user", number),
            display_name: Some(format!("User {number}")),
            email: None,
            status: UserStatus::Enabled,
            external_ids: Vec::new(),
        }));
        instance.groups.extend((1..=self.groups).map(|number| GroupSeed {
            id: None,
            display_name: named("group", number),
            description: None,
            external_ids: Vec::new(),
            members: Vec::new(),
        }));
        instance.permission_sets.extend((1..=self.permission_sets).map(|number| {
            PermissionSetSeed {
                arn: None,
                name: named("set", number),
                description: None,
                session_duration: None,
                relay_state: None,
                created: None,
                managed_policies: BTreeSet::new(),
                customer_managed_policies: BTreeSet::new(),
                inline_policy: None,
                permissions_boundary: None,
                tags: BTreeMap::new(),
            }
        }));
        let in_accounts: Vec<String> = (1..=in_accounts)
            .map(|number| account_id(number).map(|id| id.to_string()))
            .collect::<Result<_, _>>()?;
        let principals = (1..=users)
            .map(|number| (Some(named("user", number)), None))
            .chain((1..=groups).map(|number| (None, Some(named("group", number)))));
        for (user, group) in principals {
            instance.assignments.extend((1..=permission_sets).map(|set| AssignmentSeed {
                permission_set: named("set", set),
                user: user.clone(),
                group: group.clone(),
                accounts: in_accounts.clone(),
            }));
        }
        Ok(())
    }
}

fn named(kind: &str, number: usize) -> String {
    format!("{kind}-{number:04}")
}

fn account_id(number: usize) -> Result<AccountId, SeedError> {
    (100_000_000_000 + number)
        .to_string()
        .parse()
        .map_err(|_| SeedError::at("generate.accounts", "there are not so many account ids"))
}
