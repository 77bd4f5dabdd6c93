//! Operators that are killed, stopped and stand still, and who uses the quota beside them.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::scenario::{Disturbance, Scenario, What};
use super::Draw;

impl Draw {
    pub(super) fn processes(&mut self, scenario: &mut Scenario) {
        scenario.operators = [1, 1, 1, 2, 2, 3][self.rng.usize(0..6)];
        if self.chance(0.15) {
            scenario.skews = (0..4)
                .map(|_| SignedDuration::from_millis(self.rng.i64(-120_000..=120_000)))
                .collect();
        }
        for _ in 0..self.rng.usize(0..=3) {
            let operator = self.rng.usize(0..scenario.operators);
            let after = self.until(30.0);
            let what = if self.chance(0.2) {
                What::Stop(operator)
            } else if self.chance(0.4) {
                let lasting = self.seconds(20.0, 60.0);
                self.quiet = self.quiet.max(after + lasting + Duration::from_secs(30));
                What::FreezeAtChange(operator, lasting)
            } else if self.chance(0.3) {
                let lasting = self.seconds(5.0, 60.0);
                self.quiet = self.quiet.max(after + lasting);
                What::Freeze(operator, lasting)
            } else {
                What::Kill(operator)
            };
            scenario.disturbances.push(Disturbance { after, what });
        }
        if self.chance(0.2) {
            let after = self.until(20.0);
            scenario.disturbances.push(Disturbance { after, what: What::Compact });
        }
        if self.chance(0.15) {
            let (after, lasting) = (self.seconds(0.0, 10.0), self.seconds(5.0, 30.0));
            self.quiet = self.quiet.max(after + lasting);
            let what = What::Compete { per_second: self.rng.u32(5..=15), lasting };
            scenario.disturbances.push(Disturbance { after, what });
            scenario.no_throttles = false;
        }
    }
}
