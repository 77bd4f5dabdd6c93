//! Several Rollbacks, or another client, at one quota.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollback_operator::runtime::Clock;
use rollback_operator::sim::{FaultScript, Seed, World};
use serde_json::{Value, json};

use super::aws::Aws;
use super::cluster::{Cluster, Kind};
use super::measure::Setting;
use super::place::{self, NAMESPACE};
use super::play::start;
use super::process::{Process, Surroundings};
use super::trace::Trace;

/// A world in which nothing waits for an approval.
pub struct Shared {
    pub clock: Clock,
    pub cluster: Cluster,
    pub aws: Aws,
    pub around: Surroundings,
    pub process: Process,
}

/// Users with one permission set each in up to 500 accounts.
const fn clustered(actions: usize, latency: u64) -> Setting {
    Setting {
        actions,
        latency,
        sigma: 0.0,
        slots: 10,
        round_trip_millis: 5,
        both: false,
        scattered: false,
    }
}

impl Shared {
    /// Gives all changes too.
    pub fn start(setting: &Setting) -> (Self, Vec<Value>) {
        Self::start_with(setting, FaultScript::default(), "Never")
    }

    /// Where AWS has faults, or the instance's policy asks for approvals.
    pub fn start_with(
        setting: &Setting,
        faults: FaultScript,
        approval: &str,
    ) -> (Self, Vec<Value>) {
        let clock = Clock::starting_at(start(), 1.0);
        let seed: Seed = serde_json::from_value(setting.seed()).unwrap();
        let world = World::new(&seed, faults, 1, clock.now()).unwrap();
        let aws = Aws::new(clock, world, Duration::from_millis(setting.round_trip_millis));
        let cluster = Cluster::new(clock, 1);
        let trace = Arc::new(Trace::default());
        trace.count_only();
        let crashes = Arc::new(Mutex::default());
        let around =
            Surroundings { clock, cluster: cluster.clone(), aws: aws.clone(), trace, crashes };
        let mut instance = setting.instance();
        instance["spec"]["policy"]["approval"] = json!(approval);
        cluster.create(Kind::Instance, "", &instance).unwrap();
        let process = Process::start(&around, 0, SignedDuration::ZERO);
        (Self { clock, cluster, aws, around, process }, setting.changes())
    }

    /// Undoes some of the changes, each cut down to so many accounts.
    pub fn undo(&self, name: &str, changes: &[Value], more: &Value) {
        let record = json!({"metadata": {"name": name}, "spec": {
            "instance": "main",
            "type": "Assign",
            "occurredAt": "2026-03-01T11:00:00Z",
            "source": {"tool": "simulation", "id": name},
            "changes": changes,
        }});
        self.cluster.create(Kind::Record, NAMESPACE, &record).unwrap();
        let mut spec = json!({"operations": {"names": [name]}});
        spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let rollback = json!({"metadata": {"name": name}, "spec": spec});
        self.cluster.create(Kind::Rollback, NAMESPACE, &rollback).unwrap();
    }

    /// Starts another client that takes half of the requests of every second.
    pub fn compete(&self) -> tokio::task::JoinHandle<()> {
        let (clock, aws) = (self.clock, self.aws.clone());
        tokio::spawn(async move {
            let (mut sent, mut throttled) = (0, 0);
            loop {
                clock.sleep(Duration::from_millis(100)).await;
                sent += 1;
                let answer = place::others_request(&mut aws.world(), clock.now());
                throttled += u32::from(answer != 200);
                if sent % 10 == 0 {
                    *OTHERS.lock().unwrap() = (sent, throttled);
                }
            }
        })
    }

    /// When a Rollback came to a point, once it has.
    pub async fn time(&self, name: &str, field: &str) -> Timestamp {
        let mut revision = self.cluster.follow();
        loop {
            revision.borrow_and_update();
            let rollback = self.cluster.get(Kind::Rollback, NAMESPACE, name).unwrap();
            if let Some(at) = rollback["status"]["timing"][field].as_str() {
                return at.parse().unwrap();
            }
            revision.changed().await.unwrap();
        }
    }
}

pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// A change in fewer accounts: `from` to `to` of those that it names.
pub fn part(change: &Value, from: usize, to: usize) -> Value {
    let mut change = change.clone();
    let accounts = change["accounts"].as_array().unwrap()[from..to].to_vec();
    change["accounts"] = json!(accounts);
    change
}

/// Runs one of these in simulated time.
pub fn simulated<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(what)
}

/// Prints what comes of sharing.
pub fn print() {
    simulated(emergency());
    simulated(equals(false));
    simulated(equals(true));
    simulated(competition());
}

/// Ten actions of an emergency beside ten thousand.
async fn emergency() {
    let (shared, changes) = Shared::start(&clustered(10_500, 3));
    shared.undo("large", &changes[..20], &json!({}));
    shared.time("large", "executingAt").await;
    shared.clock.sleep(Duration::from_mins(1)).await;
    shared.undo("urgent", &[part(&changes[20], 0, 10)], &json!({"priority": "Emergency"}));
    let approved = shared.time("urgent", "approvedAt").await;
    let executed = shared.time("urgent", "verifyingAt").await;
    println!(
        "an emergency of 10 actions beside one of 10,000, latency 3 s: executed {:.1} s after its approval",
        seconds(approved, executed)
    );
    shared.process.kill();
}

/// Twenty Rollbacks of a hundred actions each: begun as each is planned, and begun all at once.
async fn equals(at_once: bool) {
    let (shared, changes) = Shared::start(&clustered(2000, 3));
    let together = shared.clock.now().checked_add(SignedDuration::from_mins(2)).unwrap();
    let more = if at_once { json!({"notBefore": together.to_string()}) } else { json!({}) };
    for number in 0..20 {
        let (change, from) = (&changes[number / 5], number % 5 * 100);
        shared.undo(&format!("equal-{number}"), &[part(change, from, from + 100)], &more);
    }
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    for number in 0..20 {
        let name = format!("equal-{number}");
        begun.push(shared.time(&name, "executingAt").await);
        ended.push(shared.time(&name, "finishedAt").await);
    }
    begun.sort();
    ended.sort();
    let from = if at_once { together } else { begun[0] };
    let (first, last) = (seconds(from, ended[0]), seconds(from, ended[19]));
    println!(
        "20 equal Rollbacks of 100 actions, latency 3 s, begun {}: the first ends after {first:.0} s, the last after {last:.0} s, {:.1} % apart, {:.1} requests a second",
        if at_once {
            "all at once".to_owned()
        } else {
            format!("within {:.1} s, each when it was planned", seconds(begun[0], begun[19]))
        },
        100.0 * (last - first) / last,
        shared.aws.world().counters().requests as f64 / last,
    );
    shared.process.kill();
}

/// A client that takes half of the requests of every second.
async fn competition() {
    let (shared, changes) = Shared::start(&clustered(1000, 1));
    shared.undo("undo", &changes, &json!({}));
    let began = shared.time("undo", "executingAt").await;
    let other = shared.compete();
    let ended = shared.time("undo", "verifyingAt").await;
    other.abort();
    let (sent, throttled) = *OTHERS.lock().unwrap();
    let ours = shared.aws.world().counters().requests - u64::from(sent);
    let phase = {
        shared.time("undo", "finishedAt").await;
        shared.cluster.get(Kind::Rollback, NAMESPACE, "undo").unwrap()["status"]["phase"].clone()
    };
    let took = seconds(began, ended);
    println!(
        "beside a client that takes 10 of 20 requests a second: 1,000 actions, latency 1 s, {phase} after {took:.0} s with {:.1} requests a second of the 10 that are left; of the other's {:.1} % are throttled",
        ours as f64 / took,
        100.0 * f64::from(throttled) / f64::from(sent.max(1)),
    );
    shared.process.kill();
}

/// What the other client sent, and how much of it was throttled.
static OTHERS: Mutex<(u32, u32)> = Mutex::new((0, 0));
