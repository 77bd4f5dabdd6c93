//! What AWS and the API server are like, and what goes wrong in them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollback_operator::sim::FaultScript;
use serde_json::{Value, json};

use super::super::cluster::ApiFaults;
use super::super::play::start;
use super::super::scenario::Scenario;
use super::Draw;

impl Draw {
    pub(super) fn surroundings(&mut self, scenario: &mut Scenario) {
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

    pub(super) fn aws_faults(&mut self, scenario: &mut Scenario) -> FaultScript {
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
            scenario.fails_in_words_only =
                applied && matches!(like, "internalError" | "accountNotReady");
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

    pub(super) fn api_faults(&mut self, operators: usize) -> ApiFaults {
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
}
