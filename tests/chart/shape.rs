//! What is rendered and what is not, and how.

use std::collections::BTreeSet;

use rollback_operator::api::crd;
use serde_json::{Value, json};

use super::render::{
    chart, container, environment, helm, objects, of_kind, one, parse, pods, try_template,
    try_template_as,
};
use super::support::checkout;

#[test]
fn helm_finds_nothing_to_complain_of() {
    let chart = chart();
    let said = helm(&["lint", "--strict", chart.to_str().unwrap()]).unwrap();
    assert!(said.contains("0 chart(s) failed"), "{said}");
}

#[test]
fn the_readme_is_what_the_values_say() {
    let program = checkout().join("hack/tools/helm-docs");
    let directory = tempfile::tempdir().unwrap();
    let copied = directory.path().join("rollback-operator");
    std::fs::create_dir(&copied).unwrap();
    for file in ["Chart.yaml", "values.yaml", "README.md.gotmpl"] {
        std::fs::copy(chart().join(file), copied.join(file)).unwrap();
    }
    let ran = std::process::Command::new(program)
        .args(["--chart-search-root", directory.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let expected = std::fs::read_to_string(copied.join("README.md")).unwrap();
    let committed = std::fs::read_to_string(chart().join("README.md")).unwrap();
    assert!(expected == committed, "the chart's README.md is out of date: run `make generate`");
    // A value without a comment is an empty cell.
    let empty: Vec<&str> = committed.lines().filter(|line| line.ends_with("|  |")).collect();
    assert!(empty.is_empty(), "without a description:\n{}", empty.join("\n"));
}

/// The same with whole numbers written as such: Helm writes 100 for 100.0.
fn even(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(elements) => elements.iter().map(even).collect(),
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), even(v))).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_kinds_are_those_of_the_types_and_stay_when_the_release_goes() {
    let rendered = objects(&[]);
    let names = |objects: &[Value]| -> BTreeSet<String> {
        let found = of_kind(objects, "CustomResourceDefinition");
        found.iter().map(|crd| crd["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected = BTreeSet::new();
    for (_, generated) in crd::all().unwrap() {
        let name = generated["metadata"]["name"].as_str().unwrap();
        let found = one(&rendered, "CustomResourceDefinition", name);
        assert!(even(&found["spec"]) == even(&generated["spec"]), "{name} is not as generated");
        assert_eq!(found["metadata"]["annotations"]["helm.sh/resource-policy"], "keep", "{name}");
        expected.insert(name.to_owned());
    }
    assert_eq!(names(&rendered), expected);
    assert!(names(&objects(&["crds.install=false"])).is_empty());
    let removed = objects(&["crds.keep=false"]);
    for crd in of_kind(&removed, "CustomResourceDefinition") {
        assert!(crd["metadata"]["annotations"].is_null());
    }
}

#[test]
fn a_disruption_budget_is_there_only_for_more_than_one_operator() {
    for (values, expected) in [
        (&[][..], 1),
        (&["replicas=3"], 1),
        (&["replicas=1"], 0),
        (&["replicas=0"], 0),
        (&["podDisruptionBudget.enabled=false"], 0),
    ] {
        let rendered = objects(values);
        assert_eq!(of_kind(&rendered, "PodDisruptionBudget").len(), expected, "{values:?}");
    }
}

#[test]
fn two_operators_never_act_at_once() {
    let refused = try_template(&["--set-json", "leaderElection.enabled=false"]).unwrap_err();
    assert!(refused.contains("leaderElection.enabled must be true"), "{refused}");
    let alone = objects(&["leaderElection.enabled=false", "replicas=1"]);
    let deployment = one(&alone, "Deployment", "rollback-operator");
    assert_eq!(deployment["spec"]["strategy"], json!({"type": "Recreate"}));
    assert_eq!(environment(&alone, "ROLLBACK_OPERATOR_LEADER_ELECTION").unwrap(), "false");
    assert!(
        !of_kind(&alone, "Role")
            .iter()
            .any(|role| role["metadata"]["name"] == "rollback-operator-lease")
    );
    let several = objects(&[]);
    let deployment = one(&several, "Deployment", "rollback-operator");
    assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
}

#[test]
fn every_pod_is_restricted_and_may_not_write_to_its_root() {
    let rendered = objects(&["simulator.enabled=true"]);
    let found = pods(&rendered);
    assert_eq!(found.len(), 4, "the operator, the simulator, the test and the uninstall check");
    for (name, _, spec) in found {
        let context = &spec["securityContext"];
        assert_eq!(context["runAsNonRoot"], true, "{name}");
        assert_eq!(context["runAsUser"], 65532, "{name}");
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for container in spec["containers"].as_array().unwrap() {
            let expected = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            });
            assert_eq!(container["securityContext"], expected, "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
        }
        assert_eq!(spec["enableServiceLinks"], false, "{name}");
    }
}

#[test]
fn every_pod_runs_where_the_values_say() {
    let node = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "os", "operator": "Exists"}]}]}});
    let other = json!({"preferredDuringSchedulingIgnoredDuringExecution": []});
    let affinity = format!("affinity={}", json!({"nodeAffinity": node, "podAntiAffinity": other}));
    let rendered = objects(&[
        "simulator.enabled=true",
        r#"priorityClassName="high""#,
        r#"nodeSelector={"pool":"tools"}"#,
        r#"tolerations=[{"key":"tools","operator":"Exists"}]"#,
        &affinity,
    ]);
    let found = pods(&rendered);
    assert_eq!(found.len(), 4);
    for (name, _, spec) in found {
        assert_eq!(spec["priorityClassName"], "high", "{name}");
        assert_eq!(spec["nodeSelector"], json!({"pool": "tools"}), "{name}");
        assert_eq!(spec["tolerations"], json!([{"key": "tools", "operator": "Exists"}]), "{name}");
        assert_eq!(spec["affinity"]["nodeAffinity"], node, "{name}");
        // What spreads operators would keep others from their nodes.
        let is_operators = name == "Deployment/rollback-operator";
        assert_eq!(spec["affinity"]["podAntiAffinity"] == other, is_operators, "{name}");
    }
    for (name, _, spec) in pods(&objects(&["simulator.enabled=true"])) {
        for field in ["priorityClassName", "nodeSelector", "tolerations", "affinity"] {
            assert!(spec[field].is_null(), "{name}: {field}");
        }
    }
}

#[test]
fn every_flag_of_the_operator_is_set_by_a_value() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_rollback-operator"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags: BTreeSet<String> = help
        .split("[env: ")
        .skip(1)
        .map(|rest| rest.split(['=', ']']).next().unwrap().to_owned())
        .filter(|name| name.starts_with("ROLLBACK_OPERATOR_"))
        .collect();
    assert!(flags.len() >= 13, "{flags:?}");
    let rendered = objects(&["watchNamespaces=[\"access\"]", "simulator.enabled=true"]);
    let set: BTreeSet<String> = container(&rendered)["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap().to_owned())
        .filter(|name| name.starts_with("ROLLBACK_OPERATOR_"))
        .collect();
    assert_eq!(set, flags);
}

#[test]
fn the_tag_is_the_charts_version_and_a_digest_goes_before_it() {
    let image = |values: &[&str]| container(&objects(values))["image"].as_str().unwrap().to_owned();
    assert_eq!(image(&[]), concat!("rollback-operator:", env!("CARGO_PKG_VERSION")));
    let digest = format!("sha256:{}", "a".repeat(64));
    let all = [r#"image.registry="ghcr.io/example""#, r#"image.tag="v9""#];
    assert_eq!(image(&all), "ghcr.io/example/rollback-operator:v9");
    let with_digest = format!("image.digest={digest:?}");
    assert_eq!(
        image(&[all[0], all[1], &with_digest]),
        format!("ghcr.io/example/rollback-operator@{digest}")
    );
}

#[test]
fn what_selects_pods_selects_those_of_the_operator_alone() {
    let rendered = objects(&["simulator.enabled=true", "serviceMonitor.enabled=true"]);
    let operator = &one(&rendered, "Deployment", "rollback-operator")["spec"];
    let labels = operator["template"]["metadata"]["labels"].as_object().unwrap();
    let simulator = one(&rendered, "Deployment", "rollback-operator-simulator");
    let others = simulator["spec"]["template"]["metadata"]["labels"].as_object().unwrap();
    for (what, selector) in [
        ("Deployment", &operator["selector"]["matchLabels"]),
        ("Service", &one(&rendered, "Service", "rollback-operator")["spec"]["selector"]),
        (
            "PodDisruptionBudget",
            &one(&rendered, "PodDisruptionBudget", "rollback-operator")["spec"]["selector"]["matchLabels"],
        ),
        (
            "NetworkPolicy",
            &one(&rendered, "NetworkPolicy", "rollback-operator")["spec"]["podSelector"]["matchLabels"],
        ),
        (
            "spread",
            &operator["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
        ),
    ] {
        let selector = selector.as_object().unwrap();
        assert!(!selector.is_empty(), "{what}");
        assert!(selector.iter().all(|(key, value)| labels.get(key) == Some(value)), "{what}");
        assert!(!selector.iter().all(|(key, value)| others.get(key) == Some(value)), "{what}");
    }
    // The monitor reads the Service by the labels of the Service itself.
    let monitor = one(&rendered, "ServiceMonitor", "rollback-operator");
    let service = one(&rendered, "Service", "rollback-operator")["metadata"]["labels"].clone();
    for (key, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&service[key], value);
    }
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], "admin");
}

#[test]
fn nothing_of_admission_is_there_when_it_is_turned_off() {
    let group = "admissionregistration.k8s.io/v1";
    let count = |values: &[&str]| {
        objects(values).iter().filter(|object| object["apiVersion"] == group).count()
    };
    assert_eq!(count(&["admission.enabled=false"]), 0);
    assert!(count(&[]) >= 12);
    let test = |values: &[&str]| {
        let rendered = objects(values);
        one(&rendered, "Pod", "rollback-operator-test")["spec"]["containers"][0]["args"].clone()
    };
    assert_eq!(test(&[]), json!(["check-installation"]));
    let without = json!(["check-installation", "--without-admission"]);
    assert_eq!(test(&["admission.enabled=false"]), without);
}

/// Kubernetes has `MutatingAdmissionPolicy` from 1.36 on.
#[test]
fn names_are_checked_where_the_api_server_cannot_stamp_them() {
    let newer = objects(&[]);
    assert_eq!(of_kind(&newer, "MutatingAdmissionPolicy").len(), 2);
    let chart = chart();
    let older = ["template", "x", chart.to_str().unwrap(), "--kube-version", "1.33.0"];
    let older = parse(&helm(&older).unwrap());
    assert_eq!(of_kind(&older, "MutatingAdmissionPolicy").len(), 0);
    let names = |objects: &[Value]| {
        let policies = of_kind(objects, "ValidatingAdmissionPolicy").into_iter();
        policies.filter(|it| it["metadata"]["name"].as_str().unwrap().contains("-names-")).count()
    };
    assert_eq!((names(&newer), names(&older)), (0, 2));
}

#[test]
fn alerts_and_dashboard_are_whole() {
    let rendered = objects(&["prometheusRule.enabled=true", "dashboard.enabled=true"]);
    let text = std::fs::read_to_string(chart().join("files/alerts.yaml")).unwrap();
    let alerts: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(one(&rendered, "PrometheusRule", "rollback-operator")["spec"], alerts);
    let shown = one(&rendered, "ConfigMap", "rollback-operator-dashboard");
    let shown = shown["data"]["rollback-operator.json"].as_str().unwrap();
    let text = std::fs::read_to_string(chart().join("files/dashboard.json")).unwrap();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(parse(shown), parse(&text));
}

#[test]
fn alerts_lead_to_runbooks_where_they_can_be_read() {
    let values = [
        "prometheusRule.enabled=true",
        r#"prometheusRule.runbookURL="https://wiki.example/runbooks/""#,
        r#"prometheusRule.ruleLabels={"team":"access"}"#,
    ];
    let rendered = objects(&values);
    let spec = &one(&rendered, "PrometheusRule", "rollback-operator")["spec"];
    let rules = spec["groups"][0]["rules"].as_array().unwrap();
    assert!(rules.len() > 8, "{}", rules.len());
    for rule in rules {
        let url = rule["annotations"]["runbook_url"].as_str().unwrap();
        let file = url.strip_prefix("https://wiki.example/runbooks/").unwrap();
        assert!(checkout().join("docs/runbooks").join(file).is_file(), "{url}");
        assert!(rule["annotations"]["runbook"].is_null(), "{rule}");
        assert_eq!(rule["labels"]["team"], "access");
        assert!(rule["labels"]["severity"].is_string(), "{rule}");
    }
    let values =
        ["prometheusRule.enabled=true", r#"prometheusRule.ruleLabels={"severity":"page"}"#];
    let rendered = objects(&values);
    let spec = &one(&rendered, "PrometheusRule", "rollback-operator")["spec"];
    assert_eq!(spec["groups"][0]["rules"][0]["labels"]["severity"], "page");
}

/// YAML takes what looks like a number for one, unless it is quoted.
#[test]
fn names_that_look_like_numbers_stay_names() {
    let values = [
        r#"fullnameOverride="undo""#,
        r#"serviceAccount.name="789""#,
        r#"image.pullSecrets=["1e3"]"#,
        r#"customCA.configMap="0""#,
        r#"watchNamespaces=["7","8e1"]"#,
        "podDisruptionBudget.enabled=true",
        "networkPolicy.enabled=true",
        "serviceMonitor.enabled=true",
        "prometheusRule.enabled=true",
        "dashboard.enabled=true",
    ];
    let instance = r#"instances={"main":{"instanceArn":"arn:aws:sso:::instance/ssoins-0123456789abcdef","region":"eu-west-1","allowedNamespaces":["7"]}}"#;
    for last in [instance, "simulator.enabled=true"] {
        let values = values.iter().chain([&last]).flat_map(|value| ["--set-json", value]);
        let arguments: Vec<&str> = ["--namespace", "1e2"].into_iter().chain(values).collect();
        let objects = parse(&try_template_as("123", &arguments).unwrap());
        assert!(objects.len() > 20, "{}", objects.len());
        for object in objects.iter().filter(|it| it["kind"] != "CustomResourceDefinition") {
            each_name(object, &mut |path, value| {
                assert!(value.is_string(), "{} has {path}: {value}", object["kind"]);
            });
        }
    }
}

fn each_name(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let is_name = ["name", "namespace", "serviceAccountName", "secretName"];
                if is_name.contains(&name.as_str()) && !value.is_object() {
                    visit(name, value);
                }
                if ["labels", "matchLabels", "annotations"].contains(&name.as_str()) {
                    for (label, value) in value.as_object().into_iter().flatten() {
                        visit(label, value);
                    }
                }
                each_name(value, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_name(item, visit)),
        _ => {}
    }
}
