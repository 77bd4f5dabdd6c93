//! The tests.

use libtest_mimic::{Failed, Trial};
use rollback_operator::model::Rule;

use super::draw::Without;
use super::jobs::Job;
use super::simulation::ending::NOT_OVER;
use super::simulation::jobs::{Outcome, play_all};
use super::simulation::program::{Suite, all_are_repeatable, all_hold, only_when_broken, wanted};

const NAME: &str = "network";
/// So many seeds are played, unless `NETWORK_SEEDS` says otherwise.
const SEEDS: u64 = 300;
/// So many are played without a deadline.
const CONTROLS: u64 = 40;
/// Rules whose breaking this simulation notices. The one without a network plays all of them.
const NOTICED: [Rule; 4] =
    [Rule::IntentBeforeCall, Rule::KeptUntilPersisted, Rule::LedgerBeforeReady, Rule::RateIsKept];

pub const SUITE: Suite<Job> = Suite { name: NAME, play: Job::play, tests };

fn tests() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("a_seed_gives_the_same_run_in_every_process", same_everywhere),
        Trial::test("seeds", seeds),
        Trial::test("without_deadlines_some_are_stuck::kubernetes", || {
            some_are_stuck(Without::Kubernetes)
        }),
        Trial::test("without_deadlines_some_are_stuck::aws", || some_are_stuck(Without::Aws)),
    ];
    for rule in NOTICED {
        trials.push(Trial::test(format!("broken_rules::{rule:?}"), move || is_caught(rule)));
    }
    trials
}

fn seeds() -> Result<(), Failed> {
    let from = wanted("NETWORK_FROM", 0);
    let count = wanted("NETWORK_SEEDS", SEEDS);
    let jobs: Vec<Job> = (from..from + count).map(Job::of).collect();
    all_hold(NAME, "seeds", &jobs)
}

fn same_everywhere() -> Result<(), Failed> {
    all_are_repeatable((0..12).map(Job::of))
}

/// The deadline matters, and what is stuck is noticed.
fn some_are_stuck(without: Without) -> Result<(), Failed> {
    let count = wanted("NETWORK_CONTROLS", CONTROLS);
    let jobs: Vec<Job> =
        (0..count).map(|seed| Job { without: Some(without), ..Job::of(seed) }).collect();
    let outcomes = play_all(&jobs, usize::MAX);
    let is_stuck =
        |outcome: &&Outcome| outcome.violations.iter().any(|it| it.starts_with(NOT_OVER));
    let stuck: Vec<&Outcome> = outcomes.iter().filter(is_stuck).collect();
    println!("without the deadline of {without:?}: {} of {count} are stuck", stuck.len());
    let Some(first) = stuck.first() else {
        return Err(Failed::from(format!("{count} runs without {without:?} came to their end")));
    };
    let whole = Job { without: None, ..first.job.parse()? };
    only_when_broken(NAME, &format!("the lack of {without:?}'s deadline"), first, &whole)
}

/// The judge sees through the network.
fn is_caught(rule: Rule) -> Result<(), Failed> {
    let jobs: Vec<Job> =
        (0..SEEDS).map(|seed| Job { broken: Some(rule), ..Job::of(seed) }).collect();
    let outcomes = play_all(&jobs, 1);
    let Some(caught) = outcomes.iter().find(|outcome| !outcome.violations.is_empty()) else {
        return Err(Failed::from(format!("{} runs did not notice", outcomes.len())));
    };
    let whole = Job { broken: None, ..caught.job.parse()? };
    only_when_broken(NAME, &format!("{rule:?}"), caught, &whole)
}
