//! What one run is made of: a world, what was done in it, what is to be undone, and what goes wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollback_operator::model::Key;
use rollback_operator::sim::FaultScript;
use serde_json::{Value, json};

use super::cluster::ApiFaults;
use super::place::{self, CLONE, Cell, Done};

/// One thing that somebody does, or that happens, at a time after the start.
#[derive(Debug, Clone)]
pub struct Disturbance {
    pub after: Duration,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    /// The process of one operator is killed.
    Kill(usize),
    /// One operator stands still.
    Freeze(usize, Duration),
    /// One operator stands still when it is next about to change something in AWS.
    FreezeAtChange(usize, Duration),
    /// One operator is asked to stop, and started again.
    Stop(usize),
    /// Somebody else changes an assignment.
    Foreign {
        cell: Cell,
        grant: bool,
    },
    /// Fields of a Rollback's spec are changed.
    Patch {
        rollback: String,
        spec: Value,
    },
    /// An object is deleted.
    DeleteRollback(String),
    DeleteRecord(String),
    DeleteNamespace,
    /// A Rollback that is gone is made again.
    Recreate(String),
    /// Watches are told that their version is too old.
    Compact,
    /// Reads of another client take this many of the requests that AWS allows in a second.
    Compete {
        per_second: u32,
        lasting: Duration,
    },
}

impl What {
    fn asks_for_an_attempt(&self) -> bool {
        matches!(self, Self::Patch { spec, .. } if spec.get("attempt").is_some())
    }
}

#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is one thing that is so or not")]
pub struct Scenario {
    /// The simulator's seed.
    pub seed: Value,
    pub random: u64,
    pub records: Vec<Value>,
    pub rollbacks: Vec<Value>,
    pub policy: Value,
    pub limits: Value,
    /// Every key that an operation touched, and whether it is wanted once all is undone.
    pub keys: Vec<(Key, bool)>,
    pub operators: usize,
    /// How far the clock of each start of an operator is off; starts take them in turn.
    pub skews: Vec<SignedDuration>,
    pub round_trip: Duration,
    pub aws_faults: FaultScript,
    pub api_faults: ApiFaults,
    pub disturbances: Vec<Disturbance>,
    /// When the last fault and disturbance is over, after the start.
    pub quiet_after: Duration,
    /// From an accepted request to its end, at the most.
    pub latency: Duration,
    /// How long a person takes to approve.
    pub approval_takes: Duration,
    /// Nothing stands in the way of a whole undo.
    pub must_succeed: bool,
    /// Nobody else sends anything.
    pub no_throttles: bool,
    /// AWS forgets requests soon after their end.
    pub forgets: bool,
    /// AWS says of a request that it failed and may be made again, and it had its effect.
    pub fails_in_words_only: bool,
    /// An hour is run after the end.
    pub long: bool,
}

impl Scenario {
    /// A calm run that undoes an operation of this type.
    pub fn of_type(kind: &str) -> Self {
        let (before, done, clone): (Vec<Cell>, Vec<Done>, bool) = match kind {
            "Assign" => (vec![], cells(0, 0, 1..=5, true), false),
            "Revoke" => (
                cells(0, 0, 1..=5, false).iter().map(|d| d.cell).collect(),
                cells(0, 0, 1..=5, false),
                false,
            ),
            "CopyAssignments" => {
                let source: Vec<Cell> = [(0, 1), (1, 2), (0, 3), (2, 2)]
                    .map(|(set, account)| Cell { principal: 0, set, account })
                    .to_vec();
                let copied = source
                    .iter()
                    .map(|cell| Done { cell: Cell { principal: 1, ..*cell }, granted: true })
                    .collect();
                (source, copied, false)
            }
            "ClonePermissionSet" => (vec![], cells(0, CLONE, 1..=2, true), true),
            other => panic!("no such type: {other}"),
        };
        let mut scenario = Self::calm(5, &before, clone);
        let names = if clone {
            scenario.records.push(place::record("clone", kind, 60, &[], true));
            scenario.records.push(place::record("assign", "Assign", 30, &done, false));
            vec!["clone".to_owned(), "assign".to_owned()]
        } else {
            scenario.records.push(place::record("operation", kind, 30, &done, false));
            vec!["operation".to_owned()]
        };
        scenario.after(&before, &done);
        if clone {
            scenario.keys.push((Key::PermissionSet(place::set(CLONE)), false));
        }
        scenario.rollbacks.push(place::rollback("undo", &names, &json!({})));
        scenario
    }

    /// A world in which nothing was done yet and nothing goes wrong.
    pub fn calm(accounts: usize, before: &[Cell], cloned: bool) -> Self {
        let latency = Duration::from_secs(2);
        let settings = json!({
            "latency": {"create": "2s", "delete": "2s"},
            "limits": {"outstandingRequests": 15},
        });
        Self {
            seed: place::seed(accounts, before, cloned, &settings),
            random: 1,
            records: Vec::new(),
            rollbacks: Vec::new(),
            policy: json!({"approval": "Always"}),
            limits: json!({"requestsPerSecond": 18, "outstandingRequests": 3}),
            keys: Vec::new(),
            operators: 1,
            skews: vec![SignedDuration::ZERO],
            round_trip: Duration::from_millis(20),
            aws_faults: FaultScript::default(),
            api_faults: ApiFaults::default(),
            disturbances: Vec::new(),
            quiet_after: Duration::ZERO,
            latency,
            approval_takes: Duration::from_millis(500),
            must_succeed: true,
            no_throttles: true,
            forgets: false,
            fails_in_words_only: false,
            long: false,
        }
    }

    /// Puts the world as it is after these changes, and notes which keys they touched.
    pub fn after(&mut self, before: &[Cell], done: &[Done]) {
        let mut present: Vec<Cell> = before.to_vec();
        for Done { cell, granted } in done {
            present.retain(|other| other != cell);
            if *granted {
                present.push(*cell);
            }
            let wanted = before.contains(cell);
            if !self.keys.iter().any(|(key, _)| *key == cell.key()) {
                self.keys.push((cell.key(), wanted));
            }
        }
        present.sort_unstable();
        let rows: Vec<Value> = present.iter().map(|cell| cell.row()).collect();
        self.seed["instances"][0]["assignments"] = json!(rows);
    }

    /// Whether nothing goes wrong by itself.
    pub fn is_calm(&self) -> bool {
        self.aws_faults.faults.is_empty()
            && self.disturbances.is_empty()
            && self.api_faults.until == Timestamp::default()
    }

    /// The assignments that operations touched.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for principal in 0..place::PRINCIPALS {
            for set in 0..place::SETS {
                for account in 1..=8 {
                    let cell = Cell { principal, set, account };
                    if self.keys.iter().any(|(key, _)| *key == cell.key()) {
                        cells.push(cell);
                    }
                }
            }
        }
        cells
    }

    pub fn slots(&self) -> usize {
        usize::try_from(self.limits["outstandingRequests"].as_u64().unwrap()).unwrap()
    }

    pub fn rate(&self) -> usize {
        usize::try_from(self.limits["requestsPerSecond"].as_u64().unwrap()).unwrap()
    }

    /// DESIGN's B: how long after everything calmed down the last Rollback may take.
    pub fn bound(&self) -> Duration {
        let actions = u32::try_from(self.keys.len()).unwrap();
        // Another attempt that was asked for begins when the first is over, like another Rollback.
        let attempts = self.disturbances.iter().filter(|it| it.what.asks_for_an_attempt()).count();
        let attempts = u32::try_from(1 + attempts).unwrap();
        let rollbacks = u32::try_from(self.rollbacks.len()).unwrap() + attempts;
        let held = self.latency + Duration::from_secs(1);
        let slots = u32::try_from(self.slots()).unwrap();
        let rate = u32::try_from(self.rate()).unwrap();
        // In the worst case all actions are in one account.
        let each = (held * actions / slots)
            .max(Duration::from_secs(1) * 6 * actions / rate)
            .max(held * actions);
        each * rollbacks + Duration::from_mins(5) * attempts
    }
}

fn cells(
    principal: usize,
    set: usize,
    accounts: std::ops::RangeInclusive<usize>,
    granted: bool,
) -> Vec<Done> {
    accounts.map(|account| Done { cell: Cell { principal, set, account }, granted }).collect()
}
