//! The verbs that look: doctor, stats, plans in every form, completion.

use serde_json::{Value, json};

use super::support::cluster::Cluster;
use super::support::place::Place;
use super::support::seed::accounts;
use super::support::{Finished, checkout};

/// Runs the plugin in the namespace of a place.
fn plugin(place: &Place, arguments: &[&str]) -> Finished {
    let namespace = ["-n", &place.namespace];
    place.cluster.control_plane.plugin(&[arguments, &namespace].concat())
}

#[track_caller]
fn output(place: &Place, arguments: &[&str], code: i32) -> String {
    let said = plugin(place, arguments);
    assert_eq!(said.code, Some(code), "{}{}", said.stdout, said.stderr);
    said.stdout
}

/// Levels and texts of the findings of one check.
fn found(
    place: &Place,
    kubeconfig: Option<&std::path::Path>,
    check: &str,
) -> Vec<(String, String)> {
    let mut arguments = vec!["doctor", "-o", "json"];
    let path = kubeconfig.map(|path| path.to_str().unwrap().to_owned());
    if let Some(path) = &path {
        arguments.extend(["--kubeconfig", path.as_str()]);
    }
    let said: Value = serde_json::from_str(&plugin(place, &arguments).stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = said["findings"].as_array().unwrap();
    let wrong = findings.iter().any(|it| it["level"] == "wrong");
    assert_eq!(said["healthy"], !wrong, "{said}");
    assert!(findings.iter().all(|it| it["level"] == "good" || it["remedy"].is_string()), "{said}");
    let of_check = findings.iter().filter(|it| it["check"] == check);
    of_check.map(|it| (text(&it["level"]), text(&it["finding"]))).collect()
}

fn apply(place: &Place, object: &Value) {
    let control_plane = &place.cluster.control_plane;
    let arguments = ["--namespace", &place.namespace, "create", "-f", "-"];
    control_plane
        .kubectl_as(control_plane.kubeconfig(), &arguments, &object.to_string())
        .succeeded();
}

#[track_caller]
fn only(findings: &[(String, String)], level: &str, part: &str) {
    let fits = findings.iter().any(|(l, text)| l == level && text.contains(part));
    assert!(fits, "no {level} finding with {part:?} in {findings:?}");
}

#[test]
fn doctor_says_what_is_wrong_and_only_that() {
    // In real time, so that what was done today is done today.
    let cluster =
        Cluster::with(1.0, &["--lease-duration=8s", "--renew-deadline=6s", "--retry-period=1s"]);
    let place = Place::with(&cluster, 3, &json!({}));
    only(&found(&place, None, "cluster"), "good", "Kubernetes v1.");
    only(&found(&place, None, "kinds"), "good", "all four kinds");
    only(&found(&place, None, "clock"), "good", "agree");
    only(&found(&place, None, "operator"), "good", "lease rollback-system/rollback-operator");
    only(&found(&place, None, "instance"), "good", "is ready: AWS answers");
    only(&found(&place, None, "quota"), "good", "requests a second (spec.limits: 18)");
    only(&found(&place, None, "access"), "good", "you may approve in namespace");
    let said = output(&place, &["doctor"], 0);
    assert!(said.ends_with("Nothing is wrong.\n"), "{said}");

    place.operation("assign", &accounts(1..=3));
    output(&place, &["apply", "assign", "--yes", "--timeout", "2m"], 0);
    let stats = output(&place, &["stats", "--days", "1", "-o", "json"], 0);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    let total = &stats["total"];
    assert_eq!((&total["undos"], &total["succeeded"]), (&json!(1), &json!(1)), "{stats}");
    assert_eq!((&total["keysChanged"], &total["keysOpen"]), (&json!(3), &json!(0)), "{stats}");
    assert_eq!(stats["byType"]["Assign"]["undos"], 1, "{stats}");
    assert!(stats["total"]["secondsP50"].as_f64().unwrap() > 1.0, "{stats}");
    assert_eq!(stats["aws"]["rollbacks"], 1, "{stats}");

    // Somebody without a role.
    let eve = cluster.control_plane.user("eve", &[]);
    only(&found(&place, Some(&eve), "access"), "wrong", "you may not look in namespace");
    only(&found(&place, Some(&eve), "access"), "note", "you may not approve");
    only(&found(&place, Some(&eve), "operator"), "unknown", "cannot list the leases");
    only(&found(&place, Some(&eve), "instance"), "unknown", "cannot list the instances");

    // No operator, an instance that nobody looks at, a kind of another version.
    cluster.operator().kill9();
    let lost = "x-rollback-operator";
    apply(
        &place,
        &json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": lost},
            "spec": {"holderIdentity": "pod-1", "leaseDurationSeconds": 15,
                "renewTime": "2026-01-05T10:00:00.000000Z"},
        }),
    );
    only(&found(&place, None, "operator"), "wrong", "pod-1 holds the lease");
    place.kubectl(&["delete", "lease", lost]);
    place.create(
        "IdentityCenterInstance",
        &format!("{}-unseen", place.namespace),
        &json!({"instanceArn": "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7", "region": "eu-west-1"}),
    );
    only(&found(&place, None, "instance"), "wrong", "-unseen: no operator has looked at it");
    place.kubectl(&["patch", "crd", "rollbacks.identitycenter.dev", "--type=json", "-p",
        r#"[{"op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/recommendations"}]"#]);
    only(&found(&place, None, "kinds"), "wrong", "does not know .status.recommendations");
    assert_eq!(plugin(&place, &["doctor"]).code, Some(1));
    let nowhere = std::path::Path::new("/nowhere");
    only(&found(&place, Some(nowhere), "cluster"), "wrong", "cannot read /nowhere");
}

#[test]
fn what_was_done_is_counted_and_a_plan_comes_in_every_form() {
    let place = Place::new(5);
    place.operation("assign", &accounts(1..=5));
    let plan = |more: &[&str], code| output(&place, &[&["plan", "assign"], more].concat(), code);
    let diff = plan(&["--diff", "--detailed-exitcode"], 11);
    assert!(diff.starts_with("--- AWS now\n+++ after rollback plan-"), "{diff}");
    assert_eq!(diff.lines().filter(|line| line.starts_with("- USER ")).count(), 5, "{diff}");
    let csv = plan(&["-o", "csv"], 0);
    assert_eq!(csv.lines().filter(|line| line.starts_with("Act,DeleteAssignment,")).count(), 5);
    let json: Value = serde_json::from_str(&plan(&["-o", "json"], 0)).unwrap();
    assert_eq!(json["items"].as_array().unwrap().len(), 5);
    assert_eq!(json["operations"], json!(["assign"]));
    // Every field that is printed is described, at every depth.
    let schema = std::fs::read_to_string(checkout().join("docs/schemas/plan.json")).unwrap();
    described(&json, &serde_json::from_str(&schema).unwrap());
    plan(&["-o", "name"], 2);
    plan(&["--diff", "-o", "json"], 2);
    let named = plan(&["--keep", "--name", "kept", "-o", "name"], 0);
    assert_eq!(named, "rollback.identitycenter.dev/kept\n");
    output(&place, &["apply", "assign", "--name", "undo", "--yes", "--timeout", "2m"], 0);
    plan(&["--detailed-exitcode", "--diff"], 10);

    // The operator's clock runs ahead of ours here, so that the day of the undo may not have come.
    let stats = output(&place, &["stats", "--days", "36500", "-o", "json"], 0);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["total"]["operations"], 1, "{stats}");
    assert_eq!(stats["total"]["rolledBack"], 1, "{stats}");
    assert_eq!(stats["byType"]["Assign"]["operations"], 1);
    let csv = output(&place, &["stats", "--days", "36500", "-o", "csv"], 0);
    assert!(csv.contains("\r\ntype,Assign,1,1,"), "{csv}");
    let all = place.cluster.control_plane.plugin(&["stats", "-A", "--days", "36500"]).succeeded();
    assert!(all.stdout.contains("\nDAY "), "{}", all.stdout);

    // Live names, as kubectl asks for them and as a shell does.
    let control_plane = &place.cluster.control_plane;
    let words = ["__complete", "status", "-n", &place.namespace, "un"];
    let said = control_plane.plugin(&words).succeeded().stdout;
    assert_eq!(said, "undo\tSucceeded\n:4\n");
    let words = ["__complete", "plan", "-n", &place.namespace, "as"];
    let said = control_plane.plugin(&words).succeeded().stdout;
    assert_eq!(said, "assign\tAssign at 2026-01-05T10:00:00Z\n:4\n");
    let script = control_plane.plugin(&["completion", "bash"]).succeeded().stdout;
    assert!(script.contains("complete ") && script.contains("kubectl-rollback"), "{script}");
}

/// Holds that the schema names each field of the value.
#[track_caller]
fn described(value: &Value, schema: &Value) {
    fn walk(value: &Value, schema: &Value, root: &Value, path: &str) {
        let mut schema = schema;
        while let Some(reference) = schema["$ref"].as_str() {
            schema = root.pointer(reference.trim_start_matches('#')).unwrap();
        }
        for part in schema["anyOf"].as_array().into_iter().flatten() {
            if part["type"] != "null" {
                return walk(value, part, root, path);
            }
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let field = &schema["properties"][name];
                    assert!(field.is_object(), "{path}.{name} is not described");
                    walk(value, field, root, &format!("{path}.{name}"));
                }
            }
            Value::Array(items) => {
                for item in items {
                    walk(item, &schema["items"], root, path);
                }
            }
            _ => {}
        }
    }
    walk(value, schema, schema, "");
}
