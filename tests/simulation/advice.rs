//! Whoever follows a recommendation saves what it promises, to within a fifth.

use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::{Failed, Trial};
use rollback_operator::sim::FaultScript;
use serde_json::{Value, json};

use super::cluster::Kind;
use super::measure::{Setting, arn};
use super::place::NAMESPACE;
use super::sharing::{Shared, part, simulated};

/// Users with one permission set each in up to 500 accounts, at the limits that AWS sets.
const USUAL: Setting = Setting {
    actions: 1000,
    latency: 1,
    sigma: 0.0,
    slots: 10,
    round_trip_millis: 5,
    both: false,
    scattered: false,
};

/// One undo.
#[derive(Clone)]
struct Undo {
    setting: Setting,
    /// Of all changes, those that are undone.
    which: fn(&[Value]) -> Vec<Value>,
    settle: &'static str,
    /// Seconds for which nobody approves.
    approved_after: u64,
    /// Whether another client takes a half of the requests.
    competes: bool,
    /// Seconds that AWS takes for the first permission set, if it is another time.
    first_set: Option<u64>,
}

const UNDO: Undo = Undo {
    setting: USUAL,
    which: <[Value]>::to_vec,
    settle: "2s",
    approved_after: 0,
    competes: false,
    first_set: None,
};

/// What came of it.
struct Undone {
    /// From the plan to the end.
    seconds: f64,
    recommendations: Vec<(String, f64)>,
    timing: Value,
}

/// A test for each reason: an undo that is told it, and the same as the message says.
pub fn trials() -> Vec<Trial> {
    let cases: [(&str, Undo, Undo); 7] = [
        ("SlotsBelowLimit", UNDO.at(3).with_slots(4), UNDO.at(3)),
        ("CompetingClient", Undo { competes: true, ..UNDO }, UNDO),
        ("OneAccountDominates", LARGE.undoing(one_account), LARGE.undoing(without_it)),
        ("SlowPermissionSet", Undo { first_set: Some(9), ..UNDO.at(3) }, UNDO.at(3)),
        ("DistantRegion", UNDO.at_distance(250), UNDO),
        ("LongSettle", Undo { settle: "60s", ..UNDO }, UNDO),
        ("LongApproval", Undo { approved_after: 3600, ..UNDO }, UNDO),
    ];
    let mut trials: Vec<Trial> = cases
        .into_iter()
        .map(|(reason, told, followed)| {
            Trial::test(format!("advice::{reason}"), move || follows(reason, &told, &followed))
        })
        .collect();
    trials.push(Trial::test("advice::none_where_nothing_is_to_gain", || {
        for usual in [UNDO, UNDO.at(3), UNDO.at_distance(20)] {
            let undone = simulated(usual.run());
            if !undone.recommendations.is_empty() {
                return Err(Failed::from(format!("{:?}", undone.recommendations)));
            }
        }
        Ok(())
    }));
    trials
}

/// Forty changes are in the first account, all others in accounts of their own.
const LARGE: Undo = Undo { setting: Setting { actions: 20_000, latency: 3, ..USUAL }, ..UNDO };

fn one_account(changes: &[Value]) -> Vec<Value> {
    let first = changes[1..].iter().map(|change| part(change, 0, 1));
    std::iter::once(part(&changes[0], 0, 100)).chain(first).collect()
}

fn without_it(changes: &[Value]) -> Vec<Value> {
    vec![part(&changes[0], 1, 100)]
}

fn follows(reason: &str, told: &Undo, followed: &Undo) -> Result<(), Failed> {
    let (before, after) = (simulated(told.run()), simulated(followed.run()));
    let saved = before.seconds - after.seconds;
    let fail = |what: &str| {
        let told = &before.recommendations;
        Err(Failed::from(format!(
            "{what}: told {told:?}; {:.1} s became {:.1} s; {} became {}",
            before.seconds, after.seconds, before.timing, after.timing
        )))
    };
    let [(found, promised)] = before.recommendations.as_slice() else {
        return fail("it is not told one thing");
    };
    println!("{reason}: {promised:.1} s promised, {saved:.1} s of {:.1} s saved", before.seconds);
    if found != reason {
        return fail("it is told something else");
    }
    if (promised - saved).abs() > saved * 0.2 {
        return fail("the promise is not kept");
    }
    if !after.recommendations.is_empty() {
        return fail(&format!("there is still something to gain: {:?}", after.recommendations));
    }
    Ok(())
}

impl Undo {
    const fn at(self, latency: u64) -> Self {
        Self { setting: Setting { latency, ..self.setting }, ..self }
    }

    const fn with_slots(self, slots: usize) -> Self {
        Self { setting: Setting { slots, ..self.setting }, ..self }
    }

    const fn at_distance(self, round_trip_millis: u64) -> Self {
        Self { setting: Setting { round_trip_millis, ..self.setting }, ..self }
    }

    const fn undoing(self, which: fn(&[Value]) -> Vec<Value>) -> Self {
        Self { which, ..self }
    }

    async fn run(&self) -> Undone {
        let slow = self.first_set.map(|seconds| {
            let on = json!({"operations": ["DeleteAccountAssignment"], "permissionSets": [arn(0)]});
            json!({"match": on, "do": {"latency": format!("{seconds}s")}})
        });
        let faults: FaultScript =
            serde_json::from_value(json!({"faults": slow.into_iter().collect::<Vec<_>>()}))
                .unwrap();
        let approval = if self.approved_after > 0 { "Always" } else { "Never" };
        let (shared, changes) = Shared::start_with(&self.setting, faults, approval);
        let other = self.competes.then(|| shared.compete());
        let settle = json!({"verification": {"settle": self.settle}});
        shared.undo("undo", &(self.which)(&changes), &settle);
        if self.approved_after > 0 {
            shared.time("undo", "plannedAt").await;
            shared.clock.sleep(Duration::from_secs(self.approved_after)).await;
            let status = Self::status(&shared);
            let approval = json!({"spec": {"approval": {"plan": status["plan"]["digest"]}}});
            shared.cluster.merge(Kind::Rollback, NAMESPACE, "undo", &approval).unwrap();
        }
        let patience = Duration::from_hours(2);
        let ended = shared.clock.timeout(patience, shared.time("undo", "finishedAt")).await;
        let ended = ended.unwrap_or_else(|_| panic!("not over: {}", Self::status(&shared)));
        let status = Self::status(&shared);
        assert_eq!(status["phase"], "Succeeded", "{}", status["summary"]);
        adds_up(&Self::rollback(&shared));
        let planned: Timestamp = status["timing"]["plannedAt"].as_str().unwrap().parse().unwrap();
        if let Some(other) = other {
            other.abort();
        }
        shared.process.kill();
        let told = status["recommendations"].as_array().cloned().unwrap_or_default();
        let told = told.iter().map(|it| {
            (it["reason"].as_str().unwrap().to_owned(), it["expectedGainSeconds"].as_f64().unwrap())
        });
        Undone {
            seconds: ended.duration_since(planned).as_secs_f64(),
            recommendations: told.collect(),
            timing: status["timing"].clone(),
        }
    }

    fn rollback(shared: &Shared) -> Value {
        shared.cluster.get(Kind::Rollback, NAMESPACE, "undo").unwrap()
    }

    fn status(shared: &Shared) -> Value {
        Self::rollback(shared)["status"].clone()
    }
}

/// All seconds from the creation to the end are in one of the phases.
fn adds_up(rollback: &Value) {
    let timing = &rollback["status"]["timing"];
    let at = |text: &Value| text.as_str().unwrap().parse::<Timestamp>().unwrap();
    let whole = at(&timing["finishedAt"])
        .duration_since(at(&rollback["metadata"]["creationTimestamp"]))
        .as_secs_f64();
    let phases = ["queued", "planning", "awaitingApproval", "executing", "verifying"];
    let sum: f64 =
        phases.iter().filter_map(|phase| timing[format!("{phase}Seconds")].as_f64()).sum();
    assert!((whole - sum).abs() < 0.01, "{sum} of {whole} seconds: {timing}");
    let kinds = ["changes", "polls", "reads"].iter().map(|kind| timing[kind].as_i64().unwrap());
    assert_eq!(kinds.sum::<i64>(), timing["awsRequests"].as_i64().unwrap());
}
