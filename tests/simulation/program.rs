//! What a suite and its program do with jobs: play one by its name, show what came of one, hold
//! many to coming out well.

use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;

use libtest_mimic::{Arguments, Failed, Trial};

use super::jobs::{Outcome, apart, life, play_all, play_apart, work};
use super::play::Report;

/// So many failures are shown.
const SHOWN: usize = 5;

/// A suite: its name, its tests, and how one of its runs is played.
pub struct Suite<J> {
    pub name: &'static str,
    pub play: fn(&J) -> Report,
    pub tests: fn() -> Vec<Trial>,
}

impl<J: FromStr<Err = String> + fmt::Display> Suite<J> {
    /// Does what the arguments say: `replay JOB`, tests, or as a process of its own for these `show
    /// JOB` and `work JOB`.
    pub fn run(&self, arguments: &[String]) -> ExitCode {
        match arguments.split_first() {
            Some((word, job)) if word == "replay" => {
                let shown = apart("show", &job.join(" ")).status();
                if shown.is_ok_and(|status| status.success()) {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                }
            }
            Some((word, job)) if word == "show" => self.played(job, Self::show),
            Some((word, job)) if word == "work" => self.played(job, |suite, job| {
                work(|| (suite.play)(job));
                ExitCode::SUCCESS
            }),
            _ => self.test(arguments),
        }
    }

    fn played(&self, words: &[String], play: fn(&Self, &J) -> ExitCode) -> ExitCode {
        match words.join(" ").parse() {
            Ok(job) => play(self, &job),
            Err(problem) => {
                eprintln!("{problem}");
                ExitCode::from(2)
            }
        }
    }

    fn show(&self, job: &J) -> ExitCode {
        let report = (self.play)(job);
        print!("{}", report.trace.text());
        println!(
            "{job}: {} after {:.1} s, {} requests accepted, trace {}",
            report.phases.join(" "),
            report.seconds,
            report.requests,
            report.trace.hash()
        );
        for violation in &report.violations {
            println!("VIOLATION {violation}");
        }
        if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn test(&self, arguments: &[String]) -> ExitCode {
        let program = std::iter::once(self.name.to_owned());
        let mut arguments = Arguments::from_iter(program.chain(arguments.iter().cloned()));
        // Each test uses all processors.
        arguments.test_threads = Some(1);
        libtest_mimic::run(&arguments, (self.tests)()).exit_code()
    }
}

/// How many of something are wanted: what an environment variable says, or as many as usual.
pub fn wanted(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What was wrong with a run, and how to see it again.
pub fn describe(suite: &str, outcome: &Outcome) -> String {
    let job = &outcome.job;
    format!(
        "{job}: {}\n  replay: cargo run --example {suite} -- replay {job}\n",
        outcome.violations.join("\n    ")
    )
}

/// Plays jobs; each must come out well.
pub fn all_hold<J: fmt::Display + Sync>(suite: &str, what: &str, jobs: &[J]) -> Result<(), Failed> {
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
    // At once, and not only among the failures at the very end.
    for outcome in failed.iter().take(SHOWN) {
        println!("{}", describe(suite, outcome).trim_end());
    }
    let shown: String = failed.iter().take(SHOWN).map(|it| describe(suite, it)).collect();
    Err(Failed::from(format!("{} failed\n{shown}", failed.len())))
}

/// Each job gives the same trace in two processes.
pub fn all_are_repeatable<J: fmt::Display>(
    jobs: impl IntoIterator<Item = J>,
) -> Result<(), Failed> {
    for job in jobs {
        let (one, other) = (play_apart(&job), play_apart(&job));
        if one.hash != other.hash || one.hash.is_empty() {
            return Err(Failed::from(format!("{job} has trace {} and {}", one.hash, other.hash)));
        }
    }
    Ok(())
}

/// What was broken was noticed in the run `caught`, and in the same run with all in force nothing is
/// wrong.
pub fn only_when_broken<J: fmt::Display>(
    suite: &str,
    what: &str,
    caught: &Outcome,
    whole: &J,
) -> Result<(), Failed> {
    let whole = play_apart(whole);
    if !whole.violations.is_empty() {
        let shown = describe(suite, &whole);
        return Err(Failed::from(format!("with all in force, too: {shown}")));
    }
    println!("{what} is caught by {}: {}", caught.job, caught.violations[0]);
    Ok(())
}
