//! Which actions rest on others: the deletion of a permission set on the removal of its assignments,
//! assignments on the creation of their set.

use super::journal::Journal;
use crate::api::plan::PlanItem;
use crate::model::{ActionKind, ActionState};

/// What rests on what in one plan.
#[derive(Debug, Clone, Copy)]
pub struct Dependencies<'a> {
    items: &'a [PlanItem],
    /// How many items create permission sets: they come first.
    created: usize,
}

impl<'a> Dependencies<'a> {
    /// Those of a plan, all shards in order.
    #[must_use]
    pub fn of(items: &'a [PlanItem]) -> Self {
        let creates = |item: &&PlanItem| item.action == ActionKind::CreatePermissionSet;
        Self { items, created: items.iter().take_while(creates).count() }
    }

    /// The states of what an item rests on.
    fn states(self, item: usize, journal: &Journal) -> impl Iterator<Item = ActionState> + 'a {
        let plan = self.items.get(item);
        let (before, candidates) = match plan.map(|plan| plan.action) {
            Some(ActionKind::DeletePermissionSet) => {
                (Some(ActionKind::DeleteAssignment), self.items)
            }
            // Most plans create no set, and then there is nothing to look through.
            Some(ActionKind::CreateAssignment) => (
                Some(ActionKind::CreatePermissionSet),
                self.items.get(..self.created).unwrap_or_default(),
            ),
            _ => (None, [].as_slice()),
        };
        let set = plan.map(|plan| &plan.permission_set);
        let found: Vec<ActionState> = candidates
            .iter()
            .enumerate()
            .filter(|(_, other)| Some(&other.permission_set) == set && Some(other.action) == before)
            .map(|(other, _)| journal.state(other))
            .collect();
        found.into_iter()
    }

    /// Whether all that an item rests on is done.
    #[must_use]
    pub fn are_done(self, item: usize, journal: &Journal) -> bool {
        self.states(item, journal).all(ActionState::is_done)
    }

    /// Whether something that an item rests on will not be done.
    #[must_use]
    pub fn have_failed(self, item: usize, journal: &Journal) -> bool {
        self.states(item, journal).any(|state| state.is_terminal() && !state.is_done())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;

    fn journal(letters: &str) -> Journal {
        Journal::decode(&[letters.to_owned()], letters.len()).unwrap()
    }

    #[test]
    fn a_set_goes_after_all_its_assignments() {
        let mut items = fixtures::deletes(2);
        items.push(fixtures::set_deletion());
        let on = Dependencies::of(&items);
        for (letters, done, failed) in [
            ("vk.", true, false),
            ("vs.", false, false),
            ("v..", false, false),
            ("vf.", false, true),
            ("vb.", false, true),
        ] {
            let journal = journal(letters);
            assert_eq!(on.are_done(2, &journal), done, "{letters}");
            assert_eq!(on.have_failed(2, &journal), failed, "{letters}");
            assert!(on.are_done(0, &journal) && !on.have_failed(0, &journal), "{letters}");
        }
    }

    #[test]
    fn assignments_go_after_the_creation_of_their_set() {
        let set = PlanItem { action: ActionKind::CreatePermissionSet, ..fixtures::set_deletion() };
        let through = fixtures::assignment(ActionKind::CreateAssignment, 0, 0);
        let through = PlanItem { permission_set: set.permission_set.clone(), ..through };
        let other = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-0000000000000099"
            .parse()
            .unwrap();
        let elsewhere = PlanItem { permission_set: other, ..through.clone() };
        let items = [set, through, elsewhere];
        let on = Dependencies::of(&items);
        for (letters, done, failed) in
            [("i..", false, false), ("v..", true, false), ("b..", false, true)]
        {
            let journal = journal(letters);
            assert_eq!((on.are_done(1, &journal), on.have_failed(1, &journal)), (done, failed));
            assert!(on.are_done(2, &journal), "another set");
        }
    }
}
