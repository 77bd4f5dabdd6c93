//! The items of a plan as rows of CSV.

use crate::api::plan::PlanItem;
use crate::cli::table::{Cell, csv};

const HEADERS: [&str; 16] = [
    "DISPOSITION",
    "ACTION",
    "ACCOUNT",
    "ACCOUNT-NAME",
    "PRINCIPAL-TYPE",
    "PRINCIPAL-ID",
    "PRINCIPAL",
    "PERMISSION-SET-ARN",
    "PERMISSION-SET",
    "NOW",
    "GOAL",
    "GRADE",
    "BLOCKED",
    "KEPT-FOR",
    "PEOPLE",
    "MESSAGE",
];

/// A row for each item, in the order of execution.
#[must_use]
pub fn comma_separated(items: &[PlanItem]) -> String {
    csv(&HEADERS, &items.iter().map(row).collect::<Vec<_>>())
}

fn row(item: &PlanItem) -> Vec<Cell> {
    let principal = item.principal.as_ref();
    let text = |value: Option<String>| value.unwrap_or_default();
    let word = |value: &dyn std::fmt::Debug| format!("{value:?}");
    [
        word(&item.disposition),
        item.action.as_str().to_owned(),
        text(item.account.as_ref().map(ToString::to_string)),
        text(item.account_name.clone()),
        text(principal.map(|it| it.kind.to_string())),
        text(principal.map(|it| it.id.to_string())),
        text(principal.and_then(|it| it.name.clone())),
        item.permission_set.to_string(),
        text(item.permission_set_name.clone()),
        word(&item.live),
        word(&item.goal()),
        item.grade.as_str().to_owned(),
        text(item.blocked.map(|it| it.to_string())),
        text(item.kept_for.clone()),
        text(item.effect.as_ref().map(|it| it.people.to_string())),
        text(item.message.clone()),
    ]
    .into_iter()
    .map(Cell::from)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    #[test]
    fn every_item_is_a_row() {
        let text = comma_separated(&fixtures::shard().spec.items);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(
            lines[4],
            "Blocked,DeleteAssignment,474716250369,,USER,0f791059-3b41-4313-86da-59fa2cf217a7,\
             john.doe,arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j,\
             ReadOnlyAccess,Present,Absent,Exact,AccountUnavailable,,,"
        );
    }
}
