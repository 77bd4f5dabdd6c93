//! Random and exhaustive histories, held against the plain model.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::fixtures::{executed, key, keys_of, live, operation, try_plan};
use super::model::{Decision, Doer, Happened, Model, Undone};
use crate::api::plan::{Disposition, PlanItem};
use crate::model::{AssignmentKey, Before, Effect, Key, Presence};
use crate::plan::{Plan, Record, Refusal, already_rolled_back};

const KEYS: usize = 3;

/// The model beside the records that were written of it.
#[derive(Debug, Clone)]
struct History {
    model: Model,
    /// The record of each part of the story, if it has one.
    records: Vec<Option<Record>>,
}

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    /// For each key: nothing, a grant or a revoke; and whether the state before is recorded.
    Operation([Option<bool>; KEYS], bool),
    Foreign(usize),
    /// Which of the doers so far, and which keys fail.
    Undo(Vec<prop::sample::Index>, [bool; KEYS]),
}

impl History {
    fn new(start: BTreeSet<usize>) -> Self {
        Self { model: Model::new(start), records: Vec::new() }
    }

    fn at(&self) -> i64 {
        3600 * i64::try_from(self.records.len() + 1).unwrap()
    }

    fn all(&self) -> Vec<Record> {
        self.records.iter().flatten().cloned().collect()
    }

    fn present(&self) -> Vec<AssignmentKey> {
        self.model.world.iter().map(|at| key(*at)).collect()
    }

    fn doers(&self) -> Vec<Doer> {
        (0..self.records.len()).filter(|at| self.records[*at].is_some()).collect()
    }

    fn operate(&mut self, changes: &[(usize, bool)], knew: bool) {
        let mut record = operation(&format!("op-{}", self.records.len()), self.at());
        for (at, after) in changes {
            let there = self.model.world.contains(at);
            let before = if knew { Before::from(Presence::from(there)) } else { Before::Unknown };
            let effect = if *after { Effect::Granted } else { Effect::Revoked };
            record = record.change(effect, before, &key(*at));
        }
        for (at, after) in changes {
            self.model.put(*at, *after);
        }
        self.model.story.push(Happened::Operation { keys: changes.to_vec(), knew });
        self.records.push(Some(record));
    }

    fn interfere(&mut self, at: usize) {
        let after = !self.model.world.contains(&at);
        self.model.put(at, after);
        self.model.story.push(Happened::Foreign { key: at, after });
        self.records.push(None);
    }

    fn plan(&self, doers: &BTreeSet<Doer>) -> Result<Plan, Refusal> {
        let selected: Vec<&Record> =
            doers.iter().filter_map(|at| self.records[*at].as_ref()).collect();
        let all = self.all();
        let world = live(&all, &self.present());
        let planned = try_plan(&all, &selected, &world);
        let mut reversed = all.clone();
        reversed.reverse();
        assert_eq!(planned, try_plan(&reversed, &selected, &world), "the order of records matters");
        let chosen: Vec<Record> = selected.into_iter().cloned().collect();
        let touches_keys = planned != Err(Refusal::NothingOpen)
            || chosen.iter().any(|record| !record.spec.changes.is_empty() || wrote(record));
        if touches_keys {
            assert_eq!(
                already_rolled_back(&all, &chosen),
                planned == Err(Refusal::NothingOpen),
                "{planned:?}"
            );
        }
        planned
    }

    /// Plans the undo, holds the plan against the model, and executes it.
    fn undo(&mut self, doers: &BTreeSet<Doer>, fails: [bool; KEYS]) {
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
                    Decision::Write(after) if !fails[*at] => Some(*after),
                    _ => None,
                };
                let failed = matches!(decision, Decision::Write(_)) && fails[*at];
                Undone { key: *at, wrote, settled: !failed }
            })
            .collect();
        let selected: Vec<&Record> =
            doers.iter().filter_map(|at| self.records[*at].as_ref()).collect();
        let failing = |found: &Key| fails[index_of(found)];
        let name = format!("undo-{}", self.records.len());
        let record = executed(&name, 1, self.at(), &plan, &selected, &failing);
        for (at, after) in undone.iter().filter_map(|it| Some((it.key, it.wrote?))) {
            self.model.put(at, after);
        }
        self.model.story.push(Happened::Undo { of: doers.clone(), keys: undone });
        self.records.push(Some(record));
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Operation(changes, knew) => {
                let changes: Vec<(usize, bool)> =
                    (0..KEYS).zip(changes).filter_map(|(at, after)| Some((at, after?))).collect();
                // What the first record does not know is assumed, and an unknown state reveals no
                // unrecorded change: neither can be right by more than luck.
                let guess = changes.iter().any(|(at, after)| {
                    let changes_nothing = self.model.world.contains(at) == *after;
                    self.model.has_unseen(*at) || (!self.model.is_recorded(*at) && changes_nothing)
                });
                if !changes.is_empty() {
                    self.operate(&changes, knew || guess);
                }
            }
            Step::Foreign(at) if !self.model.has_unseen(at) => self.interfere(at),
            Step::Foreign(_) => {}
            Step::Undo(which, fails) => {
                let doers = self.doers();
                if !doers.is_empty() {
                    let chosen = which.iter().map(|at| doers[at.index(doers.len())]).collect();
                    self.undo(&chosen, fails);
                }
            }
        }
    }
}

fn wrote(record: &Record) -> bool {
    use crate::api::record::LedgerOutcome::Verified;
    let ledger = record.spec.rollback.as_ref();
    ledger.is_some_and(|ledger| ledger.keys.iter().any(|keys| keys.outcome == Verified))
}

fn index_of(found: &Key) -> usize {
    (0..KEYS).find(|at| Key::Assignment(key(*at)) == *found).unwrap()
}

fn as_decision(item: &PlanItem) -> (usize, Decision) {
    let decision = match item.disposition {
        Disposition::Act => Decision::Write(item.action.goal() == Presence::Present),
        Disposition::AlreadySo | Disposition::Kept => Decision::Leave,
        Disposition::Unexplained => Decision::Unexplained,
        Disposition::Blocked => panic!("{item:?}"),
    };
    (index_of(&item.key()), decision)
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![2 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))];
    let which = proptest::collection::vec(any::<prop::sample::Index>(), 1..3);
    let fails = proptest::array::uniform3(prop::bool::weighted(0.15));
    prop_oneof![
        4 => (proptest::array::uniform3(change), prop::bool::weighted(0.7))
            .prop_map(|(changes, knew)| Step::Operation(changes, knew)),
        1 => (0..KEYS).prop_map(Step::Foreign),
        3 => (which, fails).prop_map(|(which, fails)| Step::Undo(which, fails)),
    ]
}

fn start() -> impl Strategy<Value = BTreeSet<usize>> {
    proptest::collection::btree_set(0..KEYS, 0..=KEYS)
}

/// Only operations, each of which knows what was there before.
fn operations() -> impl Strategy<Value = History> {
    let change = prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    let steps = proptest::collection::vec(proptest::array::uniform3(change), 1..10);
    (start(), steps).prop_map(|(start, steps)| {
        let mut history = History::new(start);
        for changes in steps {
            history.take(Step::Operation(changes, true));
        }
        history
    })
}

const NO_FAILURE: [bool; KEYS] = [false; KEYS];

proptest! {
    /// Overlaps, failures, unrecorded changes, redo and its undo: never a wrong write.
    #[test]
    fn every_plan_is_what_the_model_says(
        start in start(),
        steps in proptest::collection::vec(step(), 1..16),
    ) {
        let mut history = History::new(start);
        for step in steps {
            history.take(step);
        }
    }

    #[test]
    fn undoing_everything_in_any_order_restores_the_start(
        history in operations(),
        seed in proptest::collection::vec(any::<u32>(), 10),
        at_once in 0_usize..4,
    ) {
        let mut history = history;
        let mut doers = history.doers();
        doers.sort_by_key(|at| seed.get(*at).copied());
        let first: BTreeSet<Doer> = doers.iter().copied().take(at_once).collect();
        if !first.is_empty() {
            history.undo(&first, NO_FAILURE);
        }
        for doer in doers.into_iter().skip(at_once) {
            history.undo(&BTreeSet::from([doer]), NO_FAILURE);
        }
        prop_assert_eq!(&history.model.world, &history.model.start);
    }

    #[test]
    fn undo_and_redo_is_as_it_was(
        start in start(),
        steps in proptest::collection::vec(step(), 1..12),
        which in proptest::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut history = History::new(start);
        for step in steps {
            history.take(step);
        }
        let doers = history.doers();
        if doers.is_empty() {
            return Ok(());
        }
        let chosen = which.iter().map(|at| doers[at.index(doers.len())]).collect();
        let before = history.model.world.clone();
        let count = history.records.len();
        history.undo(&chosen, NO_FAILURE);
        if history.records.len() > count {
            history.undo(&BTreeSet::from([count]), NO_FAILURE);
        }
        prop_assert_eq!(&history.model.world, &before);
    }

    /// What failed is open and nothing else is; attempt after attempt it is finished.
    #[test]
    fn attempts_finish_what_is_open(
        history in operations(),
        fails in proptest::collection::vec(proptest::array::uniform3(any::<bool>()), 1..5),
    ) {
        let mut history = history;
        let doers: BTreeSet<Doer> = history.doers().into_iter().collect();
        if doers.is_empty() {
            return Ok(());
        }
        for fails in &fails {
            history.undo(&doers, *fails);
        }
        history.undo(&doers, NO_FAILURE);
        prop_assert_eq!(&history.model.world, &history.model.start);
        prop_assert_eq!(history.plan(&doers), Err(Refusal::NothingOpen));
    }
}

/// All histories of one to four operations on one key, undone one by one in every order.
#[test]
fn up_to_four_operations_in_every_order_of_undoing() {
    let mut cases = 0;
    for count in 1..=4_usize {
        for (there, effects) in (0..2).flat_map(|there| (0..1 << count).map(move |it| (there, it)))
        {
            let start = if there == 1 { BTreeSet::from([0]) } else { BTreeSet::new() };
            let mut history = History::new(start);
            (0..count).for_each(|at| history.operate(&[(0, (effects >> at) & 1 == 1)], true));
            for order in permutations(count) {
                let mut history = history.clone();
                for doer in order {
                    history.undo(&BTreeSet::from([doer]), NO_FAILURE);
                }
                assert_eq!(history.model.world, history.model.start, "{history:#?}");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 884);
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in 0..count {
        all = all
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, next);
                    longer
                })
            })
            .collect();
    }
    all
}
