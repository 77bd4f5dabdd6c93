//! People who change their minds, or the same keys.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use super::super::place::Cell;
use super::super::scenario::{Disturbance, Scenario, What};
use super::Draw;

impl Draw {
    pub(super) fn people(&mut self, scenario: &mut Scenario, before: &[Cell]) {
        let names: Vec<String> = scenario
            .rollbacks
            .iter()
            .map(|rollback| rollback["metadata"]["name"].as_str().unwrap().to_owned())
            .collect();
        if names.is_empty() {
            return;
        }
        let whom = |rng: &mut Rng| names[rng.usize(0..names.len())].clone();
        let push = |scenario: &mut Scenario, after, what| {
            scenario.disturbances.push(Disturbance { after, what });
        };
        if self.chance(0.15) {
            let name = whom(&mut self.rng);
            let after = self.until(15.0);
            let resumed = after + self.seconds(1.0, 30.0);
            self.quiet = self.quiet.max(resumed);
            let patch = |suspend: bool| What::Patch {
                rollback: name.clone(),
                spec: json!({"suspend": suspend}),
            };
            push(scenario, after, patch(true));
            push(scenario, resumed, patch(false));
        }
        if self.chance(0.2) {
            scenario.must_succeed = false;
            let cells: Vec<Cell> = scenario.cells();
            for _ in 0..self.rng.usize(1..=3) {
                let Some(cell) = self.rng.choice(&cells).copied() else { break };
                let grant = if self.chance(0.5) { before.contains(&cell) } else { self.rng.bool() };
                let after = self.until(20.0);
                push(scenario, after, What::Foreign { cell, grant });
            }
            if self.chance(0.3) {
                for rollback in &mut scenario.rollbacks {
                    rollback["spec"]["onDrift"] = json!("Fail");
                }
            }
        }
        if self.chance(0.08) {
            scenario.must_succeed = false;
            let name = whom(&mut self.rng);
            let after = self.until(15.0);
            push(scenario, after, What::Patch { rollback: name, spec: json!({"cancel": true}) });
        }
        if self.chance(0.1) {
            scenario.must_succeed = false;
            let name = whom(&mut self.rng);
            let after = self.until(15.0);
            push(scenario, after, What::DeleteRollback(name.clone()));
            if self.chance(0.6) {
                let again = after + self.seconds(0.5, 20.0);
                self.quiet = self.quiet.max(again);
                push(scenario, again, What::Recreate(name));
            }
        }
        if self.chance(0.06) {
            scenario.must_succeed = false;
            let record = scenario.records[self.rng.usize(0..scenario.records.len())].clone();
            let name = record["metadata"]["name"].as_str().unwrap().to_owned();
            let after = self.until(15.0);
            push(scenario, after, What::DeleteRecord(name));
            // A Rollback whose record is missing would wait for ever.
            let over = after + Duration::from_mins(1);
            self.quiet = self.quiet.max(over);
            for rollback in &names {
                let spec = json!({"cancel": true});
                push(scenario, over, What::Patch { rollback: rollback.clone(), spec });
            }
        }
        if self.chance(0.2) && !scenario.must_succeed {
            let name = whom(&mut self.rng);
            let after = self.quiet + self.seconds(1.0, 60.0);
            self.quiet = after;
            push(scenario, after, What::Patch { rollback: name, spec: json!({"attempt": 2}) });
        }
        if self.chance(0.03) {
            scenario.must_succeed = false;
            let after = self.until(20.0);
            push(scenario, after, What::DeleteNamespace);
        }
        if self.chance(0.15) {
            scenario.must_succeed = false;
            for rollback in &mut scenario.rollbacks {
                rollback["spec"]["onFailure"] = json!("Stop");
            }
        }
    }
}
