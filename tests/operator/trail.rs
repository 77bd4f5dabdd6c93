//! What `CloudTrail` says about real calls is imported and undone.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::place::{Place, text};
use super::seed::{ALICE, accounts};

const LOOKUP: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

/// One assignment of alice, as a call that somebody makes.
fn call(place: &Place<'_>, operation: &str, account: &str) {
    let input = json!({
        "InstanceArn": place.identity.arn, "PermissionSetArn": place.identity.read,
        "TargetType": "AWS_ACCOUNT", "TargetId": account,
        "PrincipalType": "USER", "PrincipalId": ALICE,
    });
    place.simulator.call(operation, &input);
    place.wait_simulated(Duration::from_secs(5));
}

/// Imports what the trail shows now; gives the exit code and what was said.
fn import(place: &Place<'_>) -> (Option<i32>, String) {
    let answer = place.simulator.ask(LOOKUP, &json!({}));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.json");
    std::fs::write(&file, answer.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-rollback"))
        .args(["import", "cloudtrail", file.to_str().unwrap(), "-n", &place.namespace])
        .args(["--instance", &place.instance])
        .env("KUBECONFIG", place.cluster.control_plane.kubeconfig())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_the_trail_says_about_real_calls_is_undone() {
    let place = Place::new(3);
    place.simulator.post("/_sim/settings", &json!({"latency": {"trail": "0s"}}));
    let before = place.simulator.access();
    let accounts = accounts(1..=2);
    for account in &accounts {
        call(&place, "CreateAccountAssignment", account);
    }
    assert_ne!(place.simulator.access(), before);
    let (code, said) = import(&place);
    assert!(said.contains("2 imported, 0 unchanged"), "{said}");
    assert_eq!(code, Some(0), "{said}");
    let records = place.get(&["operationrecords"]);
    let records = records["items"].as_array().unwrap();
    let names: Vec<String> = records.iter().map(|it| text(&it["metadata"]["name"])).collect();
    assert_eq!(records[0]["spec"]["changes"][0]["before"], "Unknown");

    place.create("Rollback", "undo", &json!({"operations": {"names": names}}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.status("undo")["plan"]["grade"], "Assumed");
    assert_eq!(place.simulator.access(), before);

    // The trail shows the undo as well, which is no operation of its own.
    let (code, said) = import(&place);
    assert!(said.contains("2 calls of the operator itself"), "{said}");
    assert!(said.contains("0 imported, 2 unchanged"), "{said}");
    assert_eq!(code, Some(0), "{said}");
    let events: Value = place.simulator.ask(LOOKUP, &json!({}));
    assert_eq!(events["Events"].as_array().unwrap().len(), 4);
}
