//! An incident: one actor did forty things of all types within an hour, in the midst of what others
//! did before, meanwhile and after. One Rollback undoes exactly these, and its redo puts them back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::history::{ACTOR, Clones, History, Key, State};
use super::place::{Place, text};

/// What the simulator holds, as the model writes it.
fn state(place: &Place<'_>) -> State {
    let access = place.simulator.access();
    let instance = &access["instances"][0];
    let rows = instance["assignments"].as_array().unwrap();
    let keys = rows.iter().flat_map(|row| {
        let principal = row.get("user").filter(|it| !it.is_null()).unwrap_or(&row["group"]);
        let accounts = row["accounts"].as_array().unwrap();
        accounts.iter().map(move |account| Key {
            account: text(account),
            set: text(&row["permissionSet"]),
            principal: text(principal),
        })
    });
    let sets = instance["permissionSets"].as_array().unwrap();
    State { keys: keys.collect(), sets: sets.iter().map(|set| text(&set["name"])).collect() }
}

/// Every permission set by name and content, without what is new in one that was created again.
fn contents(place: &Place<'_>) -> Vec<Value> {
    let access = place.simulator.access();
    let mut sets = access["instances"][0]["permissionSets"].as_array().unwrap().clone();
    for set in &mut sets {
        set.as_object_mut().unwrap().remove("arn");
        let tags = set["tags"].as_object_mut();
        let tags = tags.map(|tags| tags.remove("identitycenter.dev/rollback"));
        if tags.is_some() && set["tags"] == json!({}) {
            set.as_object_mut().unwrap().remove("tags");
        }
    }
    sets
}

#[test]
fn all_that_one_actor_did_in_an_hour_is_undone_and_put_back() {
    let history = History::new();
    let (with, without) = (history.all(), history.without_the_incident());
    let mut clones = Clones::default();
    let place = Place::in_world(Cluster::shared(), 10, &json!({}), |instance| {
        clones = History::write_into(instance, &with);
    });
    assert_eq!(state(&place), with, "the world is the one after the incident");
    for (name, record) in history.records(&place.instance, &place.namespace, &clones) {
        place.create("OperationRecord", &name, &record);
    }
    let (damaged, held) = (contents(&place), place.simulator.access());

    let (from, to) = History::window();
    let select = json!({"actor": ACTOR, "from": from, "to": to});
    let reason = "the key of the build agent leaked";
    place.create("Rollback", "undo", &json!({"operations": {"select": select}, "reason": reason}));
    place.wait_phase("undo", "AwaitingApproval");
    let status = place.status("undo");
    let refs = status["recordRefs"].as_array().unwrap();
    let found: BTreeSet<String> = refs.iter().map(|found| text(&found["name"])).collect();
    assert_eq!(found, history.names_of_the_incident());
    assert_eq!((found.len(), &status["operation"]), (40, &json!("40 records")));
    assert_eq!(status["operationType"], "Mixed");
    assert!(status["plan"]["kept"].as_i64() > Some(0), "some keys are others': {status}");
    assert_eq!(status["plan"]["blocked"], 0, "{status}");
    assert_eq!(place.simulator.access(), held, "nothing is written before the approval");

    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(state(&place), without, "as if that actor had done nothing in that hour");

    let ledger = text(&place.status("undo")["ledger"]);
    place.create("Rollback", "redo", &json!({"operations": {"names": [ledger]}}));
    place.approve("redo");
    place.wait_phase("redo", "Succeeded");
    assert_eq!(state(&place), with, "all that the undo did is taken back");
    assert_eq!(contents(&place), damaged);
    let summary = text(&place.status("redo")["summary"]);
    assert!(summary.contains("reversed and read back"), "{summary}");
}
