//! A plan as a person reads it before saying yes.

use std::fmt::Write as _;

use kube::ResourceExt as _;

use super::groups::{Group, Part, group};
use crate::api::instance::ApprovalPolicy;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::PlanStatus;
use crate::api::record::NamedPrincipal;
use crate::api::{Phase, Rollback};
use crate::cli::screen::{Paint, Tone, one_line};
use crate::cli::selection::described;
use crate::cli::times;
use crate::cli::wrap::wrap;
use crate::model::words::count;
use crate::model::{AccountId, ActionKind, Grade, PrincipalType};

/// As many accounts are named where not all are.
const NAMED_ACCOUNTS: usize = 24;
/// Columns that a line of accounts may take, and how far it is set in.
const WIDTH: usize = 90;
const SET_IN: usize = 4;

/// The whole plan. `all` names every account.
#[must_use]
pub fn render(rollback: &Rollback, items: &[PlanItem], all: bool, paint: Paint) -> String {
    wrap(&plan(rollback, items, all, paint), paint.width)
}

fn plan(rollback: &Rollback, items: &[PlanItem], all: bool, paint: Paint) -> String {
    let mut text = String::new();
    let name = rollback.name_any();
    let place = rollback.namespace().unwrap_or_default();
    let title = format!("Plan of rollback {name} in namespace {place}");
    let _ = writeln!(text, "{}", paint.text(Tone::Strong, &title));
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<12} {value}");
    };
    line("operations", &described(rollback, all));
    let status = rollback.status.as_ref();
    let Some(plan) = status.and_then(|status| status.plan.as_ref()) else {
        let phase = status.map_or(Phase::Pending, |status| status.phase);
        line("phase", phase.as_str());
        line("summary", &one_line(status.map_or("", |status| &status.summary)));
        return text;
    };
    line("actions", &numbers(plan, items));
    line("people", &people(plan));
    line("grade", &paint.text(grade_tone(plan.grade), grade_words(plan.grade)));
    line("estimate", &estimate(plan));
    line("approval", approval_words(plan));
    line("digest", &plan.digest);

    if !plan.refusals.is_empty() {
        let title = "Refused by the instance's policy, unless the approval accepts it by name";
        let _ = writeln!(text, "\n{}", paint.text(Tone::Bad, title));
        for refusal in &plan.refusals {
            let _ = writeln!(text, "  - {}", one_line(&refusal.message));
            let _ = writeln!(text, "    {}", refusal.accept);
        }
    }
    for group in group(items) {
        text.push('\n');
        text.push_str(&principal(&group, paint));
        for part in &group.parts {
            text.push_str(&part_text(part, group.principal.is_some(), all, paint));
        }
    }
    if !plan.warnings.is_empty() {
        let _ = writeln!(text, "\n{}", paint.text(Tone::Warning, "Warnings"));
        for warning in &plan.warnings {
            let _ = writeln!(text, "  - {}", one_line(warning));
        }
    }
    text
}

/// What is written and what is left, in numbers.
#[must_use]
pub fn numbers(plan: &PlanStatus, items: &[PlanItem]) -> String {
    let number = |kind: ActionKind| {
        let act = |item: &&PlanItem| item.disposition == Disposition::Act && item.action == kind;
        items.iter().filter(act).count()
    };
    let mut parts = Vec::new();
    for (number, (noun, done)) in [
        (number(ActionKind::DeleteAssignment), ("assignment", "removed")),
        (number(ActionKind::CreateAssignment), ("assignment", "made")),
        (number(ActionKind::DeletePermissionSet), ("permission set", "deleted")),
        (number(ActionKind::CreatePermissionSet), ("permission set", "created")),
    ] {
        if number > 0 {
            parts.push(format!("{} {done}", count(number, noun)));
        }
    }
    let mut text = plan.actions.to_string();
    if !parts.is_empty() {
        let _ = write!(text, " ({})", parts.join(", "));
    }
    let kept = plan.kept - plan.already_so;
    for (count, what) in
        [(plan.already_so, "as wanted already"), (kept, "kept"), (plan.blocked, "blocked")]
    {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// Who truly loses or gains access.
fn people(plan: &PlanStatus) -> String {
    let Some(people) = &plan.people else {
        return "not known who truly loses or gains access".to_owned();
    };
    let mut parts = Vec::new();
    for (count, one, many) in [
        (people.lose, "loses access", "lose access"),
        (people.gain, "gains access", "gain access"),
        (people.keep, "keeps some that others give too", "keep some that others give too"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    if parts.is_empty() { "nobody loses or gains access".to_owned() } else { parts.join(", ") }
}

const fn grade_words(grade: Grade) -> &'static str {
    match grade {
        Grade::Exact => "Exact: nothing can tell the result from what was there before",
        Grade::Equivalent => "Equivalent: the same access; something visible differs",
        Grade::Assumed => "Assumed: it rests on something that nobody recorded",
        Grade::Lossy => "Lossy: not all that was there is given back as it was",
    }
}

/// How a grade looks.
#[must_use]
pub const fn grade_tone(grade: Grade) -> Tone {
    match grade {
        Grade::Exact => Tone::Good,
        Grade::Equivalent => Tone::Plain,
        Grade::Assumed => Tone::Warning,
        Grade::Lossy => Tone::Bad,
    }
}

fn estimate(plan: &PlanStatus) -> String {
    let length = times::seconds(plan.estimate.seconds);
    format!("about {length}, {} AWS calls", plan.estimate.calls)
}

const fn approval_words(plan: &PlanStatus) -> &'static str {
    match plan.policy {
        ApprovalPolicy::Always => "Always: every plan needs one",
        ApprovalPolicy::SeparateApprover => "SeparateApprover: by somebody who is not an author",
        ApprovalPolicy::WhenNotExact => {
            "WhenNotExact: only plans that are not exact, give access, or keep or block a key"
        }
        ApprovalPolicy::Never => "Never: only plans that rest on an assumption",
    }
}

fn principal(group: &Group<'_>, paint: Paint) -> String {
    let title = match group.principal {
        Some(principal) => match &principal.name {
            Some(name) => {
                format!("{} {} ({})", principal.kind, one_line(name), principal.id)
            }
            None => format!("{} {}", principal.kind, principal.id),
        },
        None => "Permission sets".to_owned(),
    };
    paint.text(Tone::Strong, &title) + "\n"
}

fn part_text(part: &Part<'_>, of_principal: bool, all: bool, paint: Paint) -> String {
    let item = part.item;
    let set = match &item.permission_set_name {
        Some(name) => format!("{} ({})", one_line(name), item.permission_set),
        None => item.permission_set.to_string(),
    };
    let (tone, what) = what_happens(item, of_principal);
    let mut text = format!("  {} {set}", paint.text(tone, &what));
    if of_principal {
        let _ = write!(text, " in {}", count(part.accounts.len(), "account"));
    }
    if item.disposition == Disposition::Act && item.grade != Grade::Exact {
        let grade = paint.text(grade_tone(item.grade), item.grade.as_str());
        let _ = write!(text, " [{grade}]");
    }
    text.push('\n');
    let mut detail = |line: &str| {
        let _ = writeln!(text, "    {line}");
    };
    let message = item.message.as_deref().unwrap_or_default();
    if let Some(reason) = item.blocked {
        // A message of the operator ends with the next step.
        let said = if message.is_empty() { reason.next_step() } else { message };
        detail(&format!("{reason}: {}", one_line(said)));
    } else if !message.is_empty() {
        detail(&one_line(message));
    }
    if message.is_empty()
        && let Some(record) = &item.kept_for
    {
        detail(&format!("held by {record}"));
    }
    if let Some(through) = others(item) {
        detail(&through);
    }
    let named = if all { part.accounts.len() } else { part.accounts.len().min(NAMED_ACCOUNTS) };
    let width = paint.width.map_or(WIDTH, |width| width.saturating_sub(SET_IN).min(WIDTH));
    for line in account_lines(part.accounts.get(..named).unwrap_or_default(), width) {
        detail(&line);
    }
    if named < part.accounts.len() {
        detail(&format!("and {} more; -o wide names them all", part.accounts.len() - named));
    }
    text
}

/// Who else gives the access that the action is about, to how many of the people.
fn others(item: &PlanItem) -> Option<String> {
    let effect = item.effect.as_ref().filter(|effect| effect.unchanged > 0)?;
    let names: Vec<String> = effect.through.iter().map(by_name).collect();
    let all = effect.unchanged.saturating_add(effect.people);
    let who = match (item.principal.as_ref()?.kind, effect.unchanged) {
        (PrincipalType::User, _) => "has".to_owned(),
        (PrincipalType::Group, 1) if all == 1 => "its only member has".to_owned(),
        (PrincipalType::Group, 1) => format!("1 of its {all} members has"),
        (PrincipalType::Group, unchanged) => format!("{unchanged} of its {all} members have"),
    };
    Some(format!("{who} it through {} all the same", names.join(", ")))
}

fn by_name(giver: &NamedPrincipal) -> String {
    let name = giver.name.as_deref().map_or_else(|| giver.id.to_string(), one_line);
    match giver.kind {
        PrincipalType::User => format!("the own assignment of user {name}"),
        PrincipalType::Group => format!("group {name}"),
    }
}

/// Accounts as `name (id)`, as many in a line as fit.
fn account_lines(accounts: &[(&AccountId, Option<&str>)], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (account, name) in accounts {
        let text = match name {
            Some(name) => format!("{} ({account})", one_line(name)),
            None => account.to_string(),
        };
        match lines.last_mut() {
            Some(line) if line.chars().count() + 2 + text.chars().count() <= width => {
                line.push_str("  ");
                line.push_str(&text);
            }
            _ => lines.push(text),
        }
    }
    lines
}

/// What happens to the key, from the principal's side.
fn what_happens(item: &PlanItem, of_principal: bool) -> (Tone, String) {
    let (tone, verb) = match item.action {
        ActionKind::CreateAssignment => (Tone::Good, "gains"),
        ActionKind::DeleteAssignment => (Tone::Bad, "loses"),
        ActionKind::DeletePermissionSet => (Tone::Bad, "deleted:"),
        ActionKind::CreatePermissionSet => (Tone::Good, "created:"),
    };
    let live = match (item.live == crate::model::Presence::Present, of_principal) {
        (true, true) => "keeps",
        (false, true) => "stays without",
        (true, false) => "stays:",
        (false, false) => "stays absent:",
    };
    match item.disposition {
        Disposition::Act => (tone, verb.to_owned()),
        Disposition::AlreadySo => (Tone::Faint, format!("already so, {live}")),
        Disposition::Kept => (Tone::Faint, format!("kept, {live}")),
        Disposition::Unexplained => (Tone::Warning, format!("changed by nobody on record, {live}")),
        Disposition::Blocked => (Tone::Warning, format!("blocked, {live}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::plan_status::{AffectedPeople, GuardReason, PlanRefusal};
    use crate::cli::fixtures;

    #[test]
    fn a_plan_reads_as_text() {
        let rollback = fixtures::rollback(Phase::AwaitingApproval);
        let text = render(&rollback, &fixtures::shard().spec.items, false, Paint::PLAIN);
        assert_eq!(
            text,
            "\
Plan of rollback undo in namespace access
  operations   assign-2abdc948
  actions      3 (2 assignments removed, 1 assignment made), 1 kept, 1 blocked
  people       not known who truly loses or gains access
  grade        Lossy: not all that was there is given back as it was
  estimate     about 6.5s, 9 AWS calls
  approval     Always: every plan needs one
  digest       sha256:7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069

USER john.doe (0f791059-3b41-4313-86da-59fa2cf217a7)
  loses ReadOnlyAccess (arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j) in 2 accounts
    061836611202  592740528984
  blocked, keeps ReadOnlyAccess (arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j) in 1 account
    AccountUnavailable: Reopen the account or leave it out; a closed account has no access to undo.
    474716250369
  kept, keeps ReadOnlyAccess (arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j) in 1 account
    held by assign-e6e133b0
    577289225385

GROUP c0fbd4e2-0f34-444d-91ff-3c7ff45c2709
  gains arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-to2ykydoqhktcnp5 in 1 account [Lossy]
    the role comes back under another name
    925628735057

Warnings
  - sessions that are open now last until 2026-11-24T08:50:00Z
"
        );
    }

    #[test]
    fn people_and_refusals_are_told() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        let plan = rollback.status.as_mut().unwrap().plan.as_mut().unwrap();
        plan.people = Some(AffectedPeople { lose: 1, gain: 3, keep: 0 });
        plan.refusals.push(PlanRefusal {
            reason: GuardReason::LastAdministrator,
            accept: "LastAdministrator/061836611202".to_owned(),
            message: "nobody would be left".to_owned(),
        });
        let text = render(&rollback, &[], false, Paint::PLAIN);
        assert!(text.contains("people       1 loses access, 3 gain access\n"), "{text}");
        assert!(
            text.contains("  - nobody would be left\n    LastAdministrator/061836611202\n"),
            "{text}"
        );
    }

    #[test]
    fn keys_that_are_as_wanted_are_told_from_those_that_are_kept() {
        let plan = fixtures::rollback(Phase::Planned).status.unwrap().plan.unwrap();
        let plan = PlanStatus { actions: 50, kept: 53, already_so: 50, blocked: 0, ..plan };
        assert_eq!(numbers(&plan, &[]), "50, 50 as wanted already, 3 kept");
    }

    #[test]
    fn who_has_it_all_the_same_is_told_of_users_and_of_groups() {
        let said = |kind: &str, through: &str, unchanged: i32, people: i32| {
            let mut item = fixtures::shard().spec.items.remove(0);
            item.principal.as_mut().unwrap().kind = serde_json::from_value(kind.into()).unwrap();
            item.effect = serde_json::from_value(serde_json::json!({
                "people": people, "unchanged": unchanged,
                "through": [{"type": through, "id": "c0fbd4e2-0f34-444d-91ff-3c7ff45c2709", "name": "it"}],
            }))
            .unwrap();
            others(&item)
        };
        for (kind, through, unchanged, people, expected) in [
            ("USER", "GROUP", 1, 0, "has it through group it all the same"),
            (
                "GROUP",
                "USER",
                1,
                0,
                "its only member has it through the own assignment of user it all the same",
            ),
            (
                "GROUP",
                "USER",
                1,
                2,
                "1 of its 3 members has it through the own assignment of user it all the same",
            ),
            ("GROUP", "GROUP", 2, 0, "2 of its 2 members have it through group it all the same"),
        ] {
            assert_eq!(said(kind, through, unchanged, people).as_deref(), Some(expected));
        }
        assert_eq!(said("GROUP", "USER", 0, 3), None);
    }

    #[test]
    fn many_accounts_are_summed_up_unless_asked_for() {
        let rollback = fixtures::rollback(Phase::Planned);
        let first = fixtures::shard().spec.items.remove(0);
        let items: Vec<_> = (0..100)
            .map(|n| PlanItem { account: format!("{n:012}").parse().ok(), ..first.clone() })
            .collect();
        let short = render(&rollback, &items, false, Paint::PLAIN);
        assert!(short.contains("in 100 accounts"), "{short}");
        assert!(short.contains("and 76 more; -o wide names them all"), "{short}");
        assert!(!short.contains("000000000099"));
        let long = render(&rollback, &items, true, Paint::PLAIN);
        assert!(long.contains("000000000099") && !long.contains("more;"), "{long}");
    }

    #[test]
    fn accounts_are_named_where_their_names_are_known() {
        let rollback = fixtures::rollback(Phase::Planned);
        let mut items = fixtures::shard().spec.items;
        items[0].account_name = Some("payments".to_owned());
        let text = render(&rollback, &items, false, Paint::PLAIN);
        assert!(text.contains("    payments (061836611202)  592740528984\n"), "{text}");
    }

    #[test]
    fn without_a_plan_the_reason_is_shown() {
        let mut rollback = fixtures::rollback(Phase::AlreadyRolledBack);
        let status = rollback.status.as_mut().unwrap();
        status.plan = None;
        status.summary = "nothing is open any more".to_owned();
        let text = render(&rollback, &[], false, Paint::PLAIN);
        assert!(
            text.ends_with(
                "phase        AlreadyRolledBack\n  summary      nothing is open any more\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_deleted_permission_set_is_named() {
        let mut item = fixtures::shard().spec.items.remove(0);
        item.account = None;
        item.principal = None;
        item.action = ActionKind::DeletePermissionSet;
        let text = render(&fixtures::rollback(Phase::Planned), &[item], false, Paint::PLAIN);
        assert!(text.contains("Permission sets\n  deleted: ReadOnlyAccess (arn:"), "{text}");
    }
}
