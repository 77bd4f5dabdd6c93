//! Worlds, faults and disturbances, drawn by a number.

mod faults;
mod people;
mod processes;
mod work;

use std::time::Duration;

use fastrand::Rng;

use super::place::{CLONE, Cell, PRINCIPALS};
use super::scenario::Scenario;

/// The scenario of a number.
pub fn scenario(seed: u64) -> Scenario {
    let mut draw = Draw { rng: Rng::with_seed(seed), quiet: Duration::ZERO };
    let accounts = draw.rng.usize(2..=8);
    let mut before = Vec::new();
    for principal in 0..PRINCIPALS {
        for set in 0..CLONE {
            for account in 1..=accounts {
                if draw.chance(0.35) {
                    before.push(Cell { principal, set, account });
                }
            }
        }
    }
    let cloned = draw.chance(0.25);
    let mut scenario = Scenario::calm(accounts, &before, cloned);
    scenario.random = seed;
    scenario.long = seed.is_multiple_of(100);
    draw.operations(&mut scenario, &before, accounts, cloned);
    draw.surroundings(&mut scenario);
    scenario.aws_faults = draw.aws_faults(&mut scenario);
    if draw.chance(0.5) {
        scenario.api_faults = draw.api_faults(scenario.operators);
    }
    draw.processes(&mut scenario);
    draw.people(&mut scenario, &before);
    scenario.quiet_after = draw.quiet;
    scenario
}

struct Draw {
    rng: Rng,
    /// When the last of what was drawn is over.
    quiet: Duration,
}

impl Draw {
    fn chance(&mut self, probability: f64) -> bool {
        self.rng.f64() < probability
    }

    fn seconds(&mut self, from: f64, to: f64) -> Duration {
        Duration::from_millis((from.mul_add(1000.0, (to - from) * 1000.0 * self.rng.f64())) as u64)
    }

    /// A time by which something is over.
    fn until(&mut self, most: f64) -> Duration {
        let until = self.seconds(3.0, most);
        self.quiet = self.quiet.max(until);
        until
    }
}
