//! A history: the plain model beside the records that were written of it, and undos that are
//! planned from the records and held against the model.

use std::collections::BTreeSet;

use super::fixtures::{already_rolled_back, executed, key, keys_of, live, operation, try_plan};
use super::model::{Decision, Doer, Happened, Model, Undone};
use crate::api::plan::{Disposition, PlanItem};
use crate::model::{AssignmentKey, Before, Effect, Key, Presence};
use crate::plan::{Plan, Record, Refusal};

/// The model beside the records that were written of it.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub model: Model,
    /// The record of each part of the story, if it has one.
    pub records: Vec<Option<Record>>,
}

impl History {
    pub(super) fn new(start: BTreeSet<usize>) -> Self {
        Self { model: Model::new(start), records: Vec::new() }
    }

    pub(super) fn at(&self) -> i64 {
        3600 * i64::try_from(self.records.len() + 1).unwrap()
    }

    pub(super) fn all(&self) -> Vec<Record> {
        self.records.iter().flatten().cloned().collect()
    }

    pub(super) fn present(&self) -> Vec<AssignmentKey> {
        self.model.world.iter().map(|at| key(*at)).collect()
    }

    pub(super) fn doers(&self) -> Vec<Doer> {
        (0..self.records.len()).filter(|at| self.records[*at].is_some()).collect()
    }

    pub(super) fn operate(&mut self, changes: &[(usize, bool)], knew: bool) {
        let recorded = changes.iter().map(|(at, after)| {
            let there = self.model.world.contains(at);
            let before = if knew { Before::from(Presence::from(there)) } else { Before::Unknown };
            let effect = if *after { Effect::Granted } else { Effect::Revoked };
            (effect, before, key(*at))
        });
        let name = format!("op-{}", self.records.len());
        let record = operation(&name, self.at()).changes(recorded);
        for (at, after) in changes {
            self.model.put(*at, *after);
        }
        self.model.story.push(Happened::Operation { keys: changes.to_vec(), knew });
        self.records.push(Some(record));
    }

    pub(super) fn interfere(&mut self, at: usize) {
        let after = !self.model.world.contains(&at);
        self.model.put(at, after);
        self.model.story.push(Happened::Foreign { key: at, after });
        self.records.push(None);
    }

    pub(super) fn plan(&self, doers: &BTreeSet<Doer>) -> Result<Plan, Refusal> {
        let selected: Vec<&Record> =
            doers.iter().filter_map(|at| self.records[*at].as_ref()).collect();
        let all = self.all();
        let world = live(&all, &self.present());
        let planned = try_plan(&all, &selected, &world);
        // In long histories this would be most of the time, and shorter ones have shown it.
        if all.len() <= 64 {
            let mut reversed = all.clone();
            reversed.reverse();
            let planned_reversed = try_plan(&reversed, &selected, &world);
            assert_eq!(planned, planned_reversed, "the order of records matters");
        }
        let chosen: Vec<Record> = selected.into_iter().cloned().collect();
        let touches_keys = planned != Err(Refusal::NothingOpen)
            || chosen.iter().any(|record| !record.spec.changes.is_empty() || wrote(record));
        if touches_keys {
            assert_eq!(
                already_rolled_back(&all, &chosen),
                planned == Err(Refusal::NothingOpen) || self.model.is_left_as_found(doers),
                "{planned:?}"
            );
        }
        planned
    }

    /// Plans the undo, holds the plan against the model, and executes it.
    pub(super) fn undo(&mut self, doers: &BTreeSet<Doer>, fails: &BTreeSet<usize>) {
        let decided = self.model.decide(doers);
        let plan = match self.plan(doers) {
            Ok(plan) => plan,
            Err(Refusal::NothingOpen) => {
                assert!(decided.is_empty(), "{decided:?} open, yet nothing is planned: {self:#?}");
                return;
            }
            Err(refusal) => panic!("{refusal}"),
        };
        let planned: BTreeSet<(usize, Decision)> = plan.items.iter().map(as_decision).collect();
        assert_eq!(planned, decided.iter().copied().collect(), "{doers:?} of {self:#?}");
        assert_eq!(keys_of(&plan).len(), plan.items.len());
        let undone: Vec<Undone> = decided
            .iter()
            .map(|(at, decision)| {
                let wrote = match decision {
                    Decision::Write(after) if !fails.contains(at) => Some(*after),
                    _ => None,
                };
                let failed = matches!(decision, Decision::Write(_)) && fails.contains(at);
                let left = *decision == Decision::Unexplained;
                Undone { key: *at, wrote, settled: !failed && !left, left }
            })
            .collect();
        let selected: Vec<&Record> =
            doers.iter().filter_map(|at| self.records[*at].as_ref()).collect();
        let failing = |found: &Key| fails.contains(&index_of(found));
        let name = format!("undo-{}", self.records.len());
        let record = executed(&name, 1, self.at(), &plan, &selected, &failing);
        for (at, after) in undone.iter().filter_map(|it| Some((it.key, it.wrote?))) {
            self.model.put(at, after);
        }
        self.model.story.push(Happened::Undo { of: doers.clone(), keys: undone });
        self.records.push(Some(record));
    }
}

fn wrote(record: &Record) -> bool {
    use crate::api::record::LedgerOutcome::Verified;
    let ledger = record.spec.rollback.as_ref();
    ledger.is_some_and(|ledger| ledger.keys.iter().any(|keys| keys.outcome == Verified))
}

/// The number of a key of the model.
pub(super) fn index_of(found: &Key) -> usize {
    let Key::Assignment(found) = found else { panic!("{found} is not of the model") };
    found.account.as_str().parse().unwrap()
}

pub(super) fn as_decision(item: &PlanItem) -> (usize, Decision) {
    let decision = match item.disposition {
        Disposition::Act => Decision::Write(item.action.goal() == Presence::Present),
        Disposition::AlreadySo | Disposition::Kept => Decision::Leave,
        Disposition::Unexplained => Decision::Unexplained,
        Disposition::Blocked => panic!("{item:?}"),
    };
    (index_of(&item.key()), decision)
}
