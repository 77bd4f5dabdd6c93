//! The simulator as its users meet it: the binary, HTTP, and the world of the demo.
#![cfg(feature = "sim")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "simulator/client.rs"]
mod client;

use std::process::Stdio;
use std::time::Duration;

use client::{Client, Reply};
use rollback_operator::sim::http::{Options, Server};
use rollback_operator::sim::{FaultScript, Seed};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const WORLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/demo/world.yaml");
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const READ_ONLY: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const ADMIN: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-to2ykydoqhktcnp5";
const CLONE: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-xcjh8pp5npedwpcq";
const JOHN: &str = "0f791059-3b41-4313-86da-59fa2cf217a7";
const JANE: &str = "08574c02-bbc3-4aac-841f-0c24ea4bad1f";
const DEV_TEAM: &str = "c0fbd4e2-0f34-444d-91ff-3c7ff45c2709";

fn world() -> Seed {
    Seed::from_yaml(&std::fs::read_to_string(WORLD).unwrap()).unwrap()
}

async fn serve(faults: &str) -> (Server, Client) {
    let mut options = Options::new(world());
    options.time_scale = 50.0;
    options.faults = FaultScript::from_yaml(faults).unwrap();
    let server = Server::local(options).await.unwrap();
    let client = Client::new(server.address());
    (server, client)
}

fn assignment(account: &str, set: &str, kind: &str, principal: &str) -> Value {
    json!({
        "InstanceArn": INSTANCE,
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": set,
        "PrincipalType": kind,
        "PrincipalId": principal,
    })
}

/// The accounts of a principal's own assignments with one set.
async fn accounts(client: &Client, kind: &str, principal: &str, set: &str) -> Vec<String> {
    let body = json!({"InstanceArn": INSTANCE, "PrincipalType": kind, "PrincipalId": principal});
    let reply = client.sso("ListAccountAssignmentsForPrincipal", &body).await.unwrap();
    let rows = reply.json()["AccountAssignments"].as_array().unwrap().clone();
    let mut accounts: Vec<String> = rows
        .iter()
        .filter(|row| row["PrincipalId"] == principal && row["PermissionSetArn"] == set)
        .map(|row| row["AccountId"].as_str().unwrap().to_owned())
        .collect();
    accounts.sort();
    accounts
}

/// Deletes an assignment and waits until its status says that it ended well.
async fn delete(client: &Client, account: &str, set: &str, kind: &str, principal: &str) {
    let body = assignment(account, set, kind, principal);
    let reply = client.sso("DeleteAccountAssignment", &body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = reply.json()["AccountAssignmentDeletionStatus"]["RequestId"].clone();
    let asked = json!({"InstanceArn": INSTANCE, "AccountAssignmentDeletionRequestId": id});
    for _ in 0..200 {
        let reply = client.sso("DescribeAccountAssignmentDeletionStatus", &asked).await.unwrap();
        let status = reply.json()["AccountAssignmentDeletionStatus"]["Status"].clone();
        if status == "SUCCEEDED" {
            return;
        }
        assert_ne!(status, "FAILED", "{}", reply.body);
        pause(10).await;
    }
    panic!("the deletion does not end");
}

#[expect(clippy::disallowed_methods, reason = "waits for a server in another task")]
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test]
async fn the_world_of_the_demo_is_what_the_sample_records_left() {
    let (server, client) = serve("").await;
    let twelve = accounts(&client, "USER", JOHN, READ_ONLY).await;
    assert_eq!(twelve.len(), 12);
    let jane = accounts(&client, "USER", JANE, READ_ONLY).await;
    let copied: Vec<_> = jane.iter().filter(|account| *account != "687720138119").collect();
    assert_eq!(copied, twelve.iter().collect::<Vec<_>>(), "the copy, and one of her own");
    assert_eq!(
        accounts(&client, "GROUP", DEV_TEAM, ADMIN).await,
        ["156605693652", "533359063727", "687720138119", "995033281734"]
    );
    assert!(accounts(&client, "USER", JOHN, ADMIN).await.is_empty(), "given and taken again");
    let managed = |set: &str| json!({"InstanceArn": INSTANCE, "PermissionSetArn": set});
    let of = async |set| {
        client.sso("ListManagedPoliciesInPermissionSet", &managed(set)).await.unwrap().json()
    };
    assert_eq!(of(CLONE).await, of(READ_ONLY).await);
    server.stop().await;
}

#[tokio::test]
async fn undoing_the_sample_records_leaves_all_else_as_it_was() {
    let (server, client) = serve("").await;
    let mut expected: Value = client.get("/_sim/state?view=access&format=json").await.json();
    let instance = &mut expected["instances"][0];
    instance["permissionSets"].as_array_mut().unwrap().retain(|set| set["name"] != "ReadOnlyClone");
    let rows = instance["assignments"].as_array_mut().unwrap();
    rows.retain(|row| {
        row["group"] != "DevTeam"
            && !(row["user"] == "john.doe" && row["permissionSet"] == "ReadOnlyAccess")
    });
    for row in rows {
        if row["user"] == "jane.smith" {
            row["accounts"] = json!(["687720138119"]);
        }
    }
    for account in accounts(&client, "USER", JOHN, READ_ONLY).await {
        delete(&client, &account, READ_ONLY, "USER", JOHN).await;
        delete(&client, &account, READ_ONLY, "USER", JANE).await;
    }
    for account in accounts(&client, "GROUP", DEV_TEAM, ADMIN).await {
        delete(&client, &account, ADMIN, "GROUP", DEV_TEAM).await;
    }
    let clone = json!({"InstanceArn": INSTANCE, "PermissionSetArn": CLONE});
    assert_eq!(client.sso("DeletePermissionSet", &clone).await.unwrap().body, "{}");
    assert_eq!(client.get("/_sim/state?view=access&format=json").await.json(), expected);
    let counters = client.get("/_sim/counters").await.json();
    let effective = counters["effective"].as_object().unwrap();
    assert_eq!(effective.len(), 29);
    assert!(effective.values().all(|count| count == 1));
    server.stop().await;
}

#[tokio::test]
async fn the_wire_is_that_of_the_json_protocol() {
    let (server, client) = serve("").await;
    let reply = client.sso("ListInstances", &json!({})).await.unwrap();
    assert_eq!(reply.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(reply.header("x-amzn-requestid").unwrap().len(), 36);
    assert!(reply.json()["Instances"][0]["CreatedDate"].is_f64());
    let bad = client.sso("DescribeInstance", &json!({"InstanceArn": "x"})).await.unwrap();
    assert_eq!((bad.status, bad.header("x-amzn-errortype")), (400, Some("ValidationException")));
    assert_eq!(bad.json()["__type"], "ValidationException");
    assert!(bad.json()["message"].is_string());
    let garbage = client.post("/", "SWBExternalService.ListInstances", "{").await.unwrap();
    assert_eq!(
        (garbage.status, garbage.json()["__type"].clone()),
        (400, json!("SerializationException"))
    );
    assert_eq!(client.get("/elsewhere").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_lost_reply_closes_the_connection_after_the_effect() {
    let (server, client) = serve(
        "faults: [{match: {operations: [DeleteAccountAssignment]}, count: 1, do: {loseReply: true}}]",
    )
    .await;
    let body = assignment("061836611202", READ_ONLY, "USER", JOHN);
    assert!(client.sso("DeleteAccountAssignment", &body).await.is_none(), "not a byte");
    pause(200).await;
    assert_eq!(accounts(&client, "USER", JOHN, READ_ONLY).await.len(), 11);
    let log = client.get("/_sim/log?last=2").await.json();
    assert_eq!((&log[0]["outcome"], &log[0]["replyLost"]), (&json!("ok"), &json!(true)));
    server.stop().await;
}

#[tokio::test]
async fn the_admin_endpoints_change_what_they_say_and_refuse_what_they_do_not_know() {
    let (server, client) = serve("").await;
    let before = client.get("/_sim/state").await.body;
    let send = async |path, body| {
        let reply: Reply = client.post(path, "", body).await.unwrap();
        (reply.status, reply.body)
    };
    let change = "grant: [{permissionSet: Billing, user: john.doe, accounts: [acct-3]}]";
    assert_eq!(
        send("/_sim/changes", change).await,
        (200, r#"{"changedAssignments":1}"#.to_owned())
    );
    assert_ne!(client.get("/_sim/state").await.body, before);
    assert_eq!(send("/_sim/reset", "").await.0, 204);
    assert_eq!(client.get("/_sim/state").await.body, before);

    let faults = "faults: [{do: {error: {code: InternalServerException}}}]";
    assert_eq!(send("/_sim/faults", faults).await.0, 204);
    assert_eq!(client.sso("ListInstances", &json!({})).await.unwrap().status, 500);
    assert!(client.get("/_sim/faults").await.body.contains("InternalServerException"));
    let (status, problem) = send("/_sim/faults", "faults: [{do: {explode: true}}]").await;
    assert!(status == 400 && problem.contains("explode"), "{problem}");
    assert_eq!(client.sso("ListInstances", &json!({})).await.unwrap().status, 500, "still there");
    assert_eq!(send("/_sim/faults", "").await.0, 204);
    assert_eq!(client.sso("ListInstances", &json!({})).await.unwrap().status, 200);

    assert_eq!(send("/_sim/settings", "latency: {delete: 9s}").await.0, 204);
    assert!(client.get("/_sim/settings").await.body.contains("delete: 9s"));
    assert_eq!(send("/_sim/seed", "organization: 3").await.0, 400);
    assert_eq!(send("/_sim/seed", &before).await.0, 204);
    assert_eq!(client.get("/_sim/state").await.body, before);
    let health = client.get("/_sim/health").await.json();
    assert_eq!((&health["status"], &health["timeScale"]), (&json!("ok"), &json!(50.0)));
    server.stop().await;
}

struct Running {
    child: Child,
    client: Client,
}

/// Starts the binary and reads its address from its one line.
async fn start(arguments: &[&str]) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_idc-sim"))
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let address = line.strip_prefix("idc-sim listens on http://").unwrap().parse().unwrap();
    Running { child, client: Client::new(address) }
}

#[tokio::test]
async fn the_binary_serves_until_it_is_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let port_file = dir.path().join("port");
    let mut running = start(&[
        "--seed",
        WORLD,
        "--time-scale",
        "20",
        "--time-origin",
        "2026-01-01T00:00:00Z",
        "--port-file",
        port_file.to_str().unwrap(),
    ])
    .await;
    let port = std::fs::read_to_string(&port_file).unwrap();
    assert_eq!(port.trim(), running.client.address().port().to_string());
    let health = running.client.get("/_sim/health").await.json();
    assert_eq!(health["timeOrigin"], "2026-01-01T00:00:00Z");
    let id = running.child.id().unwrap();
    let sent = Command::new("kill").arg(id.to_string()).status().await.unwrap();
    assert!(sent.success());
    let status = running.child.wait().await.unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn the_binary_says_what_is_wrong_with_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let seed = dir.path().join("seed.yaml");
    std::fs::write(&seed, "organization: {id: o-1, managementAccount: \"1\"}\n").unwrap();
    for (arguments, expected) in [
        (vec!["--seed", "/nowhere/seed.yaml"], "/nowhere/seed.yaml"),
        (vec!["--seed", seed.to_str().unwrap()], "AWS account id"),
        (vec!["--seed", WORLD, "--time-scale", "0"], "--time-scale 0"),
        (vec!["--seed", WORLD, "--faults", WORLD], "organization"),
    ] {
        let command = Command::new(env!("CARGO_BIN_EXE_idc-sim")).args(&arguments).output();
        let output = command.await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(expected), "{text}");
    }
}
