//! Instances from values: applied by the leader, corrected when the values are, never deleted.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::render::NAMESPACE;
use super::server::install;
use super::support::{ControlPlane, Operator, OperatorOptions, wait_for};

const SOON: Duration = Duration::from_mins(1);

fn start(account: &Path, directory: &Path) -> Operator {
    Operator::start(OperatorOptions {
        kubeconfig: account.to_owned(),
        simulator: "http://127.0.0.1:9".to_owned(),
        // The directory is looked at every half second.
        arguments: vec!["--time-scale=20".to_owned()],
        environment: vec![(
            "ROLLBACK_OPERATOR_INSTANCES_DIRECTORY".to_owned(),
            directory.to_str().unwrap().to_owned(),
        )],
    })
}

fn declare(directory: &Path, name: &str, spec: &Value) {
    std::fs::write(directory.join(format!("{name}.yaml")), spec.to_string()).unwrap();
}

fn spec(control_plane: &ControlPlane, name: &str) -> Option<Value> {
    let found = control_plane.kubectl(&["get", "idc", name, "-o", "json"]);
    found.ok.then(|| serde_json::from_str::<Value>(&found.stdout).unwrap()["spec"].take())
}

fn declaration(number: u8, rate: u32) -> Value {
    json!({
        "instanceArn": format!("arn:aws:sso:::instance/ssoins-00000000000000{number:02}"),
        "region": "us-east-1",
        "endpoint": "http://127.0.0.1:9",
        "limits": {"requestsPerSecond": rate},
    })
}

#[test]
fn declared_instances_are_applied_and_what_is_wrong_is_told() {
    let control_plane = ControlPlane::start();
    let values = r#"instances={"main":{"instanceArn":"arn:aws:sso:::instance/ssoins-0000000000000001","region":"us-east-1"}}"#;
    let account = install(&control_plane, &["--set-json", values]);
    let files = tempfile::tempdir().unwrap();
    declare(files.path(), "main", &declaration(1, 5));
    declare(
        files.path(),
        "misspelt",
        &json!({"instanceArn": "arn:aws:sso:::instance/ssoins-0000000000000002", "region": "us-east-1", "regoin": "x"}),
    );
    std::fs::write(files.path().join("broken.yaml"), "a: [").unwrap();
    let mut operator = start(&account, files.path());
    let rate = |expected: u32| {
        wait_for(&format!("{expected} requests a second"), SOON, || {
            (spec(&control_plane, "main")?["limits"]["requestsPerSecond"] == expected).then_some(())
        });
    };
    rate(5);
    let gauge = |line: &str| {
        wait_for(line, SOON, || operator_reads(&operator, line));
    };
    gauge(r#"rollback_declared_instances{outcome="applied"} 1"#);
    gauge(r#"rollback_declared_instances{outcome="refused"} 2"#);
    let told = |name: &str, because: &str| {
        wait_for(because, SOON, || {
            let events = control_plane.get(&["--namespace", "default", "events.events.k8s.io"]);
            let found = events["items"].as_array()?.iter().any(|event| {
                event["reason"] == "DeclarationRefused"
                    && event["regarding"]["name"] == name
                    && event["note"].as_str().is_some_and(|note| note.contains(because))
            });
            found.then_some(())
        });
    };
    told("misspelt", "regoin");
    told("broken", "is not YAML");
    let managers = control_plane.get(&["idc", "main", "--show-managed-fields"]);
    let managers = managers["metadata"]["managedFields"].as_array().unwrap();
    assert!(
        managers
            .iter()
            .any(|it| it["manager"] == "rollback-operator-instances" && it["operation"] == "Apply")
    );

    // The values are corrected: a mounted ConfigMap changes under the operator.
    declare(files.path(), "main", &declaration(1, 7));
    std::fs::remove_file(files.path().join("misspelt.yaml")).unwrap();
    declare(files.path(), "broken", &declaration(3, 1));
    rate(7);
    gauge(r#"rollback_declared_instances{outcome="applied"} 2"#);
    gauge(r#"rollback_declared_instances{outcome="refused"} 0"#);

    // Somebody set a field otherwise: that stands, and is told.
    let edit = [
        "patch",
        "idc",
        "main",
        "--type=merge",
        "--patch",
        r#"{"spec":{"limits":{"requestsPerSecond":2}}}"#,
    ];
    control_plane.kubectl(&edit).succeeded();
    declare(files.path(), "main", &declaration(1, 9));
    told("main", "somebody else set fields");
    rate(2);

    // Nothing is deleted, whatever goes.
    std::fs::remove_file(files.path().join("main.yaml")).unwrap();
    std::fs::remove_file(files.path().join("broken.yaml")).unwrap();
    gauge(r#"rollback_declared_instances{outcome="applied"} 0"#);
    assert!(spec(&control_plane, "main").is_some() && spec(&control_plane, "broken").is_some());
    assert!(operator.ended().is_none(), "nothing of it ended the operator");
}

fn operator_reads(operator: &Operator, line: &str) -> Option<()> {
    operator.read("/metrics").ok()?.lines().any(|found| found == line).then_some(())
}

#[test]
fn without_instances_in_the_values_the_operator_may_not_write_any() {
    let (control_plane, account) = super::server::installed();
    for verb in ["create", "patch", "update", "delete"] {
        let said = control_plane.kubectl_as(
            account,
            &["auth", "can-i", verb, "identitycenterinstances.identitycenter.dev"],
            "",
        );
        assert_eq!(said.stdout.trim(), "no", "{verb}");
    }
    let said = control_plane.kubectl_as(
        account,
        &["auth", "can-i", "get", "configmaps", "--namespace", NAMESPACE],
        "",
    );
    assert_eq!(said.stdout.trim(), "no", "the files are mounted");
}
