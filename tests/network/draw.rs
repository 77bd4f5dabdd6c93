//! A small world, its Rollbacks and the weather of its network, drawn by a number.

use std::time::Duration;

use fastrand::Rng;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::simulation::place::{self, Cell, Done};
use super::simulation::play::start;
use super::simulation::scenario::Scenario;
use super::weather::{self, Spell};

pub const MOST_OPERATORS: usize = 2;
/// In place of a deadline that is taken away. Nothing longer is allowed.
pub const NO_LIMIT: Duration = Duration::from_hours(1);

/// Whose deadline is taken away, to see that it is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    Kubernetes,
    Aws,
}

#[derive(Debug, Clone)]
pub struct Drawn {
    pub seed: u64,
    pub scenario: Scenario,
    /// The Rollbacks, and when they are made.
    pub rollbacks: Vec<(Duration, Value)>,
    pub weather: Vec<Spell>,
    /// What a message takes, at the least and at the most.
    pub latency: (Duration, Duration),
    pub without: Option<Without>,
}

pub fn draw(seed: u64, without: Option<Without>) -> Drawn {
    let mut rng = Rng::with_seed(seed);
    let count = rng.usize(1..=2);
    let mut scenario = world(&mut rng, seed, count);
    scenario.operators = rng.usize(1..=MOST_OPERATORS);
    let mut weather = weather::draw(&mut rng, scenario.operators);
    if without == Some(Without::Aws) {
        // Who takes over from another waits for the deadline of requests, too.
        weather.retain(weather::concerns_only_aws);
    }
    scenario.quiet_after = weather.iter().map(|spell| spell.until).max().unwrap_or_default();
    // Until then an answer may be lost, and a request be sent again.
    scenario.api_faults.until =
        start().checked_add(SignedDuration::try_from(scenario.quiet_after).unwrap()).unwrap();
    let rollbacks = std::mem::take(&mut scenario.rollbacks)
        .into_iter()
        .map(|rollback| (Duration::from_millis(rng.u64(0..25_000)), rollback))
        .collect();
    let most = Duration::from_millis([2, 20, 100, 400][rng.usize(0..4)]);
    Drawn { seed, scenario, rollbacks, weather, latency: (Duration::from_millis(1), most), without }
}

/// Three to eight keys, which one or two operations changed.
fn world(rng: &mut Rng, seed: u64, count: usize) -> Scenario {
    let mut operations = Vec::new();
    let mut before = Vec::new();
    for number in 0..count {
        let granted = rng.bool();
        let most = if count == 1 { 3..=8 } else { 2..=4 };
        let cells =
            (1..=rng.usize(most)).map(|account| Cell { principal: number, set: number, account });
        let done: Vec<Done> = cells.map(|cell| Done { cell, granted }).collect();
        if !granted {
            before.extend(done.iter().map(|done| done.cell));
        }
        operations.push((format!("operation-{number}"), granted, done));
    }
    let mut scenario = Scenario::calm(8, &before, false);
    scenario.random = seed;
    let all: Vec<Done> = operations.iter().flat_map(|(_, _, done)| done.clone()).collect();
    scenario.after(&before, &all);
    for (name, granted, done) in operations {
        let kind = if granted { "Assign" } else { "Revoke" };
        scenario.records.push(place::record(&name, kind, 30, &done, false));
        scenario.rollbacks.push(place::rollback(&format!("undo-{name}"), &[name], &json!({})));
    }
    let latency = rng.u64(1..=4);
    scenario.latency = Duration::from_secs(latency);
    scenario.seed["settings"]["latency"] =
        json!({"create": format!("{latency}s"), "delete": format!("{latency}s")});
    scenario.limits = json!({
        "requestsPerSecond": rng.usize(8..=18),
        "outstandingRequests": rng.usize(1..=4),
    });
    scenario.policy = json!({"approval": if rng.bool() { "Never" } else { "Always" }});
    scenario.approval_takes = Duration::from_millis(rng.u64(0..3000));
    // What was held back arrives together.
    scenario.no_throttles = false;
    scenario
}
