//! What was done, and what is to be undone.

use rollback_operator::model::Key;
use serde_json::json;

use super::super::place::{self, CLONE, Cell, Done, PRINCIPALS};
use super::super::scenario::Scenario;
use super::Draw;

/// So many keys change at the most.
const MOST_KEYS: usize = 14;

impl Draw {
    pub(super) fn operations(
        &mut self,
        scenario: &mut Scenario,
        before: &[Cell],
        accounts: usize,
        cloned: bool,
    ) {
        let mut present = before.to_vec();
        let mut touched: Vec<Cell> = Vec::new();
        let mut names: Vec<Vec<String>> = Vec::new();
        if cloned {
            scenario.records.push(place::record("clone", "ClonePermissionSet", 90, &[], true));
            let mut group = vec!["clone".to_owned()];
            let done: Vec<Done> = (1..=accounts.min(3))
                .filter(|_| self.chance(0.7))
                .map(|account| Done {
                    cell: Cell { principal: 0, set: CLONE, account },
                    granted: true,
                })
                .collect();
            if !done.is_empty() {
                scenario.records.push(place::record("assign-clone", "Assign", 80, &done, false));
                group.push("assign-clone".to_owned());
                touched.extend(done.iter().map(|done| done.cell));
                present.extend(done.iter().map(|done| done.cell));
            }
            names.push(group);
            scenario.keys.push((Key::PermissionSet(place::set(CLONE)), false));
        }
        let count = self.rng.usize(1..=3);
        for number in 0..count {
            let (kind, done) = self.operation(&present, accounts);
            let room = MOST_KEYS.saturating_sub(touched.len());
            let done: Vec<Done> = done.into_iter().take(room).collect();
            if done.is_empty() {
                continue;
            }
            let name = format!("operation-{number}");
            let minutes = 60 - 10 * i64::try_from(number).unwrap();
            scenario.records.push(place::record(&name, kind, minutes, &done, false));
            names.push(vec![name]);
            for Done { cell, granted } in done {
                present.retain(|other| *other != cell);
                if granted {
                    present.push(cell);
                }
                if !touched.contains(&cell) {
                    touched.push(cell);
                }
            }
        }
        present.sort_unstable();
        scenario.seed["instances"][0]["assignments"] =
            json!(present.iter().map(|cell| cell.row()).collect::<Vec<_>>());
        for cell in &touched {
            scenario.keys.push((cell.key(), before.contains(cell)));
        }
        self.rollbacks(scenario, &names);
    }

    fn operation(&mut self, present: &[Cell], accounts: usize) -> (&'static str, Vec<Done>) {
        let principal = self.rng.usize(0..PRINCIPALS);
        let set = self.rng.usize(0..CLONE);
        let some = |cells: Vec<Cell>, granted: bool| {
            cells.into_iter().map(|cell| Done { cell, granted }).collect()
        };
        let here: Vec<Cell> =
            (1..=accounts).map(|account| Cell { principal, set, account }).collect();
        match self.rng.usize(0..3) {
            0 => {
                let absent = here.into_iter().filter(|cell| !present.contains(cell)).collect();
                ("Assign", some(absent, true))
            }
            1 => (
                "Revoke",
                some(here.into_iter().filter(|cell| present.contains(cell)).collect(), false),
            ),
            _ => {
                let to = (principal + 1) % PRINCIPALS;
                let copies =
                    present.iter().filter(|cell| cell.principal == principal && cell.set < CLONE);
                let copies = copies
                    .map(|cell| Cell { principal: to, ..*cell })
                    .filter(|cell| !present.contains(cell))
                    .collect();
                ("CopyAssignments", some(copies, true))
            }
        }
    }

    fn rollbacks(&mut self, scenario: &mut Scenario, names: &[Vec<String>]) {
        if names.is_empty() {
            // Nothing could be done: there is only something to wait for that is not there.
            scenario.rollbacks.clear();
            return;
        }
        let mut spec = json!({});
        if self.chance(0.2) {
            spec["priority"] = json!("Emergency");
        }
        if self.chance(0.3) {
            spec["verification"] = json!({"settle": if self.rng.bool() { "0s" } else { "5s" }});
        }
        if self.chance(0.5) {
            let all: Vec<String> = names.concat();
            scenario.rollbacks.push(place::rollback("undo", &all, &spec));
        } else {
            for (number, group) in names.iter().enumerate() {
                let name = format!("undo-{number}");
                scenario.rollbacks.push(place::rollback(&name, group, &spec));
            }
        }
    }
}
