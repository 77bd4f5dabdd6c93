//! No value is without effect.

use std::collections::{BTreeMap, BTreeSet};

use super::render::try_template;
use super::schema::leaves;

/// Another value for each, in JSON, with what else has to be set so that it matters.
const CHANGED: &[(&str, &str, &str)] = &[
    ("admin.address", "", r#""::""#),
    ("admin.port", "", "9090"),
    ("admission.enabled", "", "false"),
    ("admission.names", "", r#""check""#),
    ("affinity", "", r#"{"nodeAffinity":{}}"#),
    ("aws.endpoints.identityStore", "", r#""https://a.example""#),
    ("aws.endpoints.organizations", "", r#""https://a.example""#),
    ("aws.endpoints.ssoAdmin", "", r#""https://a.example""#),
    ("aws.endpoints.sts", "", r#""https://a.example""#),
    ("aws.region", "", r#""eu-west-1""#),
    ("aws.useDualStackEndpoints", "", "true"),
    ("aws.useFipsEndpoints", "", "true"),
    ("commonLabels", "", r#"{"team":"platform"}"#),
    ("concurrency", "", "3"),
    ("crds.install", "", "false"),
    ("crds.keep", "", "false"),
    ("customCA.configMap", "", r#""ca""#),
    ("customCA.key", r#"customCA.configMap="ca""#, r#""bundle.pem""#),
    ("dashboard.annotations", "dashboard.enabled=true", r#"{"folder":"x"}"#),
    ("dashboard.enabled", "", "true"),
    ("dashboard.labels", "dashboard.enabled=true", r#"{"grafana":"x"}"#),
    ("extraEnv", "", r#"[{"name":"A","value":"b"}]"#),
    ("extraEnvFrom", "", r#"[{"secretRef":{"name":"s"}}]"#),
    ("extraVolumeMounts", "", r#"[{"name":"v","mountPath":"/v"}]"#),
    ("extraVolumes", "", r#"[{"name":"v","emptyDir":{}}]"#),
    ("fullnameOverride", "", r#""undo""#),
    (
        "image.digest",
        "",
        r#""sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
    ),
    ("image.pullPolicy", "", r#""Always""#),
    ("image.pullSecrets", "", r#"["registry"]"#),
    ("image.registry", "", r#""ghcr.io/example""#),
    ("image.repository", "", r#""other""#),
    ("image.tag", "", r#""v9""#),
    (
        "instances",
        "",
        r#"{"main":{"instanceArn":"arn:aws:sso:::instance/ssoins-0123456789abcdef","region":"eu-west-1"}}"#,
    ),
    ("leaderElection.enabled", "replicas=1", "false"),
    ("leaderElection.leaseDuration", "", r#""30s""#),
    ("leaderElection.renewDeadline", "", r#""9s""#),
    ("leaderElection.retryPeriod", "", r#""1s""#),
    ("log.format", "", r#""text""#),
    ("log.level", "", r#""debug""#),
    ("nameOverride", "", r#""undo""#),
    ("networkPolicy.apiServer.cidrs", "", r#"["10.0.0.0/24"]"#),
    ("networkPolicy.apiServer.ports", "", "[8443]"),
    ("networkPolicy.aws.cidrs", "", r#"["10.0.0.0/24"]"#),
    ("networkPolicy.enabled", "", "false"),
    ("networkPolicy.extraEgress", "", r#"[{"ports":[{"port":8000}]}]"#),
    ("networkPolicy.instanceMetadata", "", "true"),
    ("networkPolicy.metricsFrom", "", r#"[{"namespaceSelector":{}}]"#),
    ("networkPolicy.podIdentityAgent", "", "true"),
    ("networkPolicy.proxy.cidrs", r#"proxy.https="http://p:1""#, r#"["10.0.0.0/24"]"#),
    ("networkPolicy.tracing.cidrs", r#"tracing.endpoint="http://t:1""#, r#"["10.0.0.0/24"]"#),
    ("nodeSelector", "", r#"{"zone":"a"}"#),
    ("podAnnotations", "", r#"{"a":"b"}"#),
    ("podDisruptionBudget.enabled", "", "false"),
    ("podDisruptionBudget.maxUnavailable", "", r#""50%""#),
    ("podLabels", "", r#"{"a":"b"}"#),
    ("podSecurityContext", "", r#"{"runAsUser":null}"#),
    ("priorityClassName", "", r#""system-cluster-critical""#),
    ("prometheusRule.enabled", "", "true"),
    ("prometheusRule.labels", "prometheusRule.enabled=true", r#"{"a":"b"}"#),
    ("prometheusRule.ruleLabels", "prometheusRule.enabled=true", r#"{"team":"access"}"#),
    ("prometheusRule.runbookURL", "prometheusRule.enabled=true", r#""https://a.example""#),
    ("proxy.http", "", r#""http://proxy:3128""#),
    ("proxy.https", "", r#""http://proxy:3128""#),
    ("proxy.none", "", r#"[".local"]"#),
    ("rbac.aggregatedRoles", "", "false"),
    ("rbac.create", "", "false"),
    ("rbac.instanceReaders", "", r#"[{"kind":"Group","name":"access-team"}]"#),
    ("replicas", "", "3"),
    ("requestTimeout", "", r#""5s""#),
    ("resources", "", r#"{"limits":{"memory":"1Gi"}}"#),
    ("revisionHistoryLimit", "", "1"),
    ("securityContext", "", r#"{"capabilities":{"drop":["NET_RAW"]}}"#),
    ("serviceAccount.annotations", "", r#"{"a":"b"}"#),
    ("serviceAccount.create", "", "false"),
    ("serviceAccount.name", "", r#""undoer""#),
    ("serviceMonitor.enabled", "", "true"),
    ("serviceMonitor.interval", "serviceMonitor.enabled=true", r#""5s""#),
    ("serviceMonitor.labels", "serviceMonitor.enabled=true", r#"{"a":"b"}"#),
    ("shutdownGrace", "", r#""30s""#),
    ("simulator.allowedNamespaces", "simulator.enabled=true", r#"["access"]"#),
    ("simulator.clusterIP", "simulator.enabled=true", r#""10.96.0.77""#),
    ("simulator.enabled", "", "true"),
    ("simulator.resources", "simulator.enabled=true", r#"{"limits":{"memory":"1Gi"}}"#),
    (
        "simulator.world",
        "simulator.enabled=true",
        r#""instances: [{arn: 'arn:aws:sso:::instance/ssoins-aaaaaaaaaaaaaaaa', region: eu-west-1}]""#,
    ),
    ("terminationGracePeriodSeconds", "", "90"),
    ("tolerations", "", r#"[{"operator":"Exists"}]"#),
    ("topologySpreadConstraints", "", "[]"),
    ("uninstall.refuseWhileBusy", "", "false"),
    ("tracing.endpoint", "", r#""http://collector.observability:4318""#),
    ("watchNamespaces", "", r#"["access"]"#),
];

#[test]
fn every_value_changes_what_is_rendered() {
    let expected: BTreeSet<String> = leaves().into_iter().map(|(path, _)| path).collect();
    let listed: BTreeSet<String> = CHANGED.iter().map(|(path, ..)| (*path).to_owned()).collect();
    assert_eq!(listed, expected, "the table holds each value of values.yaml once");

    let render = |values: &[&str]| {
        let values = values.iter().filter(|value| !value.is_empty());
        let arguments: Vec<&str> = values.flat_map(|value| ["--set-json", value]).collect();
        try_template(&arguments).unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
    };
    let mut before: BTreeMap<&str, String> = BTreeMap::new();
    let mut without_effect = Vec::new();
    for (path, with, value) in CHANGED {
        let before = before.entry(with).or_insert_with(|| render(&[with]));
        if render(&[with, &format!("{path}={value}")]) == *before {
            without_effect.push(path);
        }
    }
    assert!(without_effect.is_empty(), "without effect: {without_effect:?}");
}
