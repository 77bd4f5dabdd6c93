//! Values that do not go together are refused by name, before anything is installed.

use std::time::Duration;

use clap::Parser;
use rollback_operator::api::crd;
use rollback_operator::runtime::config::OperatorFlags;
use serde_json::Value;

use super::render::try_template;
use super::support::checkout;

const INSTANCE: &str = r#"instances.main={"instanceArn":"arn:aws:sso:::instance/ssoins-0123456789abcdef","region":"eu-west-1","endpoint":"https://sso.example"}"#;

/// What Helm says about these values, if it refuses them.
fn complaint(values: &[&str]) -> Option<String> {
    let arguments: Vec<&str> = values.iter().flat_map(|it| ["--set-json", it]).collect();
    try_template(&arguments).err()
}

/// Holds that each of these sets of values is refused, by all these names.
#[track_caller]
fn refused(table: &[(&[&str], &[&str])]) {
    for (values, named) in table {
        let said = complaint(values).unwrap_or_else(|| panic!("{values:?} are taken"));
        for name in *named {
            assert!(said.contains(name), "{values:?}: {name} is not named\n{said}");
        }
    }
}

#[test]
fn endpoints_of_your_own_do_not_go_with_those_that_the_sdk_chooses() {
    let (fips, dual) = ("aws.useFipsEndpoints=true", "aws.useDualStackEndpoints=true");
    let sts = r#"aws.endpoints.sts="https://sts.example""#;
    refused(&[
        (&[fips, sts], &["aws.useFipsEndpoints", "aws.endpoints.sts"]),
        (&[dual, sts], &["aws.useDualStackEndpoints", "aws.endpoints.sts"]),
        (&[fips, INSTANCE], &["aws.useFipsEndpoints", "instances.main.endpoint"]),
        (&[dual, INSTANCE], &["aws.useDualStackEndpoints", "instances.main.endpoint"]),
        (&[fips, "simulator.enabled=true"], &["aws.useFipsEndpoints", "simulator.enabled"]),
    ]);
    assert_eq!(complaint(&[sts, INSTANCE]), None);
    assert_eq!(complaint(&[fips, dual]), None);
}

#[test]
fn times_that_end_the_operator_are_refused_by_the_names_of_their_keys() {
    const LEASE: &str = "leaderElection.leaseDuration";
    const RENEW: &str = "leaderElection.renewDeadline";
    refused(&[
        (&[r#"leaderElection.leaseDuration="8s""#], &[LEASE, RENEW, "(10s)"]),
        (&[r#"leaderElection.renewDeadline="20s""#], &[LEASE, RENEW, "(15s)"]),
        (&[r#"leaderElection.leaseDuration="15500ms""#], &[LEASE, "whole seconds"]),
        (&[r#"leaderElection.retryPeriod="9s""#], &[RENEW, "leaderElection.retryPeriod (9s)"]),
        (&[r#"requestTimeout="0s""#], &["requestTimeout is 0s"]),
        (&[r#"shutdownGrace="2h""#], &["shutdownGrace is 2h"]),
        (
            &[r#"shutdownGrace="31s""#],
            &["terminationGracePeriodSeconds is 60", "shutdownGrace (31s)", "requestTimeout (10s)"],
        ),
        (&["terminationGracePeriodSeconds=49"], &["terminationGracePeriodSeconds", "up to 50 s"]),
    ]);
}

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    flags: OperatorFlags,
}

#[test]
fn the_chart_takes_the_times_that_the_program_takes() {
    let mut taken = 0;
    let times = [
        ("15s", "10s", "2s"),
        ("15s", "15s", "2s"),
        ("16s", "15s", "2s"),
        ("1m", "59999ms", "2s"),
        ("1m30s", "80s", "1m"),
        ("15001ms", "10s", "2s"),
        ("15000ms", "10s", "2s"),
        ("015s", "08s", "2s"),
        ("15s", "12s", "10s"),
        ("15s", "12001ms", "10s"),
        ("1h", "30m", "20m"),
        ("60m1s", "30m", "20m"),
        ("1h0m1s", "30m", "20m"),
        ("15s", "10s", "0ms"),
    ];
    for (lease, renew, retry) in times {
        let values = [("leaseDuration", lease), ("renewDeadline", renew), ("retryPeriod", retry)];
        let values = values.map(|(key, time)| format!("leaderElection.{key}={time:?}"));
        let said = complaint(&values.each_ref().map(String::as_str));
        let flags = ["--lease-duration", lease, "--renew-deadline", renew, "--retry-period", retry];
        let program = Program::try_parse_from(["operator"].into_iter().chain(flags))
            .map_err(|error| error.to_string())
            .and_then(|it| it.flags.validate().map_err(|error| error.to_string()));
        assert_eq!(said.is_none(), program.is_ok(), "{values:?}: {said:?}, {program:?}");
        taken += usize::from(said.is_none());
    }
    assert_eq!(taken, 8, "each kind of time is there");
}

/// The seconds that the operator may wait one after the other when it stops, beside those of flags.
#[test]
fn what_is_kept_for_stopping_is_what_the_operator_may_take() {
    let read = |file: &str| std::fs::read_to_string(checkout().join(file)).unwrap();
    let seconds = |text: &str| -> u64 {
        let found = text.split("Duration::from_secs(").skip(1);
        found.map(|rest| rest.split_once(')').unwrap().0.parse::<u64>().unwrap()).sum()
    };
    let operator = read("src/controller/operator.rs");
    assert_eq!(operator.matches("drain(").count(), 5, "a wait more or less: see _refusals.tpl");
    let traces = read("src/runtime/traces.rs");
    let line = traces.lines().find(|line| line.starts_with("const LAST_SPANS")).unwrap();
    assert_eq!(Duration::from_secs(seconds(&operator) + seconds(line)), Duration::from_secs(19));
}

#[test]
fn labels_that_select_are_the_charts_own() {
    const NAME: &str = "app.kubernetes.io/name";
    refused(&[
        (&[r#"podLabels={"app.kubernetes.io/name":"other"}"#], &["podLabels", NAME]),
        (&[r#"commonLabels={"app.kubernetes.io/name":"other"}"#], &["commonLabels", NAME]),
        (&[r#"dashboard.labels={"helm.sh/chart":"x"}"#], &["dashboard.labels", "helm.sh/chart"]),
        (&[r#"prometheusRule.labels={"app.kubernetes.io/name":"x"}"#], &["prometheusRule.labels"]),
        (&[r#"serviceMonitor.labels={"app.kubernetes.io/name":"x"}"#], &["serviceMonitor.labels"]),
    ]);
    assert_eq!(complaint(&[r#"podLabels={"app.kubernetes.io/version":"2"}"#]), None);
}

#[test]
fn no_variable_is_set_twice() {
    let variable = |name: &str| format!("extraEnv=[{{\"name\":\"{name}\",\"value\":\"x\"}}]");
    let region = r#"aws.region="eu-west-1""#;
    refused(&[
        (&[region, &variable("AWS_REGION")], &["extraEnv has AWS_REGION"]),
        (&[&variable("ROLLBACK_OPERATOR_CONCURRENCY")], &["ROLLBACK_OPERATOR_CONCURRENCY"]),
        (&[r#"extraEnv=[{"name":"A"},{"name":"A"}]"#], &["extraEnv has A"]),
    ]);
    assert_eq!(complaint(&[&variable("AWS_REGION")]), None, "where no value sets it");
}

#[test]
fn a_world_without_an_instance_is_refused() {
    for world in ["instances: []", "instances: {}", "accounts: []", "instances: [{arn: a}]", "a: ["]
    {
        let world = format!("simulator.world={}", Value::from(world));
        refused(&[(
            &["simulator.enabled=true", &world],
            &["simulator.world", "docs/simulator.md"],
        )]);
    }
}

/// Every rule in CEL for a new instance, with where it is.
fn rules(schema: &Value, found: &mut Vec<String>) {
    if let Some(rules) = schema["x-kubernetes-validations"].as_array() {
        let of_new = rules.iter().filter(|it| !it["rule"].as_str().unwrap().contains("oldSelf"));
        found.extend(of_new.map(|it| it["message"].as_str().unwrap().to_owned()));
    }
    match schema {
        Value::Object(members) => members.values().for_each(|it| rules(it, found)),
        Value::Array(elements) => elements.iter().for_each(|it| rules(it, found)),
        _ => {}
    }
}

#[test]
fn an_instance_that_the_api_server_would_refuse_is_refused() {
    let kinds = crd::all().unwrap();
    let (_, kind) = kinds.iter().find(|(file, _)| file.starts_with("identity")).unwrap();
    let mut found = Vec::new();
    rules(
        &kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"],
        &mut found,
    );
    assert_eq!(found, ["retention: not enforced by this version; leave it out"]);
    let retention = r#"instances.main.policy={"retention":"2160h"}"#;
    refused(&[(&[INSTANCE, retention], &[&format!("instances.main.policy.{}", found[0])])]);
}
