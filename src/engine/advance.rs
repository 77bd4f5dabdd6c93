//! The first half of a tick: observations become the next status.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::dependencies::Dependencies;
use super::journal::{Journal, JournalError};
use super::observations::{Answer, Event, Found, Observations};
use super::situation::{Halt, Situation};
use super::verdict::{Verdict, verdict};
use super::{conditions, timing, words};
use crate::api::rollback_status::{Failure, InFlight, Phase, Replacement, RollbackStatus};
use crate::model::{ActionKind, ActionState, BlockedReason, Class, FailureReason, RequestId, Rule};

/// A retryable asynchronous failure is tried this often …
pub const MAX_ATTEMPTS: i32 = 3;
/// … within this time, then it has failed with AWS's reason.
pub const RETRY_WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// Failures that the status lists; all are in the plan's shards.
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
    /// The requests counted in its timing; subtract them once it is persisted.
    pub requests: i64,
    /// Likewise, of those that were throttled.
    pub throttled: i64,
    /// Likewise, of those that met another change.
    pub conflicts: i64,
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
    dependencies: Dependencies<'a>,
}

impl Tick<'_> {
    /// A time to come was written by a process whose clock was ahead: without this, all that counts
    /// from it would begin only when this clock has caught up.
    fn correct_times(&mut self) {
        for entry in self.in_flight.values_mut() {
            entry.first_at = entry.first_at.min(self.now);
            entry.ended_at = entry.ended_at.map(|ended_at| ended_at.min(self.now));
        }
    }

    fn take_in(&mut self, event: &Event) {
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
                Found::NeverSent => self.try_again(item),
            },
            // An event about a state that has passed: it was taken in before a restart.
            _ => {}
        }
    }

    fn accepted(&mut self, item: usize, request_id: &RequestId, at: Timestamp) {
        if let Some(entry) = self.in_flight.get_mut(&item) {
            entry.request_id = Some(request_id.clone());
            entry.requested_at = Some(at);
            if entry.attempt == 1 {
                // Retries have five minutes from the first request, however long its intent waited.
                entry.first_at = at;
            }
            self.journal.set(item, ActionState::Requested);
        }
    }

    fn settled(&mut self, item: usize, at: Timestamp) {
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
                let creates = self.goal(item) == Some(crate::model::Presence::Present);
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

    /// AWS was asked about a request whose outcome a read contradicts.
    fn judge(&mut self, item: usize, answer: &Answer, observations: &Observations) {
        let Some(entry) = self.in_flight.get(&item) else { return };
        match verdict(self.now, answer, entry, self.contradicted(item, observations)) {
            Verdict::Wait => {}
            Verdict::TryAgain => self.try_again(item),
            Verdict::Block(reason, message) => self.block(item, reason, &message),
            Verdict::Fail(reason, message) => self.fail(item, reason, &message),
        }
    }

    fn contradicted(&self, item: usize, observations: &Observations) -> bool {
        self.read_since_settled(item, observations)
            .is_some_and(|present| Some(present) != self.goal(item))
    }

    fn goal(&self, item: usize) -> Option<crate::model::Presence> {
        self.situation.items.get(item).map(|plan| plan.action.goal())
    }

    fn read_since_settled(
        &self,
        item: usize,
        observations: &Observations,
    ) -> Option<crate::model::Presence> {
        let ended_at = self.in_flight.get(&item)?.ended_at?;
        let due = observations.item(item).due(ended_at, self.situation.settle());
        if !Rule::FreshVerification.holds() {
            return self.goal(item);
        }
        observations.read(item).filter(|read| read.begun >= due).map(|read| read.presence)
    }

    fn take_in_reads(&mut self, observations: &Observations) {
        let items: Vec<usize> = self.in_flight.keys().copied().collect();
        for item in items {
            let memory = observations.item(item);
            match self.journal.state(item) {
                ActionState::Intent if self.is_unsent(item, observations) => {
                    let fresh =
                        memory.read.filter(|read| self.now.duration_since(read.begun) <= FRESH);
                    if fresh.is_some_and(|read| Some(read.presence) == self.goal(item)) {
                        self.found_at_goal(item);
                    }
                }
                ActionState::Settled => {
                    let at_goal = self
                        .read_since_settled(item, observations)
                        .is_some_and(|p| Some(p) == self.goal(item));
                    // A list that lags can agree by accident where another request changed the key
                    // shortly before: then AWS's word about the request is needed too.
                    let request_id =
                        self.in_flight.get(&item).and_then(|entry| entry.request_id.as_ref());
                    let answer = memory.answer_for(request_id).cloned();
                    let confirmed = !memory.contested
                        || !Rule::ContestedIsAsked.holds()
                        || request_id.is_none()
                        || matches!(answer, Some(Answer::Succeeded | Answer::Forgotten));
                    if at_goal && confirmed {
                        self.over(item, ActionState::Verified);
                    } else if let Some(answer) = answer {
                        self.judge(item, &answer, observations);
                    } else if request_id.is_none()
                        && self.is_contradicted_for_good(item, observations)
                    {
                        let message = "the request is not known, and for five minutes every read showed another state";
                        self.fail(item, FailureReason::NotVerified, message);
                    }
                }
                _ => {}
            }
        }
    }

    /// A key at its goal before it was sent is left. One that an earlier attempt was sent for is
    /// our doing, and is read back like any other.
    fn found_at_goal(&mut self, item: usize) {
        if self.in_flight.get(&item).is_some_and(|entry| entry.attempt > 1) {
            self.settled(item, self.now);
        } else {
            self.over(item, ActionState::AlreadySo);
        }
    }

    fn is_contradicted_for_good(&self, item: usize, observations: &Observations) -> bool {
        let ended_at = self.in_flight.get(&item).and_then(|entry| entry.ended_at);
        ended_at.is_some_and(|ended_at| self.now.duration_since(ended_at) >= RETRY_WINDOW)
            && self.contradicted(item, observations)
    }

    /// What rests on something that will not be done is blocked.
    fn block_dependents(&mut self) {
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
    fn add_intents(&mut self, observations: &Observations) {
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
            self.in_flight.insert(item, self.intent(item, plan.action, attempt, self.now));
            open += 1;
        }
    }

    fn intent(
        &self,
        item: usize,
        action: ActionKind,
        attempt: i32,
        first_at: Timestamp,
    ) -> InFlight {
        InFlight {
            item: i32::try_from(item).unwrap_or(i32::MAX),
            action,
            intent_at: self.now,
            attempt,
            first_at,
            request_id: None,
            requested_at: None,
            ended_at: None,
        }
    }

    fn try_again(&mut self, item: usize) {
        if let Some(entry) = self.in_flight.get(&item) {
            let next =
                self.intent(item, entry.action, entry.attempt.saturating_add(1), entry.first_at);
            self.in_flight.insert(item, next);
            self.journal.set(item, ActionState::Intent);
        }
    }

    /// Takes back intents that nobody has sent: nothing more will be sent in this attempt.
    fn withdraw(&mut self, observations: &Observations) {
        for item in self.journal.in_state(ActionState::Intent).collect::<Vec<_>>() {
            if self.is_unsent(item, observations) {
                self.over(item, ActionState::Planned);
            }
        }
    }

    /// Whether it is certain that the present attempt of an intent was not sent.
    fn is_unsent(&self, item: usize, observations: &Observations) -> bool {
        let memory = observations.item(item);
        let attempt = self.in_flight.get(&item).map_or(1, |entry| entry.attempt);
        !memory.was_sent(attempt) && !memory.in_doubt && !observations.has_event(item)
    }

    /// Whether an item is about a permission set itself.
    fn is_of_a_set(&self, item: usize) -> bool {
        self.situation.items.get(item).is_some_and(|plan| plan.account.is_none())
    }

    /// Whether it has been refused for as long as it is tried again.
    fn retries_are_over(&self, item: usize) -> bool {
        let first_refusal = self.in_flight.get(&item).and_then(|entry| entry.requested_at);
        first_refusal.is_some_and(|first| self.now.duration_since(first) >= RETRY_WINDOW)
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
        if self.status.failures.len() >= MAX_FAILURES {
            return;
        }
        self.status.failures.push(Failure {
            item: i32::try_from(item).unwrap_or(i32::MAX),
            action: self.situation.items.get(item).map(words::action).unwrap_or_default(),
            reason: reason.to_owned(),
            message: message.chars().take(400).collect(),
            request_id: self.in_flight.get(&item).and_then(|entry| entry.request_id.clone()),
            next_step: next_step.to_owned(),
        });
    }

    fn over(&mut self, item: usize, state: ActionState) {
        self.journal.set(item, state);
        self.in_flight.remove(&item);
    }

    fn finish(mut self, halt: Halt, observations: &Observations) -> Advance {
        let journal = &self.journal;
        let sending = journal.is_in_flight();
        let to_send = journal.count(ActionState::Planned) > 0 && !matches!(halt, Halt::Final(_));
        let reading = journal.count(ActionState::Settled) > 0;
        let finished = !sending && !to_send && !reading;
        self.status.progress = Some(journal.progress(self.situation.items));
        self.status.in_flight = self.in_flight.into_values().collect();
        let verifying = !sending && !to_send;
        self.status.phase = if verifying { Phase::Verifying } else { Phase::Executing };
        timing::phase_began(&mut self.status, self.now);
        timing::count(&mut self.status, observations);
        let settle = self.situation.settle();
        let items = self.situation.items;
        timing::expect(&mut self.status, items, (&self.before, journal), settle, self.now);
        self.status.observed_generation = self.situation.status.observed_generation;
        if let Some(progress) = &self.status.progress {
            let (reason, message) = words::running(&self.status, progress, halt);
            conditions::summarize(&mut self.status, reason, &message, self.now);
        }
        Advance {
            status: self.status,
            taken: observations.events().len(),
            requests: observations.requests,
            throttled: observations.throttled,
            conflicts: observations.conflicts,
            finished,
        }
    }
}
