//! A plan as the difference between what AWS holds now and what it will hold: a line for each key.
//!
//! Against the present state, because that is what an approver answers for; what an earlier plan
//! said is void.

use std::fmt::Write as _;

use kube::ResourceExt as _;

use crate::api::Rollback;
use crate::api::plan::{Disposition, PlanItem};
use crate::cli::screen::{Paint, Tone, one_line};
use crate::cli::wrap::wrap;
use crate::model::{Grade, Presence};

/// The difference. `all` shows also the keys that stay as they are.
#[must_use]
pub fn render(rollback: &Rollback, items: &[PlanItem], all: bool, paint: Paint) -> String {
    wrap(&difference(rollback, items, all, paint), paint.width)
}

fn difference(rollback: &Rollback, items: &[PlanItem], all: bool, paint: Paint) -> String {
    let mut text = String::new();
    let after = format!("+++ after rollback {}", rollback.name_any());
    let _ = writeln!(text, "{}", paint.text(Tone::Bad, "--- AWS now"));
    let _ = writeln!(text, "{}", paint.text(Tone::Good, &after));
    let mut lines: Vec<(Place<'_>, String)> = items
        .iter()
        .filter(|item| all || matches!(item.disposition, Disposition::Act | Disposition::Blocked))
        .map(|item| (place(item), line(item, paint)))
        .collect();
    lines.sort();
    let shown = lines.len();
    for (_, line) in lines {
        let _ = writeln!(text, "{line}");
    }
    if shown == 0 {
        let _ = writeln!(text, "  nothing changes");
    }
    if shown < items.len() {
        let _ =
            writeln!(text, "  {} more stay as they are; -o wide shows them", items.len() - shown);
    }
    text
}

type Place<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

/// By principal, then by permission set, then by account, by names where there are some.
fn place(item: &PlanItem) -> Place<'_> {
    let principal = item.principal.as_ref();
    let id = principal.map_or("", |it| it.id.as_str());
    let account = item.account.as_ref().map_or("", |it| it.as_str());
    (
        principal.and_then(|it| it.name.as_deref()).unwrap_or(id),
        id,
        item.permission_set_name.as_deref().unwrap_or(item.permission_set.as_str()),
        item.account_name.as_deref().unwrap_or(account),
        account,
    )
}

fn line(item: &PlanItem, paint: Paint) -> String {
    let mut key = set(item);
    if let Some(principal) = &item.principal {
        let name = match &principal.name {
            Some(name) => format!("{} {} ({})", principal.kind, one_line(name), principal.id),
            None => format!("{} {}", principal.kind, principal.id),
        };
        key = format!("{name}  {key}");
    }
    if let Some(account) = &item.account {
        let name = item.account_name.as_ref().map(|name| format!(" ({})", one_line(name)));
        let _ = write!(key, "  {account}{}", name.unwrap_or_default());
    }
    match item.disposition {
        Disposition::Act => {
            let (sign, tone) = match item.action.goal() {
                Presence::Present => ('+', Tone::Good),
                Presence::Absent => ('-', Tone::Bad),
            };
            let mut line = format!("{sign} {key}");
            if item.grade != Grade::Exact {
                let _ = write!(line, "  [{}]", item.grade.as_str());
            }
            paint.text(tone, &line)
        }
        Disposition::Blocked => {
            let why = item.blocked.map(|reason| reason.to_string()).unwrap_or_default();
            paint.text(Tone::Warning, &format!("! {key}  [blocked: {why}]"))
        }
        Disposition::Kept => {
            let holder = item.kept_for.as_deref().unwrap_or("another record");
            paint.text(Tone::Faint, &format!("  {key}  [kept for {holder}]"))
        }
        Disposition::AlreadySo => paint.text(Tone::Faint, &format!("  {key}  [already so]")),
        Disposition::Unexplained => {
            paint.text(Tone::Faint, &format!("  {key}  [changed by nobody on record]"))
        }
    }
}

fn set(item: &PlanItem) -> String {
    match &item.permission_set_name {
        Some(name) => format!("{} ({})", one_line(name), item.permission_set.short_id()),
        None => item.permission_set.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Phase;
    use crate::cli::fixtures;

    #[test]
    fn every_key_that_changes_is_a_line() {
        let rollback = fixtures::rollback(Phase::AwaitingApproval);
        let items = fixtures::shard().spec.items;
        assert_eq!(
            render(&rollback, &items, false, Paint::PLAIN),
            "\
--- AWS now
+++ after rollback undo
+ GROUP c0fbd4e2-0f34-444d-91ff-3c7ff45c2709  arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-to2ykydoqhktcnp5  925628735057  [Lossy]
- USER john.doe (0f791059-3b41-4313-86da-59fa2cf217a7)  ReadOnlyAccess (ps-64rrohtnuu77rp8j)  061836611202
! USER john.doe (0f791059-3b41-4313-86da-59fa2cf217a7)  ReadOnlyAccess (ps-64rrohtnuu77rp8j)  474716250369  [blocked: AccountUnavailable]
- USER john.doe (0f791059-3b41-4313-86da-59fa2cf217a7)  ReadOnlyAccess (ps-64rrohtnuu77rp8j)  592740528984
  1 more stay as they are; -o wide shows them
"
        );
        let all = render(&rollback, &items, true, Paint::PLAIN);
        assert!(all.contains("577289225385  [kept for assign-e6e133b0]\n"), "{all}");
        assert!(!all.contains("more stay"), "{all}");
        assert!(render(&rollback, &[], false, Paint::PLAIN).ends_with("  nothing changes\n"));
    }
}
