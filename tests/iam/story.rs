//! What an operator with some permissions is asked to do: undo an operation that created a permission
//! set and let people in through it, undo that undo, and plan for people who are gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::{Place, condition, text};
use super::policy::Policy;
use super::seed::{ALICE, account, accounts};
use super::support::{Simulator, SimulatorOptions, wait_for};

const TEAM: &str = "00000000-0000-4000-8000-000000000007";
const GONE: [&str; 2] =
    ["00000000-0000-4000-8000-00000000dead", "00000000-0000-4000-8000-00000000beef"];
/// The access key that the operator is started with.
const OPERATOR: &str = "AKIDSIMULATOR";
const ACCOUNTS: usize = 6;

/// Every action that the simulator knows, as IAM writes it.
pub fn every_action() -> BTreeSet<String> {
    let world = super::seed::Identity::new(0).world(1);
    let simulator = Simulator::start(&world.to_string(), &SimulatorOptions::default());
    let operations = simulator.operations();
    let prefix = |target: &str| match target {
        "SWBExternalService" => "sso",
        "AWSIdentityStore" => "identitystore",
        "AWSOrganizationsV20161128" => "organizations",
        _ => "cloudtrail",
    };
    let services = operations.as_object().unwrap().iter();
    services
        .flat_map(|(target, names)| {
            let names = names.as_array().unwrap().iter();
            names.map(move |name| format!("{}:{}", prefix(target), text(name)))
        })
        .collect()
}

/// How far the operator came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    NotReady,
    NoPlan,
    UndoFails,
    RedoFails,
    Done,
}

impl Outcome {
    /// As the README says it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotReady => "the instance is not ready",
            Self::NoPlan => "no plan is made",
            Self::UndoFails => "the undo fails",
            Self::RedoFails => "the redo fails",
            Self::Done => "done all the same",
        }
    }
}

/// A place where an operator may do some things.
pub struct Story {
    pub place: Place<'static>,
    set: String,
}

impl Story {
    /// One where the operator may do what the policy allows, but for one action.
    #[track_caller]
    pub fn under(policy: &Policy, without: Option<&str>, every: &BTreeSet<String>) -> Self {
        let denied: Vec<&String> = every
            .iter()
            .filter(|action| !policy.says("Allow", action) || Some(action.as_str()) == without)
            .collect();
        let mut set = String::new();
        let change = |world: &mut Value| {
            let management = world["organization"]["managementAccount"].clone();
            world["callers"] =
                json!([{"accessKeyId": OPERATOR, "account": management, "denied": denied}]);
            for account in world["accounts"].as_array_mut().unwrap() {
                account["customerManagedPolicies"] = json!([{"name": "Guard", "path": "/"}]);
            }
            set = write_set(&mut world["instances"][0]);
        };
        let place = Place::unready(Cluster::shared(), ACCOUNTS, &json!({}), change);
        Self { place, set }
    }

    /// Waits until the operator reaches the instance, or says that it may not.
    #[track_caller]
    pub fn is_ready(&self) -> bool {
        decided("the instance", || {
            let instance = self.place.get(&["identitycenterinstance", &self.place.instance]);
            let ready = condition(&instance["status"], "Ready")?;
            match (ready["status"].as_str(), ready["reason"].as_str()) {
                (Some("True"), _) => Some(true),
                (_, Some("AccessDenied")) => Some(false),
                _ => None,
            }
        })
    }

    /// Undoes, undoes the undo, and plans for who is gone. AWS fails, loses a reply and leaves things
    /// open meanwhile, so that everything is asked that is ever asked.
    #[track_caller]
    pub fn play(&self) -> Outcome {
        if !self.is_ready() {
            return Outcome::NotReady;
        }
        let place = &self.place;
        self.record();
        let once = |operation: &str, does: Value| json!({"match": {"operations": [operation]}, "count": 1, "do": does});
        let failed = json!({"fail": {"like": "internalError"}});
        place.simulator.faults(&json!({"faults": [
            once("DeleteAccountAssignment", failed.clone()),
            once("CreateAccountAssignment", failed),
            once("CreatePermissionSet", json!({"loseReply": true})),
        ]}));
        place.rollback("gone", "gone", &json!({"mode": "PlanOnly"}));
        if !self.reaches("gone", "Planned") {
            return Outcome::NoPlan;
        }
        let undo = json!({"operations": {"names": ["clone", "assign"]}});
        place.create("Rollback", "undo", &undo);
        match self.approved("undo") {
            Outcome::Done => {}
            other => return other,
        }
        let ledger = text(&place.status("undo")["ledger"]);
        place.create("Rollback", "redo", &json!({"operations": {"names": [ledger]}}));
        match self.approved("redo") {
            Outcome::UndoFails => Outcome::RedoFails,
            other => other,
        }
    }

    /// Approves a Rollback and follows it to its end.
    #[track_caller]
    pub fn approved(&self, rollback: &str) -> Outcome {
        if !self.reaches(rollback, "AwaitingApproval") {
            return Outcome::NoPlan;
        }
        self.place.approve(rollback);
        if self.reaches(rollback, "Succeeded") { Outcome::Done } else { Outcome::UndoFails }
    }

    /// Whether a Rollback reaches a phase; false once it ended otherwise, or says that it waits for
    /// a permission.
    #[track_caller]
    fn reaches(&self, rollback: &str, phase: &str) -> bool {
        let over = ["PartiallySucceeded", "Failed", "Cancelled"];
        decided(rollback, || {
            let status = self.place.status(rollback);
            let found = status["phase"].as_str()?;
            let ready = condition(&status, "Ready");
            let denied = ready.is_some_and(|ready| ready["reason"] == "AccessDenied");
            if found == phase {
                Some(true)
            } else {
                (denied || over.contains(&found)).then_some(false)
            }
        })
    }

    /// The operations that were denied, and how often.
    pub fn denied(&self) -> Vec<String> {
        let counters = self.place.simulator.counters();
        let calls = counters["calls"].as_object().unwrap().iter();
        calls
            .filter(|(_, calls)| calls["errors"]["AccessDeniedException"].as_u64() > Some(0))
            .map(|(operation, _)| operation.clone())
            .collect()
    }

    fn record(&self) {
        let place = &self.place;
        let mut clone = place.record("clone", &accounts([1]));
        clone["type"] = json!("ClonePermissionSet");
        clone["changes"] = json!([]);
        clone["createdPermissionSet"] = json!({
            "arn": self.set, "name": "Clone", "source": place.identity.read,
            "content": {
                "description": "Read, and more", "sessionDuration": "PT2H",
                "managedPolicies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
                "customerManagedPolicies": ["/Guard"],
                "inlinePolicy": INLINE, "tags": ["team=a"],
                "permissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
            },
        });
        place.create("OperationRecord", "clone", &clone);
        let mut assign = place.record("assign", &accounts(1..=ACCOUNTS));
        assign["changes"][0]["permissionSet"] = json!(self.set);
        let group = json!({
            "effect": "Granted", "principal": {"type": "GROUP", "id": TEAM},
            "permissionSet": self.set, "accounts": [account(1)], "before": "Absent",
        });
        assign["changes"].as_array_mut().unwrap().push(group);
        place.create("OperationRecord", "assign", &assign);
        let mut gone = place.record("gone", &accounts([2]));
        let principals = [("USER", GONE[0], "alice"), ("GROUP", GONE[1], "Team")];
        let changes = principals.map(|(kind, id, name)| {
            let principal = json!({"type": kind, "id": id, "name": name});
            json!({
                "effect": "Granted", "principal": principal, "permissionSet": place.identity.read,
                "accounts": [account(2)], "before": "Absent",
            })
        });
        gone["changes"] = json!(changes);
        place.create("OperationRecord", "gone", &gone);
    }
}

#[track_caller]
fn decided(what: &str, look: impl FnMut() -> Option<bool>) -> bool {
    wait_for(&format!("{what} to come to something"), super::place::PATIENCE, look)
}

const INLINE: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// Writes a set with everything that a set can have, and who has access through it.
fn write_set(instance: &mut Value) -> String {
    let read = text(&instance["permissionSets"][0]["arn"]);
    let set = format!("{}/ps-{:016}", read.rsplit_once('/').unwrap().0, 77);
    instance["permissionSets"].as_array_mut().unwrap().push(json!({
        "name": "Clone", "arn": set, "description": "Read, and more", "sessionDuration": "PT2H",
        "managedPolicies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "customerManagedPolicies": [{"name": "Guard", "path": "/"}],
        "inlinePolicy": INLINE, "tags": {"team": "a"},
        "permissionsBoundary": {"managedPolicyArn": "arn:aws:iam::aws:policy/PowerUserAccess"},
    }));
    instance["groups"] = json!([{"displayName": "Team", "id": TEAM, "members": ["bob"]}]);
    instance["assignments"].as_array_mut().unwrap().extend([
        json!({"permissionSet": "Clone", "user": "alice", "accounts": accounts(1..=ACCOUNTS)}),
        json!({"permissionSet": "Clone", "group": "Team", "accounts": accounts([1])}),
        json!({"permissionSet": "Read", "user": GONE[0], "accounts": accounts([2])}),
        json!({"permissionSet": "Read", "group": GONE[1], "accounts": accounts([2])}),
    ]);
    assert_eq!(instance["users"][0]["id"], ALICE);
    set
}
