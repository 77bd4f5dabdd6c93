//! Jobs: single runs by name, and processes that play many of them.
//!
//! A run is the same wherever it is played: in a process of its own, because libraries count how
//! many tables of hashes a process made before, and with all sources of chance set by the job's
//! name. The C library's `getrandom` is replaced for that (by the crate mad-turmoil, which replaces
//! the clocks too, so real time is asked of the kernel here).

use std::collections::BTreeMap;
use std::fmt;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rollback_operator::model::Rule;
use rustix::thread::{NanosleepRelativeResult, nanosleep};
use rustix::time::{ClockId, clock_gettime};

use super::cluster::{DEFAULTS_VARIABLE, defaults};
use super::life::CrashPoint;
use super::play::{Report, play};
use super::scenario::Scenario;
use super::schedule;
use super::trace::When;

/// A run that takes longer than this in life hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// An undo of an operation of this type, killed at these points.
    Crash { kind: String, points: Vec<CrashPoint>, broken: Option<Rule> },
    /// A world, faults and disturbances drawn by a number.
    Seed { seed: u64, broken: Option<Rule> },
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = match self {
            Self::Crash { kind, points, broken } => {
                write!(f, "crash {kind}")?;
                for (number, when) in points {
                    write!(f, " {number}{}", if *when == When::Before { "b" } else { "a" })?;
                }
                broken
            }
            Self::Seed { seed, broken } => {
                write!(f, "seed {seed}")?;
                broken
            }
        };
        broken.map_or(Ok(()), |rule| write!(f, " --broken={rule:?}"))
    }
}

impl FromStr for Job {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut broken = None;
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            match word.strip_prefix("--broken=") {
                Some(rule) => {
                    let found = Rule::ALL.iter().find(|known| format!("{known:?}") == rule);
                    broken = Some(*found.ok_or_else(|| format!("there is no rule {rule}"))?);
                }
                None => words.push(word),
            }
        }
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
        match words.as_slice() {
            ["crash", kind, points @ ..] => {
                let points = points.iter().map(|point| {
                    let (number_text, side) = point.split_at(point.len() - 1);
                    let when = if side == "b" { When::Before } else { When::After };
                    Ok((number(number_text)?, when))
                });
                let points = points.collect::<Result<_, String>>()?;
                Ok(Self::Crash { kind: (*kind).to_owned(), points, broken })
            }
            ["seed", seed] => Ok(Self::Seed { seed: number(seed)?, broken }),
            _ => {
                Err(format!("no such job: {text:?}; write `crash TYPE [POINT…]` or `seed NUMBER`"))
            }
        }
    }
}

impl Job {
    /// The same run with every rule in force.
    pub fn unbroken(self) -> Self {
        match self {
            Self::Crash { kind, points, .. } => Self::Crash { kind, points, broken: None },
            Self::Seed { seed, .. } => Self::Seed { seed, broken: None },
        }
    }

    /// Plays it here and now.
    pub fn play(&self) -> Report {
        let job = self.clone();
        with_chance(self.number(), move || job.play_here())
    }

    fn play_here(&self) -> Report {
        let (scenario, points, broken) = match self {
            Self::Crash { kind, points, broken } => {
                (Scenario::of_type(kind), points.as_slice(), broken)
            }
            Self::Seed { seed, broken } => (schedule::scenario(*seed), &[][..], broken),
        };
        match broken {
            Some(rule) => rule.broken(|| play(&scenario, points)),
            None => play(&scenario, points),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Seed { seed, .. } => *seed,
            Self::Crash { .. } => 0,
        }
    }
}

/// Plays a run, with all that is left to chance given by a number.
pub fn with_chance(seed: u64, play: impl FnOnce() -> Report + Send + 'static) -> Report {
    let panics = count_panics();
    let before = panics.load(Ordering::SeqCst);
    set_chance(seed);
    let thread = std::thread::Builder::new().stack_size(8 << 20);
    let play = move || {
        fastrand::seed(seed);
        play()
    };
    let report = thread.spawn(play).unwrap().join();
    let panicked = panics.load(Ordering::SeqCst) - before;
    match report {
        Ok(mut report) => {
            if panicked > 0 {
                report.violations.push(format!("{panicked} tasks panicked"));
            }
            report
        }
        Err(_) => Report::of_a_panic(),
    }
}

fn set_chance(seed: u64) {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(|| mad_turmoil::rand::set_rng(StdRng::seed_from_u64(0)));
    *mad_turmoil::rand::get_rng() = StdRng::seed_from_u64(seed);
}

fn count_panics() -> &'static AtomicUsize {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    static HOOKED: OnceLock<()> = OnceLock::new();
    HOOKED.get_or_init(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            usual(info);
        }));
    });
    &PANICS
}

/// The time in life since the machine was started.
pub fn life() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

/// What came of a job.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub job: String,
    /// Of the trace: equal runs have equal ones.
    pub hash: String,
    pub violations: Vec<String>,
}

/// Plays one job and writes what came of it to standard output.
pub fn work(play: impl FnOnce() -> Report) {
    // It ends with the process. The kernel itself is asked to wait: the standard library would
    // reckon with the replaced clock, find the time to be over at once, and spin.
    std::thread::spawn(|| {
        let mut left = PATIENCE.try_into().unwrap();
        while let NanosleepRelativeResult::Interrupted(remaining) = nanosleep(&left) {
            left = remaining;
        }
        println!("\thangs: not over after {} s of life", PATIENCE.as_secs());
        std::process::exit(1);
    });
    let report = play();
    println!("{}\t{}", report.trace.hash(), report.violations.join(" | "));
}

/// Plays jobs, as many at once as there are processors, and gives what came of them in order.
/// Stops early after `enough` failures.
pub fn play_all<J: fmt::Display + Sync>(jobs: &[J], enough: usize) -> Vec<Outcome> {
    let (next, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<BTreeMap<usize, Outcome>> = Mutex::default();
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while failures.load(Ordering::SeqCst) < enough {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(job) = jobs.get(index) else { return };
                    let outcome = play_apart(job);
                    failures
                        .fetch_add(usize::from(!outcome.violations.is_empty()), Ordering::SeqCst);
                    results.lock().unwrap().insert(index, outcome);
                }
            });
        }
    });
    results.into_inner().unwrap().into_values().collect()
}

/// A process of its own that does this with a job.
pub fn apart(word: &str, job: &str) -> Command {
    static DEFAULTS: OnceLock<String> = OnceLock::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([word, job])
        .env(DEFAULTS_VARIABLE, DEFAULTS.get_or_init(defaults))
        .stdin(Stdio::null());
    command
}

/// Plays a job in a process of its own.
pub fn play_apart<J: fmt::Display>(job: &J) -> Outcome {
    let output = apart("work", &job.to_string()).env("RUST_BACKTRACE", "0").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let (hash, violations) = text.trim_end_matches('\n').split_once('\t').unwrap_or_default();
    let mut violations: Vec<String> =
        violations.split(" | ").filter(|text| !text.is_empty()).map(str::to_owned).collect();
    if !output.status.success() || hash.is_empty() {
        let last = String::from_utf8_lossy(&output.stderr);
        let last = last.lines().last().unwrap_or_default();
        violations.push(format!("the process that played it ended with {}: {last}", output.status));
    }
    Outcome { job: job.to_string(), hash: hash.to_owned(), violations }
}
