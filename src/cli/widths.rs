//! What commands print on terminals of several widths, and without one: files that show it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::json;

use super::doctor::finding::{self, Finding, Level};
use super::output::Output;
use super::screen::{Paint, columns};
use super::stats::sums::sums;
use super::stats::window::Window;
use super::{fixtures, operations, plan, stats, status};
use crate::api::{OperationRecord, Phase, Rollback};

const WIDTHS: [usize; 4] = [60, 80, 120, 200];

fn now() -> Timestamp {
    "2026-11-23T20:58:00Z".parse().unwrap()
}

/// Holds what a command prints at each width against its file, and that a terminal takes nothing
/// from an id and has no line that is broken without need.
#[track_caller]
fn shown(file: &str, print: impl Fn(Paint) -> String) {
    let whole = print(Paint::PLAIN);
    let words: BTreeSet<&str> = whole.split_whitespace().map(bare).collect();
    let mut found = String::new();
    for width in WIDTHS {
        let text = print(Paint { width: Some(width), ..Paint::PLAIN });
        for line in text.lines() {
            let longest = line.split_whitespace().map(columns).max().unwrap_or_default();
            // A word that is too long keeps its label, as a digest does.
            let may = width.max(longest + 24);
            assert!(columns(line) <= may || line.contains("kubectl "), "{file}, {width}: {line}");
        }
        for id in text.split_whitespace().map(bare).filter(|word| is_id(word)) {
            assert!(words.contains(id), "{file}, {width}: {id} is cut");
        }
        let _ = write!(found, "=== {width} columns\n{text}");
    }
    let _ = write!(found, "=== no terminal\n{whole}");
    fixtures::is_in(&format!("src/cli/widths/{file}.txt"), &found);
}

/// A word without what sentences put around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| "()[],;:".contains(c))
}

/// Long, and with a number: something that somebody may paste.
fn is_id(word: &str) -> bool {
    word.len() >= 10 && word.contains(|c: char| c.is_ascii_digit())
}

/// Records of all kinds, with names as short and as long as they come.
fn records() -> Vec<OperationRecord> {
    let mut copy = fixtures::record();
    copy.metadata.name = Some("copy-39156504".to_owned());
    copy.spec.actor = Some("jane.roe@contractors.example.com".to_owned());
    let change = copy.spec.changes.first_mut().unwrap();
    change.principal.name = None;
    change.permission_set_name = Some("AdministratorAccessWithBoundary".to_owned());
    let mut clone = fixtures::record();
    clone.metadata.name = Some("clone-64006897-e85d-486a-8d50-37afbf1855ff".to_owned());
    clone.spec.operation_type = crate::model::OperationType::ClonePermissionSet;
    clone.spec.actor = None;
    let change = clone.spec.changes.first_mut().unwrap();
    change.principal.name = Some("contractors of the payments department, Zürich".to_owned());
    change.permission_set_name = None;
    let ledger = fixtures::ledger("undo-a-1", "undo", "a", "Verified");
    vec![ledger, fixtures::record(), copy, clone]
}

/// A Rollback that is executed, with everything that its status can say.
fn running() -> Rollback {
    let mut rollback = fixtures::rollback(Phase::Executing);
    rollback.spec.requested_by = Some("alice".to_owned());
    let status = rollback.status.as_mut().unwrap();
    status.summary = "1 of 3 undone, 1 failed, 1 in flight".to_owned();
    status.plan.as_mut().unwrap().approved_by = Some("bob".to_owned());
    let fill = json!({
        "progress": {
            "display": "1/4", "total": 4, "done": 1, "failed": 1, "skipped": 0, "inFlight": 1,
            "percent": 25, "shards": ["vfrs"],
        },
        "inFlight": [{
            "item": 2, "action": "DeleteAssignment", "intentAt": "2026-11-23T20:57:48Z",
            "attempt": 1, "firstAt": "2026-11-23T20:57:48Z",
            "requestId": "3c3b70b4-4776-41de-9a49-39631b4f118b",
        }],
        "failures": [{
            "item": 1, "action": "take ReadOnlyAccess in account 592740528984 from USER john.doe",
            "reason": "AsynchronousFailure", "message": "Received a 404 status error",
            "requestId": "4c3b70b4-4776-41de-9a49-39631b4f118b",
            "nextStep": "Mend what AWS names, then raise spec.attempt.",
        }],
        "timing": {
            "planningAt": "2026-11-23T20:55:00Z", "plannedAt": "2026-11-23T20:55:01.5Z",
            "approvedAt": "2026-11-23T20:57:00Z", "executingAt": "2026-11-23T20:57:00Z",
            "awsRequests": 14, "throttled": 2,
        },
    });
    status.progress = serde_json::from_value(fill["progress"].clone()).unwrap();
    status.in_flight = serde_json::from_value(fill["inFlight"].clone()).unwrap();
    status.failures = serde_json::from_value(fill["failures"].clone()).unwrap();
    status.timing = serde_json::from_value(fill["timing"].clone()).unwrap();
    rollback
}

#[test]
fn operations_at_each_width() {
    let records = records();
    shown("operations", |paint| operations::render(&records, now(), paint));
}

#[test]
fn rollbacks_at_each_width() {
    let mut other = fixtures::rollback(Phase::PartiallySucceeded);
    other.metadata.name = Some("undo-contractors-of-november".to_owned());
    let rollbacks = [running(), other];
    shown("status-list", |paint| status::rows(&rollbacks, false, false, now(), paint));
}

#[test]
fn a_rollback_at_each_width() {
    let rollback = running();
    shown("status", |paint| status::render(&rollback, Output::Table, now(), paint).unwrap());
}

#[test]
fn a_plan_at_each_width() {
    let rollback = fixtures::rollback(Phase::AwaitingApproval);
    let items = fixtures::shard().spec.items;
    shown("plan", |paint| plan::view::render(&rollback, &items, false, paint));
    shown("plan-diff", |paint| plan::diff::render(&rollback, &items, false, paint));
}

#[test]
fn statistics_at_each_width() {
    let stats = sums(&records(), &[], Window::of(30, "2026-11-30T12:00:00Z".parse().unwrap()));
    shown("stats", |paint| stats::view::text(&stats, paint));
}

#[test]
fn a_diagnosis_at_each_width() {
    let findings = [
        Finding::good("cluster", "Kubernetes v1.36.0 answers"),
        Finding::of(
            Level::Note,
            "access",
            "you may not patch rollbacks in namespace access, so you cannot approve a plan there",
            "ask for the role rollback-approver",
        ),
        Finding::of(
            Level::Wrong,
            "operator",
            "nobody renewed the lease rollback-system/rollback-operator for 20m",
            "kubectl get pods -n rollback-system -l app.kubernetes.io/name=rollback-operator",
        ),
    ];
    shown("doctor", |paint| finding::render(&findings, Output::Table, paint).unwrap());
}
