//! A mixed history as `kubectl rollback plan` shows it: the text is that of docs/plans.md.

use std::process::Command;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::Place;
use super::seed::{ALICE, accounts};
use super::support::docs;

const BOB: &str = "00000000-0000-4000-8000-000000000002";
const CAROL: &str = "00000000-0000-4000-8000-000000000003";
const AUDITORS: &str = "00000000-0000-4000-8000-000000000005";
/// Deleted since, or never of this identity store.
const GONE: &str = "00000000-0000-4000-8000-000000000009";
const FROM: &str = "2026-01-05T10:00:00Z";
const TO: &str = "2026-01-05T11:00:00Z";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// The world after all that is recorded below.
fn place() -> Place<'static> {
    Place::in_world(Cluster::shared(), 8, &json!({}), |instance| {
        let users = instance["users"].as_array_mut().unwrap();
        users.push(json!({"userName": "carol", "id": CAROL}));
        instance["groups"] =
            json!([{"displayName": "Auditors", "id": AUDITORS, "members": ["alice"]}]);
        let read = instance["permissionSets"][0]["arn"].as_str().unwrap().to_owned();
        let arn = |number: usize| arn(&read, number);
        instance["permissionSets"] = json!([
            {"name": "Read", "arn": read, "managedPolicies": [READ_ONLY]},
            {"name": "Admin", "arn": arn(11), "managedPolicies": [ADMINISTRATOR], "sessionDuration": "PT4H"},
            {"name": "Admin-copy", "arn": arn(12), "managedPolicies": [ADMINISTRATOR]},
        ]);
        instance["assignments"] = json!([
            {"permissionSet": "Admin", "user": "carol", "accounts": accounts(1..=3)},
            {"permissionSet": "Read", "group": "Auditors", "accounts": accounts([1])},
            {"permissionSet": "Read", "user": "alice", "accounts": accounts(1..=3)},
            {"permissionSet": "Admin", "user": "bob", "accounts": accounts(2..=3)},
            {"permissionSet": "Read", "user": "carol", "accounts": accounts([5])},
            {"permissionSet": "Admin-copy", "user": "bob", "accounts": accounts([6])},
        ]);
    })
}

fn arn(read: &str, number: usize) -> String {
    format!("{}/ps-{number:016}", read.rsplit_once('/').unwrap().0)
}

struct History<'a> {
    place: &'a Place<'static>,
    minute: usize,
}

impl History<'_> {
    fn record(&mut self, name: &str, actor: &str, more: &Value) {
        let mut record = self.place.record(name, &[]);
        record["actor"] = json!(actor);
        record["occurredAt"] = json!(format!("2026-01-05T10:{:02}:00Z", self.minute));
        for (field, value) in more.as_object().unwrap() {
            record[field] = value.clone();
        }
        self.minute += 7;
        self.place.create("OperationRecord", name, &record);
    }

    fn change(&self, effect: &str, set: usize, user: &str, to: &[String], before: &str) -> Value {
        let read = &self.place.identity.read;
        json!({
            "effect": effect, "principal": {"type": "USER", "id": user},
            "permissionSet": if set == 0 { read.clone() } else { arn(read, set) },
            "accounts": to, "before": before,
        })
    }
}

#[test]
fn a_mixed_history_is_shown_as_the_document_says() {
    let place = place();
    let mut history = History { place: &place, minute: 0 };
    let (actor, other) = ("deploy-pipeline", "access-requests");
    let granted = history.change("Granted", 0, ALICE, &accounts(1..=3), "Absent");
    history.record("assign-read", actor, &json!({"changes": [granted]}));
    // Somebody asked for the same access, and has it.
    let again = history.change("Granted", 0, ALICE, &accounts([3]), "Present");
    history.record("request-4711", other, &json!({"changes": [again]}));
    let copied = history.change("Granted", 11, BOB, &accounts(2..=3), "Absent");
    history.record("copy-admin", actor, &json!({"type": "CopyAssignments", "changes": [copied]}));
    let revoked = [
        history.change("Revoked", 11, CAROL, &accounts([4]), "Present"),
        history.change("Revoked", 0, GONE, &accounts([4]), "Present"),
    ];
    history.record("revoke-admin", actor, &json!({"type": "Revoke", "changes": revoked}));
    let unknown = history.change("Granted", 0, CAROL, &accounts([5]), "Unknown");
    history.record("assign-unknown", actor, &json!({"changes": [unknown]}));
    // It was there before already, and is not there now: nobody recorded who took it.
    let no_change = history.change("Granted", 0, BOB, &accounts([7]), "Present");
    history.record("assign-twice", actor, &json!({"changes": [no_change]}));
    let clone = json!({
        "type": "ClonePermissionSet", "changes": [],
        "createdPermissionSet": {
            "arn": arn(&place.identity.read, 12), "name": "Admin-copy",
            "source": arn(&place.identity.read, 11),
            "content": {"managedPolicies": [ADMINISTRATOR]},
        },
    });
    history.record("clone-admin", actor, &clone);
    let let_in = history.change("Granted", 12, BOB, &accounts([6]), "Absent");
    history.record("assign-copy", actor, &json!({"changes": [let_in]}));

    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-rollback"))
        .args([
            "plan",
            "--actor",
            actor,
            "--from",
            FROM,
            "--to",
            TO,
            "--name",
            "undo-pipeline",
            "-n",
            &place.namespace,
        ])
        .env("KUBECONFIG", place.cluster.control_plane.kubeconfig())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.writes(), 0, "a plan writes nothing");
    docs::shows(
        "docs/plans.md",
        "mixed history",
        &format!("```text\n{}```\n", lasting(&place, &said)),
    );
}

/// Without what is different in each run: the namespace, the instance's id and so the digest.
fn lasting(place: &Place<'_>, said: &str) -> String {
    let number = place.identity.arn.rsplit_once("ssoins-").unwrap().1;
    let said = said.replace(&place.namespace, "access").replace(number, "0000000000000001");
    let begin = said.find("sha256:").unwrap() + "sha256:".len();
    format!("{}…{}", &said[..begin], &said[begin + 64..])
}
