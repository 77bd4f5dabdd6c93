//! Which actions come next: intents are written before anything is sent.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{MAX_IN_FLIGHT, Tick};
use crate::api::rollback_status::InFlight;
use crate::engine::observations::Observations;
use crate::model::{ActionKind, ActionState, BlockedReason};

impl Tick<'_> {
    /// What rests on something that will not be done is blocked.
    pub(super) fn block_dependents(&mut self) {
        for item in self.journal.in_state(ActionState::Planned).collect::<Vec<_>>() {
            if !self.dependencies.have_failed(item, &self.journal) {
                continue;
            }
            let message = match self.situation.items.get(item).map(|plan| plan.action) {
                Some(ActionKind::CreateAssignment) => "its permission set could not be created",
                _ => "an assignment of the permission set could not be removed",
            };
            self.block(item, BlockedReason::DependencyFailed, message);
        }
    }

    /// Writes intents ahead: as many as there are slots, one for each account.
    pub(super) fn add_intents(&mut self, observations: &Observations) {
        let mut open = self.journal.count(ActionState::Intent);
        if open >= self.situation.slots || self.in_flight.len() >= MAX_IN_FLIGHT {
            return;
        }
        let mut waiting: BTreeSet<_> = self
            .journal
            .in_state(ActionState::Intent)
            .filter_map(|item| self.situation.items.get(item)?.account.clone())
            .collect();
        let planned: Vec<usize> = self.journal.in_state(ActionState::Planned).collect();
        for item in planned {
            if open >= self.situation.slots || self.in_flight.len() >= MAX_IN_FLIGHT {
                break;
            }
            let Some(plan) = self.situation.items.get(item) else { continue };
            if !self.dependencies.are_done(item, &self.journal) {
                continue;
            }
            if let Some(account) = &plan.account
                && !waiting.insert(account.clone())
            {
                continue;
            }
            self.journal.set(item, ActionState::Intent);
            // One that was taken back after it was sent is another attempt.
            let attempt = observations.item(item).sent.map_or(1, |sent| sent.saturating_add(1));
            self.in_flight
                .insert(item, self.intent(item, plan.action, attempt, (attempt - 1, self.now)));
            open += 1;
        }
    }

    fn intent(
        &self,
        item: usize,
        action: ActionKind,
        attempt: i32,
        (unsent, first_at): (i32, Timestamp),
    ) -> InFlight {
        InFlight {
            item: i32::try_from(item).unwrap_or(i32::MAX),
            action,
            intent_at: self.now,
            attempt,
            unsent,
            first_at,
            request_id: None,
            requested_at: None,
            ended_at: None,
        }
    }

    /// After a failure that may pass.
    pub(super) fn try_again(&mut self, item: usize) {
        if let Some(entry) = self.in_flight.get(&item) {
            let known = (entry.unsent, entry.first_at);
            self.begin_again(item, entry.action, entry.attempt, known);
        }
    }

    /// What AWS never got is no try of it.
    pub(super) fn send_again(&mut self, item: usize) {
        if let Some(entry) = self.in_flight.get(&item) {
            let known = (entry.unsent.saturating_add(1), entry.first_at);
            self.begin_again(item, entry.action, entry.attempt, known);
        }
    }

    fn begin_again(
        &mut self,
        item: usize,
        action: ActionKind,
        attempt: i32,
        known: (i32, Timestamp),
    ) {
        let next = self.intent(item, action, attempt.saturating_add(1), known);
        self.in_flight.insert(item, next);
        self.journal.set(item, ActionState::Intent);
    }

    /// Takes back intents that nobody has sent: nothing more will be sent in this attempt.
    pub(super) fn withdraw(&mut self, observations: &Observations) {
        for item in self.journal.in_state(ActionState::Intent).collect::<Vec<_>>() {
            if self.is_unsent(item, observations) {
                self.over(item, ActionState::Planned);
            }
        }
    }

    /// Whether it is certain that the present attempt of an intent was not sent.
    pub(super) fn is_unsent(&self, item: usize, observations: &Observations) -> bool {
        let memory = observations.item(item);
        let attempt = self.in_flight.get(&item).map_or(1, |entry| entry.attempt);
        !memory.was_sent(attempt) && !memory.in_doubt && !observations.has_event(item)
    }
}
