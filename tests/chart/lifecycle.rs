//! Install, upgrade and uninstall by Helm: the kinds and the records outlive everything.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::render::{NAMESPACE, chart};
use super::server::install;
use super::support::{ControlPlane, wait_for};

const RELEASE: [&str; 3] = ["rollback-operator", "--namespace", NAMESPACE];

fn record(control_plane: &ControlPlane) -> Value {
    control_plane.get(&["--namespace", "default", "operationrecord", "kept"])["spec"].clone()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The chart as the next version, in which the kinds have one more short name.
fn next_version(directory: &Path) -> String {
    let copied = directory.join("rollback-operator");
    copy(&chart(), &copied);
    let replace = |file: &str, from: &str, to: &str| {
        let path = copied.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    replace("Chart.yaml", "version: 0.1.0", "version: 0.2.0");
    replace(
        "files/crds/rollbacks.yaml",
        "    shortNames:\n    - rb\n",
        "    shortNames:\n    - rb\n    - undo\n",
    );
    copied.to_str().unwrap().to_owned()
}

#[test]
fn kinds_are_upgraded_and_records_outlive_the_release() {
    let control_plane = ControlPlane::start();
    install(&control_plane, &[]);
    let object = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "OperationRecord",
        "metadata": {"name": "kept", "namespace": "default"},
        "spec": {
            "instance": "main", "type": "Assign", "occurredAt": "2026-01-01T00:00:00Z",
            "source": {"tool": "test", "id": "kept"},
            "changes": [{
                "effect": "Granted",
                "principal": {"type": "USER", "id": "00000000-0000-4000-8000-000000000001"},
                "permissionSet": "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef",
                "accounts": ["100000000001"],
            }],
        },
    });
    // What was just created is served a moment later.
    wait_for("the record to be taken", Duration::from_secs(30), || {
        control_plane.apply(&object.to_string()).ok.then_some(())
    });
    let before = record(&control_plane);

    // Helm does not upgrade what is in crds/; ours are templates.
    let short_names = || {
        let crd = control_plane.get(&["crd", "rollbacks.identitycenter.dev"]);
        crd["spec"]["names"]["shortNames"].clone()
    };
    assert_eq!(short_names(), json!(["rb"]));
    let directory = tempfile::tempdir().unwrap();
    let next = next_version(directory.path());
    let upgrade = |chart: &str| {
        let arguments = ["upgrade", "rollback-operator", chart, "--namespace", NAMESPACE];
        control_plane.helm(&arguments).succeeded();
    };
    upgrade(&next);
    assert_eq!(short_names(), json!(["rb", "undo"]));
    assert_eq!(record(&control_plane), before);
    control_plane.helm(&[&["rollback"], &RELEASE[..1], &["1"], &RELEASE[1..]].concat()).succeeded();
    assert_eq!(short_names(), json!(["rb"]));

    // The hook cannot run where there is no node, and what cannot be checked is not uninstalled.
    let uninstall = [&["uninstall"], &RELEASE[..]].concat();
    let refused = control_plane.helm(&[&uninstall[..], &["--timeout", "5s"]].concat());
    assert!(!refused.ok, "{}", refused.stdout);
    control_plane.get(&["--namespace", NAMESPACE, "deployment", "rollback-operator"]);
    control_plane.get(&["--namespace", NAMESPACE, "job", "rollback-operator-uninstall-check"]);
    control_plane.helm(&[&uninstall[..], &["--no-hooks"]].concat()).succeeded();
    let gone = control_plane.kubectl(&[
        "--namespace",
        NAMESPACE,
        "get",
        "deployment,clusterrole",
        "--selector",
        "app.kubernetes.io/instance=rollback-operator",
        "-o",
        "name",
    ]);
    assert_eq!(gone.succeeded().stdout.trim(), "");
    assert_eq!(record(&control_plane), before, "records outlive the release");

    // The kinds that are left are taken over by the next installation.
    control_plane.kubectl(&["delete", "--namespace", NAMESPACE, "job", "--all"]).succeeded();
    install(&control_plane, &[]);
    assert_eq!(record(&control_plane), before);
}
