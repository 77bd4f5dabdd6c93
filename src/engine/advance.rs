//! The first half of a tick: observations become the next status.

mod events;
mod intents;
mod reads;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::dependencies::Dependencies;
use super::journal::{Journal, JournalError};
use super::observations::Observations;
use super::situation::{Halt, Situation};
use super::{conditions, timing, words};
use crate::api::rollback_status::{Failure, InFlight, Phase, RollbackStatus};
use crate::model::{ActionState, BlockedReason, FailureReason, Presence};

/// A retryable asynchronous failure is tried this often …
pub const MAX_ATTEMPTS: i32 = 3;
/// … within this time, then it has failed with AWS's reason.
pub const RETRY_WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// For so long reads that contradict a success, and conflicts about a permission set, may pass by
/// themselves. The five minutes of invariant 8 hold this and the takeover by another operator.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(4);
/// Failures that the status lists; the plan's shards have the reasons of all.
const MAX_FAILURES: usize = 50;
/// Entries of `inFlight` that are used; the schema allows 200.
const MAX_IN_FLIGHT: usize = 100;
/// A read that is older than this does not count as fresh before a write.
pub const FRESH: SignedDuration = SignedDuration::from_secs(20);

/// The next status and what it takes in.
#[derive(Debug, Clone, PartialEq)]
pub struct Advance {
    /// The next status. Equal to the persisted one when nothing is new.
    pub status: RollbackStatus,
    /// How many events it takes in; acknowledge them once it is persisted.
    pub taken: usize,
    /// What failed or was blocked in this step, also where the status has no room for it.
    pub failed: Vec<Failure>,
    /// Whether actions wait to be sent, and may be.
    pub waiting: bool,
    /// Whether every action is over: the ledger may be written.
    pub finished: bool,
}

/// Turns what was observed into the next status.
///
/// # Errors
/// When the persisted journal does not belong to this plan.
pub fn advance(
    now: Timestamp,
    situation: &Situation<'_>,
    observations: &Observations,
) -> Result<Advance, JournalError> {
    let shards = situation.status.progress.as_ref().map(|progress| progress.shards.as_slice());
    let journal = match shards {
        Some(shards) => Journal::decode(shards, situation.items.len())?,
        None => Journal::fresh(situation.items),
    };
    let mut tick = Tick {
        now,
        situation,
        in_flight: situation
            .status
            .in_flight
            .iter()
            .filter_map(|entry| Some((usize::try_from(entry.item).ok()?, entry.clone())))
            .collect(),
        status: situation.status.clone(),
        before: journal.clone(),
        journal,
        failed: Vec::new(),
        dependencies: Dependencies::of(situation.items),
    };
    tick.correct_times();
    for event in observations.events() {
        tick.take_in(event);
    }
    tick.take_in_reads(observations);
    tick.block_dependents();
    let halt = situation.halt(now, &tick.journal);
    match halt {
        Halt::None => tick.add_intents(observations),
        Halt::Final(_) => tick.withdraw(observations),
        Halt::Suspended | Halt::NotYet(_) => {}
    }
    Ok(tick.finish(halt, observations))
}

struct Tick<'a> {
    now: Timestamp,
    situation: &'a Situation<'a>,
    status: RollbackStatus,
    /// As it was persisted.
    before: Journal,
    journal: Journal,
    in_flight: BTreeMap<usize, InFlight>,
    failed: Vec<Failure>,
    dependencies: Dependencies<'a>,
}

impl Tick<'_> {
    /// A time to come was written by a process whose clock was ahead: without this, all that counts
    /// from it would begin only when this clock has caught up.
    fn correct_times(&mut self) {
        for entry in self.in_flight.values_mut() {
            entry.intent_at = entry.intent_at.min(self.now);
            entry.first_at = entry.first_at.min(self.now);
            entry.requested_at = entry.requested_at.map(|at| at.min(self.now));
            entry.ended_at = entry.ended_at.map(|ended_at| ended_at.min(self.now));
        }
    }

    fn goal(&self, item: usize) -> Option<Presence> {
        self.situation.items.get(item).map(|plan| plan.action.goal())
    }

    fn block(&mut self, item: usize, reason: BlockedReason, message: &str) {
        self.note(item, &reason.to_string(), message, reason.next_step());
        self.over(item, ActionState::Blocked);
    }

    fn fail(&mut self, item: usize, reason: FailureReason, message: &str) {
        self.note(item, &reason.to_string(), message, words::after_failure(reason));
        self.over(item, ActionState::Failed);
    }

    fn note(&mut self, item: usize, reason: &str, message: &str, next_step: &str) {
        let failure = Failure {
            item: i32::try_from(item).unwrap_or(i32::MAX),
            action: self.situation.items.get(item).map(words::action).unwrap_or_default(),
            reason: reason.to_owned(),
            message: message.chars().take(400).collect(),
            request_id: self.in_flight.get(&item).and_then(|entry| entry.request_id.clone()),
            next_step: next_step.to_owned(),
        };
        self.failed.push(failure.clone());
        if self.status.failures.len() >= MAX_FAILURES {
            // Whether anything drifted decides about the rest, and is known from this list alone.
            if reason != BlockedReason::Drifted.to_string() {
                return;
            }
            self.status.failures.pop();
        }
        self.status.failures.push(failure);
    }

    fn over(&mut self, item: usize, state: ActionState) {
        self.journal.set(item, state);
        self.in_flight.remove(&item);
    }

    fn finish(mut self, halt: Halt, observations: &Observations) -> Advance {
        let journal = &self.journal;
        let sending = journal.is_in_flight();
        let to_send = journal.count(ActionState::Planned) > 0 && !matches!(halt, Halt::Final(_));
        let waiting = to_send && halt == Halt::None;
        let reading = journal.count(ActionState::Settled) > 0;
        let finished = !sending && !to_send && !reading;
        self.status.progress = Some(journal.progress(self.situation.items));
        self.status.in_flight = self.in_flight.into_values().collect();
        let verifying = !sending && !to_send;
        self.status.phase = if verifying { Phase::Verifying } else { Phase::Executing };
        timing::phase_began(&mut self.status, self.now);
        let settle = self.situation.settle();
        let items = self.situation.items;
        timing::expect(&mut self.status, items, (&self.before, journal), settle, self.now);
        self.status.observed_generation = self.situation.status.observed_generation;
        if let Some(progress) = &self.status.progress {
            let (reason, message) = words::running(&self.status, progress, halt);
            conditions::summarize(&mut self.status, reason, &message, self.now);
        }
        let (failed, taken) = (self.failed, observations.events().len());
        Advance { status: self.status, taken, failed, waiting, finished }
    }
}
