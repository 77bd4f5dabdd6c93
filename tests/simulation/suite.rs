//! The tests.

use libtest_mimic::{Failed, Trial};
use rollback_operator::model::Rule;

use super::advice;
use super::behind;
use super::jobs::{Job, Outcome, play_all};
use super::pace;
use super::program::{Suite, all_are_repeatable, all_hold, only_when_broken, wanted};
use super::recovery;
use super::trace::{EffectKind, When};

const NAME: &str = "simulation";
const TYPES: [&str; 4] = ["Assign", "Revoke", "CopyAssignments", "ClonePermissionSet"];
/// So many seeds are played, unless `SIMULATION_SEEDS` says otherwise.
const SEEDS: u64 = 500;
/// A crash during recovery: the second point is at most this many effects after the first.
const PAIRS_WITHIN: u64 = 25;
pub const SUITE: Suite<Job> = Suite { name: NAME, play: Job::play, tests };

fn tests() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("a_seed_gives_the_same_run_in_every_process", same_everywhere),
        Trial::test("seeds", seeds),
    ];
    for kind in TYPES {
        trials.push(Trial::test(format!("crash_points::{kind}"), move || crash_points(kind)));
        trials.push(Trial::test(format!("crash_pairs::{kind}"), move || crash_pairs(kind)));
    }
    trials.push(Trial::test("recovery::is_within_its_budget", recovery::is_within_its_budget));
    trials.push(Trial::test("recovery::is_bounded", recovery::is_bounded));
    trials.push(Trial::test("behind::keys_are_kept", behind::keys_are_kept));
    let lost = behind::keys_are_lost_unless_looked_up;
    trials.push(Trial::test("behind::keys_are_lost_unless_looked_up", lost));
    trials.extend(advice::trials());
    trials.extend(pace::trials());
    // The lists of runs never go back in time, so one is left to a test of the engine. In others
    // nobody asks for much, or too much has to come together, so those have tests of their own.
    let own = [Rule::ContestedIsAsked, Rule::RecoveryIsBounded, Rule::BegunIsLookedUp];
    let played = |rule: &&Rule| !own.contains(rule);
    for rule in Rule::ALL.iter().filter(played) {
        trials.push(Trial::test(format!("broken_rules::{rule:?}"), move || is_caught(*rule)));
    }
    trials
}

fn seeds() -> Result<(), Failed> {
    let from = wanted("SIMULATION_FROM", 0);
    let count = wanted("SIMULATION_SEEDS", SEEDS);
    let jobs: Vec<Job> =
        (from..from + count).map(|seed| Job::Seed { seed, broken: None }).collect();
    all_hold(NAME, "seeds", &jobs)
}

fn same_everywhere() -> Result<(), Failed> {
    all_are_repeatable((0..24).map(|seed| Job::Seed { seed, broken: None }))
}

/// The numbers of all effects of a calm run.
fn effects(kind: &str) -> Vec<(u64, EffectKind)> {
    let kinds = Job::Crash { kind: kind.to_owned(), points: Vec::new(), broken: None }.play().kinds;
    // What follows after the end is the lease alone.
    let last = kinds.iter().rposition(|kind| {
        !matches!(kind, EffectKind::Lease | EffectKind::Watch | EffectKind::Instance)
    });
    (1..).zip(kinds).take(last.map_or(0, |last| last + 1)).collect()
}

fn crash_points(kind: &str) -> Result<(), Failed> {
    let mut jobs = Vec::new();
    for (number, _) in effects(kind) {
        for when in [When::Before, When::After] {
            jobs.push(Job::Crash {
                kind: kind.to_owned(),
                points: vec![(number, when)],
                broken: None,
            });
        }
    }
    all_hold(NAME, &format!("crash points of {kind}"), &jobs)
}

fn crash_pairs(kind: &str) -> Result<(), Failed> {
    // Both sides of both would be four times as many; which side is drawn by the numbers.
    let side = |number: u64| if number.is_multiple_of(2) { When::Before } else { When::After };
    let mut jobs = Vec::new();
    for (first, _) in effects(kind) {
        for second in first + 1..=first + PAIRS_WITHIN {
            let points = vec![(first, side(first + second)), (second, side(first / 2 + second))];
            jobs.push(Job::Crash { kind: kind.to_owned(), points, broken: None });
        }
    }
    let every = usize::try_from(wanted("SIMULATION_PAIR_STEP", 10)).unwrap();
    let jobs: Vec<Job> = jobs.into_iter().step_by(every).collect();
    all_hold(NAME, &format!("crash pairs of {kind}"), &jobs)
}

/// A broken rule is noticed by a crash point or by a seed.
fn is_caught(rule: Rule) -> Result<(), Failed> {
    let seeds =
        |range: std::ops::Range<u64>| range.map(|seed| Job::Seed { seed, broken: Some(rule) });
    let mut jobs: Vec<Job> = seeds(0..200).collect();
    for kind in TYPES {
        jobs.push(Job::Crash { kind: kind.to_owned(), points: Vec::new(), broken: Some(rule) });
        for (number, _) in effects(kind) {
            let points = vec![(number, When::After)];
            jobs.push(Job::Crash { kind: kind.to_owned(), points, broken: Some(rule) });
        }
    }
    jobs.extend(seeds(200..5000));
    let outcomes = play_all(&jobs, 1);
    // A run that hangs or panics says nothing about what was broken.
    let judged = |outcome: &&Outcome| {
        outcome.violations.iter().any(|it| it.starts_with("invariant") || it.contains(" is "))
    };
    let Some(caught) = outcomes.iter().find(judged) else {
        return Err(Failed::from(format!("{} runs did not notice", outcomes.len())));
    };
    only_when_broken(NAME, &format!("{rule:?}"), caught, &caught.job.parse::<Job>()?.unbroken())
}
