//! Parts of the chart as they are installed on Kubernetes 1.36.

use std::process::Command;

use super::checkout;

/// What these templates of the chart give with these `path=value` pairs, in the namespace
/// `rollback-system`.
#[track_caller]
pub fn rendered(templates: &[&str], values: &[&str]) -> String {
    let mut command = Command::new(checkout().join("hack/tools/helm"));
    command
        .args(["template", "rollback-operator"])
        .arg(checkout().join("charts/rollback-operator"))
        .args(["--namespace", "rollback-system", "--kube-version", "1.36.0"])
        .args(["--api-versions", "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"]);
    for template in templates {
        command.args(["--show-only", &format!("templates/{template}.yaml")]);
    }
    let output = command.args(values.iter().flat_map(|value| ["--set", value])).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
