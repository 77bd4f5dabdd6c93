//! The operator is ended at each of its requests in turn, and started again.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::lane::{Lane, Play};
use super::place::PATIENCE;

/// How many undos are played at the same time, each with an API server and a simulator of its own.
const LANES: u32 = 3;
/// The last requests of an undo come after it has succeeded: events, and the finalizer.
const AFTERGLOW: Duration = Duration::from_millis(300);
const LOOK: Duration = Duration::from_millis(25);
const VARIABLE: &str = "ROLLBACK_OPERATOR_ABORT_AT";
const ABORTED: i32 = 6;
/// Two undos never make quite the same requests. Beyond the last there are none that often.
const UNREACHED: usize = 10;
/// More failures than this say nothing new.
const FAILURES: usize = 3;

/// What came of one undo.
struct Outcome {
    /// The request at which the operator ended; none if it never made so many.
    ended_at: Option<String>,
    wrong: Vec<String>,
    /// What the first operator wrote.
    log: String,
}

/// Plays one undo whose first operator has this environment.
#[expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
fn undo(play: &mut Play<'_>, environment: &[(&str, &str)]) -> Outcome {
    let mut operator = play.operator(environment);
    let mut outcome = Outcome { ended_at: None, wrong: Vec::new(), log: String::new() };
    let began = Instant::now();
    let mut succeeded: Option<Instant> = None;
    loop {
        if let Some(status) = operator.ended() {
            let log = operator.log();
            if status.signal() != Some(ABORTED) || outcome.ended_at.is_some() {
                outcome.wrong.push(format!("it ended with {status}\n{log}"));
                return outcome;
            }
            let point = log.lines().find_map(|line| line.strip_prefix("aborts at "));
            outcome.ended_at = Some(point.unwrap_or_default().to_owned());
            outcome.log = log;
            operator = play.operator(&[]);
            succeeded = None;
        }
        let undo = play.look();
        let over =
            undo["status"]["phase"] == "Succeeded" && undo["metadata"]["finalizers"].is_null();
        if over && succeeded.get_or_insert_with(Instant::now).elapsed() >= AFTERGLOW {
            outcome.wrong = play.judge(&undo);
            if outcome.ended_at.is_none() {
                outcome.log = operator.log();
            }
            return outcome;
        }
        if began.elapsed() >= PATIENCE {
            let log = operator.log();
            outcome.wrong.push(format!("it did not succeed\n{undo:#}\n{}\n{log}", outcome.log));
            return outcome;
        }
        thread::sleep(LOOK);
    }
}

/// The number of requests that an undo makes when nobody ends the operator.
fn requests_of_a_calm_undo(lane: &Lane) -> u64 {
    let never = format!("{}:before", u64::MAX);
    let log = ("RUST_LOG", "info,rollback_operator::runtime::abort=debug");
    let outcome = undo(&mut lane.play("calm"), &[(VARIABLE, &never), log]);
    assert!(outcome.wrong.is_empty(), "{:#?}", outcome.wrong);
    let numbers = outcome.log.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["number"].as_u64()
    });
    numbers.max().expect("it shows its requests")
}

/// All that is shared by the lanes.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    ended_at: Mutex<BTreeMap<(u64, &'static str), String>>,
    unreached: Mutex<Vec<(u64, &'static str)>>,
    wrong: Mutex<Vec<String>>,
}

impl Tally {
    fn goes_on(&self) -> bool {
        self.unreached.lock().unwrap().len() < UNREACHED
            && self.wrong.lock().unwrap().len() < FAILURES
    }

    /// Plays one undo after the other, each ended one request later than the one before.
    fn fill(&self, lane: &Lane) {
        while self.goes_on() {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let number = next / 2 + 1;
            let side = if next % 2 == 0 { "before" } else { "after" };
            let point = format!("{number}:{side}");
            let name = format!("{side}-{number}");
            let outcome = undo(&mut lane.play(&name), &[(VARIABLE, &point)]);
            match outcome.ended_at {
                Some(request) => {
                    drop(self.ended_at.lock().unwrap().insert((number, side), request))
                }
                None => self.unreached.lock().unwrap().push((number, side)),
            }
            if !outcome.wrong.is_empty() {
                let wrong = outcome.wrong.join("\n");
                self.wrong.lock().unwrap().push(format!("ended at {point}: {wrong}"));
            }
        }
    }
}

#[test]
fn ended_at_any_request_the_undo_is_whole_and_nothing_is_done_twice() {
    let tally = Tally::default();
    let calm = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 1..=LANES {
            let (tally, calm) = (&tally, &calm);
            scope.spawn(move || {
                let lane = Lane::start(number);
                let requests = requests_of_a_calm_undo(&lane);
                calm.lock().unwrap().push(requests);
                tally.fill(&lane);
            });
        }
    });
    let wrong = tally.wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let ended_at = tally.ended_at.into_inner().unwrap();
    let calm = calm.into_inner().unwrap();
    println!("calm undos made {calm:?} requests; ended at {} points:", ended_at.len());
    for ((number, side), request) in &ended_at {
        println!("{number:>4} {side:6} {request}");
    }
    // An undo may need a few requests less than the calm ones did.
    let certain = calm.iter().min().unwrap() * 9 / 10;
    let missing: Vec<u64> = (1..=certain)
        .filter(|number| {
            ["before", "after"].iter().any(|side| !ended_at.contains_key(&(*number, *side)))
        })
        .collect();
    assert!(missing.is_empty(), "it was not ended at {missing:?}");
}
