//! The operator is ended at each of its requests in turn, and started again.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::lane::{Lane, Play};
use super::story::Story;
use super::turn;

/// How many undos are played at the same time, each with an API server and a simulator of its own.
const LANES: u32 = 3;
/// The last requests of an undo come after it has succeeded: events, and the finalizer.
const AFTERGLOW: Duration = Duration::from_millis(300);
const LOOK: Duration = Duration::from_millis(25);
const PATIENCE: Duration = Duration::from_secs(40);
const VARIABLE: &str = "ROLLBACK_OPERATOR_ABORT_AT";
const ABORTED: i32 = 6;
const SIDES: [&str; 2] = ["before", "after"];
/// Two undos never make quite the same requests. Beyond the last there are none that often.
const UNREACHED: usize = 10;
/// More failures than this say nothing new.
const FAILURES: usize = 3;

/// At each so manieth of the points an operator is ended: `REAL_STEP`, or at every one.
fn step() -> usize {
    let Ok(text) = std::env::var("REAL_STEP") else { return 1 };
    let step = text.parse().unwrap_or(0);
    assert!(step % 2 == 1, "REAL_STEP={text}: an odd number is needed, for both sides of requests");
    step
}

/// What came of one undo.
#[derive(Default)]
struct Outcome {
    /// The request at which the operator ended; none if it never made it.
    ended_at: Option<String>,
    wrong: Vec<String>,
    /// What the first operator wrote.
    log: String,
}

/// Plays one undo whose first operator has this environment.
#[expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
fn undo(play: &mut Play<'_>, environment: &[(&str, &str)]) -> Outcome {
    let mut operator = play.operator(environment);
    let mut outcome = Outcome::default();
    let began = Instant::now();
    let mut succeeded: Option<Instant> = None;
    loop {
        if let Some(status) = operator.ended() {
            let log = operator.log();
            if status.signal() != Some(ABORTED) || outcome.ended_at.is_some() {
                outcome.wrong.push(format!("it ended with {status}\n{log}"));
                return outcome;
            }
            let request = log.lines().find_map(|line| line.strip_prefix("aborts at "));
            outcome.ended_at = Some(kind_of(request.unwrap_or_default()));
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

/// A request without the names that differ from undo to undo.
fn kind_of(request: &str) -> String {
    let mut before = "";
    let segments = request.split('/').map(|segment| {
        let named = matches!(before, "namespaces" | "rollbackplans" | "leases");
        before = segment;
        if named && segment != "rollback-system" { "*" } else { segment }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A lease is renewed after some time, which a quick undo does not take.
fn is_by_the_clock(kind: &str) -> bool {
    kind.starts_with("PUT ") && kind.contains("/leases/")
}

/// The requests that an undo makes when nobody ends the operator, in order.
fn requests_of_a_calm_undo(lane: &Lane, story: Story) -> Vec<String> {
    let never = format!("{}:before", u64::MAX);
    let log = ("RUST_LOG", "info,rollback_operator::runtime::abort=debug");
    let outcome = undo(&mut lane.play("calm", story), &[(VARIABLE, &never), log]);
    assert!(outcome.wrong.is_empty(), "{:#?}", outcome.wrong);
    let requests = outcome.log.lines().filter_map(|text| {
        let entry: Value = serde_json::from_str(text).ok()?;
        Some(kind_of(entry["request"].as_str()?))
    });
    requests.collect()
}

/// All that is shared by the lanes.
struct Tally {
    story: Story,
    calm: Mutex<Vec<Vec<String>>>,
    plays: AtomicU64,
    next: AtomicU64,
    /// By number and side, the request at which an operator ended.
    ended_at: Mutex<BTreeMap<(usize, &'static str), String>>,
    unreached: Mutex<Vec<String>>,
    wrong: Mutex<Vec<String>>,
}

impl Tally {
    fn of(story: Story) -> Self {
        Self {
            story,
            calm: Mutex::default(),
            plays: AtomicU64::default(),
            next: AtomicU64::default(),
            ended_at: Mutex::default(),
            unreached: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    /// Plays one undo whose operator ends at this point; gives the request.
    fn play(&self, lane: &Lane, point: &str) -> Option<String> {
        let name = format!("undo-{}", self.plays.fetch_add(1, Ordering::Relaxed));
        let outcome = undo(&mut lane.play(&name, self.story), &[(VARIABLE, point)]);
        if !outcome.wrong.is_empty() {
            let wrong = outcome.wrong.join("\n");
            let request = outcome.ended_at.as_deref().unwrap_or("nothing");
            self.wrong.lock().unwrap().push(format!("ended at {point}, {request}: {wrong}"));
        }
        if outcome.ended_at.is_none() {
            self.unreached.lock().unwrap().push(point.to_owned());
        }
        outcome.ended_at
    }

    /// Where the operator of each play ends: after every request of an undo, and before it too; of a
    /// redo before one and after the next, because between two requests little can be lost.
    fn point(&self, index: usize) -> (usize, &'static str) {
        let number = match self.story {
            Story::Removal => index / 2,
            Story::Recreation => index,
        };
        (number + 1, SIDES[index % 2])
    }

    fn too_much_is_wrong(&self) -> bool {
        self.wrong.lock().unwrap().len() >= FAILURES
    }

    /// Ends one operator after the other, each one request later than the one before.
    fn at_every_number(&self, lane: &Lane) {
        while !self.too_much_is_wrong() && self.unreached.lock().unwrap().len() < UNREACHED {
            let next = usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).unwrap();
            let (number, side) = self.point(next * step());
            if let Some(request) = self.play(lane, &format!("{number}:{side}")) {
                self.ended_at.lock().unwrap().insert((number, side), request);
            }
        }
    }

    /// Which requests each calm undo made and no operator was ended at, by number.
    fn kinds_that_are_left(&self) -> Vec<(String, &'static str)> {
        let calm = self.calm.lock().unwrap();
        let ended_at = self.ended_at.lock().unwrap();
        let hit: BTreeSet<(&String, &str)> =
            ended_at.iter().map(|((_, side), request)| (request, *side)).collect();
        let all: BTreeSet<&String> = calm.iter().flatten().collect();
        all.into_iter()
            .filter(|kind| !is_by_the_clock(kind))
            .filter(|kind| calm.iter().all(|requests| requests.contains(kind)))
            .flat_map(|kind| SIDES.map(|side| (kind, side)))
            .filter(|point| !hit.contains(point))
            .map(|(kind, side)| (kind.clone(), side))
            .collect()
    }
}

#[test]
fn ended_at_any_request_the_undo_is_whole_and_nothing_is_done_twice() {
    is_whole_wherever_it_ends(Story::Removal);
}

#[test]
fn ended_at_any_request_a_redo_creates_one_permission_set_and_no_other() {
    is_whole_wherever_it_ends(Story::Recreation);
}

fn is_whole_wherever_it_ends(story: Story) {
    let _turn = turn::alone();
    let tally = Tally::of(story);
    let lanes: Vec<Lane> = thread::scope(|scope| {
        let starts: Vec<_> =
            (1..=LANES).map(|number| scope.spawn(move || Lane::start(number))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    thread::scope(|scope| {
        for lane in &lanes {
            let tally = &tally;
            scope.spawn(move || {
                let requests = requests_of_a_calm_undo(lane, tally.story);
                tally.calm.lock().unwrap().push(requests);
                tally.at_every_number(lane);
            });
        }
    });
    let left = tally.kinds_that_are_left();
    tally.unreached.lock().unwrap().clear();
    for (kind, side) in left.iter().take_while(|_| !tally.too_much_is_wrong()) {
        let request = tally.play(&lanes[0], &format!("1:{side}:{kind}"));
        assert!(request.is_none_or(|request| request == *kind), "it ended elsewhere");
    }

    let wrong = tally.wrong.lock().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let (ended_at, calm) = (tally.ended_at.lock().unwrap(), tally.calm.lock().unwrap());
    let lengths: Vec<usize> = calm.iter().map(Vec::len).collect();
    for ((number, side), request) in ended_at.iter() {
        println!("{number:>4} {side:6} {request}");
    }
    for (kind, side) in &left {
        println!("   - {side:6} {kind}");
    }
    println!(
        "calm undos made {lengths:?} requests; ended at {} numbers and {} further kinds",
        ended_at.len(),
        left.len()
    );
    let unreached = tally.unreached.lock().unwrap();
    assert!(unreached.is_empty(), "it was not ended at {unreached:?}");
    // An undo may need fewer requests than the calm ones did: one read can show many keys.
    let certain = lengths.iter().min().unwrap() * 3 / 4;
    let missing: Vec<_> = (0..2 * certain)
        .step_by(step())
        .map(|index| tally.point(index))
        .take_while(|(number, _)| *number <= certain)
        .filter(|point| !ended_at.contains_key(point))
        .collect();
    assert!(missing.is_empty(), "it was not ended at {missing:?}");
}
