//! Many undos at once, again and again, with nothing left of any afterwards: what the operator holds must
//! not grow. No two rounds in succession share a name, a user or an account.

use std::fmt;
use std::time::Duration;

use indicatif::ProgressBar;
use kube::api::{DeleteParams, ListParams};
use serde::Serialize;
use serde_json::json;

use super::calls::Calls;
use super::stage::Stage;
use super::undo::Follower;
use super::words::as_mebibytes;
use super::{BenchError, Kind, SoakArguments, UndoArguments, print, spinner, world};
use crate::api::rollback_status::Phase;
use crate::api::{OperationRecord, Rollback};
use crate::runtime::clock::Clock;

/// How much faster than life the clocks run: most of a round is what the operator does, not AWS.
const TIME_SCALE: f64 = 20.0;
/// How often it is looked whether objects are gone, in life.
const LOOK: Duration = Duration::from_millis(20);
/// How long it may take until they are.
const PATIENCE: Duration = Duration::from_mins(1);
/// So much more memory at the end than after the first rounds is not called growth, in bytes: what the
/// allocator keeps differs from moment to moment.
const ALLOWED_MEMORY: u64 = 2 << 20;
/// So many more open files at the end are not either: connections come and go.
const ALLOWED_FILES: u64 = 4;
/// So much that stayed of each request to AWS is to be seen, in bytes.
const SEEN_OF_A_REQUEST: u64 = 1 << 10;
/// Fewer rounds have no quarters to compare.
const LEAST_ROUNDS: usize = 16;
/// Accounts, and users, through which the rounds go.
const ACCOUNTS: u32 = 500;
const USERS: u32 = 53;

/// Undoes again and again, prints what the operator held, and fails if that grew.
pub async fn run(arguments: &SoakArguments) -> Result<(), BenchError> {
    let bar = spinner();
    let mut grown = None;
    let measured = async {
        let report = measure(arguments, &bar).await?;
        grown = report.grown();
        Ok(report)
    };
    print(arguments.output, &bar, Box::pin(measured)).await?;
    grown.map_or(Ok(()), |what| Err(BenchError::Grown(what)))
}

/// What the operator held at the end of one round.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Round {
    memory_bytes: u64,
    open_files: u64,
    /// Requests to AWS, of all rounds so far.
    requests: u64,
}

/// What it held over all rounds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    rollbacks_of_a_round: u32,
    minutes: f64,
    rounds: Vec<Round>,
}

async fn measure(arguments: &SoakArguments, bar: &ProgressBar) -> Result<Report, BenchError> {
    let world = UndoArguments {
        actions: arguments.rollbacks,
        accounts: ACCOUNTS,
        rollbacks: arguments.rollbacks,
        kind: Kind::Revoke,
        latency: 1.0,
        time_scale: TIME_SCALE,
        ..UndoArguments::USUAL
    };
    let mut seed = world::seed(&world);
    seed["instances"][0]["users"] =
        (0..USERS).map(|user| json!({"userName": user_name(user), "id": user_id(user)})).collect();
    let mut stage = Stage::set(&seed, TIME_SCALE).await?;
    stage.start_operator()?;
    stage.operator_is_ready().await?;
    stage.apply_instance(world.slots)?;
    stage.instance_is_ready()?;
    let life = Clock::real();
    let begun = life.now();
    let passed = || life.now().duration_since(begun).as_secs_f64() / 60.0;
    let mut report =
        Report { rollbacks_of_a_round: arguments.rollbacks, minutes: 0.0, rounds: Vec::new() };
    for round in 0.. {
        let held = report.rounds.last().map_or(0.0, |it| as_mebibytes(it.memory_bytes));
        bar.set_message(format!("{round} rounds, {held:.1} MiB"));
        once(&mut stage, &world, round).await?;
        clear::<Rollback>(&mut stage).await?;
        clear::<OperationRecord>(&mut stage).await?;
        let usage = stage.usage();
        let calls: Calls = stage.simulator("/_sim/counters")?;
        report.rounds.push(Round {
            memory_bytes: usage.memory.ok_or(BenchError::NoUsage)?,
            open_files: usage.open_files.ok_or(BenchError::NoUsage)?,
            requests: calls.requests,
        });
        report.minutes = passed();
        let enough = report.rounds.len() >= LEAST_ROUNDS && report.seen() <= SEEN_OF_A_REQUEST;
        if enough && report.minutes >= arguments.minutes {
            break;
        }
        if report.minutes > 4.0 * arguments.minutes + 10.0 {
            return Err(BenchError::Late {
                what: format!("as many requests as show {SEEN_OF_A_REQUEST} bytes of each"),
                seconds: Duration::from_secs_f64(report.minutes * 60.0).as_secs(),
                last: format!("{} requests in {round} rounds", calls.requests),
            });
        }
    }
    Ok(report)
}

fn user_name(user: u32) -> String {
    format!("user-{user}")
}

fn user_id(user: u32) -> String {
    format!("00000000-0000-4000-8000-{user:012}")
}

/// Somebody gives access in many accounts, and it is undone, each by a Rollback of its own: from the
/// records to `Ready`.
async fn once(stage: &mut Stage, world: &UndoArguments, round: u32) -> Result<(), BenchError> {
    let first = round.wrapping_mul(world.rollbacks) % ACCOUNTS;
    let accounts: Vec<String> =
        (first..first + world.rollbacks).map(|it| world::account(it % ACCOUNTS)).collect();
    let user = round % USERS;
    stage.pages().change(&json!({"grant": [{
        "permissionSet": world::set_name(0),
        "user": user_name(user),
        "accounts": accounts,
    }]}))?;
    let at = stage.clock.now().to_string();
    let mut names = Vec::new();
    for (number, account) in (round.wrapping_mul(world.rollbacks)..).zip(&accounts) {
        let (name, record) = (world::rollback_name(number), world::record_name(number));
        let granted = world::grants(&record, &user_id(user), std::slice::from_ref(account), &at);
        stage.record_and_undo(&name, vec![(record, granted)]).await?;
        names.push(name);
    }
    let hidden = ProgressBar::hidden();
    let mut follower = Follower::of(world, &hidden, names.clone());
    let planned = follower
        .until(stage, "the plans", |status| status.phase == Phase::AwaitingApproval)
        .await?;
    for (name, status) in names.iter().zip(planned) {
        let plan = status.plan.ok_or_else(|| BenchError::World("no plan was shown".to_owned()))?;
        stage.approve(name, &plan.digest).await?;
    }
    let done = follower.until(stage, "the end", |status| status.phase.is_terminal()).await?;
    match done.into_iter().find(|status| status.phase != Phase::Succeeded) {
        None => Ok(()),
        Some(other) => Err(BenchError::NotUndone {
            phase: other.phase.as_str().to_owned(),
            summary: other.summary,
        }),
    }
}

/// Deletes all objects of one kind, and waits until they are gone.
async fn clear<K>(stage: &mut Stage) -> Result<(), BenchError>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + fmt::Debug
        + serde::de::DeserializeOwned,
{
    let life = Clock::real();
    let begun = life.now();
    let failed = || BenchError::kubernetes("delete what was measured");
    let objects = stage.objects::<K>();
    let (all, delete) = (ListParams::default(), DeleteParams::default());
    objects.delete_collection(&delete, &all).await.map_err(failed())?;
    loop {
        stage.check()?;
        let left = objects.list_metadata(&all).await.map_err(failed())?.items.len();
        if left == 0 {
            return Ok(());
        }
        if life.now().duration_since(begun).unsigned_abs() > PATIENCE {
            return Err(BenchError::Late {
                what: format!("every {} to be gone", K::kind(&())),
                seconds: PATIENCE.as_secs(),
                last: format!("{left} are left"),
            });
        }
        life.sleep(LOOK).await;
    }
}

impl Report {
    /// What there was in the second quarter of the rounds, and in the last.
    fn ends(&self, of: impl Fn(&Round) -> u64) -> (u64, u64) {
        let quarter = self.rounds.len() / 4;
        let median = |rounds: &[Round]| {
            let mut values: Vec<u64> = rounds.iter().map(&of).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        (median(&self.rounds[quarter..2 * quarter]), median(&self.rounds[3 * quarter..]))
    }

    /// The least that would have to stay of each request to be seen, in bytes.
    fn seen(&self) -> u64 {
        let (before, after) = self.ends(|it| it.requests);
        ALLOWED_MEMORY.checked_div(after - before).unwrap_or(u64::MAX)
    }

    /// What grew, if anything did.
    fn grown(&self) -> Option<String> {
        let memory = self.ends(|it| it.memory_bytes);
        let files = self.ends(|it| it.open_files);
        if memory.1 > memory.0 + ALLOWED_MEMORY {
            let (before, after) = (as_mebibytes(memory.0), as_mebibytes(memory.1));
            return Some(format!("its memory from {before:.1} to {after:.1} MiB"));
        }
        (files.1 > files.0 + ALLOWED_FILES)
            .then(|| format!("its open files from {} to {}", files.0, files.1))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undone =
            usize::try_from(self.rollbacks_of_a_round).unwrap_or_default() * self.rounds.len();
        let minutes = self.minutes;
        writeln!(
            f,
            "{undone} undos in {} rounds, in {minutes:.1} minutes at {TIME_SCALE} x life",
            self.rounds.len()
        )?;
        let memory = self.ends(|it| it.memory_bytes);
        let files = self.ends(|it| it.open_files);
        let (before, after) = (as_mebibytes(memory.0), as_mebibytes(memory.1));
        writeln!(f, "  memory in the second quarter   {before:.1} MiB")?;
        writeln!(f, "  memory in the last quarter     {after:.1} MiB")?;
        writeln!(f, "  open files                     {} and {}", files.0, files.1)?;
        writeln!(f, "  would be seen, of each request {} bytes", self.seen())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(memory: impl Fn(u64) -> u64, files: impl Fn(u64) -> u64) -> Report {
        let rounds = (0..100)
            .map(|round| Round {
                memory_bytes: memory(round),
                open_files: files(round),
                requests: round * 60,
            })
            .collect();
        Report { rollbacks_of_a_round: 1, minutes: 1.0, rounds }
    }

    #[test]
    fn what_comes_and_goes_or_is_taken_at_the_start_is_no_growth() {
        let restless = report(|round| (30 << 20) + (round % 7) * 300_000, |round| 20 + round % 3);
        assert_eq!(restless.grown(), None);
        let warm = report(|round| if round < 20 { 10 << 20 } else { 40 << 20 }, |_| 20);
        assert_eq!(warm.grown(), None);
    }

    #[test]
    fn what_can_be_seen_depends_on_how_much_was_asked() {
        let report = report(|_| 30 << 20, |_| 20);
        // From the 38th round to the 88th there are 3,000 requests.
        assert_eq!(report.seen(), (2 << 20) / 3000);
        let none = Report { rollbacks_of_a_round: 1, minutes: 0.0, rounds: Vec::new() };
        assert_eq!(none.seen(), u64::MAX);
    }

    #[test]
    fn a_little_in_each_round_is_growth() {
        let memory = report(|round| (30 << 20) + round * 50_000, |_| 20);
        assert_eq!(memory.grown().as_deref(), Some("its memory from 31.8 to 34.1 MiB"));
        let files = report(|_| 30 << 20, |round| 20 + round / 10);
        assert_eq!(files.grown().as_deref(), Some("its open files from 23 to 28"));
    }
}
