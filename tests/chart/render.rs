//! Rendering with the real Helm.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::support::checkout;

/// Where releases are installed.
pub const NAMESPACE: &str = "rollback-system";

/// The chart's directory.
pub fn chart() -> PathBuf {
    checkout().join("charts/rollback-operator")
}

/// The example values, by name.
pub fn examples() -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = std::fs::read_dir(chart().join("ci"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    found.sort();
    assert!(found.len() >= 7, "{found:?}");
    found
}

/// Runs Helm; gives what it wrote, or what it complained of.
pub fn helm(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(checkout().join("hack/tools/helm")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// What the chart renders for Kubernetes 1.36, with further arguments of `helm template`.
pub fn try_template(arguments: &[&str]) -> Result<String, String> {
    try_template_as("rollback-operator", arguments)
}

/// The same for a release of another name.
pub fn try_template_as(release: &str, arguments: &[&str]) -> Result<String, String> {
    let chart = chart();
    let fixed = [
        "template",
        release,
        chart.to_str().unwrap(),
        "--namespace",
        NAMESPACE,
        "--kube-version",
        "1.36.0",
        "--api-versions",
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",
    ];
    helm(&[&fixed, arguments].concat())
}

/// The objects that the chart renders with these `path=value` pairs (values are JSON).
#[track_caller]
pub fn objects(values: &[&str]) -> Vec<Value> {
    objects_as("rollback-operator", values)
}

/// The same for a release of another name.
#[track_caller]
pub fn objects_as(release: &str, values: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = values.iter().flat_map(|value| ["--set-json", value]).collect();
    parse(&try_template_as(release, &arguments).unwrap())
}

/// The objects that the chart renders with a file of values.
#[track_caller]
pub fn objects_of(values: &Path) -> Vec<Value> {
    parse(&try_template(&["--values", values.to_str().unwrap()]).unwrap())
}

/// The objects of a manifest.
pub fn parse(manifest: &str) -> Vec<Value> {
    let parts = manifest.split("\n---\n").map(|part| part.trim_start_matches("---\n"));
    parts
        .map(|part| serde_saphyr::from_str::<Value>(part).unwrap_or_else(|e| panic!("{e}\n{part}")))
        .filter(|object| !object.is_null())
        .collect()
}

/// Those of one kind.
pub fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// The one of this kind and name.
#[track_caller]
pub fn one<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let mut found = of_kind(objects, kind).into_iter().filter(|it| it["metadata"]["name"] == name);
    found.next().unwrap_or_else(|| panic!("no {kind} {name} is rendered"))
}

/// The operator's container.
#[track_caller]
pub fn container(objects: &[Value]) -> &Value {
    &one(objects, "Deployment", "rollback-operator")["spec"]["template"]["spec"]["containers"][0]
}

/// An environment variable of the operator, if it is set by value.
pub fn environment(objects: &[Value], name: &str) -> Option<String> {
    let variables = container(objects)["env"].as_array().unwrap();
    let found = variables.iter().find(|variable| variable["name"] == name)?;
    found["value"].as_str().map(ToOwned::to_owned)
}

/// Every pod that the objects ask for, as `(kind/name, metadata, spec)`.
pub fn pods(objects: &[Value]) -> Vec<(String, Value, Value)> {
    let named = |object: &Value| {
        format!(
            "{}/{}",
            object["kind"].as_str().unwrap(),
            object["metadata"]["name"].as_str().unwrap()
        )
    };
    let mut found = Vec::new();
    for object in objects {
        match object["kind"].as_str() {
            Some("Pod") => {
                found.push((named(object), object["metadata"].clone(), object["spec"].clone()));
            }
            Some("Deployment" | "Job") => {
                let template = &object["spec"]["template"];
                found.push((named(object), template["metadata"].clone(), template["spec"].clone()));
            }
            _ => {}
        }
    }
    found
}
