//! A Rollback begins, what follows fails, and the cache does not show for a while that it began.
//! Its keys stay its own: a second Rollback of them that comes meanwhile waits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Failed;
use rollback_operator::model::Rule;
use rollback_operator::runtime::Clock;
use serde_json::{Value, json};

use super::cluster::{ApiFaults, Change, Cluster, Kind, Store, Witness};
use super::measure::Setting;
use super::place::{self, NAMESPACE};
use super::sharing::{Shared, simulated};

const SETTING: Setting = Setting {
    actions: 4,
    latency: 30,
    sigma: 0.0,
    slots: 10,
    round_trip_millis: 5,
    both: false,
    scattered: false,
};
/// Both are planned by then.
const FIRST_BEGINS: SignedDuration = SignedDuration::from_secs(30);
/// The first is tried again before, while the API server refuses everything once more. It is far from
/// its end.
const SECOND_BEGINS: SignedDuration = SignedDuration::from_secs(50);
/// How long what happens is told to watches late.
const LATE: SignedDuration = SignedDuration::from_secs(40);
/// Up to so late: a part that is drawn, and the same each time.
const LAG: Duration = Duration::from_mins(10);

/// What became of the two.
#[derive(Debug)]
struct Became {
    /// Both wrote to the same keys at the same time.
    both_at_once: bool,
    /// The second waited for the first.
    waited: bool,
    phases: [String; 2],
}

/// The keys stay with the one that began.
pub fn keys_are_kept() -> Result<(), Failed> {
    let became = simulated(play());
    println!("{became:?}");
    if became.both_at_once || !became.waited || became.phases[0] != "Succeeded" {
        return Err(Failed::from(format!("{became:?}")));
    }
    Ok(())
}

/// Without a look past the cache both write at once.
pub fn keys_are_lost_unless_looked_up() -> Result<(), Failed> {
    let became = Rule::BegunIsLookedUp.broken(|| simulated(play()));
    println!("caught: {became:?}");
    if became.both_at_once { Ok(()) } else { Err(Failed::from(format!("{became:?}"))) }
}

async fn play() -> Became {
    let (shared, changes) = Shared::start(&SETTING);
    let began = shared.clock.now();
    let at = |after| json!({"notBefore": began.checked_add(after).unwrap().to_string()});
    shared.undo("first", &changes, &at(FIRST_BEGINS));
    let second = place::rollback("second", &["first".to_owned()], &at(SECOND_BEGINS));
    shared.cluster.create(Kind::Rollback, NAMESPACE, &second).unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let trouble =
        Trouble { cluster: shared.cluster.clone(), clock: shared.clock, seen: Arc::clone(&seen) };
    shared.cluster.set_witness(Some(Arc::new(trouble)));

    shared.time("first", "executingAt").await;
    let faults = seen.lock().unwrap().faults.clone();
    for (after, refused) in [(2, 0.0), (14, 1.0), (19, 0.0)] {
        let at = began.checked_add(FIRST_BEGINS + SignedDuration::from_secs(after)).unwrap();
        shared.clock.sleep(at.duration_since(shared.clock.now()).unsigned_abs()).await;
        shared.cluster.set_faults(ApiFaults { refused, ..faults.clone() });
    }
    for name in ["first", "second"] {
        shared.time(name, "finishedAt").await;
    }
    shared.process.kill();
    shared.cluster.set_witness(None);
    let phase = |name| text(&status(&shared.cluster, name)["phase"]);
    let seen = seen.lock().unwrap();
    Became {
        both_at_once: seen.both_at_once,
        waited: seen.waited,
        phases: [phase("first"), phase("second")],
    }
}

#[derive(Default)]
struct Seen {
    both_at_once: bool,
    waited: bool,
    faults: ApiFaults,
}

/// Lets things go wrong from the moment when the first begins.
struct Trouble {
    cluster: Cluster,
    clock: Clock,
    seen: Arc<Mutex<Seen>>,
}

impl Witness for Trouble {
    fn changed(&self, store: &Store, change: &Change) {
        let writes = |name: &str| {
            let key = (NAMESPACE.to_owned(), name.to_owned());
            let phase = store.get(Kind::Rollback, &key).map(|it| text(&it["status"]["phase"]));
            phase.is_some_and(|phase| phase == "Executing" || phase == "Verifying")
        };
        let mut seen = self.seen.lock().unwrap();
        seen.both_at_once |= writes("first") && writes("second");
        let conditions = change.after.as_ref().map(|it| it["status"]["conditions"].to_string());
        seen.waited |=
            change.key.1 == "second" && conditions.is_some_and(|it| it.contains("HeldBy"));
        if writes("first") && seen.faults.until == Timestamp::default() {
            seen.faults = ApiFaults {
                until: self.clock.now().checked_add(LATE).unwrap(),
                refused: 1.0,
                watch_lag: 1.0,
                lag: LAG,
                ..ApiFaults::default()
            };
            self.cluster.set_faults(seen.faults.clone());
        }
    }
}

fn status(cluster: &Cluster, name: &str) -> Value {
    cluster.get(Kind::Rollback, NAMESPACE, name).unwrap()["status"].clone()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
