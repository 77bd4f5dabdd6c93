//! What kstatus and Argo CD's Lua say about objects that were recorded while Rollbacks ran.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::{Command, Stdio};

use rollback_operator::api::Phase;
use serde_json::{Deserializer, Value, json};

use super::flux::Flux;
use super::place::{PATIENCE, Place, condition};
use super::seed::{account, accounts};
use super::support::{checkout, docs, guard, wait_for};
use super::tools::judge;

const FOLDER: &str = "gitops/argocd/identitycenter.dev";

fn script(path: &str) -> String {
    std::fs::read_to_string(checkout().join(FOLDER).join(path)).unwrap()
}

/// Every state of every Rollback of a namespace, while the story is told.
#[track_caller]
fn recorded(place: &Place<'_>, story: impl FnOnce()) -> Vec<Value> {
    let log = guard::directory("watch").join("rollbacks.json");
    let kubeconfig = place.cluster.control_plane.kubeconfig();
    let mut command = Command::new(place.cluster.control_plane.kubectl_program());
    command
        .args(["--namespace", &place.namespace, "get", "rollbacks", "--watch", "--output=json"])
        .env("KUBECONFIG", kubeconfig)
        .stdin(Stdio::null())
        .stdout(File::create(&log).unwrap());
    let mut watch = command.spawn().unwrap();
    guard::process(watch.id());
    story();
    let read = || -> Vec<Value> {
        let text = std::fs::read_to_string(&log).unwrap();
        // The last one may be half written.
        Deserializer::from_str(&text).into_iter().map_while(Result::ok).collect()
    };
    // It is over when what was created last is seen.
    place.create("Rollback", "last", &json!({"operations": {"names": ["assign"]}, "cancel": true}));
    place.wait_phase("last", "Cancelled");
    let seen = wait_for("the watch to see the last one", PATIENCE, || {
        let seen = read();
        let last =
            |it: &Value| it["metadata"]["name"] == "last" && it["status"]["phase"] == "Cancelled";
        seen.iter().any(last).then_some(seen)
    });
    watch.kill().unwrap();
    watch.wait().unwrap();
    guard::done(watch.id());
    seen
}

/// Brings Rollbacks into every phase.
fn every_phase(place: &Place<'_>) {
    let undo = |name: &str, record: &str, more: Value| place.rollback(name, record, &more);
    // Pending: the record is not there yet. It is rejected later.
    undo("pending", "later", json!({}));
    place.wait_phase("pending", "Pending");
    place.operation("later", &accounts([9]));
    place.wait_phase("pending", "AwaitingApproval");
    place.patch("pending", &json!({"approval": {"reject": true}}));
    place.wait_phase("pending", "Rejected");
    // Planned, then all the way: planned, approved, executed, verified.
    place.operation("assign", &accounts(1..=3));
    undo("undo", "assign", json!({"mode": "PlanOnly", "verification": {"settle": "30s"}}));
    place.wait_phase("undo", "Planned");
    place.patch("undo", &json!({"mode": "Apply"}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    undo("again", "assign", json!({}));
    place.wait_phase("again", "AlreadyRolledBack");
    // One of two keys, and then the only one, is refused.
    let refuse = |number| {
        json!({"faults": [{
            "match": {"operations": ["DeleteAccountAssignment"], "accounts": [account(number)]},
            "do": {"fail": {"like": "policyMissing"}},
        }]})
    };
    for (name, keys, phase) in
        [("partly", vec![4, 5], "PartiallySucceeded"), ("not", vec![6], "Failed")]
    {
        place.simulator.faults(&refuse(keys[0]));
        place.operation(name, &accounts(keys));
        undo(name, name, json!({}));
        place.approve(name);
        place.wait_phase(name, phase);
    }
    place.simulator.faults(&json!({"faults": []}));
    // Suspended, resumed, and deleted while it runs.
    place.operation("gone", &accounts([7]));
    undo("gone", "gone", json!({"suspend": true}));
    place.approve("gone");
    place.wait_condition("gone", "Ready", "False", "Suspended");
    place.slow_down();
    place.patch("gone", &json!({"suspend": false}));
    place.wait_phase("gone", "Executing");
    place.kubectl(&["delete", "rollback", "gone"]);
}

/// What is to be said about a phase: by kstatus, by Argo CD; and what its actions offer.
fn expected(phase: Phase) -> [&'static str; 3] {
    match phase {
        Phase::Pending | Phase::Planning | Phase::Executing | Phase::Verifying => {
            ["InProgress", "Progressing", "cancel, suspend"]
        }
        Phase::AwaitingApproval => ["InProgress", "Suspended", "cancel, suspend"],
        Phase::Planned => ["Current", "Healthy", "cancel, suspend"],
        Phase::Succeeded | Phase::AlreadyRolledBack => ["Current", "Healthy", ""],
        Phase::PartiallySucceeded | Phase::Failed => ["Failed", "Degraded", "retry"],
        Phase::Cancelled | Phase::Rejected => ["Failed", "Degraded", ""],
    }
}

/// The same about one object, and under which name it counts as seen.
fn expected_of(object: &Value) -> (String, [&'static str; 3]) {
    let status = &object["status"];
    let phase: Phase = serde_json::from_value(status["phase"].clone()).unwrap_or_default();
    let [kstatus, argo, actions] = expected(phase);
    let suspended = object["spec"]["suspend"] == true;
    let actions =
        if suspended && actions == "cancel, suspend" { "cancel, resume" } else { actions };
    if status["observedGeneration"] != object["metadata"]["generation"] {
        return ("not seen".to_owned(), ["InProgress", "Progressing", actions]);
    }
    let approved = condition(status, "Approved").is_some_and(|it| it["status"] == "True");
    let argo = match argo {
        "Progressing" if suspended => "Suspended",
        "Suspended" if approved && !suspended => "Progressing",
        usual => usual,
    };
    (phase.to_string(), [kstatus, argo, actions])
}

#[test]
fn every_phase_is_understood() {
    let place = Place::with(&Flux::shared().cluster, 9, &json!({}));
    let all = recorded(&place, || every_phase(&place));
    let health = judge(&all, &script("Rollback/health.lua"));
    let actions = judge(&all, &script("Rollback/actions/discovery.lua"));

    let mut seen = BTreeSet::new();
    for ((object, health), actions) in all.iter().zip(&health).zip(&actions) {
        if !object["metadata"]["deletionTimestamp"].is_null() {
            // Argo CD asks no script about what is being deleted.
            assert_eq!(health.kstatus, "Terminating", "{object}");
            seen.insert("being deleted".to_owned());
            continue;
        }
        let (name, expected) = expected_of(object);
        let offered = actions.lua.as_object().unwrap().iter();
        let offered = offered.filter(|(_, action)| action["disabled"] != true);
        let offered: BTreeSet<&str> = offered.map(|(name, _)| name.as_str()).collect();
        let offered = Vec::from_iter(offered).join(", ");
        let argo = health.lua["status"].as_str().unwrap();
        // Whoever asks for the end of it has nothing more to steer.
        if object["spec"]["cancel"] != true {
            assert_eq!([&health.kstatus, argo, &offered], expected, "{object}");
        }
        assert_eq!([&health.kstatus, argo], expected[..2], "{object}");
        assert_ne!(health.lua["message"], "", "{object}");
        seen.insert(name);
    }
    for name in Phase::ALL.map(Phase::as_str).iter().chain(&["being deleted", "not seen"]) {
        assert!(seen.contains(*name), "{name} was not recorded: {seen:?}");
    }
    let rows = Phase::ALL.map(|phase| {
        let [kstatus, argo, actions] = expected(phase);
        format!("| `{phase}` | {kstatus} | {argo} | {actions} |\n")
    });
    let head = "| phase | kstatus | Argo CD | its actions |\n|---|---|---|---|\n";
    docs::shows("docs/gitops.md", "phases", &(head.to_owned() + &rows.concat()));
}

#[test]
fn an_action_of_argo_cd_does_what_it_says() {
    let place = Place::with(&Flux::shared().cluster, 4, &json!({}));
    place.operation("assign", &accounts(1..=2));
    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    let act = |action: &str| {
        let before = place.get(&["rollback", "undo"]);
        let after = judge([&before], &script(&format!("Rollback/actions/{action}/action.lua")));
        let (before, after) = (before["spec"].as_object().unwrap(), &after[0].lua["spec"]);
        // Argo CD sends what the script changed as a merge patch.
        let changed = after.as_object().unwrap().iter().filter(|(field, value)| {
            let same = before.get(*field).is_some_and(|old| {
                old == *value || old.as_f64().is_some() && old.as_f64() == value.as_f64()
            });
            let both_objects =
                value.is_object() && before.get(*field).is_some_and(Value::is_object);
            !same && !both_objects
        });
        let changed: Value = changed
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        place.patch("undo", &changed);
        changed
    };
    assert_eq!(act("suspend"), json!({"suspend": true}));
    assert_eq!(act("resume"), json!({"suspend": false}));
    assert_eq!(act("cancel"), json!({"cancel": true}));
    place.wait_phase("undo", "Cancelled");
    assert_eq!(act("retry"), json!({"attempt": 2}));
    assert_eq!(place.get(&["rollback", "undo"])["spec"]["attempt"], 2);
}

#[test]
fn an_instance_is_healthy_when_it_can_be_used() {
    let place = Place::with(&Flux::shared().cluster, 1, &json!({}));
    let health = script("IdentityCenterInstance/health.lua");
    let ask = |instance: &str| {
        let object = place.get(&["identitycenterinstance", instance]);
        let judged = judge([&object], &health).remove(0);
        (judged.kstatus, judged.lua["status"].as_str().unwrap().to_owned())
    };
    let is = |kstatus: &str, argo: &str| (kstatus.to_owned(), argo.to_owned());
    assert_eq!(ask(&place.instance), is("Current", "Healthy"));
    // Nobody answers there.
    let spec = json!({
        "instanceArn": "arn:aws:sso:::instance/ssoins-00000000deadbeef", "region": "us-east-1",
        "endpoint": "http://127.0.0.1:9", "allowedNamespaces": [],
    });
    let away = format!("{}-away", place.namespace);
    place.create("IdentityCenterInstance", &away, &spec);
    let said = wait_for("the instance to be looked at", PATIENCE, || {
        let object = place.get(&["identitycenterinstance", &away]);
        (object["status"]["observedGeneration"] == 1).then(|| ask(&away))
    });
    assert_eq!(said, is("InProgress", "Progressing"));
    // Two instances with one ARN: both are stuck until one goes.
    let twin = format!("{}-twin", place.namespace);
    place.create("IdentityCenterInstance", &twin, &spec);
    wait_for("both to be stuck", PATIENCE, || {
        [&away, &twin].iter().all(|name| ask(name) == is("Failed", "Degraded")).then_some(())
    });
    place.kubectl(&["delete", "identitycenterinstance", &away, &twin]);
}
