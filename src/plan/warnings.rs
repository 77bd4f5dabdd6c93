//! What an approver should know beside the grade: one sentence each, with numbers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::access::Access;
use super::items::Draft;
use super::live::{AccountState, Live, PrincipalState};
use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::NamedPrincipal;
use crate::model::{ActionKind, BlockedReason, PrincipalType};

/// How many names a sentence lists.
const NAMED: usize = 5;

/// Permission sets that AWS provisions in one account by default
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html>).
const SETS_IN_AN_ACCOUNT: usize = 500;

/// The warnings of a plan.
pub(super) fn warnings(drafts: &[Draft], live: &Live) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut say = |sentence: Option<String>| warnings.extend(sentence);
    let acting = |action: ActionKind| {
        let items = drafts.iter().map(|draft| &draft.item);
        items.filter(move |item| item.disposition == Disposition::Act && item.action == action)
    };
    let deletes: Vec<&PlanItem> = acting(ActionKind::DeleteAssignment).collect();
    let creates: Vec<&PlanItem> = acting(ActionKind::CreateAssignment).collect();
    say(sessions(&deletes, live));
    say(new_roles(&creates, live));
    let state = |item: &PlanItem| {
        let principal = item.principal.as_ref().map(NamedPrincipal::principal);
        principal.and_then(|principal| live.principals.get(&principal).copied())
    };
    say(counted(
        &deletes,
        |item| state(item) == Some(PrincipalState::Missing),
        |count| {
            format!(
                "{count} assignments to remove belong to users or groups that do not exist any more; AWS may refuse to remove them"
            )
        },
    ));
    say(counted(
        &creates,
        |item| state(item) == Some(PrincipalState::Disabled),
        |count| {
            format!("{count} assignments to restore belong to disabled users, who cannot sign in")
        },
    ));
    say(counted(
        &creates,
        |item| matches!(state(item), Some(PrincipalState::Unknown) | None),
        |count| {
            format!(
                "{count} assignments to restore belong to users or groups that could not be looked up; AWS refuses them if they are gone"
            )
        },
    ));
    let all: Vec<&PlanItem> = deletes.iter().chain(&creates).copied().collect();
    let unknown_account = |item: &PlanItem| {
        let state = item.account.as_ref().and_then(|account| live.accounts.get(account));
        matches!(state, Some(AccountState::Unknown) | None)
    };
    say(counted(&all, unknown_account, |count| {
        format!(
            "{count} actions are in accounts whose state could not be looked up; AWS lets them fail if the account is suspended"
        )
    }));
    say(unrecorded(drafts));
    say(duplicates(drafts));
    let with = |disposition: Disposition| {
        let items = drafts.iter().filter(|draft| !draft.possibly_applied).map(|draft| &draft.item);
        items.filter(|item| item.disposition == disposition).count()
    };
    say(some(with(Disposition::Kept), |count| {
        format!("{count} keys are kept as they are, because records that are not undone hold them")
    }));
    say(some(with(Disposition::Unexplained), |count| {
        format!(
            "Unexplained: {count} keys are not as any record left them; nobody asked for that to be undone, and they are left"
        )
    }));
    say(some(drafts.iter().filter(|draft| draft.possibly_applied).count(), |count| {
        format!(
            "PossiblyApplied: {count} changes that were recorded as failed seem to have been made; they are left"
        )
    }));
    blocked(drafts, &mut warnings);
    warnings
}

/// What a plan means for people, where that is not what its actions seem to say.
pub(super) fn access_warnings(items: &[PlanItem], access: &Access) -> Vec<String> {
    let acting = || {
        items.iter().filter(|item| item.disposition == Disposition::Act && item.account.is_some())
    };
    let mut kept: BTreeSet<String> = BTreeSet::new();
    let mut keys = 0;
    for item in acting().filter(|item| item.action == ActionKind::DeleteAssignment) {
        if let Some(effect) = item.effect.as_ref().filter(|effect| effect.unchanged > 0) {
            keys += 1;
            kept.extend(effect.through.iter().map(described));
        }
    }
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    let unknown = acting().filter(|item| item.effect.is_none()).count();
    let full: Vec<&str> = access
        .provisioned_sets
        .iter()
        .filter(|(_, sets)| **sets >= SETS_IN_AN_ACCOUNT)
        .map(|(account, _)| account.as_str())
        .collect();
    [
        some(keys, |count| {
            format!(
                "Access remains: {count} removed assignments do not take the access from everybody, because others give it too: {}",
                listed(&kept)
            )
        }),
        some(full.len(), |count| {
            format!(
                "QuotaExceeded: {count} accounts have {SETS_IN_AN_ACCOUNT} permission sets or more and would get another; unless the quota was raised AWS lets that fail: {}",
                listed(&full)
            )
        }),
        some(unknown, |count| {
            format!(
                "who truly loses or gains access by {count} actions is not known: the operator may not read all groups and assignments that it would take, or they are too many"
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn described(principal: &NamedPrincipal) -> String {
    let kind = match principal.kind {
        PrincipalType::User => "user",
        PrincipalType::Group => "group",
    };
    match &principal.name {
        Some(name) => format!("{kind} {name} ({})", principal.id),
        None => format!("{kind} {}", principal.id),
    }
}

fn some(count: usize, sentence: impl Fn(usize) -> String) -> Option<String> {
    (count > 0).then(|| sentence(count))
}

fn counted(
    items: &[&PlanItem],
    fits: impl Fn(&PlanItem) -> bool,
    sentence: impl Fn(usize) -> String,
) -> Option<String> {
    some(items.iter().filter(|item| fits(item)).count(), sentence)
}

/// Who is signed in stays so: removing an assignment ends no session
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/howtosessionduration.html>).
fn sessions(deletes: &[&PlanItem], live: &Live) -> Option<String> {
    let longest = deletes
        .iter()
        .map(|item| &item.permission_set)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|set| live.permission_sets.get(set))
        .filter_map(|facts| {
            let content = facts.content.as_ref().and_then(|it| it.session_duration.as_deref());
            let text = facts.session_duration.as_deref().or(content)?;
            text.parse::<SignedDuration>().ok()
        })
        .max();
    let how_long = match longest {
        Some(longest) => format!("for up to {}", in_words(longest)),
        None => "until the session duration of the permission set is over".to_owned(),
    };
    some(deletes.len(), |count| {
        format!("{count} assignments are removed; sessions that are open then go on {how_long}")
    })
}

/// A session's length; AWS takes 1 to 12 hours, in minutes if need be.
fn in_words(length: SignedDuration) -> String {
    let unit = |number: i64, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        number => Some(format!("{number} {noun}s")),
    };
    let parts = [unit(length.as_hours(), "hour"), unit(length.as_mins() % 60, "minute")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "less than a minute".to_owned() } else { parts.join(" ") }
}

fn new_roles(creates: &[&PlanItem], live: &Live) -> Option<String> {
    let lossy: Vec<&&PlanItem> = creates
        .iter()
        .filter(|item| {
            !item.account.as_ref().is_some_and(|at| live.is_provisioned(&item.permission_set, at))
        })
        .collect();
    let accounts: BTreeSet<_> = lossy.iter().map(|item| &item.account).collect();
    some(lossy.len(), |count| {
        format!(
            "{count} restored assignments bring a new AWSReservedSSO role in {} accounts: its suffix and ARN differ, so update policies and aws-auth entries that name the old role",
            accounts.len()
        )
    })
}

fn unrecorded(drafts: &[Draft]) -> Option<String> {
    let acting = drafts.iter().filter(|draft| draft.item.disposition == Disposition::Act);
    some(acting.filter(|draft| draft.rests_on_unknown).count(), |count| {
        format!(
            "Assumed: {count} actions rest on something that nobody recorded, such as what was there before; their messages say what"
        )
    })
}

fn duplicates(drafts: &[Draft]) -> Option<String> {
    let keys: Vec<&String> =
        drafts.iter().filter_map(|draft| draft.possible_duplicate.as_ref()).collect();
    let records: BTreeSet<&String> = keys.iter().copied().collect();
    some(keys.len(), |count| {
        format!(
            "PossibleDuplicate: for {count} keys records of two tools are taken for one change and undone together: {}",
            listed(&records.iter().map(|name| name.as_str()).collect::<Vec<_>>())
        )
    })
}

fn blocked(drafts: &[Draft], warnings: &mut Vec<String>) {
    let mut reasons: BTreeMap<BlockedReason, usize> = BTreeMap::new();
    for reason in drafts.iter().filter_map(|draft| draft.item.blocked) {
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        warnings.push(format!("{reason}: {count} keys cannot be undone. {}", reason.next_step()));
    }
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> =
        names.iter().take(NAMED).map(|name| name.chars().take(120).collect()).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
