//! What a real API server makes of the rendered objects.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::names::releases;
use super::render::{NAMESPACE, chart, examples, objects, objects_as, objects_of, pods};
use super::support::{ControlPlane, Finished, checkout, wait_for};

/// A control plane with the chart installed by Helm in a namespace that enforces the restricted
/// Pod Security Standard. There is no node: pods are admitted and wait.
pub fn installed() -> &'static (ControlPlane, PathBuf) {
    static INSTALLED: OnceLock<(ControlPlane, PathBuf)> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let control_plane = ControlPlane::start();
        let account = install(&control_plane, &[]);
        (control_plane, account)
    })
}

/// Makes the restricted namespace and installs the chart in it; gives the operator's kubeconfig.
#[track_caller]
pub fn install(control_plane: &ControlPlane, more: &[&str]) -> PathBuf {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    });
    control_plane.apply(&namespace.to_string()).succeeded();
    let chart = chart();
    let arguments =
        ["install", "rollback-operator", chart.to_str().unwrap(), "--namespace", NAMESPACE];
    control_plane.helm(&[&arguments, more].concat()).succeeded();
    control_plane
        .kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])
        .succeeded();
    // Established is said a moment before objects are taken.
    for kind in ["IdentityCenterInstance", "OperationRecord", "RollbackPlan", "Rollback"] {
        let object = json!({"apiVersion": "identitycenter.dev/v1alpha1", "kind": kind, "metadata": {"name": "tried"}});
        let arguments = ["create", "--dry-run=server", "-f", "-"];
        wait_for(&format!("{kind} to be served"), Duration::from_secs(30), || {
            let said = control_plane.kubectl_as(
                control_plane.kubeconfig(),
                &arguments,
                &object.to_string(),
            );
            // Once it is looked at, it lacks its spec.
            said.stderr.contains("spec").then_some(())
        });
    }
    control_plane.service_account(NAMESPACE, "rollback-operator")
}

/// The kinds of the Prometheus operator that the chart renders.
fn install_monitoring_kinds(control_plane: &ControlPlane) {
    let tool = checkout().join("hack/tools/monitoring-kinds");
    let directory = Finished::run(&mut Command::new(tool), "").succeeded().stdout;
    for kind in ["servicemonitors", "prometheusrules"] {
        let file = format!("{}/monitoring.coreos.com_{kind}.yaml", directory.trim());
        control_plane.kubectl(&["apply", "--server-side", "-f", &file]).succeeded();
        let definition = format!("crd/{kind}.monitoring.coreos.com");
        control_plane
            .kubectl(&["wait", "--for=condition=Established", "--timeout=60s", &definition])
            .succeeded();
    }
}

fn list(items: &[&Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

#[test]
fn the_api_server_takes_what_every_example_renders() {
    let (control_plane, _) = installed();
    for namespace in ["team-a", "team-b"] {
        control_plane.kubectl(&["create", "namespace", namespace]).succeeded();
    }
    let mut all =
        examples().into_iter().map(|(name, path)| (name, objects_of(&path))).collect::<Vec<_>>();
    all.push(("everything".to_owned(), objects(&[
        "replicas=5",
        r#"podDisruptionBudget.maxUnavailable="50%""#,
        r#"image.pullSecrets=["registry"]"#,
        r#"affinity={"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":{"topologyKey":"zone","labelSelector":{"matchLabels":{"a":"b"}}}}]}}"#,
        r#"tolerations=[{"key":"a","operator":"Exists","effect":"NoSchedule"}]"#,
        r#"extraEnvFrom=[{"secretRef":{"name":"s","optional":true}}]"#,
        r#"extraVolumes=[{"name":"v","emptyDir":{}}]"#,
        r#"extraVolumeMounts=[{"name":"v","mountPath":"/v"}]"#,
        r#"networkPolicy.extraEgress=[{"ports":[{"port":8000}]}]"#,
        r#"podAnnotations={"a":"b"}"#,
        "dashboard.enabled=true",
    ])));
    // A pod is taken only where its account is, and a dry run leaves none.
    let account = [r#"serviceAccount.name="rollback-operator""#];
    all.extend(releases().map(|release| (release.clone(), objects_as(&release, &account))));
    install_monitoring_kinds(control_plane);
    for kind in ["ServiceMonitor", "PrometheusRule"] {
        let is_there = |objects: &[Value]| objects.iter().any(|it| it["kind"] == kind);
        assert!(all.iter().any(|(_, objects)| is_there(objects)), "no {kind} is rendered");
    }
    for (name, objects) in all {
        let objects: Vec<&Value> = objects.iter().collect();
        assert!(objects.len() > 20, "{name}");
        let said = control_plane.kubectl_as(
            control_plane.kubeconfig(),
            // As Helm would, over what it installed before.
            &[
                "apply",
                "--server-side",
                "--field-manager=helm",
                "--dry-run=server",
                "--validate=strict",
                "-f",
                "-",
            ],
            &list(&objects),
        );
        assert!(said.ok, "{name}: {}", said.stderr);
        let warnings: Vec<&str> = said.stderr.lines().filter(|l| l.contains("Warning")).collect();
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
    }
}

#[test]
fn every_pod_is_admitted_where_restricted_is_enforced() {
    let (control_plane, _) = installed();
    let create = |metadata: &Value, spec: &Value| {
        let mut metadata = metadata.clone();
        metadata["name"] = json!("tried");
        metadata["namespace"] = json!(NAMESPACE);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
        let arguments = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
        control_plane.kubectl_as(control_plane.kubeconfig(), &arguments, &pod.to_string())
    };
    let mut tried = 0;
    for (name, path) in examples() {
        for (pod, metadata, spec) in pods(&objects_of(&path)) {
            let said = create(&metadata, &spec);
            assert!(said.ok, "{name}: {pod}: {}", said.stderr);
            tried += 1;
        }
    }
    assert!(tried >= 21, "{tried}");
    // The namespace does refuse what is not restricted.
    let (_, metadata, mut spec) = pods(&objects(&[])).remove(0);
    spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    create(&metadata, &spec).refused("violates PodSecurity \"restricted:latest\"");
}
