//! How long undos take against the bound that AWS's limits set, in simulated time.
//!
//! Time and calls are those of the operator's own code; nothing of this machine is in them. The
//! bound is `max(N·L/K, L + (N − 1)/R, max over accounts of n·L)`: K changes at work, R requests a
//! second, L from an accepted request to its end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rollback_operator::runtime::Clock;
use rollback_operator::sim::{FaultScript, Seed, World};
use serde_json::{Value, json};

use super::aws::Aws;
use super::cluster::{Cluster, Kind};
use super::jobs::life;
use super::place::NAMESPACE;
use super::play::start;
use super::process::{Process, Surroundings};
use super::trace::Trace;

const ACCOUNTS: usize = 500;
const INSTANCE_ARN: &str = "arn:aws:sso:::instance/ssoins-0000000000000001";
/// The operator's own limit, below AWS's 20.
const REQUESTS_PER_SECOND: usize = 18;
/// So many groups of changes fit into a record.
const GROUPS: usize = 1000;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub actions: usize,
    pub latency: u64,
    /// The standard deviation of the logarithm of the latency; 0 is constant.
    pub sigma: f64,
    pub slots: usize,
    pub round_trip_millis: u64,
    /// Half of the actions give access back, in place of none.
    pub both: bool,
    /// No two actions share a principal, or a permission set in an account. Otherwise each user has
    /// one set in up to 500 accounts.
    pub scattered: bool,
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub setting: Setting,
    /// Seconds from the first intent until every request had ended.
    pub seconds: f64,
    /// Seconds from then until all was read back and the ledger was written.
    pub tail: f64,
    pub bound: f64,
    /// Calls from approval on.
    pub calls: u64,
    pub throttles: u64,
    /// The largest status in bytes.
    pub status_bytes: usize,
    pub status_writes: usize,
    /// How far the end that was told was off, as a part of the whole time, in nine of ten cases.
    pub eta_error: f64,
    /// Seconds of life that it took to simulate.
    pub life: f64,
}

impl Setting {
    fn bound(&self) -> f64 {
        let (n, l) = (self.actions as f64, self.latency as f64);
        let in_one = self.actions.div_ceil(ACCOUNTS) as f64;
        (n * l / self.slots as f64).max(l + (n - 1.0) / REQUESTS_PER_SECOND as f64).max(in_one * l)
    }

    /// Principal, set, account and whether undoing it gives access.
    fn actions(&self) -> impl Iterator<Item = (usize, usize, usize, bool)> + '_ {
        (0..self.actions).map(|index| {
            let principal = if self.scattered { index } else { index / ACCOUNTS };
            let gives = self.both && index % 2 == 1;
            (principal, index / ACCOUNTS, index % ACCOUNTS, gives)
        })
    }

    pub fn instance(&self) -> Value {
        json!({"metadata": {"name": "main"}, "spec": {
            "instanceArn": INSTANCE_ARN,
            "region": "us-east-1",
            "endpoint": "http://simulator.invalid",
            "allowedNamespaces": [NAMESPACE],
            "policy": {"maxActions": 20_000},
            "limits": {
                "requestsPerSecond": REQUESTS_PER_SECOND,
                "outstandingRequests": self.slots,
            },
        }})
    }

    pub fn seed(&self) -> Value {
        let sets = self.actions.div_ceil(ACCOUNTS);
        let principals = if self.scattered { self.actions } else { sets };
        let latency = match self.sigma {
            0.0 => json!(format!("{}s", self.latency)),
            sigma => {
                // The mean of a lognormal distribution is its median times exp(σ²/2).
                let median = self.latency as f64 / (sigma * sigma / 2.0).exp();
                json!({"lognormal": {
                    "median": format!("{}ms", (median * 1000.0) as u64),
                    "sigma": sigma,
                    "max": format!("{}s", self.latency * 10),
                }})
            }
        };
        let present = self.actions().filter(|(.., gives)| !gives).map(|(principal, set, account, _)| {
            json!({"permissionSet": arn(set), "user": user(principal), "accounts": [account_id(account)]})
        });
        let management = json!({"id": "900000000000", "name": "management"});
        let members =
            (0..ACCOUNTS).map(|n| json!({"id": account_id(n), "name": format!("member-{n}")}));
        json!({
            "organization": {"id": "o-simulated1", "managementAccount": "900000000000"},
            "accounts": std::iter::once(management).chain(members).collect::<Vec<_>>(),
            "instances": [{
                "arn": INSTANCE_ARN,
                "region": "us-east-1",
                "identityStoreId": "d-9067c0ffee",
                "users": (0..principals).map(|n| json!({"userName": user(n), "id": user_id(n)})).collect::<Vec<_>>(),
                "permissionSets": (0..sets).map(|n| json!({"name": format!("Set{n}"), "arn": arn(n)})).collect::<Vec<_>>(),
                "assignments": present.collect::<Vec<_>>(),
            }],
            "settings": {
                "latency": {"create": latency, "delete": latency},
                "limits": {"outstandingRequests": self.slots},
            },
        })
    }

    /// All changes of all records.
    pub fn changes(&self) -> Vec<Value> {
        let records = self.records();
        records.iter().flat_map(|it| it["spec"]["changes"].as_array().cloned().unwrap()).collect()
    }

    /// Records of at most a thousand groups each.
    pub fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        for gives in [false, true] {
            let mut groups: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
            for (principal, set, account, _) in self.actions().filter(|(.., it)| *it == gives) {
                groups.entry((principal, set)).or_default().push(account_id(account));
            }
            let (effect, before) =
                if gives { ("Revoked", "Present") } else { ("Granted", "Absent") };
            let changes: Vec<Value> = groups
                .into_iter()
                .map(|((principal, set), accounts)| {
                    json!({
                        "effect": effect,
                        "principal": {"type": "USER", "id": user_id(principal)},
                        "permissionSet": arn(set),
                        "accounts": accounts,
                        "before": before,
                    })
                })
                .collect();
            for part in changes.chunks(GROUPS) {
                let name = format!("operation-{}", records.len());
                records.push(json!({"metadata": {"name": name}, "spec": {
                    "instance": "main",
                    "type": if gives { "Revoke" } else { "Assign" },
                    "occurredAt": "2026-03-01T11:00:00Z",
                    "source": {"tool": "simulation", "id": name},
                    "changes": part,
                }}));
            }
        }
        records
    }
}

pub fn account_id(number: usize) -> String {
    format!("{:012}", 100_000_000_000 + number)
}

pub fn arn(number: usize) -> String {
    format!("arn:aws:sso:::permissionSet/ssoins-0000000000000001/ps-{number:016x}")
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

pub fn user_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Undoes once and measures.
pub fn measure(setting: Setting) -> Measured {
    let began = life();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let mut measured = runtime.block_on(undo(setting));
    measured.life = life().saturating_sub(began).as_secs_f64();
    measured
}

async fn undo(setting: Setting) -> Measured {
    let clock = Clock::starting_at(start(), 1.0);
    let seed: Seed = serde_json::from_value(setting.seed()).unwrap();
    let world = World::new(&seed, FaultScript::default(), 1, clock.now()).unwrap();
    let aws = Aws::new(clock, world, Duration::from_millis(setting.round_trip_millis));
    let cluster = Cluster::new(clock, 1);
    let trace = Arc::new(Trace::default());
    trace.count_only();
    let around = Surroundings {
        clock,
        cluster: cluster.clone(),
        aws: aws.clone(),
        trace,
        crashes: Arc::new(Mutex::default()),
    };
    cluster.create(Kind::Instance, "", &setting.instance()).unwrap();
    let records = setting.records();
    let names: Vec<Value> =
        records.iter().map(|record| record["metadata"]["name"].clone()).collect();
    for record in &records {
        cluster.create(Kind::Record, NAMESPACE, record).unwrap();
    }
    let rollback = json!({"metadata": {"name": "undo"}, "spec": {"operations": {"names": names}}});
    cluster.create(Kind::Rollback, NAMESPACE, &rollback).unwrap();
    let process = Process::start(&around, 0, SignedDuration::ZERO);

    let planned = status_when(&cluster, |status| status["phase"] == "AwaitingApproval").await;
    let calls_before = aws.world().counters().requests;
    let approval = json!({"spec": {"approval": {"plan": planned["plan"]["digest"]}}});
    cluster.merge(Kind::Rollback, NAMESPACE, "undo", &approval).unwrap();
    let done = status_when(&cluster, |status| status["phase"] == "Succeeded").await;
    process.kill();

    let eta_error = eta_error(&cluster, &done);
    let at =
        |field: &str| -> Timestamp { done["timing"][field].as_str().unwrap().parse().unwrap() };
    let between = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
    let world = aws.world();
    let throttles = &world.counters().throttles;
    let (status_bytes, status_writes) = cluster.look(|store| {
        let sizes = store.changes_after(0).iter().filter(|change| change.kind == Kind::Rollback);
        let sizes =
            sizes.filter_map(|change| Some(change.after.as_ref()?["status"].to_string().len()));
        (sizes.clone().max().unwrap_or_default(), sizes.count())
    });
    Measured {
        setting,
        seconds: between(at("executingAt"), at("verifyingAt")),
        tail: between(at("verifyingAt"), at("finishedAt")),
        bound: setting.bound(),
        calls: world.counters().requests - calls_before,
        throttles: throttles.rate + throttles.outstanding,
        status_bytes,
        status_writes,
        eta_error,
        life: 0.0,
    }
}

/// The ninth decile of all that was told from a tenth of the actions on.
fn eta_error(cluster: &Cluster, done: &Value) -> f64 {
    let at = |timing: &Value, field: &str| {
        timing[field].as_str().and_then(|text| text.parse::<Timestamp>().ok())
    };
    let timing = &done["timing"];
    let (Some(began), Some(ended)) = (at(timing, "executingAt"), at(timing, "finishedAt")) else {
        return 0.0;
    };
    let whole = ended.duration_since(began).as_secs_f64();
    let mut errors: Vec<f64> = cluster.look(|store| {
        let all = store.changes_after(0).iter().filter(|change| change.kind == Kind::Rollback);
        let told = all.filter_map(|it| at(&it.after.as_ref()?["status"]["timing"], "expectedAt"));
        told.map(|told| told.duration_since(ended).as_secs_f64().abs() / whole).collect()
    });
    errors.sort_by(f64::total_cmp);
    errors.get(errors.len() * 9 / 10).copied().unwrap_or_default()
}

async fn status_when(cluster: &Cluster, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut revision = cluster.follow();
    loop {
        revision.borrow_and_update();
        let rollback = cluster.get(Kind::Rollback, NAMESPACE, "undo").unwrap();
        let status = &rollback["status"];
        if wanted(status) {
            return status.clone();
        }
        let over =
            ["Failed", "PartiallySucceeded", "Cancelled"].iter().any(|it| status["phase"] == *it);
        assert!(!over, "{}: {}", status["phase"], status["summary"]);
        revision.changed().await.unwrap();
    }
}

impl Measured {
    pub const HEAD: &str = "| actions | latency | slots | round trip | direction | reads | bound | took | ratio | tail | calls an action | throttles | end told off by | status | writes |\n|--:|--:|--:|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|";
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { actions, latency, sigma, slots, round_trip_millis, both, scattered } =
            self.setting;
        let spread = if sigma > 0.0 { format!(" σ {sigma}") } else { String::new() };
        let direction = if both { "both" } else { "one" };
        let reads = if scattered { "scattered" } else { "clustered" };
        write!(
            f,
            "| {actions} | {latency} s{spread} | {slots} | {round_trip_millis} ms | {direction} | {reads} | {:.1} s | {:.1} s | {:.3} | {:.1} s | {:.2} | {} | {:.0} % | {:.1} KB | {} |",
            self.bound,
            self.seconds,
            self.seconds / self.bound,
            self.tail,
            self.calls as f64 / actions as f64,
            self.throttles,
            self.eta_error * 100.0,
            self.status_bytes as f64 / 1000.0,
            self.status_writes,
        )
    }
}
