//! Who has which access, before and after a plan: counted as people, through groups.

use std::collections::{BTreeMap, BTreeSet};

use super::given::Given;
use crate::model::{
    AccountId, AssignmentKey, PermissionSetArn, Presence, Principal, PrincipalId, PrincipalType,
};

/// A permission set in an account: what people enter.
pub type Place = (AccountId, PermissionSetArn);

/// The assignments that a plan writes, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    removed: BTreeMap<Place, BTreeSet<Principal>>,
    made: BTreeMap<Place, BTreeSet<Principal>>,
}

/// What was read about who has access. What is not in it was not asked for, or was not told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Everybody who is assigned at a place, groups as groups.
    pub holders: BTreeMap<Place, BTreeSet<Principal>>,
    /// All access of a user: the place, and whose assignment gives it.
    pub of_user: BTreeMap<PrincipalId, BTreeMap<Place, BTreeSet<Principal>>>,
    /// The users in a group.
    pub members: BTreeMap<PrincipalId, BTreeSet<PrincipalId>>,
    /// Whether a user may sign in.
    pub enabled: BTreeMap<PrincipalId, bool>,
    /// Names of users and groups.
    pub names: BTreeMap<PrincipalId, String>,
    /// The administrative permission sets of the accounts where assignments of such are removed.
    pub administrative: BTreeMap<AccountId, AdministrativeSets>,
    /// How many permission sets are provisioned in accounts that would get one more.
    pub provisioned_sets: BTreeMap<AccountId, usize>,
    /// What the permission sets give through which assignments are made, but those that the plan
    /// creates.
    pub given: BTreeMap<PermissionSetArn, Given>,
    /// The access that the operator itself works with, if it comes from Identity Center.
    pub own: Option<OwnAccess>,
    /// Assignments that other Rollbacks are removing, whether they are gone already or not.
    pub being_removed: BTreeSet<AssignmentKey>,
}

/// Administrative permission sets of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdministrativeSets {
    /// Those that were looked at.
    pub sets: BTreeSet<PermissionSetArn>,
    /// Whether these are all that the account has.
    pub complete: bool,
}

/// A role of Identity Center that somebody works with: AWS names it
/// `AWSReservedSSO_<permission set>_<suffix>`
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAccess {
    /// Account of the role.
    pub account: AccountId,
    /// Name of the permission set.
    pub permission_set_name: String,
}

impl Changes {
    /// Takes in an assignment that is led to a goal.
    pub fn add(&mut self, key: &AssignmentKey, goal: Presence) {
        let places = match goal {
            Presence::Present => &mut self.made,
            Presence::Absent => &mut self.removed,
        };
        places.entry(place(key)).or_default().insert(key.principal.clone());
    }

    /// The same together with assignments that others remove.
    #[must_use]
    pub fn beside(&self, removed: &BTreeSet<AssignmentKey>) -> Self {
        let mut all = self.clone();
        for key in removed {
            all.add(key, Presence::Absent);
        }
        all
    }

    /// The places where assignments are written.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let only_made = self.made.keys().filter(|place| !self.removed.contains_key(place));
        self.removed.keys().chain(only_made)
    }

    /// The places where assignments are removed.
    pub fn places_of_removals(&self) -> impl Iterator<Item = &Place> {
        self.removed.keys()
    }

    /// The places where assignments are made.
    pub fn places_of_creations(&self) -> impl Iterator<Item = &Place> {
        self.made.keys()
    }

    /// The places where some assignments are made and others are removed.
    pub fn places_of_exchanges(&self) -> impl Iterator<Item = &Place> {
        self.made.keys().filter(|place| self.removed.contains_key(place))
    }

    /// The principals whose assignments are written.
    #[must_use]
    pub fn principals(&self) -> BTreeSet<&Principal> {
        self.removed.values().chain(self.made.values()).flatten().collect()
    }

    /// Who keeps an assignment at a place whatever becomes of the plan, given who holds one before:
    /// those to whom the plan gives one are not among them, because AWS may refuse that.
    #[must_use]
    pub fn keepers(&self, at: &Place, before: &BTreeSet<Principal>) -> BTreeSet<Principal> {
        let mut keepers = before.clone();
        for removed in self.removed_at(at) {
            keepers.remove(removed);
        }
        keepers
    }

    /// Whether assignments are made at a place.
    pub(super) fn makes_at(&self, at: &Place) -> bool {
        self.made.contains_key(at)
    }

    /// The principals whose assignments at a place are removed.
    pub(super) fn removed_at(&self, at: &Place) -> impl Iterator<Item = &Principal> {
        self.removed.get(at).into_iter().flatten()
    }

    /// The principals who are given assignments at a place.
    pub(super) fn made_at(&self, at: &Place) -> impl Iterator<Item = &Principal> {
        self.made.get(at).into_iter().flatten()
    }

    /// Whether the assignment of a principal at a place is removed.
    pub(super) fn removes_from(&self, principal: &Principal, at: &Place) -> bool {
        self.removed.get(at).is_some_and(|removed| removed.contains(principal))
    }

    /// Whether an assignment is removed.
    pub(super) fn removes(&self, key: &AssignmentKey) -> bool {
        self.removed.get(&place(key)).is_some_and(|at| at.contains(&key.principal))
    }

    /// The assignments that are made through a permission set.
    pub(super) fn made_through(
        &self,
        set: &PermissionSetArn,
    ) -> impl Iterator<Item = AssignmentKey> {
        let places = self.made.iter().filter(move |((_, through), _)| through == set);
        places.flat_map(|((account, set), principals)| {
            principals.iter().map(move |principal| AssignmentKey {
                account: account.clone(),
                permission_set: set.clone(),
                principal: principal.clone(),
            })
        })
    }
}

/// Where an assignment leads.
#[must_use]
pub fn place(key: &AssignmentKey) -> Place {
    (key.account.clone(), key.permission_set.clone())
}

impl Access {
    /// The users that a principal stands for: itself, or the members of a group; none where they
    /// could not be read.
    #[must_use]
    pub fn people(&self, principal: &Principal) -> Option<BTreeSet<PrincipalId>> {
        match principal.kind {
            PrincipalType::User => Some(BTreeSet::from([principal.id.clone()])),
            PrincipalType::Group => self.members.get(&principal.id).cloned(),
        }
    }

    fn includes(&self, principal: &Principal, user: &PrincipalId) -> Option<bool> {
        match principal.kind {
            PrincipalType::User => Some(principal.id == *user),
            PrincipalType::Group => self.members.get(&principal.id).map(|it| it.contains(user)),
        }
    }

    /// The principals that give a user access at a place before the plan; none if that is not
    /// known.
    pub(super) fn givers(&self, user: &PrincipalId, at: &Place) -> Option<BTreeSet<Principal>> {
        if let Some(places) = self.of_user.get(user) {
            return Some(places.get(at).cloned().unwrap_or_default());
        }
        let mut givers = BTreeSet::new();
        for holder in self.holders.get(at)? {
            if self.includes(holder, user)? {
                givers.insert(holder.clone());
            }
        }
        Some(givers)
    }

    /// The same after the plan, given who does before.
    pub(super) fn givers_after(
        &self,
        user: &PrincipalId,
        at: &Place,
        before: &BTreeSet<Principal>,
        changes: &Changes,
    ) -> Option<BTreeSet<Principal>> {
        let mut givers = before.clone();
        for removed in changes.removed_at(at) {
            givers.remove(removed);
        }
        for made in changes.made_at(at) {
            if self.includes(made, user)? {
                givers.insert(made.clone());
            }
        }
        Some(givers)
    }
}
