//! Every query of the dashboard shows something of an operator that has had a bad day.

use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::place::Place;
use super::prometheus::Prometheus;
use super::queries::{self, Query};
use super::seed::accounts;
use super::support::wait_for;

/// What Grafana puts in its place depends on the time that is shown.
const INTERVAL: (&str, &str) = ("$__rate_interval", "2m");

#[test]
fn every_panel_shows_what_happened() {
    let cluster = Cluster::start();
    let admin = cluster.operator().admin().trim_start_matches("http://").to_owned();
    let prometheus = Prometheus::scraping(&[&admin]);
    // A counter that is there only once it has counted shows no increase before its second sample.
    let morning = bad_day(&cluster);
    wait_for("a first look", Duration::from_mins(1), || {
        (!prometheus.query("rollback_throttles_total").is_empty()).then_some(())
    });
    let evening = bad_day(&cluster);
    for Query { place, expression } in queries::of_dashboard() {
        let expression = expression.replace(INTERVAL.0, INTERVAL.1);
        wait_for(
            &format!("{place} to show something: {expression}"),
            Duration::from_secs(20),
            || prometheus.query(&expression).iter().any(is_a_number).then_some(()),
        );
    }
    // What is waiting is shown as waiting, and as nothing else.
    shows(&prometheus, r#"rollback_rollbacks{phase="AwaitingApproval"}"#, "2");
    shows(&prometheus, r#"rollback_instances{ready="true"}"#, "2");
    shows(&prometheus, r#"rollback_finished_total{phase="Failed"}"#, "2");
    shows(&prometheus, r#"rollback_finished_total{phase="Succeeded"}"#, "2");
    shows(&prometheus, r#"rollback_ledger_writes_total{outcome="written"}"#, "4");
    shows(&prometheus, "sum(rollback_leader)", "1");
    drop((morning, evening));
}

/// A NaN, which is what a quantile of nothing is, shows nothing.
fn is_a_number(series: &Value) -> bool {
    series["value"][1].as_str().is_some_and(|value| value.parse().is_ok_and(|it: f64| !it.is_nan()))
}

/// Waits until a query gives one value, and that: it may be one look behind.
#[track_caller]
fn shows(prometheus: &Prometheus, expression: &str, value: &str) {
    wait_for(&format!("{expression} to be {value}"), Duration::from_secs(20), || {
        let found = prometheus.query(expression);
        (found.len() == 1 && found[0]["value"][1] == value).then_some(())
    });
}

/// One undo is throttled and meets others' changes, another is refused, a third waits for its
/// approval, and meanwhile AWS breaks.
fn bad_day(cluster: &Cluster) -> Place<'_> {
    let place = Place::with(cluster, 20, &json!({}));
    place.operation("assign", &accounts(1..=15));
    place.operation("refused", &accounts(16..=18));
    place.operation("later", &accounts(19..=20));
    let error = |code: &str, status: u16| json!({"error": {"code": code, "message": "Rate exceeded", "status": status}});
    let deletes = json!({"operations": ["DeleteAccountAssignment"]});
    let refused = json!({"operations": ["DeleteAccountAssignment"], "accounts": accounts(16..=18)});
    place.simulator.faults(&json!({"faults": [
        {"match": refused, "do": error("AccessDeniedException", 400)},
        {"match": deletes, "count": 2, "do": error("ThrottlingException", 400)},
        {"match": deletes, "after": 3, "count": 2, "do": error("ConflictException", 400)},
        {"match": {"operations": ["DescribePermissionSet"]}, "count": 1, "do": error("InternalServerException", 500)},
    ]}));
    place.rollback("undo", "assign", &json!({}));
    place.rollback("refused", "refused", &json!({}));
    place.rollback("later", "later", &json!({}));
    place.approve("undo");
    place.approve("refused");
    place.wait_phase("undo", "Succeeded");
    place.wait_phase("refused", "Failed");
    place.wait_phase("later", "AwaitingApproval");
    place
}
