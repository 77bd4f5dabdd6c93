//! Rollbacks as rows.

use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::view::phase_tone;
use crate::api::Rollback;
use crate::api::condition::ConditionType;
use crate::cli::error::CliError;
use crate::cli::narrow::Yields;
use crate::cli::plan::view::grade_tone;
use crate::cli::screen::{Paint, Tone};
use crate::cli::session::Session;
use crate::cli::table::{Cell, csv, table};
use crate::cli::times;

/// Objects that one answer of the API server holds at most.
const PAGE: u32 = 500;
const HEADERS: [&str; 8] = ["NAME", "OPERATION", "TYPE", "PHASE", "DONE", "GRADE", "READY", "AGE"];
/// What a narrow table does without; its cells are words and ids, of which none is cut.
const YIELDS: Yields<'_> =
    Yields { shortened: &[], left_out: &["TYPE", "READY", "GRADE", "OPERATION", "AGE", "DONE"] };
const WIDE_HEADERS: [&str; 8] =
    ["REASON", "ATTEMPT", "INSTANCE", "REQUESTED-BY", "APPROVED-BY", "PLAN", "LEDGER", "SUMMARY"];

/// Every Rollback, the newest first.
pub async fn list(session: &Session, api: &Api<Rollback>) -> Result<Vec<Rollback>, CliError> {
    let mut parameters = ListParams::default().limit(PAGE);
    let mut found = Vec::new();
    let mut restarts = 0;
    loop {
        let page = match session.raw("list the rollbacks", api.list(&parameters)).await? {
            Ok(page) => page,
            // The list changed so much in between that its rest cannot be given any more.
            Err(kube::Error::Api(status)) if status.code == 410 && restarts < 3 => {
                restarts += 1;
                found.clear();
                parameters.continue_token = None;
                continue;
            }
            Err(error) => return Err(CliError::request("list the rollbacks", &error)),
        };
        found.extend(page.items);
        parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if parameters.continue_token.is_none() {
            break;
        }
    }
    for rollback in &mut found {
        rollback.metadata.managed_fields = None;
    }
    let order = |rollback: &Rollback| (rollback.namespace(), rollback.name_any());
    found.sort_by(|a, b| created(b).cmp(&created(a)).then_with(|| order(a).cmp(&order(b))));
    Ok(found)
}

fn created(rollback: &Rollback) -> Option<Timestamp> {
    rollback.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// Rollbacks as a table.
#[must_use]
pub fn rows(
    rollbacks: &[Rollback],
    with_namespace: bool,
    wide: bool,
    now: Timestamp,
    paint: Paint,
) -> String {
    let rows = rollbacks.iter().map(|it| row(it, with_namespace, wide, Some(now))).collect();
    let paint = if wide { paint.whole() } else { paint };
    table(&headers(with_namespace, wide), YIELDS, rows, paint)
}

/// Rollbacks as CSV: every column, with times written out.
#[must_use]
pub fn comma_separated(rollbacks: &[Rollback]) -> String {
    let rows: Vec<Vec<Cell>> = rollbacks.iter().map(|it| row(it, true, true, None)).collect();
    csv(&headers(true, true), &rows)
}

fn headers(with_namespace: bool, wide: bool) -> Vec<&'static str> {
    let namespace = with_namespace.then_some("NAMESPACE");
    let more = wide.then_some(WIDE_HEADERS).into_iter().flatten();
    namespace.into_iter().chain(HEADERS).chain(more).collect()
}

/// One Rollback. With `now` its age is relative, without it the creation is written out.
fn row(rollback: &Rollback, with_namespace: bool, wide: bool, now: Option<Timestamp>) -> Vec<Cell> {
    let status = rollback.status.clone().unwrap_or_default();
    let plan = status.plan.as_ref();
    let ready = status.conditions.iter().find(|it| it.type_ == ConditionType::Ready.as_str());
    let age = created(rollback).map(|at| match now {
        Some(now) => times::age(now, at),
        None => at.to_string(),
    });
    let grade = plan.map(|plan| plan.grade);
    let ready_tone = match ready.map(|ready| ready.status.as_str()) {
        Some("True") => Tone::Good,
        _ => Tone::Plain,
    };
    let mut cells = Vec::new();
    if with_namespace {
        cells.push(Cell::from(rollback.namespace().unwrap_or_default()));
    }
    cells.extend([
        Cell::new(Tone::Strong, rollback.name_any()),
        Cell::from(status.operation.clone().unwrap_or_default()),
        Cell::from(status.operation_type.clone().unwrap_or_default()),
        Cell::new(phase_tone(status.phase), status.phase.as_str()),
        Cell::from(status.progress.as_ref().map(|it| it.display.clone()).unwrap_or_default()),
        grade.map_or_else(Cell::default, |grade| Cell::new(grade_tone(grade), grade.as_str())),
        Cell::new(ready_tone, ready.map(|ready| ready.status.clone()).unwrap_or_default()),
        Cell::from(age.unwrap_or_default()),
    ]);
    if wide {
        cells.extend([
            Cell::from(ready.map(|ready| ready.reason.clone()).unwrap_or_default()),
            Cell::from(rollback.spec.attempt.to_string()),
            Cell::from(status.instance.clone().unwrap_or_default()),
            Cell::from(rollback.spec.requested_by.clone().unwrap_or_default()),
            Cell::from(plan.and_then(|plan| plan.approved_by.clone()).unwrap_or_default()),
            Cell::from(plan.map(|plan| plan.digest.clone()).unwrap_or_default()),
            Cell::from(status.ledger.clone().unwrap_or_default()),
            Cell::from(status.summary.clone()),
        ]);
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Phase;
    use crate::cli::fixtures;

    #[test]
    fn rollbacks_are_rows_whose_ids_can_be_pasted() {
        let now = "2026-11-23T20:58:00Z".parse().unwrap();
        let one = [fixtures::rollback(Phase::AwaitingApproval)];
        assert_eq!(
            rows(&one, true, false, now, Paint::PLAIN),
            "\
NAMESPACE   NAME   OPERATION         TYPE     PHASE              DONE   GRADE   READY   AGE
access      undo   assign-2abdc948   Assign   AwaitingApproval   -      Lossy   -       3m
"
        );
        let digest = one[0].status.as_ref().unwrap().plan.as_ref().unwrap().digest.clone();
        assert!(rows(&one, false, true, now, Paint::PLAIN).contains(&digest));
        assert_eq!(
            comma_separated(&one),
            format!(
                "NAMESPACE,NAME,OPERATION,TYPE,PHASE,DONE,GRADE,READY,AGE,REASON,ATTEMPT,INSTANCE,\
                 REQUESTED-BY,APPROVED-BY,PLAN,LEDGER,SUMMARY\r\naccess,undo,assign-2abdc948,Assign,\
                 AwaitingApproval,,Lossy,,2026-11-23T20:55:00Z,,1,main,,,{digest},,3 actions wait \
                 for approval\r\n"
            )
        );
    }
}
