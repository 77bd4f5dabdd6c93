//! All assignments of an instance, found by place and by principal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::lagged::LaggedSet;
use crate::model::{AccountId, AssignmentKey, PermissionSetArn, Principal};

/// An account and a permission set in it.
pub(super) type Place = (AccountId, PermissionSetArn);

/// The assignments, in truth and as lists show them.
#[derive(Debug, Clone, Default)]
pub(super) struct Assignments {
    by_place: BTreeMap<Place, LaggedSet<Principal>>,
    /// Where a principal is, or may still be shown.
    by_principal: BTreeMap<Principal, BTreeSet<Place>>,
}

impl Assignments {
    /// Makes an assignment present or absent. True if that changed anything.
    pub fn set(
        &mut self,
        key: &AssignmentKey,
        present: bool,
        now: Timestamp,
        seen: Timestamp,
    ) -> bool {
        let place = (key.account.clone(), key.permission_set.clone());
        let principals = self.by_place.entry(place.clone()).or_default();
        let changed = principals.set(&key.principal, present, now, seen);
        if present {
            self.by_principal.entry(key.principal.clone()).or_default().insert(place);
        } else if principals.is_forgotten(now) {
            self.by_place.remove(&place);
        }
        changed
    }

    pub fn contains(&self, key: &AssignmentKey) -> bool {
        let place = (key.account.clone(), key.permission_set.clone());
        self.by_place.get(&place).is_some_and(|principals| principals.contains(&key.principal))
    }

    /// Whether anybody is assigned at a place.
    pub fn any_at(&self, place: &Place) -> bool {
        self.by_place.get(place).is_some_and(|principals| !principals.is_empty())
    }

    /// Whether a permission set is assigned anywhere.
    pub fn any_of(&self, set: &PermissionSetArn) -> bool {
        self.by_place
            .iter()
            .any(|((_, assigned), principals)| assigned == set && !principals.is_empty())
    }

    /// Every assignment.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, &Principal)> {
        self.by_place.iter().flat_map(|(place, principals)| {
            principals.iter().map(move |principal| (place, principal))
        })
    }

    /// Who is shown at a place.
    pub fn seen_at(&self, place: &Place, now: Timestamp) -> Vec<&Principal> {
        self.by_place.get(place).map(|at| at.seen(now).collect()).unwrap_or_default()
    }

    /// Where a principal is shown.
    pub fn seen_of(&self, principal: &Principal, now: Timestamp) -> Vec<&Place> {
        let places = self.by_principal.get(principal).into_iter().flatten();
        places
            .filter(|place| self.by_place.get(*place).is_some_and(|at| at.is_seen(principal, now)))
            .collect()
    }
}
