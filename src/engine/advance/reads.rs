//! What reads of the keys show, and what AWS said about a request that they contradict.

use super::{FRESH, PATIENCE, Tick};
use crate::engine::observations::{Answer, Observations};
use crate::engine::verdict::{Verdict, verdict};
use crate::model::{ActionState, FailureReason, Presence, Rule};

impl Tick<'_> {
    pub(super) fn take_in_reads(&mut self, observations: &Observations) {
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
                        let message = "the request is not known, and for four minutes every read showed another state";
                        self.fail(item, FailureReason::NotVerified, message);
                    }
                }
                _ => {}
            }
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

    fn is_contradicted_for_good(&self, item: usize, observations: &Observations) -> bool {
        let ended_at = self.in_flight.get(&item).and_then(|entry| entry.ended_at);
        ended_at.is_some_and(|ended_at| self.now.duration_since(ended_at) >= PATIENCE)
            && self.contradicted(item, observations)
    }

    fn read_since_settled(&self, item: usize, observations: &Observations) -> Option<Presence> {
        let ended_at = self.in_flight.get(&item)?.ended_at?;
        let due = observations.item(item).due(ended_at, self.situation.settle());
        if !Rule::FreshVerification.holds() {
            return self.goal(item);
        }
        observations.read(item).filter(|read| read.begun >= due).map(|read| read.presence)
    }

    /// A key at its goal before it was sent is left. One that an earlier attempt was sent for is
    /// our doing, and is read back like any other.
    fn found_at_goal(&mut self, item: usize) {
        if self.in_flight.get(&item).is_some_and(|entry| entry.tries() > 1) {
            self.settled(item, self.now);
        } else {
            self.over(item, ActionState::AlreadySo);
        }
    }
}
