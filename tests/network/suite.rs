//! The tests.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use rollback_operator::model::Rule;

use super::draw::Without;
use super::jobs::Job;
use super::simulation::ending::NOT_OVER;
use super::simulation::jobs::{Outcome, life, play_all, play_apart};

/// So many seeds are played, unless `NETWORK_SEEDS` says otherwise.
const SEEDS: u64 = 300;
/// So many are played without a deadline.
const CONTROLS: u64 = 40;
/// Rules whose breaking this simulation notices. The one without a network plays all of them.
const NOTICED: [Rule; 4] =
    [Rule::IntentBeforeCall, Rule::KeptUntilPersisted, Rule::LedgerBeforeReady, Rule::RateIsKept];
/// So many failures are shown.
const SHOWN: usize = 5;

pub fn run(arguments: &[String]) -> ExitCode {
    let program = "network".to_owned();
    let mut arguments =
        Arguments::from_iter(std::iter::once(program).chain(arguments.iter().cloned()));
    // Each test uses all processors.
    arguments.test_threads = Some(1);
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
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn wanted(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn describe(outcome: &Outcome) -> String {
    let job = &outcome.job;
    format!(
        "{job}: {}\n  replay: cargo test --profile simulation --test network -- replay {job}\n",
        outcome.violations.join("\n    ")
    )
}

fn seeds() -> Result<(), Failed> {
    let from = wanted("NETWORK_FROM", 0);
    let count = wanted("NETWORK_SEEDS", SEEDS);
    let jobs: Vec<Job> = (from..from + count).map(Job::of).collect();
    let began = life();
    let outcomes = play_all(&jobs, SHOWN);
    let failed: Vec<&Outcome> = outcomes.iter().filter(|it| !it.violations.is_empty()).collect();
    println!(
        "seeds: {} of {} played, {} failed, in {:.1} s",
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

fn same_everywhere() -> Result<(), Failed> {
    for seed in 0..12 {
        let job = Job::of(seed);
        let (one, other) = (play_apart(&job), play_apart(&job));
        if one.hash != other.hash || one.hash.is_empty() {
            return Err(Failed::from(format!("{job} has trace {} and {}", one.hash, other.hash)));
        }
    }
    Ok(())
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
    let whole = play_apart(&Job { without: None, ..first.job.parse()? });
    if !whole.violations.is_empty() {
        return Err(Failed::from(format!("with the deadline, too: {}", describe(&whole))));
    }
    println!("the first: {}: {}", first.job, first.violations[0]);
    Ok(())
}

/// The judge sees through the network.
fn is_caught(rule: Rule) -> Result<(), Failed> {
    let jobs: Vec<Job> =
        (0..SEEDS).map(|seed| Job { broken: Some(rule), ..Job::of(seed) }).collect();
    let outcomes = play_all(&jobs, 1);
    let Some(caught) = outcomes.iter().find(|outcome| !outcome.violations.is_empty()) else {
        return Err(Failed::from(format!("{} runs did not notice", outcomes.len())));
    };
    let whole = play_apart(&Job { broken: None, ..caught.job.parse()? });
    if !whole.violations.is_empty() {
        return Err(Failed::from(format!("without a broken rule, too: {}", describe(&whole))));
    }
    println!("{rule:?} is caught by {}: {}", caught.job, caught.violations[0]);
    Ok(())
}
