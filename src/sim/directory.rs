//! An identity store: users, groups and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{IdentityStoreId, Principal, PrincipalId, PrincipalType};

/// The users and groups of one instance.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub id: IdentityStoreId,
    pub users: BTreeMap<PrincipalId, User>,
    pub groups: BTreeMap<PrincipalId, Group>,
}

/// A user.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub name: String,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub status: UserStatus,
    pub external_ids: Vec<ExternalId>,
}

/// A group and its members.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub display_name: String,
    pub description: Option<String>,
    pub external_ids: Vec<ExternalId>,
    /// The users in it, each with the id of the membership.
    pub members: BTreeMap<PrincipalId, PrincipalId>,
}

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserStatus {
    /// May sign in.
    #[default]
    Enabled,
    /// May not.
    Disabled,
}

/// An identifier that another identity provider issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalId {
    /// Who issued it.
    pub issuer: String,
    /// The identifier.
    pub id: String,
}

impl Directory {
    pub fn has(&self, principal: &Principal) -> bool {
        match principal.kind {
            PrincipalType::User => self.users.contains_key(&principal.id),
            PrincipalType::Group => self.groups.contains_key(&principal.id),
        }
    }

    /// The groups that a user is in.
    pub fn groups_of<'a>(&'a self, user: &'a PrincipalId) -> impl Iterator<Item = &'a PrincipalId> {
        self.groups.iter().filter(|(_, group)| group.members.contains_key(user)).map(|(id, _)| id)
    }

    /// The principals whose assignments give a principal access: itself and, for a user, its groups.
    pub fn access_through(&self, principal: &Principal) -> BTreeSet<Principal> {
        let mut all = BTreeSet::from([principal.clone()]);
        if principal.kind == PrincipalType::User {
            let groups = self.groups_of(&principal.id).cloned();
            all.extend(groups.map(|id| Principal { kind: PrincipalType::Group, id }));
        }
        all
    }
}
