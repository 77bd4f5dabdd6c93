//! One run on a simulated network, from its beginning to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollback_operator::runtime::Clock;
use rollback_operator::sim::{Response, Seed, World};
use turmoil::Sim;

use super::draw::{Drawn, Without};
use super::manner::Manners;
use super::simulation::aws::{Arrival, Aws, Gatekeeper};
use super::simulation::cluster::{Cluster, Kind};
use super::simulation::judge::Judge;
use super::simulation::place::{self, NAMESPACE};
use super::simulation::play::{Report, start};
use super::simulation::trace::Trace;
use super::simulation::{ending, people};
use super::weather::{self, What};
use super::{operator, server};

/// How far the hosts go at a time.
const TICK: Duration = Duration::from_millis(10);
/// A tokio runtime of a simulated host begins at this time of its own.
const FIRST: SignedDuration = SignedDuration::from_millis(1);

/// What every host has.
#[derive(Clone)]
pub struct Around {
    pub clock: Clock,
    pub cluster: Cluster,
    pub aws: Aws,
    pub judge: Arc<Judge>,
    pub trace: Arc<Trace>,
    pub manners: Manners,
    pub without: Option<Without>,
    /// Operators that have ended by themselves.
    pub ended: Arc<Mutex<Vec<usize>>>,
    /// When the last thing happened that the bound counts from.
    calm_since: Arc<Mutex<Timestamp>>,
}

impl Around {
    fn is_not_calm(&self, now: Timestamp) {
        *self.calm_since.lock().unwrap() = now;
    }
}

/// Hears of answers alone: requests are judged when they leave.
struct OnlyAnswers(Arc<Judge>);

impl Gatekeeper for OnlyAnswers {
    fn arrives(&self, _: &World, _: &Arrival) {}

    fn answered(&self, world: &World, arrival: &Arrival, reply: &Response) {
        self.0.answered(world, arrival, reply);
    }
}

/// A host that is started again has a runtime whose time begins anew. This sets it to the time of
/// all others.
pub async fn keep_time(clock: Clock) {
    let all = SignedDuration::try_from(turmoil::sim_elapsed().unwrap_or_default()).unwrap();
    let behind = all + FIRST - clock.now().duration_since(start());
    if behind > SignedDuration::ZERO {
        tokio::time::advance(behind.unsigned_abs() + TICK).await;
    }
}

pub fn play(drawn: &Drawn) -> Report {
    let around = prepare(drawn);
    let mut sim = turmoil::Builder::new()
        .rng_seed(drawn.seed)
        .tick_duration(TICK)
        .simulation_duration(Duration::from_hours(2))
        .min_message_latency(drawn.latency.0)
        .max_message_latency(drawn.latency.1)
        .tcp_capacity(1024)
        .build();
    let host = around.clone();
    sim.host(server::KUBERNETES, move || server::kubernetes(host.clone()));
    let host = around.clone();
    sim.host(server::AWS, move || server::aws(host.clone()));
    for number in 0..drawn.scenario.operators {
        let host = around.clone();
        sim.host(weather::operator(number), move || operator::live(host.clone(), number));
    }
    let seconds = Arc::new(Mutex::new(0.0));
    sim.client("people", act(around.clone(), drawn.clone(), Arc::clone(&seconds)));
    if let Err(error) = to_the_end(&mut sim, &around, drawn) {
        around.judge.wrong(format!("the run ended badly: {error}"));
    }
    drop(sim);
    // They hold each other.
    around.cluster.set_witness(None);
    around.aws.set_gatekeeper(None);
    let seconds = *seconds.lock().unwrap();
    Report {
        violations: around.judge.violations(),
        kinds: around.trace.kinds(),
        requests: around.judge.requests().values().sum(),
        seconds,
        phases: ending::phases(&around.cluster),
        trace: around.trace,
    }
}

fn prepare(drawn: &Drawn) -> Around {
    let scenario = &drawn.scenario;
    let clock = Clock::starting_at(start(), 1.0);
    let seed: Seed = serde_json::from_value(scenario.seed.clone()).unwrap();
    let world =
        World::new(&seed, scenario.aws_faults.clone(), scenario.random, clock.now()).unwrap();
    let aws = Aws::new(clock, world, Duration::ZERO);
    let cluster = Cluster::new(clock, scenario.random);
    let trace = Arc::new(Trace::default());
    let judge = Judge::new(scenario, clock, &cluster, &aws, &trace);
    aws.set_gatekeeper(Some(Arc::new(OnlyAnswers(Arc::clone(&judge)))));
    let instance = place::instance(&scenario.policy, &scenario.limits);
    cluster.create(Kind::Instance, "", &instance).unwrap();
    for record in &scenario.records {
        cluster.create(Kind::Record, NAMESPACE, record).unwrap();
    }
    Around {
        clock,
        cluster,
        aws,
        judge,
        trace,
        manners: Manners::default(),
        without: drawn.without,
        ended: Arc::default(),
        calm_since: Arc::new(Mutex::new(start())),
    }
}

/// The part of the people: they make Rollbacks, approve plans, and wait for the end.
async fn act(around: Around, drawn: Drawn, seconds: Arc<Mutex<f64>>) -> turmoil::Result {
    let Around { clock, cluster, judge, aws, .. } = around.clone();
    let scenario = &drawn.scenario;
    let at = |after| start().checked_add(SignedDuration::try_from(after).unwrap()).unwrap();
    let approved = around.clone();
    let approved = move || approved.is_not_calm(approved.clock.now());
    tokio::spawn(people::approve(clock, cluster.clone(), scenario.approval_takes, approved));
    tokio::spawn(people::collect_garbage(clock, cluster.clone(), scenario.random));
    let mut rollbacks = drawn.rollbacks.clone();
    rollbacks.sort_by_key(|(after, _)| *after);
    for (after, rollback) in rollbacks {
        clock.sleep_until(at(after)).await;
        around.trace.note(clock.now(), format!("somebody makes {}", rollback["metadata"]["name"]));
        cluster.create(Kind::Rollback, NAMESPACE, &rollback).unwrap();
        around.is_not_calm(clock.now());
    }
    clock.sleep_until(at(scenario.quiet_after)).await;
    around.is_not_calm(clock.now());
    let calm_since = || *around.calm_since.lock().unwrap();
    ending::wait(scenario, clock, &cluster, &judge, calm_since).await;
    *seconds.lock().unwrap() = clock.now().duration_since(start()).as_secs_f64();
    ending::conclude(scenario, &cluster, &aws, &judge);
    Ok(())
}

/// Plays on until the people are done, and is the weather and the kubelet meanwhile.
fn to_the_end(sim: &mut Sim<'_>, around: &Around, drawn: &Drawn) -> turmoil::Result {
    let mut random = fastrand::Rng::with_seed(drawn.seed);
    let operators = drawn.scenario.operators;
    let mut coming = drawn.weather.clone();
    let mut lasting = Vec::new();
    let mut is_clear = false;
    // Who is down, and until when.
    let mut down: BTreeMap<String, Duration> = BTreeMap::new();
    loop {
        let elapsed = sim.elapsed();
        let now = start().checked_add(SignedDuration::try_from(elapsed).unwrap()).unwrap();
        for spell in coming.extract_if(.., |spell| spell.from <= elapsed) {
            around.trace.note(now, format!("{:?} begins", spell.what));
            if let What::Down { host, .. } = &spell.what {
                down.insert(host.clone(), spell.until);
            }
            weather::begin(sim, &around.manners, operators, &spell.what);
            lasting.push(spell);
        }
        for spell in lasting.extract_if(.., |spell| spell.until <= elapsed) {
            around.trace.note(now, format!("{:?} ends", spell.what));
            weather::end(sim, &around.manners, operators, &spell.what);
        }
        if !is_clear && elapsed >= drawn.scenario.quiet_after {
            is_clear = true;
            weather::clear(sim, &around.manners, operators);
        }
        for number in std::mem::take(&mut *around.ended.lock().unwrap()) {
            let host = weather::operator(number);
            sim.crash(host.as_str());
            let until = elapsed + Duration::from_millis(random.u64(500..3000));
            down.entry(host).or_insert(until);
            around.is_not_calm(now);
        }
        for (host, _) in down.extract_if(.., |_, until| *until <= elapsed) {
            around.trace.note(now, format!("{host} is started again"));
            sim.bounce(host.as_str());
            around.is_not_calm(now);
        }
        if sim.step()? {
            return Ok(());
        }
    }
}
