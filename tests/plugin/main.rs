//! The plugin against a real API server: importing, finding, approving.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod asking;
mod decisions;
mod incident;
mod looking;
mod picking;
mod proxy;
mod running;
mod terminal;

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

/// What moves to another cluster is what was recorded here, and it is the same operations there.
#[test]
fn what_is_exported_is_imported_as_it_was() {
    let (here, there) = (Place::new(), Place::new());
    here.import(&samples()).done();
    let exported = here.plugin(&["export"]);
    assert_eq!((exported.code, exported.stdout.lines().count()), (0, NAMES.len()));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("operations.jsonl");
    std::fs::write(&file, &exported.stdout).unwrap();
    let known = ["--instance", "main", "--instance-arn", INSTANCE];
    let import = ["import", "json", file.to_str().unwrap()];
    let import = [import.as_slice(), &known].concat();
    let said = there.plugin(&import).done();
    assert!(said.contains("6 imported, 0 unchanged"), "{said}");
    for name in NAMES {
        let (from, to) = (here.get("oprec", name), there.get("oprec", name));
        assert_eq!(from["spec"], to["spec"], "{name}");
    }
    assert_eq!(there.plugin(&["export"]).stdout, exported.stdout);
    for place in [&here, &there] {
        assert!(place.plugin(&import).done().contains("0 imported, 6 unchanged"));
    }
    let some = here.plugin(&["export", "--type", "copy"]).stdout;
    assert_eq!(some.lines().count(), 1, "{some}");

    std::fs::write(&file, format!("{}{{\"type\": \"Assign\"}}\n", exported.stdout)).unwrap();
    let said = there.plugin(&import).ended(3);
    assert!(said.contains("refused") && said.contains("missing field"), "{said}");
}

#[test]
fn a_record_that_etcd_does_not_take_stops_none_of_the_others() {
    let place = Place::new();
    let set = format!("{}/ps-0000000000000001", INSTANCE.replace(":instance/", ":permissionSet/"));
    let operation = |id: &str, principals: u32, accounts: u32| {
        let change = |principal: u32| {
            let accounts: Vec<String> = (0..accounts).map(|it| format!("{it:012}")).collect();
            json!({
                "effect": "Granted", "permissionSet": set, "accounts": accounts, "before": "Absent",
                "principal": {"type": "USER", "id": format!("00000000-0000-4000-8000-{principal:012}")},
            })
        };
        json!({
            "type": "Assign", "occurredAt": "2026-11-23T20:50:11Z",
            "source": {"tool": "portal", "id": id},
            "changes": (0..principals).map(change).collect::<Vec<_>>(),
        })
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("operations.json");
    let operations = json!([operation("a", 100, 1200), operation("b", 1, 2)]);
    std::fs::write(&file, operations.to_string()).unwrap();
    let known = ["--instance", "main", "--instance-arn", INSTANCE];
    let import = ["import", "json", file.to_str().unwrap()];
    let said = place.plugin(&[import.as_slice(), &known].concat()).ended(3);
    assert!(said.contains("assign-a: etcd takes no object of this size"), "{said}");
    assert!(said.contains("assign-b created"), "{said}");
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
    const FULL: &str = "assign-2abdc948-0000-52bc360c";
    let place = Place::new();
    place.import(&samples()).done();
    let other = store(|operation| operation["operation_id"] = "2abdc948-0000".into());
    for word in ["created", "unchanged"] {
        let said = place.import(other.path()).done();
        let line = format!("operationrecord.identitycenter.dev/{FULL} {word}");
        assert!(said.contains(&line), "{said}");
    }
    assert_eq!(place.get("oprec", FULL)["spec"]["source"]["id"], "2abdc948-0000");
}

#[test]
fn an_operation_that_got_its_full_name_beside_another_is_found_under_it_alone() {
    let place = Place::new();
    let (alone, both) =
        (store(|_| {}), store(|operation| operation["operation_id"] = "2abdc948-0000".into()));
    let profile = both.path().join("profiles/prod");
    std::fs::create_dir_all(&profile).unwrap();
    std::fs::copy(alone.path().join("operations.json"), profile.join("operations.json")).unwrap();
    assert!(place.import(both.path()).done().contains("2 imported, 0 unchanged"));
    assert!(place.import(alone.path()).done().contains("0 imported, 1 unchanged"));
    assert_eq!(place.kubectl(&["get", "oprec", "-o", "name"]).lines().count(), 2);
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
    assert_eq!(
        names(&["-t", "assign", "-p", "JOHN", "-s", "adminaccess", "--last", "1"]),
        NAMES[3..4]
    );
    assert_eq!(names(&["--until", "2026-11-23T20:50:12Z"]), NAMES[5..]);
    let everywhere = place.control_plane.plugin(&["operations", "-A"]).succeeded().stdout;
    assert!(everywhere.contains("NAMESPACE"), "{everywhere}");
    assert!(everywhere.contains(&place.namespace), "{everywhere}");
    assert_eq!(names(&["--source", "cloudtrail"]), [""; 0]);
    assert_eq!(names(&["--instance", "main", "--open"]).len(), 6);
    for verb in ["operations", "plan", "apply"] {
        let said = place.plugin(&[verb, "-l", "team in a"]).ended(2);
        assert!(said.contains("--selector: the API server does not take it"), "{said}");
        let said = place.plugin(&[verb, "--from", "1h", "--to", "2h"]).ended(2);
        assert!(said.contains("nothing lies between"), "{said}");
    }

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
