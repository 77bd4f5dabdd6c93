//! The files name only what the operator has, and all that they point to is there.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rollback_operator::runtime::metrics::{Described, Metrics};

use super::docs;
use super::place::text;
use super::queries::{self, Query};
use super::support::checkout;

/// Metrics of the process, which are the collector's own.
const OF_THE_PROCESS: [&str; 7] = [
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

/// The series that a metric is read by.
fn series(metric: &Described) -> Vec<String> {
    match metric.kind {
        "histogram" => {
            ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", metric.name)).into()
        }
        _ => vec![metric.name.clone()],
    }
}

fn all_series() -> BTreeSet<String> {
    let metrics = Metrics::new().unwrap();
    let own = metrics.described().iter().flat_map(series);
    own.chain(OF_THE_PROCESS.map(str::to_owned)).collect()
}

#[test]
fn every_metric_of_dashboard_and_alerts_is_one_of_the_operators() {
    let known = all_series();
    let queries = queries::of_dashboard().into_iter().chain(queries::of_alerts());
    for Query { place, expression } in queries {
        let named = queries::metrics(&expression);
        assert!(!named.is_empty(), "{place}: {expression}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{place}: {unknown:?}");
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let shown: BTreeSet<String> = queries::of_dashboard()
        .iter()
        .flat_map(|query| queries::metrics(&query.expression))
        .collect();
    let metrics = Metrics::new().unwrap();
    let hidden: Vec<&str> = metrics
        .described()
        .iter()
        .filter(|metric| !series(metric).iter().any(|name| shown.contains(name)))
        .map(|metric| metric.name.as_str())
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn the_document_lists_every_metric() {
    let mut table = String::from("| metric | type | labels | |\n|---|---|---|---|\n");
    for Described { name, kind, labels, help } in Metrics::new().unwrap().described() {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    docs::shows("docs/metrics.md", "metrics", &table);
}

#[test]
fn the_process_has_the_metrics_that_are_listed() {
    let text = Metrics::new().unwrap().encode().unwrap();
    let found: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("process_"))
        .collect();
    assert_eq!(found, OF_THE_PROCESS.into());
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_that_needs_one_an_alert() {
    let mut named = BTreeSet::new();
    for alert in queries::alerts() {
        let name = text(&alert["alert"]);
        let runbook = text(&alert["annotations"]["runbook"]);
        let path = checkout().join(&runbook);
        let words = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{runbook}: {e}"));
        assert!(words.contains(&format!("`{name}`")), "{runbook} does not name {name}");
        assert!(["warning", "critical"].contains(&alert["labels"]["severity"].as_str().unwrap()));
        named.insert(runbook);
    }
    // No alert leads there: the file of the alerts says why.
    named.insert("docs/runbooks/drift-after-undo.md".to_owned());
    named.insert("docs/runbooks/README.md".to_owned());
    let files: BTreeSet<String> = std::fs::read_dir(checkout().join("docs/runbooks"))
        .unwrap()
        .map(|file| format!("docs/runbooks/{}", file.unwrap().file_name().to_str().unwrap()))
        .collect();
    assert_eq!(files, named);
}

/// Every file below a folder, in one text.
fn texts_below(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&texts_below(&path));
        } else {
            all.push_str(&std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
    all
}

#[test]
fn runbooks_name_only_reasons_and_phases_that_the_operator_says() {
    let known = texts_below(&checkout().join("src"));
    let alerts: BTreeSet<String> =
        queries::alerts().iter().map(|alert| text(&alert["alert"])).collect();
    let word = regex_lite::Regex::new("`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`").unwrap();
    let runbooks = texts_below(&checkout().join("docs/runbooks"));
    let mut seen = 0;
    for found in word.captures_iter(&runbooks) {
        let word = &found[1];
        let is_said = regex_lite::Regex::new(&format!(r"\b{word}\b")).unwrap().is_match(&known);
        assert!(is_said || alerts.contains(word), "nothing says {word}");
        seen += 1;
    }
    assert!(seen > 20, "only {seen} words were looked for");
}

#[test]
fn panels_lie_side_by_side_and_say_what_they_show() {
    let dashboard = queries::file(queries::DASHBOARD);
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        let title = text(&panel["title"]);
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: an id twice");
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{title} sticks out");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{title} lies on another panel");
            }
        }
        if panel["type"] == "row" {
            assert!(title.ends_with('?'), "{title} is no question");
        } else {
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        }
    }
}
