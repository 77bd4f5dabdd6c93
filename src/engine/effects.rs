//! The second half of a tick: what may be done now, by what is persisted.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::advance::FRESH;
use super::cover::{CoverHints, ReadOperation, cover};
use super::dependencies::Dependencies;
use super::journal::{Journal, JournalError};
use super::observations::{Answer, Observations};
use super::situation::{Halt, Situation};
use crate::api::rollback::Priority;
use crate::api::rollback_status::InFlight;
use crate::model::time::later;
use crate::model::{AccountId, ActionState, Key, RequestId};

/// A key is read back when one call shows so many of them …
const READ_BACK_TOGETHER: usize = 8;
/// … or when it has waited so long.
const READ_BACK_LATEST: SignedDuration = SignedDuration::from_secs(15);
/// A key that was read and is not as it should be is read again after this.
const READ_AGAIN: SignedDuration = SignedDuration::from_secs(3);

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send the request of an item. Its intent is persisted, its key was read just now, and where
    /// it takes a slot, the slot is granted.
    Send {
        /// The item.
        item: usize,
        /// The attempt that the intent is for.
        attempt: i32,
    },
    /// Give back a slot that is not needed now.
    GiveBack(usize),
    /// Ask AWS for lists.
    Read(BTreeSet<ReadOperation>),
    /// Ask AWS what became of a request.
    Describe {
        /// The item.
        item: usize,
        /// Its request.
        request_id: RequestId,
    },
    /// Find out whether these intents were sent.
    Resolve(Vec<usize>),
}

/// What may be done now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// In this order.
    pub list: Vec<Effect>,
    /// Items that wait for a slot, with their accounts, in order: the whole list.
    pub want: Vec<(usize, AccountId)>,
    /// Whether its items go before those of other Rollbacks.
    pub emergency: bool,
    /// When to look again if nothing happens before.
    pub wake: Option<Timestamp>,
}

impl Effects {
    fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |known| known.min(at)));
    }
}

/// Says what may be done now.
///
/// # Errors
/// When the persisted journal does not belong to this plan.
pub fn effects(
    now: Timestamp,
    situation: &Situation<'_>,
    observations: &Observations,
    hints: &CoverHints,
) -> Result<Effects, JournalError> {
    let Some(progress) = &situation.status.progress else { return Ok(Effects::default()) };
    let journal = Journal::decode(&progress.shards, situation.items.len())?;
    let halt = situation.halt(now, &journal);
    let mut planner = Planner {
        now,
        situation,
        observations,
        hints,
        effects: Effects::default(),
        to_read: BTreeSet::new(),
        to_read_back: Vec::new(),
        in_doubt: Vec::new(),
    };
    for entry in &situation.status.in_flight {
        let Ok(item) = usize::try_from(entry.item) else { continue };
        match journal.state(item) {
            ActionState::Intent => planner.intent(item, entry, halt),
            ActionState::Settled => planner.settled(item, entry),
            _ => {}
        }
    }
    for item in observations.granted() {
        if journal.state(item) != ActionState::Intent {
            planner.effects.list.push(Effect::GiveBack(item));
        }
    }
    // What waits for others to be read back cannot be sent before.
    let dependencies = Dependencies::of(situation.items);
    let waits = |item| !dependencies.are_done(item, &journal);
    let nothing_to_send = !journal.is_in_flight()
        && (matches!(halt, Halt::Final(_)) || journal.in_state(ActionState::Planned).all(waits));
    planner.read_back(nothing_to_send);
    Ok(planner.finish(halt))
}

struct Planner<'a> {
    now: Timestamp,
    situation: &'a Situation<'a>,
    observations: &'a Observations,
    hints: &'a CoverHints,
    effects: Effects,
    to_read: BTreeSet<usize>,
    /// Items due to be read back, with the time since when.
    to_read_back: Vec<(usize, Timestamp)>,
    in_doubt: Vec<usize>,
}

impl Planner<'_> {
    fn intent(&mut self, item: usize, entry: &InFlight, halt: Halt) {
        if self.observations.has_event(item) {
            return;
        }
        let memory = self.observations.item(item);
        if memory.in_doubt {
            if !self.observations.under_way.resolving.contains(&item) {
                self.in_doubt.push(item);
            }
            return;
        }
        if memory.was_sent(entry.attempt) {
            return;
        }
        if halt != Halt::None {
            if memory.granted {
                self.effects.list.push(Effect::GiveBack(item));
            }
            return;
        }
        if let Some(not_before) = memory.not_before.filter(|not_before| *not_before > self.now) {
            if memory.granted {
                self.effects.list.push(Effect::GiveBack(item));
            }
            self.effects.wake_at(not_before);
            return;
        }
        let Some(plan) = self.situation.items.get(item) else { return };
        match memory.read.filter(|read| self.now.duration_since(read.begun) <= FRESH) {
            None => {
                if memory.granted {
                    self.effects.list.push(Effect::GiveBack(item));
                }
                self.to_read.insert(item);
            }
            // At its goal already: the next status says so.
            Some(read) if read.presence == plan.action.goal() => {
                if memory.granted {
                    self.effects.list.push(Effect::GiveBack(item));
                }
                self.effects.wake_at(self.now);
            }
            Some(_) if memory.granted || plan.account.is_none() => {
                self.effects.list.push(Effect::Send { item, attempt: entry.attempt });
            }
            Some(read) => {
                if let Some(account) = &plan.account {
                    self.effects.want.push((item, account.clone()));
                }
                self.effects
                    .wake_at(later(later(read.begun, FRESH), SignedDuration::from_millis(1)));
            }
        }
    }

    fn settled(&mut self, item: usize, entry: &InFlight) {
        let Some(ended_at) = entry.ended_at else { return };
        let memory = self.observations.item(item);
        let due = memory.due(ended_at, self.situation.settle());
        if due > self.now {
            self.effects.wake_at(due);
            return;
        }
        let goal = self.situation.items.get(item).map(|plan| plan.action.goal());
        let Some(read) = memory.read.filter(|read| read.begun >= due) else {
            self.to_read_back.push((item, due));
            return;
        };
        let agrees = Some(read.presence) == goal;
        let answer = memory.answer_for(entry.request_id.as_ref());
        // A status may come late: one that is not found yet is asked for again.
        let unanswered = match answer {
            None | Some(Answer::InProgress) => true,
            Some(Answer::Forgotten) => !agrees,
            Some(Answer::Succeeded | Answer::Failed { .. }) => false,
        };
        if (!agrees || memory.contested) && unanswered {
            self.describe(item, entry, memory.ask_after);
        }
        if agrees {
            if !unanswered || !memory.contested {
                self.effects.wake_at(self.now);
            }
        } else {
            let again = later(read.begun, READ_AGAIN);
            if again <= self.now {
                self.to_read.insert(item);
            } else {
                self.effects.wake_at(again);
            }
        }
    }

    fn describe(&mut self, item: usize, entry: &InFlight, ask_after: Option<Timestamp>) {
        if self.observations.under_way.describing.contains(&item) {
            return;
        }
        if let Some(at) = ask_after.filter(|at| *at > self.now) {
            self.effects.wake_at(at);
            return;
        }
        if let Some(request_id) = &entry.request_id {
            self.effects.list.push(Effect::Describe { item, request_id: request_id.clone() });
        }
    }

    /// Reads back what is due, when it is worth its calls or has waited long enough.
    fn read_back(&mut self, nothing_to_send: bool) {
        let Some(oldest) = self.to_read_back.iter().map(|(_, due)| *due).min() else { return };
        let latest = later(oldest, READ_BACK_LATEST);
        let keys: Vec<Key> = self.keys(self.to_read_back.iter().map(|(item, _)| *item));
        let calls = cover(&keys, self.hints).calls;
        let worth_it = keys.len() >= READ_BACK_TOGETHER * calls.max(1);
        if nothing_to_send || worth_it || latest <= self.now {
            self.to_read.extend(self.to_read_back.iter().map(|(item, _)| *item));
        } else {
            self.effects.wake_at(latest);
        }
    }

    fn keys(&self, items: impl Iterator<Item = usize>) -> Vec<Key> {
        items
            .filter_map(|item| self.situation.items.get(item))
            .map(crate::api::plan::PlanItem::key)
            .collect()
    }

    fn finish(mut self, halt: Halt) -> Effects {
        let under_way = &self.observations.under_way.reading;
        let items: Vec<usize> =
            self.to_read.iter().copied().filter(|item| !under_way.contains(item)).collect();
        let keys = self.keys(items.into_iter());
        if !keys.is_empty() {
            self.effects.list.push(Effect::Read(cover(&keys, self.hints).operations));
        }
        if !self.in_doubt.is_empty() {
            self.effects.list.push(Effect::Resolve(self.in_doubt));
        }
        if let Halt::NotYet(at) = halt {
            self.effects.wake_at(at);
        }
        self.effects.emergency = self.situation.spec.priority == Priority::Emergency;
        if let Some(deadline) = self.situation.deadline().filter(|deadline| *deadline > self.now) {
            self.effects.wake_at(deadline);
        }
        self.effects
    }
}
