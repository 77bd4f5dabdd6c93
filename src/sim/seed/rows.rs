//! The compact rows of a seed, resolved: names and ids become keys.

use super::{AssignmentSeed, SeedError};
use crate::model::{
    AccountId, AssignmentKey, PermissionSetArn, Principal, PrincipalId, PrincipalType,
};
use crate::sim::instance::Instance;
use crate::sim::organization::Organization;

impl Instance {
    /// The permission set of this name or ARN.
    pub(super) fn set_named(&self, name: &str, place: &str) -> Result<PermissionSetArn, SeedError> {
        let mut sets = self.sets.values();
        sets.find(|set| set.name == name || set.arn.as_str() == name)
            .map(|set| set.arn.clone())
            .ok_or_else(|| SeedError::at(place, format!("there is no permission set {name}")))
    }

    /// The assignments that a row stands for.
    pub(in crate::sim) fn keys(
        &self,
        organization: &Organization,
        row: &AssignmentSeed,
        place: &str,
    ) -> Result<Vec<AssignmentKey>, SeedError> {
        let permission_set = self.set_named(&row.permission_set, place)?;
        let directory = &self.directory;
        let (kind, name, found) = match (&row.user, &row.group) {
            (Some(name), None) => {
                let mut users = directory.users.iter();
                (
                    PrincipalType::User,
                    name,
                    users.find(|(_, user)| user.name == *name).map(|(id, _)| id),
                )
            }
            (None, Some(name)) => {
                let mut groups = directory.groups.iter();
                let found = groups.find(|(_, group)| group.display_name == *name);
                (PrincipalType::Group, name, found.map(|(id, _)| id))
            }
            _ => return Err(SeedError::at(place, "give either a user or a group")),
        };
        let id: PrincipalId = match found {
            Some(id) => id.clone(),
            None => name.parse().map_err(|_| {
                SeedError::at(place, format!("{name} is neither a name nor an id of a {kind}"))
            })?,
        };
        let account = |text: &String| -> Result<AccountId, SeedError> {
            let accounts = &organization.accounts;
            let named = || {
                accounts.iter().find(|(_, account)| account.name == *text).map(|(id, _)| id.clone())
            };
            let id = text.parse().ok().filter(|id| accounts.contains_key(id)).or_else(named);
            id.ok_or_else(|| SeedError::at(place, format!("there is no account {text}")))
        };
        let principal = Principal { kind, id };
        row.accounts
            .iter()
            .map(|text| {
                Ok(AssignmentKey {
                    account: account(text)?,
                    permission_set: permission_set.clone(),
                    principal: principal.clone(),
                })
            })
            .collect()
    }
}
