//! Plays a scenario to its end, in simulated time, and judges it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollback_operator::runtime::Clock;
use rollback_operator::sim::{Seed, World};
use serde_json::json;

use super::aws::Aws;
use super::cluster::{Cluster, Kind};
use super::ending;
use super::judge::Judge;
use super::life::CrashPoint;
use super::people;
use super::place::{self, NAMESPACE};
use super::process::{Process, Surroundings};
use super::scenario::{Scenario, What};
use super::trace::{EffectKind, Trace};

/// When every run begins.
pub fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// What came of a run.
pub struct Report {
    pub violations: Vec<String>,
    pub trace: Arc<Trace>,
    /// What each effect was, in order.
    pub kinds: Vec<EffectKind>,
    /// Requests accepted by AWS, of all keys together.
    pub requests: u64,
    /// Simulated seconds until all was over.
    pub seconds: f64,
    pub phases: Vec<String>,
}

impl Report {
    /// Of a run that did not come to its end.
    pub fn of_a_panic() -> Self {
        Self {
            violations: vec!["the run panicked".to_owned()],
            trace: Arc::default(),
            kinds: Vec::new(),
            requests: 0,
            seconds: 0.0,
            phases: Vec::new(),
        }
    }
}

/// Everything of one run.
struct Stage {
    scenario: Scenario,
    around: Surroundings,
    judge: Arc<Judge>,
    processes: Vec<Mutex<Process>>,
    starts: Mutex<usize>,
    /// When the last thing happened that the bound counts from.
    calm_since: Mutex<Timestamp>,
    random: Mutex<fastrand::Rng>,
}

/// Plays a scenario, killing the operator at these points.
pub fn play(scenario: &Scenario, crashes: &[CrashPoint]) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let report = runtime.block_on(run(scenario.clone(), crashes.to_vec()));
    drop(runtime);
    report
}

async fn run(scenario: Scenario, crashes: Vec<CrashPoint>) -> Report {
    let clock = Clock::starting_at(start(), 1.0);
    let seed: Seed = serde_json::from_value(scenario.seed.clone()).unwrap();
    let world =
        World::new(&seed, scenario.aws_faults.clone(), scenario.random, clock.now()).unwrap();
    let aws = Aws::new(clock, world, scenario.round_trip);
    let cluster = Cluster::new(clock, scenario.random);
    let trace = Arc::new(Trace::default());
    let judge = Judge::new(&scenario, clock, &cluster, &aws, &trace);
    cluster.set_faults(scenario.api_faults.clone());
    let asked = crashes.len();
    let around = Surroundings {
        clock,
        cluster: cluster.clone(),
        aws,
        trace: Arc::clone(&trace),
        crashes: Arc::new(Mutex::new(crashes)),
    };
    cluster
        .create(Kind::Instance, "", &place::instance(&scenario.policy, &scenario.limits))
        .unwrap();
    for record in &scenario.records {
        cluster.create(Kind::Record, NAMESPACE, record).unwrap();
    }
    for rollback in &scenario.rollbacks {
        cluster.create(Kind::Rollback, NAMESPACE, rollback).unwrap();
    }
    let processes = (0..scenario.operators)
        .map(|operator| Mutex::new(Process::start(&around, operator, skew(&scenario, operator))))
        .collect();
    let stage = Arc::new(Stage {
        starts: Mutex::new(scenario.operators),
        random: Mutex::new(fastrand::Rng::with_seed(scenario.random)),
        calm_since: Mutex::new(clock.now()),
        scenario,
        around,
        judge,
        processes,
    });
    for operator in 0..stage.processes.len() {
        tokio::spawn(supervise(Arc::clone(&stage), operator));
    }
    let approved = Arc::clone(&stage);
    let takes = stage.scenario.approval_takes;
    let approved = move || approved.is_not_calm();
    tokio::spawn(people::approve(clock, cluster.clone(), takes, approved));
    tokio::spawn(people::collect_garbage(clock, cluster.clone(), stage.scenario.random));
    let disturbing = tokio::spawn(disturb(Arc::clone(&stage)));

    disturbing.await.unwrap();
    let calm_since = || *stage.calm_since.lock().unwrap();
    ending::wait(&stage.scenario, clock, &cluster, &stage.judge, calm_since).await;
    let seconds = clock.now().duration_since(start()).as_secs_f64();
    ending::conclude(&stage.scenario, &cluster, &stage.around.aws, &stage.judge);
    stage.stays_still().await;
    let unreached = stage.around.crashes.lock().unwrap().clone();
    // The second of a pair may lie after an effect of the process that the first has killed.
    if !unreached.is_empty() && unreached.len() == asked {
        stage.judge.wrong(format!("the operator was never killed at {unreached:?}"));
    }
    let phases = ending::phases(&cluster);
    // They hold each other.
    cluster.set_witness(None);
    stage.around.aws.set_gatekeeper(None);
    Report {
        violations: stage.judge.violations(),
        kinds: trace.kinds(),
        requests: stage.judge.requests().values().sum(),
        seconds,
        phases,
        trace,
    }
}

fn skew(scenario: &Scenario, start: usize) -> SignedDuration {
    scenario.skews[start % scenario.skews.len()]
}

/// Starts an operator again whenever it has ended.
async fn supervise(stage: Arc<Stage>, operator: usize) {
    loop {
        let life = Arc::clone(&stage.processes[operator].lock().unwrap().life);
        life.death().await;
        stage.processes[operator].lock().unwrap().bury();
        let wait = Duration::from_millis(stage.random.lock().unwrap().u64(500..3000));
        stage.clock().sleep(wait).await;
        let start = {
            let mut starts = stage.starts.lock().unwrap();
            *starts += 1;
            *starts - 1
        };
        *stage.processes[operator].lock().unwrap() =
            Process::start(&stage.around, operator, skew(&stage.scenario, start));
        stage.is_not_calm();
    }
}

async fn disturb(stage: Arc<Stage>) {
    let mut disturbances = stage.scenario.disturbances.clone();
    disturbances.sort_by_key(|disturbance| disturbance.after);
    for disturbance in disturbances {
        let at = start().checked_add(SignedDuration::try_from(disturbance.after).unwrap()).unwrap();
        stage.clock().sleep_until(at).await;
        stage.around.trace.note(at, format!("{:?}", disturbance.what));
        stage.happens(disturbance.what);
        stage.is_not_calm();
    }
    let quiet =
        start().checked_add(SignedDuration::try_from(stage.scenario.quiet_after).unwrap()).unwrap();
    stage.clock().sleep_until(quiet).await;
    stage.is_not_calm();
}

/// Takes away requests of every second.
async fn compete(stage: Arc<Stage>, per_second: u32, lasting: Duration) {
    let until =
        stage.clock().now().checked_add(SignedDuration::try_from(lasting).unwrap()).unwrap();
    while stage.clock().now() < until {
        stage.clock().sleep(Duration::from_secs(1) / per_second).await;
        let now = stage.clock().now();
        place::others_request(&mut stage.around.aws.world(), now);
    }
    stage.is_not_calm();
}

impl Stage {
    const fn clock(&self) -> Clock {
        self.around.clock
    }

    fn is_not_calm(&self) {
        *self.calm_since.lock().unwrap() = self.clock().now();
    }

    fn happens(self: &Arc<Self>, what: What) {
        let cluster = &self.around.cluster;
        match what {
            What::Kill(operator) => self.processes[operator].lock().unwrap().kill(),
            What::Freeze(operator, lasting) => {
                let until = self
                    .clock()
                    .now()
                    .checked_add(SignedDuration::try_from(lasting).unwrap())
                    .unwrap();
                self.processes[operator].lock().unwrap().life.freeze(until);
            }
            What::FreezeAtChange(operator, lasting) => {
                self.processes[operator].lock().unwrap().life.freeze_at_change(lasting);
            }
            What::Stop(operator) => self.processes[operator].lock().unwrap().ask_to_stop(),
            What::Foreign { cell, grant } => {
                let key = cell.key();
                self.judge.foreign(&key);
                let rows = json!([cell.row()]);
                let change = if grant { json!({"grant": rows}) } else { json!({"revoke": rows}) };
                let now = self.clock().now();
                let mut world = self.around.aws.world();
                let change = serde_json::from_value(change).unwrap();
                if let Err(error) = world.change_from_outside(now, &change) {
                    // The clone is gone by then, for instance.
                    self.around.trace.note(now, format!("not changed: {error}"));
                }
                self.judge.observe(&world);
            }
            What::Patch { rollback, spec } => {
                let _ = cluster.merge(Kind::Rollback, NAMESPACE, &rollback, &json!({"spec": spec}));
            }
            What::DeleteRollback(name) => {
                let _ = cluster.delete(Kind::Rollback, NAMESPACE, &name);
            }
            What::DeleteRecord(name) => {
                let _ = cluster.delete(Kind::Record, NAMESPACE, &name);
            }
            What::DeleteNamespace => self.delete_namespace(),
            What::Recreate(name) => {
                let wanted =
                    self.scenario.rollbacks.iter().find(|it| it["metadata"]["name"] == *name);
                let _ = wanted.map(|object| cluster.create(Kind::Rollback, NAMESPACE, object));
            }
            What::Compact => cluster.change(super::cluster::Store::compact),
            What::Compete { per_second, lasting } => {
                tokio::spawn(compete(Arc::clone(self), per_second, lasting));
            }
        }
    }

    fn delete_namespace(&self) {
        let cluster = &self.around.cluster;
        cluster.change(|store| store.terminate(NAMESPACE));
        let mut objects: Vec<(Kind, String)> = cluster.look(|store| {
            [Kind::Rollback, Kind::Record, Kind::Plan, Kind::Event]
                .into_iter()
                .flat_map(|kind| store.all(kind).map(move |((_, name), _)| (kind, name.clone())))
                .collect()
        });
        self.random.lock().unwrap().shuffle(&mut objects);
        for (kind, name) in objects {
            let _ = cluster.delete(kind, NAMESPACE, &name);
        }
    }

    /// Invariant 8, second half: nothing but the lease, watches and the look at the instance.
    async fn stays_still(&self) {
        // Events are told, garbage is collected, and what was killed last leads again.
        self.clock().sleep(Duration::from_mins(1)).await;
        let before = self.around.trace.busy();
        let span =
            if self.scenario.long { Duration::from_hours(1) } else { Duration::from_mins(3) };
        self.clock().sleep(span).await;
        let after = self.around.trace.busy();
        if after > before {
            self.judge.wrong(format!("invariant 8: {} effects after all was over", after - before));
        }
    }
}
