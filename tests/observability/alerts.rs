//! promtool reads the rules and plays their unit tests.

use std::collections::BTreeMap;

use super::place::text;
use super::prometheus::promtool;
use super::queries::{self, ALERTS};
use super::support::checkout;

const CASES: &str = "tests/observability/alerts.test.yaml";

#[test]
fn promtool_finds_nothing_wrong_with_the_rules() {
    let said = promtool(&["check", "rules", "--lint-fatal", ALERTS]).unwrap();
    assert!(said.contains(&format!("{} rules found", queries::alerts().len())), "{said}");
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    promtool(&["test", "rules", CASES]).unwrap();
    // (cases in which it fires, cases in which it does not)
    let mut cases: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let tests = queries::file(CASES);
    for case in tests["tests"].as_array().unwrap() {
        for looked in case["alert_rule_test"].as_array().unwrap() {
            let counts = cases.entry(text(&looked["alertname"])).or_default();
            if looked["exp_alerts"].as_array().unwrap().is_empty() {
                counts.1 += 1;
            } else {
                counts.0 += 1;
            }
        }
    }
    for alert in queries::alerts() {
        let name = text(&alert["alert"]);
        let (fires, silent) = cases.remove(&name).unwrap_or_default();
        assert!(fires > 0 && silent > 0, "{name}: fires in {fires} cases, is silent in {silent}");
    }
    assert!(cases.is_empty(), "no such alert: {cases:?}");
}

#[test]
fn a_rule_that_never_fires_is_noticed() {
    let rules = std::fs::read_to_string(checkout().join(ALERTS)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let cases = std::fs::read_to_string(checkout().join(CASES)).unwrap();
    let cases = cases.replace("../../charts/rollback-operator/files/alerts.yaml", "rules.yaml");
    std::fs::write(directory.path().join("cases.yaml"), cases).unwrap();
    let path = directory.path().join("cases.yaml");
    for (right, wrong) in [
        ("absent(rollback_leader_ready == 1)", "absent(rollback_leader_ready)"),
        (r#"outcome="403""#, r#"outcome="401""#),
        ("[1h])) > 3", "[1h])) > 9"),
        (r#"rollback_instances{ready="false"}"#, r#"rollback_instances{ready="no"}"#),
        ("> 1800", "> 18000"),
        (r#"{phase="Planning"}) > 900"#, r#"{phase="Planning"}) > 9000"#),
        ("Failed|PartiallySucceeded", "PartiallySucceeded"),
        ("[10m])) > 0.2", "[10m])) > 0.6"),
        (r#"outcome="throttled""#, r#"outcome="throttle""#),
        ("> 86400", "> 186400"),
        ("failed|name_taken", "name_taken"),
    ] {
        assert!(rules.contains(right), "{right}");
        std::fs::write(directory.path().join("rules.yaml"), rules.replace(right, wrong)).unwrap();
        assert!(promtool(&["test", "rules", path.to_str().unwrap()]).is_err(), "{wrong}");
    }
}
