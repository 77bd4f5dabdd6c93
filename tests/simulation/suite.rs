//! The tests.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use rollback_operator::model::Rule;

use super::jobs::{Job, Outcome, life, play_all, play_apart};
use super::trace::{EffectKind, When};

const TYPES: [&str; 4] = ["Assign", "Revoke", "CopyAssignments", "ClonePermissionSet"];
/// So many seeds are played, unless `SIMULATION_SEEDS` says otherwise.
const SEEDS: u64 = 500;
/// A crash during recovery: the second point is at most this many effects after the first.
const PAIRS_WITHIN: u64 = 25;
/// So many failures are shown.
const SHOWN: usize = 5;

pub fn run(arguments: &[String]) -> ExitCode {
    let program = "simulation".to_owned();
    let mut arguments =
        Arguments::from_iter(std::iter::once(program).chain(arguments.iter().cloned()));
    // Each test uses all processors.
    arguments.test_threads = Some(1);
    let mut trials = vec![
        Trial::test("a_seed_gives_the_same_run_in_every_process", same_everywhere),
        Trial::test("seeds", seeds),
    ];
    for kind in TYPES {
        trials.push(Trial::test(format!("crash_points::{kind}"), move || crash_points(kind)));
        trials.push(Trial::test(format!("crash_pairs::{kind}"), move || crash_pairs(kind)));
    }
    // Its lists never go back in time, so this one is left to a test of the engine.
    let played = |rule: &&Rule| **rule != Rule::ContestedIsAsked;
    for rule in Rule::ALL.iter().filter(played) {
        trials.push(Trial::test(format!("broken_rules::{rule:?}"), move || is_caught(*rule)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn wanted(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Plays jobs; each must come out well.
fn all_hold(what: &str, jobs: &[Job]) -> Result<(), Failed> {
    let began = life();
    let outcomes = play_all(jobs, SHOWN);
    let failed: Vec<&Outcome> = outcomes.iter().filter(|it| !it.violations.is_empty()).collect();
    println!(
        "{what}: {} of {} played, {} failed, in {:.1} s",
        outcomes.len(),
        jobs.len(),
        failed.len(),
        life().saturating_sub(began).as_secs_f64()
    );
    if failed.is_empty() && outcomes.len() == jobs.len() {
        return Ok(());
    }
    let shown: String = failed.iter().take(SHOWN).map(|outcome| describe(outcome)).collect();
    Err(Failed::from(format!("{} failed\n{shown}", failed.len())))
}

fn describe(outcome: &Outcome) -> String {
    let job = &outcome.job;
    format!(
        "{job}: {}\n  replay: cargo test --profile simulation --test simulation -- replay {job}\n",
        outcome.violations.join("\n    ")
    )
}

fn seeds() -> Result<(), Failed> {
    let from = wanted("SIMULATION_FROM", 0);
    let count = wanted("SIMULATION_SEEDS", SEEDS);
    let jobs: Vec<Job> =
        (from..from + count).map(|seed| Job::Seed { seed, broken: None }).collect();
    all_hold("seeds", &jobs)
}

fn same_everywhere() -> Result<(), Failed> {
    for seed in 0..24 {
        let job = Job::Seed { seed, broken: None };
        let (one, other) = (play_apart(&job), play_apart(&job));
        if one.hash != other.hash || one.hash.is_empty() {
            return Err(Failed::from(format!("{job} has trace {} and {}", one.hash, other.hash)));
        }
    }
    Ok(())
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
    all_hold(&format!("crash points of {kind}"), &jobs)
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
    all_hold(&format!("crash pairs of {kind}"), &jobs)
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
    let whole = play_apart(&caught.job.parse::<Job>()?.unbroken());
    if !whole.violations.is_empty() {
        return Err(Failed::from(format!("without a broken rule, too: {}", describe(&whole))));
    }
    println!("{rule:?} is caught by {}: {}", caught.job, caught.violations[0]);
    Ok(())
}
