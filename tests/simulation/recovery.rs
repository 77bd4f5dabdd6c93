//! What it takes a restarted operator to find out about what it had in flight, before it changes
//! anything: at most a hundred calls to AWS and eight seconds, whatever others did meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Failed;
use rollback_operator::model::Rule;
use rollback_operator::sim::{Request, Response, World};
use serde_json::{Value, json};

use super::aws::{Arrival, Gatekeeper};
use super::cluster::Kind;
use super::measure::Setting;
use super::place::{self, NAMESPACE};
use super::process::Process;
use super::sharing::{Shared, seconds, simulated};

const MOST_CALLS: usize = 100;
const MOST_SECONDS: f64 = 8.0;
/// In flight when the operator is killed.
const IN_FLIGHT: usize = 10;
/// Changes that somebody else makes while no operator runs, in each of AWS's two lists of requests.
const OTHERS: usize = 60;

/// No two keys are in one list, both lists of requests are needed, and AWS is far away.
const SETTING: Setting = Setting {
    actions: 60,
    latency: 3,
    sigma: 0.0,
    slots: IN_FLIGHT,
    round_trip_millis: 150,
    both: true,
    scattered: true,
};

/// What one recovery took.
#[derive(Debug, Clone, Copy)]
struct Took {
    calls: usize,
    /// From its first call to AWS, which comes when the lease is held and a process that held it
    /// before can have nothing on its way any more.
    seconds: f64,
    /// Intents of which nobody knew whether they had been sent.
    in_doubt: usize,
}

/// Notes what arrives at AWS.
#[derive(Default)]
struct Log(Mutex<Vec<(Timestamp, String)>>);

impl Gatekeeper for Log {
    fn arrives(&self, _: &World, arrival: &Arrival) {
        self.0.lock().unwrap().push((arrival.at, arrival.operation.clone()));
    }

    fn answered(&self, _: &World, _: &Arrival, _: &Response) {}
}

/// Kills an operator at several moments and holds each recovery against the budget.
pub fn is_within_its_budget() -> Result<(), Failed> {
    let recoveries = recoveries();
    for took in &recoveries {
        println!("{took:?}");
    }
    if recoveries.iter().all(|took| took.in_doubt < IN_FLIGHT / 2) {
        return Err(Failed::from("no moment left much in doubt, so nothing was shown"));
    }
    match recoveries.iter().find(|took| exceeds(took)) {
        Some(took) => Err(Failed::from(format!("the budget of a recovery is exceeded: {took:?}"))),
        None => Ok(()),
    }
}

/// Without the bound on what is described, the budget is exceeded.
pub fn is_bounded() -> Result<(), Failed> {
    let recoveries = Rule::RecoveryIsBounded.broken(recoveries);
    match recoveries.iter().find(|took| exceeds(took)) {
        Some(took) => {
            println!("caught: {took:?}");
            Ok(())
        }
        None => Err(Failed::from(format!("nothing was exceeded: {recoveries:?}"))),
    }
}

const fn exceeds(took: &Took) -> bool {
    took.calls > MOST_CALLS || took.seconds > MOST_SECONDS
}

fn recoveries() -> Vec<Took> {
    let moments = (0..8).map(|number| Duration::from_millis(6000 + 370 * number));
    moments.map(|after| simulated(recovery(after))).collect()
}

async fn recovery(after: Duration) -> Took {
    let (shared, _) = Shared::start(&SETTING);
    let records = SETTING.records();
    for record in &records {
        shared.cluster.create(Kind::Record, NAMESPACE, record).unwrap();
    }
    let names =
        records.iter().map(|record| record["metadata"]["name"].as_str().unwrap().to_owned());
    let rollback = place::rollback("undo", &names.collect::<Vec<_>>(), &json!({}));
    shared.cluster.create(Kind::Rollback, NAMESPACE, &rollback).unwrap();
    shared.time("undo", "executingAt").await;
    shared.clock.sleep(after).await;
    while open(&shared).0 < IN_FLIGHT {
        shared.clock.sleep(Duration::from_millis(50)).await;
    }
    shared.process.kill();
    let in_doubt = open(&shared).1;
    // Those who go on meanwhile: their requests could be ours.
    shared.clock.sleep(Duration::from_secs(5)).await;
    for number in 0..2 * OTHERS {
        shared.clock.sleep(Duration::from_millis(400)).await;
        somebody_else(&mut shared.aws.world(), shared.clock.now(), number);
    }
    let log = Arc::new(Log::default());
    shared.aws.set_gatekeeper(Some(Arc::clone(&log) as Arc<dyn Gatekeeper>));
    let process = Process::start(&shared.around, 0, SignedDuration::ZERO);
    let started = shared.clock.now();
    let is_change = |operation: &str| {
        ["CreateAccountAssignment", "DeleteAccountAssignment"].contains(&operation)
    };
    let changed = loop {
        shared.clock.sleep(Duration::from_millis(10)).await;
        let log = log.0.lock().unwrap();
        if let Some(index) = log.iter().position(|(_, operation)| is_change(operation)) {
            break (index, seconds(log[0].0, log[index].0));
        }
        assert!(seconds(started, shared.clock.now()) < 300.0, "nothing was changed any more");
    };
    process.kill();
    shared.aws.set_gatekeeper(None);
    Took { calls: changed.0, seconds: changed.1, in_doubt }
}

/// How many actions are persisted as under way, and of how many of them no request is known.
fn open(shared: &Shared) -> (usize, usize) {
    let rollback = shared.cluster.get(Kind::Rollback, NAMESPACE, "undo").unwrap();
    let entries = rollback["status"]["inFlight"].as_array().cloned().unwrap_or_default();
    let open: Vec<&Value> = entries.iter().filter(|entry| entry["endedAt"].is_null()).collect();
    (open.len(), open.iter().filter(|entry| entry["requestId"].is_null()).count())
}

/// Gives, and later takes, what no plan is about.
fn somebody_else(world: &mut World, now: Timestamp, number: usize) {
    let action = if number < OTHERS { "Create" } else { "Delete" };
    let target = format!("SWBExternalService.{action}AccountAssignment");
    let body = json!({
        "InstanceArn": "arn:aws:sso:::instance/ssoins-0000000000000001",
        "TargetId": super::measure::account_id(400 + number % OTHERS),
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": super::measure::arn(0),
        "PrincipalType": "USER",
        "PrincipalId": super::measure::user_id(0),
    })
    .to_string();
    let request = Request {
        target: &target,
        body: body.as_bytes(),
        access_key: None,
        region: None,
        user_agent: None,
    };
    let status = world.handle(now, &request).status;
    assert_eq!(status, 200, "somebody else's request {number}");
}
