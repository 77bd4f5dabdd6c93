//! What effects left behind.

use jiff::Timestamp;

use super::{PATIENCE, Tick};
use crate::api::rollback_status::Replacement;
use crate::engine::observations::{Event, Found};
use crate::engine::timing;
use crate::model::{ActionState, BlockedReason, Class, Presence, RequestId};

impl Tick<'_> {
    pub(super) fn take_in(&mut self, event: &Event) {
        let item = event.item();
        let state = self.journal.state(item);
        match (event, state) {
            (Event::Accepted { request_id, at, .. }, ActionState::Intent) => {
                self.accepted(item, request_id, *at);
            }
            (Event::Completed { at, .. }, ActionState::Intent) => {
                self.settled(item, *at);
            }
            (Event::Created { replaces, arn, at, .. }, ActionState::Intent) => {
                let made = Replacement { replaces: replaces.clone(), arn: arn.clone() };
                self.status.created_permission_sets.push(made);
                self.settled(item, *at);
            }
            (Event::Refused { class, message, at, .. }, ActionState::Intent) => {
                self.refused(item, class, message, *at);
            }
            (Event::Ended { request_id, at, .. }, ActionState::Requested)
                if self
                    .in_flight
                    .get(&item)
                    .is_some_and(|entry| entry.request_id.as_ref() == Some(request_id)) =>
            {
                timing::provisioned(&mut self.status, self.in_flight.get(&item), *at);
                self.settled(item, *at);
            }
            (Event::Resolved { found, at, .. }, ActionState::Intent) => match found {
                Found::AtWork(request_id) => self.accepted(item, request_id, *at),
                Found::Ended(request_id) => {
                    self.accepted(item, request_id, *at);
                    self.settled(item, *at);
                }
                Found::AtGoal => self.settled(item, *at),
                Found::NeverSent => self.send_again(item),
            },
            // An event about a state that has passed: it was taken in before a restart.
            _ => {}
        }
    }

    fn accepted(&mut self, item: usize, request_id: &RequestId, at: Timestamp) {
        if let Some(entry) = self.in_flight.get_mut(&item) {
            entry.request_id = Some(request_id.clone());
            entry.requested_at = Some(at);
            if entry.tries() == 1 {
                // Retries have five minutes from the first request, however long its intent waited.
                entry.first_at = at;
            }
            self.journal.set(item, ActionState::Requested);
        }
    }

    pub(super) fn settled(&mut self, item: usize, at: Timestamp) {
        if let Some(entry) = self.in_flight.get_mut(&item) {
            entry.ended_at = Some(at);
            self.journal.set(item, ActionState::Settled);
        }
    }

    fn refused(&mut self, item: usize, class: &Class, message: &str, at: Timestamp) {
        match class {
            Class::Blocked(reason) => self.block(item, *reason, message),
            Class::Terminal(reason) => self.fail(item, *reason, message),
            // A permission set that stays in use is refused with a conflict; deprovisioning may
            // take minutes, so it is tried again for a while.
            Class::Conflict if self.is_of_a_set(item) && self.retries_are_over(item) => {
                let creates = self.goal(item) == Some(Presence::Present);
                let reason =
                    if creates { BlockedReason::NameTaken } else { BlockedReason::StillAssigned };
                self.block(item, reason, message);
            }
            Class::Conflict if self.is_of_a_set(item) => {
                if let Some(entry) = self.in_flight.get_mut(&item) {
                    entry.requested_at.get_or_insert(at);
                }
            }
            Class::Conflict | Class::Retry | Class::Throttled { .. } => {}
        }
    }

    /// Whether an item is about a permission set itself.
    fn is_of_a_set(&self, item: usize) -> bool {
        self.situation.items.get(item).is_some_and(|plan| plan.account.is_none())
    }

    /// Whether it has been refused for as long as it is tried again.
    fn retries_are_over(&self, item: usize) -> bool {
        let first_refusal = self.in_flight.get(&item).and_then(|entry| entry.requested_at);
        first_refusal.is_some_and(|first| self.now.duration_since(first) >= PATIENCE)
    }
}
