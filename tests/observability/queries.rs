//! The queries of the dashboard and of the alerts, and the metrics that they name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::place::text;
use super::support::checkout;

pub const ALERTS: &str = "charts/rollback-operator/files/alerts.yaml";
pub const DASHBOARD: &str = "charts/rollback-operator/files/dashboard.json";

/// A query, and where it stands.
pub struct Query {
    pub place: String,
    pub expression: String,
}

#[track_caller]
pub fn file(path: &str) -> Value {
    let text = std::fs::read_to_string(checkout().join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The alerts, as the file has them.
pub fn alerts() -> Vec<Value> {
    let groups = file(ALERTS)["groups"].take();
    let rules = groups.as_array().unwrap().iter().flat_map(|it| it["rules"].as_array().unwrap());
    rules.cloned().collect()
}

/// The panels of the dashboard that show something.
pub fn panels() -> Vec<Value> {
    let panels = file(DASHBOARD)["panels"].take();
    panels.as_array().unwrap().iter().filter(|panel| panel["type"] != "row").cloned().collect()
}

/// Every query of the dashboard.
pub fn of_dashboard() -> Vec<Query> {
    let of_panel = |panel: &Value| {
        let title = text(&panel["title"]);
        let targets = panel["targets"].as_array().unwrap().iter();
        let query = |target: &Value| Query {
            place: format!("{title} {}", text(&target["refId"])),
            expression: text(&target["expr"]),
        };
        targets.map(query).collect::<Vec<_>>()
    };
    panels().iter().flat_map(of_panel).collect()
}

/// Every query of an alert.
pub fn of_alerts() -> Vec<Query> {
    let query =
        |rule: &Value| Query { place: text(&rule["alert"]), expression: text(&rule["expr"]) };
    alerts().iter().map(query).collect()
}

/// The metrics that a query names.
pub fn metrics(expression: &str) -> BTreeSet<String> {
    let names = regex_lite::Regex::new(r"\b(?:rollback|process)_[a-z0-9_]+\b").unwrap();
    names.find_iter(expression).map(|found| found.as_str().to_owned()).collect()
}
