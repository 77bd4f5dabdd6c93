//! What Helm says after an installation: the commands that it tells people to type are typed.

use std::process::Command;

use serde_json::json;

use super::render::{NAMESPACE, chart, helm, objects, one};
use super::server::installed;
use super::support::Finished;

/// The notes of an installation with these values.
#[track_caller]
fn notes(values: &[&str]) -> String {
    let chart = chart();
    let mut arguments = vec!["install", "rollback-operator", chart.to_str().unwrap()];
    arguments.extend(["--namespace", NAMESPACE, "--dry-run=client"]);
    arguments.extend(values.iter().flat_map(|value| ["--set-json", value]));
    let said = helm(&arguments).unwrap();
    said.split_once("\nNOTES:\n").expect("there are notes").1.to_owned()
}

/// The lines that are commands.
fn commands(notes: &str) -> Vec<&str> {
    notes.lines().filter_map(|line| line.strip_prefix("   ")).collect()
}

/// Types a command as the administrator of the cluster with the chart.
#[track_caller]
fn types(command: &str) -> String {
    let (control_plane, _) = installed();
    let kubectl = control_plane.kubectl_program();
    let path =
        format!("{}:{}", kubectl.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("PATH", path).env("KUBECONFIG", control_plane.kubeconfig());
    Finished::run(&mut shell, "").succeeded().stdout
}

const TEST: &str = "helm test rollback-operator --namespace rollback-system --logs";

#[test]
fn without_an_instance_they_show_how_one_is_written() {
    let notes = notes(&[]);
    let commands = commands(&notes);
    assert_eq!(commands[0], TEST);
    assert!(types(commands[1]).contains("allowedNamespaces"), "{notes}");
    assert_eq!(commands.len(), 2, "{notes}");
}

#[test]
fn in_the_playground_they_begin_an_undo() {
    let values = ["simulator.enabled=true", r#"simulator.allowedNamespaces=["playground"]"#];
    let (control_plane, _) = installed();
    let example = one(&objects(&values), "ConfigMap", "rollback-operator-simulator").clone();
    control_plane.apply(&example.to_string()).succeeded();
    control_plane.kubectl(&["create", "namespace", "playground"]).succeeded();
    let notes = notes(&values);
    let commands = commands(&notes);
    assert_eq!((commands.len(), commands[0]), (2, TEST), "{notes}");
    assert!(types(commands[1]).contains("rollback.identitycenter.dev/"), "{notes}");
    let begun = control_plane.get(&["rollbacks", "--namespace", "playground"]);
    assert_eq!(begun["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn with_instances_they_show_these_and_what_is_watched() {
    let instance = json!({"instanceArn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
        "region": "eu-west-1", "allowedNamespaces": ["team-a"]});
    let instances = format!(r#"instances={{"main":{instance}}}"#);
    let notes = notes(&[&instances, r#"watchNamespaces=["team-a","team-b"]"#]);
    assert!(notes.contains("works on team-a, team-b."), "{notes}");
    assert_eq!(commands(&notes)[1..], ["kubectl get idc"]);
    types("kubectl get idc");
}

#[test]
fn without_policies_they_say_what_that_means() {
    let said = "nobody's name on a Rollback is proven";
    assert!(notes(&["admission.enabled=false"]).contains(said));
    assert!(!notes(&[]).contains(said));
}
