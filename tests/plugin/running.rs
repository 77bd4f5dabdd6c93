//! The verbs about a Rollback that runs, against the operator and the simulator.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::support::cluster::Cluster;
use super::support::place::{PATIENCE, Place, stands};
use super::support::seed::{account, accounts};
use super::support::{Finished, wait_for};

/// Runs the plugin in the namespace of a place.
fn plugin(place: &Place, arguments: &[&str]) -> Finished {
    let namespace = ["-n", &place.namespace];
    place.cluster.control_plane.plugin(&[arguments, &namespace].concat())
}

#[track_caller]
fn ended(place: &Place, arguments: &[&str], code: i32) -> String {
    let said = plugin(place, arguments);
    assert_eq!(said.code, Some(code), "{}{}", said.stdout, said.stderr);
    said.stdout + &said.stderr
}

/// Runs the plugin until it has said something, presses Ctrl-C, and gives all that it said.
#[track_caller]
fn interrupted(place: &Place, arguments: &[&str]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-rollback"))
        .args(arguments)
        .args(["-n", &place.namespace])
        .env("KUBECONFIG", place.cluster.control_plane.kubeconfig())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    lines.read_line(&mut said).unwrap();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    lines.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    said
}

/// An undo of so many assignments, of which some have been removed.
#[track_caller]
fn running(place: &Place, size: usize) {
    place.operation("assign", &accounts(1..=size));
    place.slow_down();
    ended(place, &["apply", "assign", "--name", "undo", "--wait=false"], 0);
    place.wait_phase("undo", "AwaitingApproval");
    ended(place, &["approve", "undo", "--yes"], 0);
    wait_for("8 assignments to be removed", PATIENCE, || {
        (place.effective().len() >= 8).then_some(())
    });
}

#[test]
fn an_undo_is_suspended_resumed_watched_and_put_back() {
    let place = Place::new(40);
    let before = place.simulator.access();
    running(&place, 40);
    let said = ended(&place, &["suspend", "undo"], 0);
    assert!(said.contains("rollback undo: suspended; "), "{said}");
    assert!(said.contains(&format!("kubectl rollback resume undo -n {}", place.namespace)));
    place.wait_condition("undo", "Ready", "False", "Suspended");
    assert!(ended(&place, &["suspend", "undo"], 0).contains("is suspended already"));
    let sent = place.writes();
    assert!(sent < 40, "it was over before it was suspended");
    let said = ended(&place, &["watch", "undo", "--timeout", "2s"], 124);
    assert!(said.contains("the Rollback goes on"), "{said}");
    assert!(place.writes() <= sent + 20, "what was written ahead was sent, and no more");
    assert_eq!(place.status("undo")["phase"], "Executing");
    let said = ended(&place, &["retry", "undo", "--yes"], 1);
    assert!(said.contains("it is not over: it is Executing"), "{said}");
    let said = interrupted(&place, &["watch", "undo"]);
    assert!(said.contains("Rollback undo goes on without this terminal."), "{said}");
    assert!(
        said.contains(&format!("kubectl rollback cancel undo -n {}", place.namespace)),
        "{said}"
    );
    assert_eq!(place.status("undo")["phase"], "Executing");

    let said = ended(&place, &["resume", "undo"], 0);
    assert!(said.contains("resumed; it goes on from Executing"), "{said}");
    let said = ended(&place, &["watch", "undo", "--timeout", "2m"], 0);
    assert!(said.contains(": Succeeded\n"), "{said}");
    assert_eq!(place.simulator.access(), before);
    for verb in ["suspend", "resume", "retry"] {
        let said = ended(&place, &[verb, "undo"], 1);
        assert!(said.contains("Succeeded ("), "{verb}: {said}");
    }

    // The redo gives back what the undo took, and that once.
    let said = ended(&place, &["redo", "undo", "--name", "back", "--yes", "--timeout", "2m"], 0);
    assert!(said.contains("Puts back what 1 ledger record says: undo-"), "{said}");
    assert_ne!(place.simulator.access(), before);
    assert!(place.effective().iter().all(|(_, times)| *times == 2));
    let said = ended(&place, &["redo", "undo"], 1);
    assert!(said.contains("was put back already"), "{said}");
    let said = ended(&place, &["redo", "assign"], 1);
    assert!(said.contains("not of an undo"), "{said}");
    assert!(ended(&place, &["redo", "nosuch"], 5).contains("no ledger record of it"));
}

#[test]
fn what_failed_is_tried_again_and_every_rollback_is_listed() {
    let place = Place::new(6);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=6));
    place.simulator.faults(&json!({"faults": [
        {"match": {"operations": ["DeleteAccountAssignment"], "accounts": [account(3)]}, "do": {"fail": {"like": "policyMissing"}}},
    ]}));
    let apply = ["apply", "assign", "--name", "undo", "--yes", "--timeout", "2m"];
    let said = ended(&place, &apply, 3);
    assert!(said.contains("Not supported policy"), "AWS's reason is shown: {said}");
    assert!(
        said.contains(&format!("kubectl rollback retry undo -n {}", place.namespace)),
        "{said}"
    );

    is_reported(&place);

    let waits = ended(&place, &["retry", "undo", "--wait=false", "-o", "json"], 0);
    assert!(waits.contains("\"attempt\": 2"), "{waits}");
    let said = ended(&place, &["retry", "undo"], 1);
    assert!(said.contains("not over") || said.contains("asked for already"), "{said}");
    place.simulator.faults(&json!({"faults": []}));
    place.wait_field("undo", ".status.attempt", "2");
    place.wait_phase("undo", "AwaitingApproval");
    // The plan was made while AWS still refused; what is approved is what it says.
    ended(&place, &["approve", "undo", "--yes"], 0);
    let watch = ["watch", "undo", "--timeout", "2m", "-o", "json"];
    let over: Value = serde_json::from_str(&plugin(&place, &watch).succeeded().stdout).unwrap();
    assert_eq!(over["status"]["phase"], "Succeeded");
    assert_eq!(place.simulator.access(), before);

    let listed = plugin(&place, &["status"]).succeeded().stdout;
    assert!(listed.starts_with("NAME "), "{listed}");
    assert!(listed.contains("Succeeded"), "{listed}");
    let all = place.cluster.control_plane.plugin(&["status", "-A", "-o", "csv"]).succeeded().stdout;
    let row = all.lines().find(|row| row.starts_with(&place.namespace)).unwrap();
    assert!(row.contains(",undo,assign,Assign,Succeeded,"), "{row}");
    let names = plugin(&place, &["status", "-o", "name"]).succeeded().stdout;
    assert_eq!(names, "rollback.identitycenter.dev/undo\n");
    let json = plugin(&place, &["status", "-o", "json"]).succeeded().stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["kind"], "List");
    let said = ended(&place, &["status", "undo", "-w", "-o", "name"], 0);
    assert_eq!(said, "rollback.identitycenter.dev/undo\n");
}

/// Of six keys one failed: the report says of each what AWS and the operator know.
#[track_caller]
fn is_reported(place: &Place) {
    let json = plugin(place, &["report", "undo", "-o", "json"]).succeeded().stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    let keys = report["keys"].as_array().unwrap();
    let of = |outcome: &str| keys.iter().filter(|key| key["outcome"] == outcome).count();
    assert_eq!((keys.len(), of("Done"), of("Failed")), (6, 5, 1), "{json}");
    for key in keys {
        let failed = key["outcome"] == "Failed";
        assert_eq!(key["item"]["account"] == account(3), failed, "{key}");
        assert_eq!(key["verifiedAt"].is_null(), failed, "{key}");
        assert_eq!(key["nextStep"].is_null(), !failed, "{key}");
        assert!(key["requestId"].is_string() && key["endedAt"].is_string(), "{key}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("evidence.html");
    let said = ended(place, &["report", "undo", "--file", file.to_str().unwrap()], 0);
    assert!(said.contains("Written to "), "{said}");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("Not supported policy") && page.contains("PartiallySucceeded"), "{page}");
    let nowhere = directory.path().join("nowhere/evidence.html");
    let said = ended(place, &["report", "undo", "--file", nowhere.to_str().unwrap()], 1);
    assert!(said.contains("name another file with --file"), "{said}");
    ended(place, &["report", "nosuch"], 5);
}

#[test]
fn a_rollback_without_an_operator_is_let_go_only_by_who_insists() {
    let cluster = Cluster::start();
    let place = Place::with(&cluster, 60, &json!({}));
    running(&place, 60);
    let said = ended(&place, &["release", "undo", "--yes"], 1);
    assert!(said.contains("nobody has deleted it; delete it first"), "{said}");

    // An operator that is alive ends it itself, however long AWS takes: here ten minutes.
    place.simulator.post("/_sim/settings", &json!({"latency": {"create": "10m", "delete": "10m"}}));
    wait_for("something to be at work that takes so long", PATIENCE, || {
        let status = place.status("undo");
        (status["inFlight"].as_array().is_some_and(|list| list.len() >= 8)).then_some(())
    });
    place.wait_simulated(Duration::from_mins(1));
    place.kubectl(&["delete", "rollback", "undo", "--wait=false"]);
    let said = ended(&place, &["release", "undo", "--yes"], 1);
    assert!(said.contains("renews the lease rollback-system/rollback-operator"), "{said}");
    assert!(said.contains("--force does it all the same"), "{said}");
    let said = ended(&place, &["release", "undo", "--yes", "--lease", "nowhere/nothing"], 1);
    assert!(said.contains("there is no lease nowhere/nothing"), "{said}");

    cluster.operator().kill9();
    let held = place.get(&["rollback", "undo"]);
    assert_eq!(held["metadata"]["finalizers"], json!(["identitycenter.dev/ledger"]));
    assert!(ended(&place, &["release", "undo"], 2).contains("no terminal to ask on"));
    let said = ended(&place, &["release", "undo", "--yes"], 0);
    assert!(said.contains("Letting go of rollback undo (Executing) leaves\n"), "{said}");
    assert!(said.contains("at work in AWS:\n"), "{said}");
    assert!(said.contains("gone without a ledger record"), "{said}");
    wait_for("the Rollback to be gone", Duration::from_secs(20), || {
        let found = place.kubectl(&["get", "rollbacks", "-o", "name"]);
        found.is_empty().then_some(())
    });
    assert!(ended(&place, &["release", "undo", "--yes"], 5).contains("\"undo\" not found"));

    // Nothing was redone, and another undo does the rest.
    let left = place.effective().len();
    assert!(left < 60, "{left} were removed before it was let go");
    place.simulator.post("/_sim/settings", &json!({"latency": {"create": "3s", "delete": "3s"}}));
    cluster.operator().start_again();
    let again = ["apply", "assign", "--name", "again", "--yes", "--timeout", "3m"];
    ended(&place, &again, 0);
    assert_eq!(stands(&place.status("again"), "Ready").0, "True");
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
    assert_eq!(place.effective().len(), 60);
}

#[test]
fn what_the_policy_refuses_is_to_be_accepted_by_name() {
    let place = Place::with(Cluster::shared(), 2, &json!({"policy": {"maxActions": 1}}));
    place.operation("assign", &accounts([1, 2]));
    let asked = ["apply", "assign", "--name", "undo", "--emergency", "--on-drift", "fail"];
    let asked = [&asked[..], &["--on-failure", "stop", "--ticket", "INC-7", "--wait=false"]];
    ended(&place, &asked.concat(), 0);
    let spec = place.get(&["rollback", "undo"])["spec"].clone();
    assert_eq!(
        json!([spec["priority"], spec["onDrift"], spec["onFailure"], spec["ticket"]]),
        json!(["Emergency", "Fail", "Stop", "INC-7"]),
    );
    place.wait_condition("undo", "Approved", "False", "RefusedByPolicy");
    let said = ended(&place, &["approve", "undo", "--yes"], 1);
    assert!(said.contains("give --accept TooManyActions/2"), "{said}");
    let said = ended(&place, &["approve", "undo", "--yes", "--accept", "TooManyActions/3"], 1);
    assert!(said.contains("give --accept TooManyActions/2"), "{said}");
    assert_eq!(place.writes(), 0);
    // Who may accept it is told by the admission policies, and these are not here.
    let said = ended(&place, &["approve", "undo", "--yes", "--accept", "TooManyActions/2"], 4);
    assert!(said.contains("what the policy refuses is accepted only by somebody"), "{said}");
    let approval = place.get(&["rollback", "undo"])["spec"]["approval"].clone();
    assert_eq!(approval["accept"], json!(["TooManyActions/2"]));
    assert_eq!(place.writes(), 0);
}
