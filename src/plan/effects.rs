//! What a plan means for people: who truly loses or gains access, and who keeps it by other ways.

use std::collections::BTreeSet;

use super::access::{Access, Changes, Place, place};
use crate::api::plan::{AccessEffect, Disposition, PlanItem};
use crate::api::plan_status::AffectedPeople;
use crate::api::record::NamedPrincipal;
use crate::model::{Key, Presence, Principal, PrincipalId};

/// How many people and how many of their other ways an item names.
const NAMED: usize = 3;

/// Sets the effect of every action, and sums them up. None where some could not be found out.
pub(super) fn effects(
    items: &mut [PlanItem],
    changes: &Changes,
    access: &Access,
) -> Option<AffectedPeople> {
    let mut sum = Sum::default();
    let mut known = true;
    for item in items.iter_mut().filter(|item| item.disposition == Disposition::Act) {
        let Key::Assignment(key) = item.key() else { continue };
        let Some(change) =
            change(&key.principal, &place(&key), item.action.goal(), changes, access)
        else {
            known = false;
            continue;
        };
        item.effect = Some(change.effect(access));
        sum.add(item.action.goal(), change);
    }
    known.then(|| sum.people())
}

/// What one action means for the people of its principal.
#[derive(Default)]
struct Change {
    /// Those whose access changes.
    changed: BTreeSet<PrincipalId>,
    /// Those whose access stays as it is.
    unchanged: BTreeSet<PrincipalId>,
    /// What gives it to these.
    through: BTreeSet<Principal>,
}

fn change(
    principal: &Principal,
    at: &Place,
    goal: Presence,
    changes: &Changes,
    access: &Access,
) -> Option<Change> {
    let mut change = Change::default();
    for person in access.people(principal)? {
        let before = access.givers(&person, at)?;
        let after = access.givers_after(&person, at, &before, changes)?;
        // What else gives it: before the grant, or after the removal.
        let others = match goal {
            Presence::Present => before,
            Presence::Absent => after,
        };
        if others.is_empty() {
            change.changed.insert(person);
        } else {
            change.unchanged.insert(person);
            change.through.extend(others);
        }
    }
    Some(change)
}

impl Change {
    fn effect(&self, access: &Access) -> AccessEffect {
        let name = |id: &PrincipalId| access.names.get(id).cloned();
        AccessEffect {
            people: count(self.changed.len()),
            names: self
                .changed
                .iter()
                .take(NAMED)
                .map(|person| name(person).unwrap_or_else(|| person.to_string()))
                .collect(),
            unchanged: count(self.unchanged.len()),
            through: self
                .through
                .iter()
                .take(NAMED)
                .map(|giver| NamedPrincipal {
                    kind: giver.kind,
                    id: giver.id.clone(),
                    name: name(&giver.id),
                })
                .collect(),
        }
    }
}

/// Each person once, however many of their assignments change.
#[derive(Default)]
struct Sum {
    loses: BTreeSet<PrincipalId>,
    gains: BTreeSet<PrincipalId>,
    keeps: BTreeSet<PrincipalId>,
}

impl Sum {
    fn add(&mut self, goal: Presence, change: Change) {
        match goal {
            Presence::Present => self.gains.extend(change.changed),
            Presence::Absent => {
                self.loses.extend(change.changed);
                self.keeps.extend(change.unchanged);
            }
        }
    }

    fn people(self) -> AffectedPeople {
        AffectedPeople {
            lose: count(self.loses.len()),
            gain: count(self.gains.len()),
            keep: count(self.keeps.len()),
        }
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
