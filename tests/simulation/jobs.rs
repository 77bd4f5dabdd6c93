//! Jobs: single runs by name, and processes that play many of them.
//!
//! A run is the same in every process: each is played on a thread of its own, after all sources of
//! chance were set by the job's name. The C library's `getrandom` is replaced for that (by the crate
//! mad-turmoil, which replaces the clocks too, so real time is asked of the kernel here).

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rollback_operator::model::Rule;
use rustix::time::{ClockId, clock_gettime};

use super::life::CrashPoint;
use super::play::{Report, play};
use super::scenario::Scenario;
use super::schedule;
use super::trace::When;

/// A run that takes longer than this in life hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// So many jobs are given to one process.
const CHUNK: usize = 100;

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
    /// Plays it here and now.
    pub fn play(&self) -> Report {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let panics = count_panics();
        let before = panics.load(Ordering::SeqCst);
        let seed = self.number();
        set_chance(seed);
        let job = self.clone();
        let thread = std::thread::Builder::new().stack_size(8 << 20);
        let report = thread.spawn(move || job.play_here(seed)).unwrap().join();
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

    fn play_here(&self, seed: u64) -> Report {
        fastrand::seed(seed);
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

/// Reads jobs from standard input and writes what came of them to standard output.
pub fn work() {
    let at_work = AtomicUsize::new(0);
    let began = Mutex::new(life());
    std::thread::scope(|scope| {
        scope.spawn({
            let (at_work, began) = (&at_work, &began);
            move || {
                while at_work.load(Ordering::SeqCst) != usize::MAX {
                    std::thread::sleep(Duration::from_millis(200));
                    let taken = life().saturating_sub(*began.lock().unwrap());
                    if taken > PATIENCE && at_work.load(Ordering::SeqCst) != usize::MAX {
                        println!("\t\thangs: not over after {} s of life", taken.as_secs());
                        std::process::exit(1);
                    }
                }
            }
        });
        for line in std::io::stdin().lines() {
            let line = line.unwrap();
            *began.lock().unwrap() = life();
            print!("{line}");
            std::io::stdout().flush().unwrap();
            let report = line.parse::<Job>().unwrap().play();
            println!("\t{}\t{}", report.trace.hash(), report.violations.join(" | "));
        }
        at_work.store(usize::MAX, Ordering::SeqCst);
    });
}

/// Plays jobs in as many processes as there are processors, and gives what came of them in order.
/// Stops early after `enough` failures.
pub fn play_all(jobs: &[Job], enough: usize) -> Vec<Outcome> {
    let chunks: Vec<&[Job]> = jobs.chunks(CHUNK).collect();
    let (next, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Vec<Mutex<Vec<Outcome>>> = chunks.iter().map(|_| Mutex::default()).collect();
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while failures.load(Ordering::SeqCst) < enough {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(chunk) = chunks.get(index) else { return };
                    let outcomes = play_chunk(chunk);
                    let failed = outcomes.iter().filter(|it| !it.violations.is_empty()).count();
                    failures.fetch_add(failed, Ordering::SeqCst);
                    *results[index].lock().unwrap() = outcomes;
                }
            });
        }
    });
    results.into_iter().flat_map(|result| result.into_inner().unwrap()).collect()
}

/// Plays jobs in one process of their own.
pub fn play_chunk(jobs: &[Job]) -> Vec<Outcome> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("work")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: String = jobs.iter().map(|job| format!("{job}\n")).collect();
    let mut input = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || {
        let _ = input.write_all(lines.as_bytes());
    });
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut outcomes: Vec<Outcome> = output
        .lines()
        .map_while(Result::ok)
        .map(|line| {
            let mut parts = line.split('\t');
            let mut next = || parts.next().unwrap_or_default().to_owned();
            let (job, hash, violations) = (next(), next(), next());
            let violations = violations.split(" | ").filter(|text| !text.is_empty());
            Outcome { job, hash, violations: violations.map(str::to_owned).collect() }
        })
        .collect();
    let status = child.wait().unwrap();
    feeding.join().unwrap();
    if !status.success() || outcomes.len() < jobs.len() {
        let job = jobs.get(outcomes.len()).map(ToString::to_string).unwrap_or_default();
        let violations = vec![format!("the process that played it ended: {status}")];
        outcomes.push(Outcome { job, hash: String::new(), violations });
    }
    outcomes
}
