//! What happened before the undo that is played, and what must be so after it.

use rollback_operator::plan::record_digest;
use serde_json::{Value, json};

use super::lane::{INSTANCE, Lane};
use super::place::text;
use super::seed::{ALICE, accounts, alice_in};

/// How many assignments the removal removes.
const REMOVED: usize = 20;
/// How many assignments the redo makes.
const RESTORED: usize = 3;
const POLICY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const INLINE: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;
const TAG: &str = "identitycenter.dev/rollback";

/// One of the undos that are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// Assignments that somebody made are removed.
    Removal,
    /// A permission set that an undo deleted is created again, with its assignments.
    Recreation,
}

impl Story {
    /// The accounts that the organization has.
    pub const ACCOUNTS: usize = REMOVED;

    /// How many keys the undo changes; a permission set is one too.
    pub const fn keys(self) -> usize {
        match self {
            Self::Removal => REMOVED,
            Self::Recreation => 1 + RESTORED,
        }
    }

    /// Makes the world and the records as they are when the undo is asked for. Gives the record that
    /// is undone.
    pub fn begin(self, lane: &Lane, namespace: &str) -> String {
        match self {
            Self::Removal => {
                let keys = accounts(1..=REMOVED);
                lane.simulator.post("/_sim/changes", &json!({"grant": alice_in(&keys)}));
                lane.record(namespace, "assign", &granted(namespace, &lane.identity.read, &keys));
                "assign".to_owned()
            }
            Self::Recreation => {
                let clone = deleted_set(lane);
                let keys = accounts(1..=RESTORED);
                let mut cloned =
                    granted(&format!("{namespace}-clone"), &text(&clone["arn"]), &keys);
                cloned["type"] = json!("ClonePermissionSet");
                cloned["changes"] = json!([]);
                cloned["createdPermissionSet"] = clone.clone();
                let assigned = granted(namespace, &text(&clone["arn"]), &keys);
                lane.record(namespace, "clone", &cloned);
                lane.record(namespace, "assign", &assigned);
                let undone: Vec<Value> = [("clone", &cloned), ("assign", &assigned)]
                    .map(|(name, spec)| {
                        let digest = record_digest(&serde_json::from_value(spec.clone()).unwrap());
                        json!({"name": name, "source": spec["source"], "digest": digest})
                    })
                    .to_vec();
                lane.record(namespace, "undone", &ledger(namespace, &clone, &undone));
                "undone".to_owned()
            }
        }
    }

    /// What is wrong with access after the undo, with the undo itself and with its ledger.
    pub fn judge(self, lane: &Lane, undo: &Value, ledger: &Value) -> Vec<String> {
        let access = lane.simulator.access();
        if self == Self::Removal {
            let as_before = access == lane.before;
            return if as_before { vec![] } else { vec!["access is not as it was".to_owned()] };
        }
        let mut wrong = Vec::new();
        let mut hold = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let instance = &access["instances"][0];
        let sets = instance["permissionSets"].as_array().unwrap();
        let created: Vec<&Value> = sets.iter().filter(|set| set["name"] == "Clone").collect();
        hold(sets.len() == 2 && created.len() == 1, format!("permission sets: {sets:?}"));
        let Some(created) = created.first() else { return wrong };
        let as_it_was = created["sessionDuration"] == "PT2H"
            && created["managedPolicies"] == json!([POLICY])
            && created["inlinePolicy"] == INLINE
            && created["tags"]["team"] == "a"
            && created["tags"][TAG] == undo["metadata"]["uid"];
        hold(as_it_was, format!("the content differs: {created}"));
        let rows = instance["assignments"].as_array().unwrap();
        let rows: Vec<&Value> = rows.iter().filter(|row| row["permissionSet"] == "Clone").collect();
        hold(rows.len() == 1, format!("assigned: {rows:?}"));
        for row in rows {
            hold(row["accounts"] == json!(accounts(1..=RESTORED)), format!("assigned: {row}"));
        }
        let old = &deleted_set(lane)["arn"];
        let says = |created_set: &Value| {
            created_set["arn"] == created["arn"] && created_set["replaces"] == *old
        };
        hold(
            says(&undo["status"]["createdPermissionSets"][0]),
            "the status names no new set".into(),
        );
        let listed = &ledger["spec"]["rollback"]["createdPermissionSets"];
        hold(says(&listed[0]) && listed[1].is_null(), format!("the ledger has {listed}"));
        wrong
    }
}

/// The permission set that is not there any more.
fn deleted_set(lane: &Lane) -> Value {
    let (base, _) = lane.identity.read.rsplit_once('/').unwrap();
    json!({
        "arn": format!("{base}/ps-{:016}", 77),
        "name": "Clone",
        "source": lane.identity.read,
        "content": {
            "description": "Read, and more", "sessionDuration": "PT2H",
            "managedPolicies": [POLICY], "inlinePolicy": INLINE, "tags": ["team=a"],
        },
    })
}

fn granted(id: &str, set: &str, keys: &[String]) -> Value {
    json!({
        "instance": INSTANCE,
        "type": "Assign",
        "occurredAt": "2026-01-05T10:00:00Z",
        "source": {"tool": "test", "id": id},
        "changes": [{
            "effect": "Granted",
            "principal": {"type": "USER", "id": ALICE},
            "permissionSet": set,
            "accounts": keys,
            "before": "Absent",
        }],
    })
}

/// What the operator wrote when it deleted the set.
fn ledger(namespace: &str, set: &Value, undone: &[Value]) -> Value {
    let mut deleted = set.clone();
    deleted.as_object_mut().unwrap().remove("source");
    let gone = |more: Value| {
        let mut keys = json!({
            "permissionSet": set["arn"], "before": "Present", "goal": "Absent", "outcome": "Verified",
        });
        keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        keys
    };
    let alice = json!({
        "principal": {"type": "USER", "id": ALICE}, "accounts": accounts(1..=RESTORED),
    });
    json!({
        "instance": INSTANCE,
        "type": "Rollback",
        "occurredAt": "2026-01-05T11:00:00Z",
        "source": {"tool": "rollback-operator", "id": format!("{namespace}-undone")},
        "rollback": {
            "by": {"namespace": namespace, "name": "first-undo", "uid": format!("{namespace}-first")},
            "attempt": 1,
            "outcome": "Succeeded",
            "undone": undone,
            "keys": [gone(alice), gone(json!({}))],
            "deletedPermissionSets": [deleted],
            "finishedAt": "2026-01-05T11:00:00Z",
        },
    })
}
