//! The plugin against a real API server: importing, finding, approving.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::{ControlPlane, checkout};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const NAMES: [&str; 6] = [
    "clone-64006897",
    "copy-39156504",
    "revoke-5b006792",
    "assign-1c0be399",
    "assign-e6e133b0",
    "assign-2abdc948",
];

/// What the plugin said.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    fn by(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn done(self) -> String {
        self.ended(0)
    }

    #[track_caller]
    fn ended(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self.stdout + &self.stderr
    }
}

/// A namespace of the shared control plane, for one test.
struct Place {
    control_plane: &'static ControlPlane,
    namespace: String,
}

impl Place {
    fn new() -> Self {
        let control_plane = ControlPlane::shared();
        Self { control_plane, namespace: control_plane.namespace() }
    }

    fn plugin(&self, arguments: &[&str]) -> Said {
        self.plugin_as(self.control_plane.kubeconfig(), arguments)
    }

    fn plugin_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Said {
        Said::by(self.command(kubeconfig, arguments).output().unwrap())
    }

    /// The same with a reader of its output who has gone away.
    fn unread(&self, arguments: &[&str]) -> Said {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = self.command(self.control_plane.kubeconfig(), arguments);
        Said::by(command.stdout(writer).output().unwrap())
    }

    fn command(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-rollback"));
        command
            .args(arguments)
            .args(["-n", &self.namespace])
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null());
        command
    }

    fn import(&self, directory: &Path) -> Said {
        let directory = directory.to_str().unwrap();
        let known = ["--instance", "main", "--instance-arn", INSTANCE];
        self.plugin(&[&["import", "awsideman", directory], known.as_slice()].concat())
    }

    #[track_caller]
    fn kubectl(&self, arguments: &[&str]) -> String {
        let namespace = ["--namespace", &self.namespace];
        self.control_plane.kubectl(&[&namespace, arguments].concat()).succeeded().stdout
    }

    #[track_caller]
    fn create(&self, object: &Value) {
        let arguments = ["--namespace", &self.namespace, "create", "-f", "-"];
        let kubeconfig = self.control_plane.kubeconfig();
        self.control_plane.kubectl_as(kubeconfig, &arguments, &object.to_string()).succeeded();
    }

    fn patch_status(&self, rollback: &str, status: &Value) {
        let patch = ["patch", "rollback", rollback, "--subresource=status", "--type=merge", "-p"];
        self.kubectl(&[patch.as_slice(), &[&status.to_string()]].concat());
    }

    fn get(&self, kind: &str, name: &str) -> Value {
        self.control_plane.get(&["--namespace", &self.namespace, kind, name])
    }
}

fn samples() -> PathBuf {
    checkout().join("tests/fixtures/awsideman")
}

/// A store with one operation of the samples, changed.
fn store(change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    let mut operation = serde_json::from_slice::<Value>(&text).unwrap()["operations"][0].take();
    change(&mut operation);
    let directory = tempfile::tempdir().unwrap();
    let text = json!({ "operations": [operation] }).to_string();
    std::fs::write(directory.path().join("operations.json"), text).unwrap();
    directory
}

#[test]
fn importing_twice_changes_nothing() {
    let place = Place::new();
    let first = place.import(&samples()).done();
    assert!(first.contains("operationrecord.identitycenter.dev/copy-39156504 created"), "{first}");
    assert!(first.contains("6 imported, 0 unchanged, 2 repaired"), "{first}");
    let before = place.kubectl(&["get", "oprec", "-o", "yaml"]);
    let second = place.import(&samples()).done();
    assert!(second.contains("0 imported, 6 unchanged"), "{second}");
    assert_eq!(place.kubectl(&["get", "oprec", "-o", "yaml"]), before);

    // What is printed is what was applied.
    let directory = samples();
    let printed = place.plugin(&[
        "import",
        "awsideman",
        directory.to_str().unwrap(),
        "--dry-run",
        "-o",
        "json",
        "--instance",
        "main",
        "--instance-arn",
        INSTANCE,
    ]);
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    for object in printed["items"].as_array().unwrap() {
        let found = place.get("oprec", object["metadata"]["name"].as_str().unwrap());
        assert_eq!(found["spec"], object["spec"]);
        assert_eq!(found["metadata"]["annotations"], object["metadata"]["annotations"]);
    }
}

#[test]
fn everything_is_imported_though_nobody_reads_the_output() {
    let place = Place::new();
    let directory = samples();
    let known = ["--instance", "main", "--instance-arn", INSTANCE];
    let import = ["import", "awsideman", directory.to_str().unwrap()];
    let said = place.unread(&[import.as_slice(), &known].concat()).done();
    assert!(said.contains("6 imported"), "{said}");
    assert_eq!(place.kubectl(&["get", "oprec", "-o", "name"]).lines().count(), NAMES.len());
}

#[test]
fn a_record_with_other_content_is_reported_and_never_overwritten() {
    let place = Place::new();
    place.import(&samples()).done();
    let changed = store(|operation| operation["principal_name"] = "somebody.else".into());
    let said = place.import(changed.path()).ended(3);
    assert!(
        said.contains(
            "refused   assign-2abdc948: a record of the same operation with other content"
        ),
        "{said}"
    );
    let found = place.get("oprec", "assign-2abdc948");
    assert_eq!(found["spec"]["changes"][0]["principal"]["name"], "john.doe");
}

#[test]
fn an_operation_whose_short_name_is_taken_gets_its_full_one() {
    let place = Place::new();
    place.import(&samples()).done();
    let other = store(|operation| operation["operation_id"] = "2abdc948-0000".into());
    for word in ["created", "unchanged"] {
        let said = place.import(other.path()).done();
        let line = format!("operationrecord.identitycenter.dev/assign-2abdc948-0000 {word}");
        assert!(said.contains(&line), "{said}");
    }
    assert_eq!(place.get("oprec", "assign-2abdc948-0000")["spec"]["source"]["id"], "2abdc948-0000");
}

#[test]
fn instances_are_found_by_their_arn() {
    let place = Place::new();
    let directory = samples();
    let import = ["import", "awsideman", directory.to_str().unwrap()];
    let said = place.plugin(&import).ended(3);
    assert!(said.contains("no IdentityCenterInstance has this ARN; create one first"), "{said}");
    assert!(said.contains("0 imported, 0 unchanged, 2 repaired, 6 refused"), "{said}");
    let said = place.plugin(&[import.as_slice(), &["--instance", "nowhere"]].concat()).ended(5);
    assert!(said.contains("\"nowhere\" not found"), "{said}");

    let instance = |name: &str| {
        json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "IdentityCenterInstance",
            "metadata": {"name": name}, "spec": {"instanceArn": INSTANCE, "region": "eu-west-1"},
        })
    };
    place.create(&instance("first"));
    place.plugin(&import).done();
    assert_eq!(place.get("oprec", "assign-2abdc948")["spec"]["instance"], "first");
    place.create(&instance("second"));
    let said = place.plugin(&import).ended(2);
    assert!(said.contains("the instances first and second have the same ARN"), "{said}");
    place.kubectl(&["delete", "idc", "first", "second"]);
}

#[test]
fn operations_are_found_by_what_they_did() {
    let place = Place::new();
    let none = place.plugin(&["operations"]).done();
    assert!(none.contains("No operations found"), "{none}");
    place.import(&samples()).done();
    let names = |arguments: &[&str]| {
        let said = place.plugin(&[&["operations", "-o", "name"], arguments].concat()).done();
        let names = said.lines().map(|line| line.rsplit('/').next().unwrap().to_owned());
        names.filter(|name| !name.starts_with("No operations")).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), NAMES, "newest first");
    assert_eq!(names(&["--type", "assign"]), NAMES[3..]);
    assert_eq!(names(&["--type", "copy", "--type", "clone"]), NAMES[..2]);
    assert_eq!(names(&["--principal", "JOHN", "--account", "794028896441"]), NAMES[2..4]);
    assert_eq!(names(&["--permission-set", "adminaccess", "--limit", "2"]), NAMES[2..4]);
    assert_eq!(names(&["--until", "2026-11-23T20:50:12Z"]), NAMES[5..]);
    assert_eq!(names(&["--source", "cloudtrail"]), [""; 0]);
    assert_eq!(names(&["--instance", "main", "--open"]).len(), 6);

    place.kubectl(&[
        "patch",
        "oprec",
        "copy-39156504",
        "--subresource=status",
        "--type=merge",
        "-p",
        r#"{"status":{"conditions":[{"type":"RolledBack","status":"True","reason":"Succeeded",
            "message":"","lastTransitionTime":"2026-11-23T21:00:00Z"}]}}"#,
    ]);
    assert_eq!(names(&["--rolled-back"]), NAMES[1..2]);
    assert_eq!(names(&["--open"]).len(), 5);

    let list = place.plugin(&["operations", "-o", "json", "--type", "clone"]).done();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["items"][0]["spec"]["createdPermissionSet"]["name"], "ReadOnlyClone");
    let csv = place.plugin(&["operations", "-o", "csv"]).done();
    assert_eq!(csv.lines().count(), 7);
}

#[test]
fn long_lists_come_in_pages() {
    let place = Place::new();
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    let one = serde_json::from_slice::<Value>(&text).unwrap()["operations"][0].take();
    let operations: Vec<_> = (0..501)
        .map(|n| {
            let mut operation = one.clone();
            operation["operation_id"] = format!("{n:08}").into();
            operation
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let text = json!({ "operations": operations }).to_string();
    std::fs::write(directory.path().join("operations.json"), text).unwrap();
    let said = place.import(directory.path()).done();
    assert!(said.ends_with("501 imported, 0 unchanged\n"), "{said}");
    assert_eq!(place.plugin(&["operations", "-o", "name"]).done().lines().count(), 501);
}

#[test]
fn who_may_not_is_told_what_is_missing() {
    let place = Place::new();
    let eve = place.control_plane.user("eve", &[]);
    let said = place.plugin_as(&eve, &["operations"]).ended(1);
    assert!(said.contains("User \"eve\" cannot list resource \"operationrecords\""), "{said}");
    assert!(said.contains("ask for a role that allows it"), "{said}");
    let said = place.plugin_as(Path::new("/nowhere"), &["operations", "--kubeconfig", "/nowhere"]);
    assert!(said.ended(1).contains("cannot read /nowhere: No such file or directory"));
    assert!(place.plugin(&["status", "nobody"]).ended(5).contains("\"nobody\" not found"));
}

/// Says what the operator would say about a Rollback that waits.
fn plan_by_hand(place: &Place, name: &str, digest: &str, shard_digest: &str) {
    let uid = place.get("rollback", name)["metadata"]["uid"].clone();
    let shard = format!("{name}-plan");
    place.create(&json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "RollbackPlan",
        "metadata": {"name": shard},
        "spec": {
            "rollback": name, "rollbackUid": uid, "instanceArn": INSTANCE, "attempt": 1,
            "digest": shard_digest, "shard": 0,
            "items": [{
                "disposition": "Act", "action": "DeleteAssignment", "account": "061836611202",
                "principal": {"type": "USER", "id": "0f791059-3b41-4313-86da-59fa2cf217a7"},
                "permissionSet": "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j",
                "live": "Present", "grade": "Exact",
            }],
        },
    }));
    let status = json!({"status": {
        "observedGeneration": 1, "phase": "AwaitingApproval", "attempt": 1, "summary": "waits",
        "plan": {
            "digest": digest, "createdAt": "2026-11-23T21:00:00Z", "policy": "Always",
            "grade": "Exact", "actions": 1, "kept": 0, "blocked": 0, "givesAccess": false,
            "assumed": false, "shards": [shard], "estimate": {"seconds": 4.0, "calls": 3},
        },
    }});
    place.patch_status(name, &status);
}

#[test]
fn an_approval_names_the_plan_that_was_shown() {
    let place = Place::new();
    let (digest, other) = (format!("sha256:{:064}", 1), format!("sha256:{:064}", 2));
    let ask = |name: &str| {
        place.plugin(&[
            "apply",
            "assign-2abdc948",
            "--name",
            name,
            "--wait=false",
            "--reason",
            "test",
            "-o",
            "name",
        ])
    };
    assert!(ask("undo").done().contains("rollback.identitycenter.dev/undo\n"));
    assert!(ask("undo").ended(1).contains("it exists already; choose another --name"));
    assert!(place.plugin(&["approve", "undo", "--yes"]).ended(1).contains("does not wait"));

    plan_by_hand(&place, "undo", &digest, &digest);
    let shown = place.plugin(&["plan", "--rollback", "undo", "--detailed-exitcode"]).ended(11);
    assert!(shown.contains("loses arn:aws:sso:::permissionSet/"), "{shown}");
    assert!(place.plugin(&["approve", "undo"]).ended(2).contains("no terminal to ask on"));
    let said = place.plugin(&["approve", "undo", "--yes", "--digest", &other]).ended(1);
    assert!(said.contains(&format!("is {digest}, not {other}")), "{said}");
    assert_eq!(place.get("rollback", "undo")["spec"]["approval"], Value::Null);
    place.unread(&["approve", "undo", "--yes", "--digest", &digest]).done();
    let approved = place.get("rollback", "undo");
    assert_eq!(approved["spec"]["approval"]["plan"], json!(digest));
    let managers =
        place.kubectl(&["get", "rollback", "undo", "-o", "yaml", "--show-managed-fields"]);
    assert!(managers.contains("manager: rollback-approver"), "{managers}");

    // A plan whose shards are not the ones that the status names is not approved.
    ask("forged").done();
    plan_by_hand(&place, "forged", &digest, &other);
    let said = place.plugin(&["approve", "forged", "--yes"]).ended(1);
    assert!(said.contains("is not the one that its status names"), "{said}");
    assert_eq!(place.get("rollback", "forged")["spec"]["approval"], Value::Null);

    place.plugin(&["reject", "forged"]).done();
    assert_eq!(place.get("rollback", "forged")["spec"]["approval"]["reject"], true);
    place.plugin(&["cancel", "undo"]).done();
    assert_eq!(place.get("rollback", "undo")["spec"]["cancel"], true);
}

#[test]
fn a_program_gets_the_object_however_the_wait_ends() {
    let place = Place::new();
    let apply = |name: &str, more: &[&str]| {
        let apply = ["apply", "assign-2abdc948", "--name", name];
        place.plugin(&[apply.as_slice(), more].concat())
    };
    let said = apply("slow", &["--timeout", "1s", "-o", "json"]);
    assert_eq!(said.code, 124, "{}", said.stderr);
    let slow: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(slow["metadata"]["name"], "slow");
    assert_eq!(slow["metadata"]["managedFields"], Value::Null);
    let said = apply("slower", &["--timeout", "1s", "-o", "name"]);
    assert_eq!(said.code, 124, "{}", said.stderr);
    assert_eq!(said.stdout, "rollback.identitycenter.dev/slower\n");
    let said = apply("people", &["--timeout", "1s"]);
    assert_eq!((said.code, said.stdout.as_str()), (124, ""), "{}", said.stderr);

    // Nobody to ask.
    let digest = format!("sha256:{:064}", 1);
    let said = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| apply("waits", &["--timeout", "2m", "-o", "yaml"]));
        place.kubectl(&["wait", "--for=create", "--timeout=60s", "rollback/waits"]);
        plan_by_hand(&place, "waits", &digest, &digest);
        waiting.join().unwrap()
    });
    assert_eq!(said.code, 4, "{}", said.stderr);
    let waits: Value = serde_saphyr::from_str(&said.stdout).unwrap();
    assert_eq!(waits["status"]["phase"], "AwaitingApproval");
}

#[test]
fn what_has_begun_cannot_be_rejected() {
    let place = Place::new();
    for (name, phase, because) in [
        ("running", "Executing", "to end it: kubectl rollback cancel running -n "),
        ("over", "Succeeded", "it is over: Succeeded (said so)"),
    ] {
        place.plugin(&["apply", "assign-2abdc948", "--name", name, "--wait=false"]).done();
        let status = json!({"status": {
            "observedGeneration": 1, "phase": phase, "attempt": 1, "summary": "said so",
        }});
        place.patch_status(name, &status);
        let said = place.plugin(&["reject", name]).ended(1);
        assert!(said.contains(because), "{said}");
        assert!(!said.contains("nothing will be written"), "{said}");
        assert_eq!(place.get("rollback", name)["spec"]["approval"], Value::Null);
    }
}

#[test]
fn a_plan_that_does_not_come_leaves_no_object_behind() {
    let place = Place::new();
    let said = place.plugin(&["plan", "assign-2abdc948", "--timeout", "1s"]).ended(124);
    assert!(said.contains("is the operator running"), "{said}");
    assert_eq!(place.kubectl(&["get", "rollbacks", "-o", "name"]), "");
    let said =
        place.plugin(&["plan", "x", "--timeout", "1s", "--keep", "--name", "look"]).ended(124);
    assert!(said.contains("Kept as rollback look"), "{said}");
    assert_eq!(place.get("rollback", "look")["spec"]["mode"], "PlanOnly");
}
