//! Records as rows.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::ResourceExt as _;

use super::filter::rolled_back;
use super::rolled_back_tone;
use crate::api::OperationRecord;
use crate::api::record::NamedPrincipal;
use crate::cli::narrow::Yields;
use crate::cli::screen::Tone;
use crate::cli::table::Cell;
use crate::cli::times;
use crate::model::OperationType;

/// Columns of every table.
pub const HEADERS: [&str; 8] =
    ["NAME", "TYPE", "WHEN", "ACTOR", "PRINCIPAL", "PERMISSION-SET", "ACCOUNTS", "ROLLED-BACK"];
/// What a narrow table does without. A principal may be shown by its id, a set by its short one.
pub const YIELDS: Yields<'_> = Yields {
    shortened: &[("ACTOR", 12), ("PRINCIPAL", 47), ("PERMISSION-SET", 20)],
    left_out: &["ACCOUNTS", "ROLLED-BACK", "PERMISSION-SET", "ACTOR", "TYPE", "PRINCIPAL", "WHEN"],
};
/// Columns that a wide table has as well.
pub const WIDE_HEADERS: [&str; 6] =
    ["INSTANCE", "SOURCE", "SOURCE-ID", "PRINCIPAL-ID", "PERMISSION-SET-ARN", "REASON"];

/// One record as a row. With `now` times are relative, without it they are written out.
#[must_use]
pub fn row(
    record: &OperationRecord,
    with_namespace: bool,
    wide: bool,
    now: Option<Timestamp>,
) -> Vec<Cell> {
    let spec = &record.spec;
    let time = match now {
        Some(now) => times::age(now, spec.occurred_at),
        None => spec.occurred_at.to_string(),
    };
    let rolled_back = rolled_back(record);
    let state = match rolled_back {
        Some(true) => "yes",
        Some(false) => "partly",
        None => "no",
    };
    let state_tone = match rolled_back {
        Some(false) => Tone::Warning,
        other => rolled_back_tone(other == Some(true)),
    };
    let mut cells = Vec::new();
    if with_namespace {
        cells.push(Cell::from(record.namespace().unwrap_or_default()));
    }
    cells.extend([
        Cell::new(Tone::Strong, record.name_any()),
        Cell::new(type_tone(spec.operation_type), spec.operation_type.as_str()),
        Cell::from(time),
        Cell::from(spec.actor.clone().unwrap_or_default()),
        Cell::from(one_or_count(principals(record, name_of), "principals")),
        Cell::from(one_or_count(set_names(record), "sets")),
        Cell::from(accounts(record).to_string()),
        Cell::new(state_tone, state),
    ]);
    if wide {
        cells.extend([
            Cell::from(spec.instance.clone()),
            Cell::from(spec.source.tool.clone()),
            Cell::from(spec.source.id.clone()),
            Cell::from(one_or_count(principals(record, |p| p.id.to_string()), "principals")),
            Cell::from(one_or_count(set_arns(record), "sets")),
            Cell::from(spec.reason.clone().unwrap_or_default()),
        ]);
    }
    cells
}

const fn type_tone(kind: OperationType) -> Tone {
    match kind {
        OperationType::Revoke => Tone::Bad,
        OperationType::Rollback => Tone::Faint,
        _ => Tone::Plain,
    }
}

fn name_of(principal: &NamedPrincipal) -> String {
    principal.name.clone().unwrap_or_else(|| principal.id.to_string())
}

fn principals(
    record: &OperationRecord,
    show: impl Fn(&NamedPrincipal) -> String,
) -> BTreeSet<String> {
    let changed = record.spec.changes.iter().map(|change| &change.principal);
    let ledger = record.spec.rollback.iter().flat_map(|ledger| &ledger.keys);
    changed.chain(ledger.filter_map(|keys| keys.principal.as_ref())).map(show).collect()
}

fn set_names(record: &OperationRecord) -> BTreeSet<String> {
    let changed = record.spec.changes.iter().map(|change| match &change.permission_set_name {
        Some(name) => name.clone(),
        None => change.permission_set.short_id().to_owned(),
    });
    let made = record.spec.created_permission_set.iter().map(|set| set.name.clone());
    let ledger = record.spec.rollback.iter().flat_map(|ledger| &ledger.keys);
    let ledger = ledger.map(|keys| keys.permission_set.short_id().to_owned());
    changed.chain(made).chain(ledger).collect()
}

fn set_arns(record: &OperationRecord) -> BTreeSet<String> {
    let changed = record.spec.changes.iter().map(|change| &change.permission_set);
    let made = record.spec.created_permission_set.iter().map(|set| &set.arn);
    let ledger = record.spec.rollback.iter().flat_map(|ledger| &ledger.keys);
    let ledger = ledger.map(|keys| &keys.permission_set);
    changed.chain(made).chain(ledger).map(ToString::to_string).collect()
}

/// In how many accounts something was changed.
#[must_use]
pub fn accounts(record: &OperationRecord) -> usize {
    let changed = record.spec.changes.iter().flat_map(|change| &change.accounts);
    let ledger = record.spec.rollback.iter().flat_map(|ledger| &ledger.keys);
    changed.chain(ledger.flat_map(|keys| &keys.accounts)).collect::<BTreeSet<_>>().len()
}

fn one_or_count(values: BTreeSet<String>, what: &str) -> String {
    match values.len() {
        0 | 1 => values.into_iter().next().unwrap_or_default(),
        count => format!("{count} {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;
    use crate::cli::screen::Paint;
    use crate::cli::table::table;

    #[test]
    fn a_row_has_what_an_incident_needs() {
        let now = "2026-11-23T20:55:11Z".parse().unwrap();
        let rows = vec![row(&fixtures::record(), true, false, Some(now))];
        let mut headers = vec!["NAMESPACE"];
        headers.extend(HEADERS);
        assert_eq!(
            table(&headers, YIELDS, rows, Paint::PLAIN),
            "\
NAMESPACE   NAME              TYPE     WHEN    ACTOR   PRINCIPAL   PERMISSION-SET   ACCOUNTS   ROLLED-BACK
access      assign-2abdc948   Assign   4m59s   alice   john.doe    ReadOnlyAccess   2          no
"
        );
        let wide = row(&fixtures::record(), false, true, None);
        let texts: Vec<_> = wide.iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(texts.len(), HEADERS.len() + WIDE_HEADERS.len());
        assert_eq!(texts[2], "2026-11-23T20:50:11.234159Z");
        assert_eq!(texts[10], "2abdc948-e85d-486a-8d50-37afbf1855ff");
        assert_eq!(
            texts[12],
            "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j"
        );
    }
}
