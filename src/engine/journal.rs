//! The journal: one character for each item of a plan, in strings of one shard each.

use crate::api::plan::{Disposition, ITEMS_PER_SHARD, PlanItem};
use crate::api::rollback_status::Progress;
use crate::model::ActionState;

/// How far every item of a plan has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal(Vec<ActionState>);

/// A journal that cannot be what this operator wrote for this plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// A character that stands for no state.
    #[error("status.progress.shards holds {letter:?} at item {item}, which stands for no state")]
    Letter {
        /// The item.
        item: usize,
        /// The character.
        letter: char,
    },
    /// Another number of items than the plan has.
    #[error("status.progress.shards has {found} items and the plan has {expected}")]
    Length {
        /// Items in the journal.
        found: usize,
        /// Items in the plan.
        expected: usize,
    },
}

impl Journal {
    /// The journal of a plan of which nothing was sent yet.
    #[must_use]
    pub fn fresh(items: &[PlanItem]) -> Self {
        Self(
            items
                .iter()
                .map(|item| match item.disposition {
                    Disposition::Act => ActionState::Planned,
                    Disposition::AlreadySo | Disposition::Kept | Disposition::Unexplained => {
                        ActionState::AlreadySo
                    }
                    Disposition::Blocked => ActionState::Blocked,
                })
                .collect(),
        )
    }

    /// Reads `status.progress.shards`.
    ///
    /// # Errors
    /// When the strings are not a journal of a plan with so many items.
    pub fn decode(shards: &[String], items: usize) -> Result<Self, JournalError> {
        let mut states = Vec::with_capacity(items);
        for letter in shards.iter().flat_map(|shard| shard.chars()) {
            let item = states.len();
            states.push(
                ActionState::from_letter(letter).ok_or(JournalError::Letter { item, letter })?,
            );
        }
        if states.len() == items {
            Ok(Self(states))
        } else {
            Err(JournalError::Length { found: states.len(), expected: items })
        }
    }

    /// Writes the strings of `status.progress.shards`.
    #[must_use]
    pub fn encode(&self) -> Vec<String> {
        self.0
            .chunks(ITEMS_PER_SHARD)
            .map(|shard| shard.iter().map(|state| state.letter()).collect())
            .collect()
    }

    /// The state of one item; Unknown for one that is not in the plan.
    #[must_use]
    pub fn state(&self, item: usize) -> ActionState {
        self.0.get(item).copied().unwrap_or(ActionState::Unknown)
    }

    /// Sets the state of one item.
    pub fn set(&mut self, item: usize, state: ActionState) {
        if let Some(slot) = self.0.get_mut(item) {
            *slot = state;
        }
    }

    /// Every item with its state.
    pub fn iter(&self) -> impl Iterator<Item = (usize, ActionState)> + '_ {
        self.0.iter().copied().enumerate()
    }

    /// Items in one state.
    pub fn in_state(&self, state: ActionState) -> impl Iterator<Item = usize> + '_ {
        self.iter().filter(move |(_, found)| *found == state).map(|(item, _)| item)
    }

    /// How many items are in one state.
    #[must_use]
    pub fn count(&self, state: ActionState) -> usize {
        self.0.iter().filter(|found| **found == state).count()
    }

    /// Whether anything is left that was perhaps not sent.
    #[must_use]
    pub fn may_send(&self) -> bool {
        let unsent = [ActionState::Planned, ActionState::Intent];
        self.0.iter().any(|state| unsent.contains(state))
    }

    /// Whether an intent or a request is open.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.0.iter().any(|state| state.is_in_flight())
    }

    /// How many of the actions have nothing to send and nothing at work any more, and how many there
    /// are. What the plan leaves as it is counts for neither.
    #[must_use]
    pub fn ended(&self, items: &[PlanItem]) -> (usize, usize) {
        let (mut ended, mut total) = (0, 0);
        for (item, state) in items.iter().zip(&self.0) {
            if item.disposition == Disposition::Act {
                total += 1;
                ended += usize::from(!state.is_in_flight() && *state != ActionState::Planned);
            }
        }
        (ended, total)
    }

    /// The progress as the status shows it. Items that were left as they are from the beginning do
    /// not count: `7/9` is about what the plan set out to do.
    #[must_use]
    pub fn progress(&self, items: &[PlanItem]) -> Progress {
        let (mut total, mut done, mut failed, mut skipped, mut in_flight) = (0, 0, 0, 0, 0);
        for (item, state) in items.iter().zip(&self.0) {
            if !matches!(item.disposition, Disposition::Act | Disposition::Blocked) {
                continue;
            }
            total += 1;
            match state {
                ActionState::Verified | ActionState::AlreadySo => done += 1,
                ActionState::Failed | ActionState::Unknown => failed += 1,
                ActionState::Blocked => skipped += 1,
                ActionState::Intent | ActionState::Requested => in_flight += 1,
                ActionState::Planned | ActionState::Settled => {}
            }
        }
        Progress {
            total,
            done,
            failed,
            skipped,
            in_flight,
            percent: if total == 0 { 100 } else { done * 100 / total },
            display: format!("{done}/{total}"),
            shards: self.encode(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;

    #[test]
    fn a_journal_reads_back_as_it_was_written() {
        let items = fixtures::deletes(2345);
        let mut journal = Journal::fresh(&items);
        for (item, state) in ActionState::ALL.into_iter().cycle().take(2345).enumerate() {
            journal.set(item, state);
        }
        let shards = journal.encode();
        assert_eq!(shards.iter().map(String::len).collect::<Vec<_>>(), [1000, 1000, 345]);
        assert_eq!(Journal::decode(&shards, 2345), Ok(journal));
    }

    #[test]
    fn a_foreign_journal_is_refused() {
        assert_eq!(
            Journal::decode(&["..x".into()], 3),
            Err(JournalError::Letter { item: 2, letter: 'x' })
        );
        assert_eq!(
            Journal::decode(&["..".into()], 3),
            Err(JournalError::Length { found: 2, expected: 3 })
        );
    }

    #[test]
    fn progress_counts_what_the_plan_set_out_to_do() {
        let mut items = fixtures::deletes(5);
        items[0].disposition = Disposition::Kept;
        items[1].disposition = Disposition::Blocked;
        let mut journal = Journal::fresh(&items);
        journal.set(2, ActionState::Verified);
        journal.set(3, ActionState::Requested);
        let progress = journal.progress(&items);
        assert_eq!(
            (progress.total, progress.done, progress.skipped, progress.in_flight),
            (4, 1, 1, 1)
        );
        assert_eq!(progress.display, "1/4");
        assert_eq!(progress.shards, ["kbvr."]);
    }
}
