//! Histories of five hundred operations.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::fixtures::{key, live, operation, try_plan};
use super::history::{History, as_decision};
use super::model::{Decision, Doer, Happened};
use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::Precision;
use crate::model::{Before, BlockedReason, Effect, Grade};
use crate::plan::{Plan, Record};

const OPERATIONS: usize = 500;
const KEYS: usize = 60;
const NO_FAILURE: BTreeSet<usize> = BTreeSet::new();

/// What comes after an operation: how many keys it touches, which and how, and what is undone then.
#[derive(Debug, Clone)]
struct Step {
    changes: Vec<(usize, bool)>,
    /// Undone right away: which of those before, and which keys fail.
    undo: Option<(Vec<prop::sample::Index>, BTreeSet<usize>)>,
}

fn step() -> impl Strategy<Value = Step> {
    let changes = proptest::collection::btree_map(0..KEYS, any::<bool>(), 1..6);
    let which = proptest::collection::vec(any::<prop::sample::Index>(), 1..4);
    let fails = proptest::collection::btree_set(0..KEYS, 0..10);
    (changes, prop::option::weighted(0.2, (which, fails)))
        .prop_map(|(changes, undo)| Step { changes: changes.into_iter().collect(), undo })
}

impl History {
    fn step(&mut self, step: &Step) {
        self.operate(&step.changes, true);
        if let Some((which, fails)) = &step.undo {
            let doers = self.doers();
            let some = which.iter().map(|at| doers[at.index(doers.len())]).collect();
            self.undo(&some, fails);
        }
    }

    fn operations(&self) -> Vec<Doer> {
        let story = self.model.story.iter().enumerate();
        let operations = story.filter(|(_, it)| matches!(it, Happened::Operation { .. }));
        operations.map(|(doer, _)| doer).collect()
    }
}

proptest! {
    #![proptest_config(Config { cases: 3, max_shrink_iters: 200, ..Config::default() })]

    /// Undone alone, a few together, or all the rest at once, while others go on.
    #[test]
    fn undoing_everything_restores_the_start(
        start in proptest::collection::btree_set(0..KEYS, 0..=KEYS),
        steps in proptest::collection::vec(step(), OPERATIONS - 20..OPERATIONS),
        meanwhile in proptest::collection::vec(step(), 20),
        order in proptest::collection::vec(any::<u32>(), 2 * OPERATIONS),
        alone in 20_usize..120,
    ) {
        let mut history = History::new(start);
        for step in &steps {
            history.step(step);
        }
        let mut meanwhile = meanwhile.iter();
        let mut operations = history.operations();
        operations.sort_by_key(|doer| order.get(*doer).copied());
        for few in operations.chunks(3).take(alone) {
            for doer in few {
                history.undo(&BTreeSet::from([*doer]), &NO_FAILURE);
            }
            if let Some(step) = meanwhile.next() {
                history.step(step);
            }
        }
        let all = history.operations().into_iter().collect();
        history.undo(&all, &NO_FAILURE);
        prop_assert_eq!(&history.model.world, &history.model.start);
    }
}

/// What is unusual about a key, in each history that [`nothing_uncertain_is_written`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Nothing,
    /// What was there before is never recorded.
    BeforeUnknown,
    /// Each change is recorded by a second tool as well.
    TwoTools,
    /// Changed in the end by somebody of whom there is no record.
    ChangedUnseen,
    /// The last two changes are opposite, and their times do not tell which was the last.
    Tied,
    /// Was only tried: the record says that it failed, and yet it is there.
    Failed,
}

impl About {
    const ALL: [Self; 6] = [
        Self::Nothing,
        Self::BeforeUnknown,
        Self::TwoTools,
        Self::ChangedUnseen,
        Self::Tied,
        Self::Failed,
    ];

    const fn of(key: usize) -> Self {
        Self::ALL[key % Self::ALL.len()]
    }
}

/// Keys that the model knows all about.
fn is_modelled(key: usize) -> bool {
    !matches!(About::of(key), About::Tied | About::Failed)
}

/// A history of everything that is unusual, and the records that the model has no part in.
struct Uncertain {
    history: History,
    /// What a second tool recorded of an operation.
    twins: Vec<(Doer, Record)>,
    /// Two records of opposite effect within one minute.
    tied: [Record; 2],
}

impl Uncertain {
    fn new(start: BTreeSet<usize>, steps: &[Vec<(usize, bool)>]) -> Self {
        let mut it = Self {
            history: History::new(start),
            twins: Vec::new(),
            tied: [operation("tied-a", 0), operation("tied-b", 0)],
        };
        for step in steps {
            it.step(step);
        }
        for key in (0..KEYS).filter(|key| About::of(*key) == About::ChangedUnseen) {
            it.history.interfere(key);
        }
        let at = it.history.at();
        let tie = |name: &str, seconds: i64, effect: Effect| {
            let keys = (0..KEYS).filter(|at| About::of(*at) == About::Tied);
            operation(name, at + seconds)
                .changes(keys.map(|at| (effect, Before::Unknown, key(at))))
                .precision(Precision::Minute)
        };
        it.tied = [tie("tied-a", 0, Effect::Granted), tie("tied-b", 30, Effect::Revoked)];
        it
    }

    fn step(&mut self, changes: &[(usize, bool)]) {
        let about = |wanted: &[About]| -> Vec<(usize, bool)> {
            changes.iter().copied().filter(|(key, _)| wanted.contains(&About::of(*key))).collect()
        };
        let history = &mut self.history;
        let known = about(&[About::Nothing, About::ChangedUnseen]);
        if !known.is_empty() {
            history.operate(&known, true);
            let tried = about(&[About::Failed]);
            let record = history.records.last_mut().unwrap();
            for (at, _) in tried {
                *record = record.take().map(|it| it.failed(Effect::Granted, &key(at)));
            }
        }
        // What is not known is taken to have changed something, and here it did.
        let unknown = about(&[About::BeforeUnknown]);
        let unknown: Vec<_> =
            unknown.iter().map(|(key, _)| (*key, !history.model.world.contains(key))).collect();
        if !unknown.is_empty() {
            history.operate(&unknown, false);
        }
        let twice = about(&[About::TwoTools]);
        if !twice.is_empty() {
            let (doer, at) = (history.records.len(), history.at());
            history.operate(&twice, true);
            let effect = |after| if after { Effect::Granted } else { Effect::Revoked };
            let seen = twice.iter().map(|(at, after)| (effect(*after), Before::Unknown, key(*at)));
            let twin = operation(&format!("twin-{doer}"), at + 60).tool("cloudtrail").changes(seen);
            self.twins.push((doer, twin));
        }
    }

    /// What is planned when these operations are undone, by the records of the second tool where
    /// there is one and it is asked for.
    fn plan(&self, doers: &BTreeSet<Doer>, by_twins: bool) -> Plan {
        let mut all = self.history.all();
        all.extend(self.twins.iter().map(|(_, twin)| twin.clone()));
        all.extend(self.tied.iter().cloned());
        let mut present = self.history.present();
        let failed = (0..KEYS).filter(|at| About::of(*at) == About::Failed);
        present.extend(failed.map(key));
        let twin = |doer: Doer| {
            self.twins.iter().find(|(of, _)| by_twins && *of == doer).map(|(_, twin)| twin)
        };
        let mut selected: Vec<&Record> = doers
            .iter()
            .filter_map(|doer| twin(*doer).or(self.history.records[*doer].as_ref()))
            .collect();
        selected.push(&self.tied[1]);
        try_plan(&all, &selected, &live(&all, &present)).unwrap()
    }

    fn touch(&self, key: usize) -> BTreeSet<Doer> {
        let story = self.history.model.story.iter().enumerate();
        let touching = story.filter(|(_, happened)| {
            matches!(happened, Happened::Operation { keys, .. } if keys.iter().any(|(at, _)| *at == key))
        });
        touching.map(|(doer, _)| doer).collect()
    }
}

proptest! {
    #![proptest_config(Config { cases: 8, max_shrink_iters: 200, ..Config::default() })]

    /// Unknown states before, tied times, failed changes, two tools and unseen changes: nothing is
    /// written but what the model says, and what rests on a guess says so.
    #[test]
    fn nothing_uncertain_is_written(
        start in proptest::collection::btree_set((0..KEYS).prop_filter("modelled", |it| is_modelled(*it)), 0..KEYS / 2),
        steps in proptest::collection::vec(
            proptest::collection::btree_map(0..KEYS, any::<bool>(), 1..6)
                .prop_map(|changes| changes.into_iter().collect::<Vec<_>>()),
            OPERATIONS,
        ),
        some in proptest::collection::vec(any::<bool>(), 3 * OPERATIONS),
        by_twins in any::<bool>(),
    ) {
        let it = Uncertain::new(start, &steps);
        let mut doers: BTreeSet<Doer> = it.history.operations().into_iter().collect();
        doers.retain(|doer| some[*doer]);
        let plan = it.plan(&doers, by_twins);
        let (modelled, others): (Vec<&PlanItem>, Vec<&PlanItem>) =
            plan.items.iter().partition(|item| is_modelled(number(item)));
        let planned: BTreeSet<(usize, Decision)> = modelled.iter().copied().map(as_decision).collect();
        prop_assert_eq!(planned, it.history.model.decide(&doers).into_iter().collect());
        for item in modelled.into_iter().filter(|item| item.disposition == Disposition::Act) {
            let guessed = match About::of(number(item)) {
                About::BeforeUnknown => it.touch(number(item)).is_subset(&doers),
                About::TwoTools => true,
                _ => false,
            };
            let says_so = item.grade >= Grade::Assumed && plan.assumed;
            prop_assert!(!guessed || says_so, "{:#?}", item);
        }
        for item in others {
            let expected = match About::of(number(item)) {
                About::Tied => (Disposition::Blocked, Some(BlockedReason::OrderUnknown)),
                _ => (Disposition::Blocked, Some(BlockedReason::PossiblyApplied)),
            };
            prop_assert_eq!((item.disposition, item.blocked), expected);
        }
        for unusual in [About::Tied, About::Failed] {
            prop_assert!(plan.items.iter().any(|item| About::of(number(item)) == unusual), "{:?}", unusual);
        }
    }
}

fn number(item: &PlanItem) -> usize {
    item.account.as_ref().unwrap().as_str().parse().unwrap()
}
