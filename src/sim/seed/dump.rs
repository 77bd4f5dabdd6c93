//! From a world back to a seed.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountSeed, AssignmentSeed, CallerSeed, GroupSeed, InstanceSeed, OrganizationSeed,
    PermissionSetSeed, ProvisionedSeed, RoleSeed, Seed, UserSeed,
};
use crate::model::{PermissionSetArn, Principal, PrincipalType};
use crate::sim::instance::Instance;
use crate::sim::permission_set::PermissionSet;
use crate::sim::settings::Settings;
use crate::sim::world::World;

/// How much of the state is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Everything but requests at work and their statuses.
    #[default]
    All,
    /// Who may do what: without roles, times, settings and callers. Two of these are equal if
    /// access is.
    Access,
}

impl World {
    /// The state as a seed, as it is in truth and not as lists show it.
    #[must_use]
    pub fn dump(&self, view: View) -> Seed {
        let all = view == View::All;
        let accounts = self.organization.accounts.iter().map(|(id, account)| AccountSeed {
            id: id.clone(),
            name: account.name.clone(),
            email: all.then(|| account.email.clone()),
            status: account.status,
            joined: all.then_some(account.joined),
            customer_managed_policies: account.policies.clone(),
        });
        let callers = self.callers.iter().map(|(key, caller)| CallerSeed {
            access_key_id: key.clone(),
            account: caller.account.clone(),
            arn: Some(caller.arn.clone()),
            denied: caller.denied.clone(),
            iam_in_management_account: caller.iam_in_management_account,
        });
        let roles = self.roles.iter().map(|(arn, role)| RoleSeed {
            arn: arn.clone(),
            external_id: role.external_id.clone(),
            denied: role.denied.clone(),
            iam_in_management_account: role.iam_in_management_account,
        });
        Seed {
            organization: OrganizationSeed {
                id: self.organization.id.clone(),
                management_account: self.organization.management.clone(),
            },
            accounts: accounts.collect(),
            callers: if all { callers.collect() } else { Vec::new() },
            roles: if all { roles.collect() } else { Vec::new() },
            instances: self.instances.values().map(|instance| instance.dump(all)).collect(),
            settings: if all { self.settings.clone() } else { Settings::default() },
        }
    }
}

impl Instance {
    fn dump(&self, all: bool) -> InstanceSeed {
        InstanceSeed {
            arn: self.arn.clone(),
            name: self.name.clone(),
            region: self.region.clone(),
            identity_store_id: self.directory.id.clone(),
            owner_account: Some(self.owner.clone()),
            delegated_administrators: self.delegated_administrators.clone(),
            created: all.then_some(self.created),
            users: self.dump_users(),
            groups: self.dump_groups(),
            permission_sets: self.dump_sets(all),
            assignments: self.dump_assignments(),
            provisioned: if all { self.dump_provisioned() } else { Vec::new() },
            generate: None,
        }
    }

    fn dump_users(&self) -> Vec<UserSeed> {
        let user = |(id, user): (&_, &crate::sim::directory::User)| UserSeed {
            id: Some(Clone::clone(id)),
            user_name: user.name.clone(),
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            status: user.status,
            external_ids: user.external_ids.clone(),
        };
        let mut users: Vec<UserSeed> = self.directory.users.iter().map(user).collect();
        users.sort_by(|left, right| left.user_name.cmp(&right.user_name));
        users
    }

    fn dump_groups(&self) -> Vec<GroupSeed> {
        let users = &self.directory.users;
        let groups = self.directory.groups.iter().map(|(id, group)| {
            let names = group.members.keys().filter_map(|member| users.get(member));
            let mut members: Vec<String> = names.map(|user| user.name.clone()).collect();
            members.sort();
            GroupSeed {
                id: Some(id.clone()),
                display_name: group.display_name.clone(),
                description: group.description.clone(),
                external_ids: group.external_ids.clone(),
                members,
            }
        });
        let mut groups: Vec<GroupSeed> = groups.collect();
        groups.sort_by(|left, right| left.display_name.cmp(&right.display_name));
        groups
    }

    fn dump_sets(&self, all: bool) -> Vec<PermissionSetSeed> {
        let set = |set: &PermissionSet| PermissionSetSeed {
            arn: Some(set.arn.clone()),
            name: set.name.clone(),
            description: set.description.clone(),
            session_duration: Some(set.session_duration.clone()),
            relay_state: set.relay_state.clone(),
            created: all.then_some(set.created),
            managed_policies: set.content.managed.clone(),
            customer_managed_policies: set.content.customer_managed.clone(),
            inline_policy: set.content.inline.clone(),
            permissions_boundary: set.content.boundary.clone(),
            tags: set.tags.clone(),
        };
        let mut sets: Vec<PermissionSetSeed> = self.sets.values().map(set).collect();
        sets.sort_by(|left, right| left.name.cmp(&right.name));
        sets
    }

    fn set_name(&self, arn: &PermissionSetArn) -> String {
        self.sets.get(arn).map_or_else(|| arn.to_string(), |set| set.name.clone())
    }

    fn dump_assignments(&self) -> Vec<AssignmentSeed> {
        let mut rows: BTreeMap<(String, &Principal), Vec<String>> = BTreeMap::new();
        for ((account, set), principal) in self.assignments.iter() {
            rows.entry((self.set_name(set), principal)).or_default().push(account.to_string());
        }
        let row = |((permission_set, principal), accounts): ((String, &Principal), _)| {
            let name = self.principal_name(principal);
            let (user, group) = match principal.kind {
                PrincipalType::User => (Some(name), None),
                PrincipalType::Group => (None, Some(name)),
            };
            AssignmentSeed { permission_set, user, group, accounts }
        };
        rows.into_iter().map(row).collect()
    }

    fn principal_name(&self, principal: &Principal) -> String {
        let Principal { kind, id } = principal;
        let name = match kind {
            PrincipalType::User => self.directory.users.get(id).map(|user| &user.name),
            PrincipalType::Group => self.directory.groups.get(id).map(|group| &group.display_name),
        };
        name.cloned().unwrap_or_else(|| id.to_string())
    }

    fn dump_provisioned(&self) -> Vec<ProvisionedSeed> {
        let mut rows: BTreeMap<String, ProvisionedSeed> = BTreeMap::new();
        for ((account, set), role) in &self.provisioned {
            let permission_set = self.set_name(set);
            let row = rows.entry(permission_set.clone()).or_insert_with(|| ProvisionedSeed {
                permission_set,
                suffixes: BTreeMap::new(),
                outdated: BTreeSet::new(),
            });
            row.suffixes.insert(account.clone(), role.suffix.clone());
            if self.sets.get(set).is_some_and(|set| set.version != role.version) {
                row.outdated.insert(account.clone());
            }
        }
        rows.into_values().collect()
    }
}
