//! Worlds, faults and disturbances, drawn by a number.

use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use rollback_operator::model::Key;
use rollback_operator::sim::FaultScript;
use serde_json::{Value, json};

use super::cluster::ApiFaults;
use super::place::{self, CLONE, Cell, Done, PRINCIPALS};
use super::play::start;
use super::scenario::{Disturbance, Scenario, What};

/// So many keys change at the most.
const MOST_KEYS: usize = 14;

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

    fn operations(
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

    fn surroundings(&mut self, scenario: &mut Scenario) {
        let latency = self.rng.usize(1..=8);
        scenario.latency = Duration::from_secs(latency as u64);
        let settings = &mut scenario.seed["settings"];
        let spread = if self.chance(0.5) {
            scenario.latency *= 4;
            json!({"lognormal": {"median": format!("{latency}s"), "sigma": 0.5, "max": format!("{}s", 4 * latency)}})
        } else {
            json!(format!("{latency}s"))
        };
        let quick = if self.chance(0.3) { json!("1s") } else { spread.clone() };
        settings["latency"] = json!({"create": quick, "delete": spread});
        if self.chance(0.4) {
            settings["lag"] = json!(format!("{}s", self.rng.usize(1..=6)));
        }
        if self.chance(0.3) {
            // AWS does not say how far they lag; an operator that counts on nothing cannot tell a
            // request that ended from one that is not shown yet.
            settings["requestLag"] = json!(format!("{}ms", self.rng.usize(100..=1500)));
        }
        if self.chance(0.4) {
            settings["paging"] =
                json!({"shortPages": 0.5, "emptyPages": if self.rng.bool() { 0.2 } else { 0.0 }});
        }
        if self.chance(0.2) {
            scenario.forgets = true;
            settings["statusRetention"] = json!(format!("{}s", self.rng.usize(3..=30)));
        }
        settings["limits"]["conflictScope"] =
            json!(["account", "permissionSet", "assignment"][self.rng.usize(0..3)]);
        settings["limits"]["separatePools"] = json!(self.rng.bool());
        scenario.limits = json!({
            "requestsPerSecond": self.rng.usize(6..=18),
            "outstandingRequests": self.rng.usize(1..=6),
        });
        scenario.round_trip = Duration::from_millis(self.rng.u64(2..=150));
        scenario.policy = json!({"approval": if self.chance(0.3) { "Never" } else { "Always" }});
        scenario.approval_takes = self.seconds(0.0, 5.0);
    }

    fn aws_faults(&mut self, scenario: &mut Scenario) -> FaultScript {
        let mut faults = Vec::new();
        let mut add = |draw: &mut Self, likely: f64, on: &str, action: Value| {
            if draw.chance(likely) {
                let until = draw.until(40.0).as_millis();
                let probability = [0.05, 0.15, 0.4][draw.rng.usize(0..3)];
                faults.push(json!({
                    "match": if on.is_empty() { json!({}) } else { json!({"operations": [on]}) },
                    "until": format!("{until}ms"),
                    "probability": probability,
                    "do": action,
                }));
            }
        };
        let error =
            |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
        let busy = "There are too many requests processing. Please try again later.";
        add(self, 0.25, "", error("ThrottlingException", "Rate exceeded"));
        add(self, 0.2, "writes", error("ThrottlingException", busy));
        add(
            self,
            0.25,
            "writes",
            error("ConflictException", "There is a conflicting operation in process."),
        );
        add(self, 0.25, "", error("InternalServerException", "Something went wrong."));
        add(self, 0.3, "writes", json!({"loseReply": true}));
        add(self, 0.2, "", json!({"loseReply": true}));
        add(self, 0.2, "", json!({"loseRequest": true}));
        add(self, 0.15, "writes", json!({"delay": "12s"}));
        add(self, 0.1, "", json!({"delay": "12s"}));
        add(self, 0.2, "writes", json!({"statusDelay": "6s"}));
        if self.chance(0.15) {
            let from = self.seconds(0.0, 15.0);
            let until = from + self.seconds(1.0, 30.0);
            self.quiet = self.quiet.max(until);
            faults.push(json!({
                "from": format!("{}ms", from.as_millis()),
                "until": format!("{}ms", until.as_millis()),
                "do": {"loseRequest": true},
            }));
        }
        if self.chance(0.3) {
            let like = [
                "assignmentMissing",
                "principalMissing",
                "policyMissing",
                "accessDeniedByIam",
                "accountNotReady",
                "internalError",
                "roleQuota",
            ][self.rng.usize(0..7)];
            let applied = self.chance(0.2);
            faults.push(json!({
                "match": {"operations": ["writes"]},
                "count": self.rng.u64(1..=3),
                "probability": 0.5,
                "do": {"fail": {"like": like, "applied": applied}},
            }));
            // One internal error is tried again; the other reasons are for good.
            scenario.must_succeed = false;
        }
        let script: FaultScript = serde_json::from_value(json!({"faults": faults})).unwrap();
        script
    }

    fn api_faults(&mut self, operators: usize) -> ApiFaults {
        let until = self.until(40.0);
        let at = |after: Duration| {
            start().checked_add(SignedDuration::try_from(after).unwrap()).unwrap()
        };
        let mut some = |likely: f64, most: f64| {
            if self.rng.f64() < likely { most * self.rng.f64() } else { 0.0 }
        };
        let mut faults = ApiFaults {
            until: at(until),
            refused: some(0.5, 0.15),
            done_but_refused: some(0.5, 0.15),
            request_lost: some(0.3, 0.1),
            reply_lost: some(0.5, 0.15),
            silent: some(0.3, 0.05),
            slow: some(0.4, 0.3),
            slowness: Duration::from_secs(6),
            watch_lag: some(0.5, 0.6),
            lag: Duration::from_secs(8),
            coalesced: some(0.5, 0.5),
            watch_cut: some(0.4, 0.2),
            expired: some(0.4, 0.3),
            stale: 0,
            outages: Vec::<(Option<usize>, Timestamp, Timestamp)>::new(),
        };
        faults.stale = self.rng.u64(0..=20);
        if self.chance(0.3) {
            let whom = if self.rng.bool() { None } else { Some(self.rng.usize(0..operators)) };
            let from = self.seconds(1.0, 20.0);
            let to = from + self.seconds(2.0, 40.0);
            self.quiet = self.quiet.max(to);
            faults.outages.push((whom, at(from), at(to)));
        }
        faults
    }

    fn processes(&mut self, scenario: &mut Scenario) {
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

    fn people(&mut self, scenario: &mut Scenario, before: &[Cell]) {
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
