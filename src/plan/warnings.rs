//! What an approver should know beside the grade: one sentence each, with numbers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::access::Access;
use super::items::Draft;
use super::live::{AccountState, Live, PrincipalState};
use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::NamedPrincipal;
use crate::model::{ActionKind, BlockedReason, PrincipalType, words};

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
                "Removes {} of users or groups that do not exist any more; AWS may refuse that",
                words::count(count, "assignment")
            )
        },
    ));
    say(counted(
        &creates,
        |item| state(item) == Some(PrincipalState::Disabled),
        |count| {
            format!(
                "Restores {} of disabled users, who cannot sign in",
                words::count(count, "assignment")
            )
        },
    ));
    say(counted(
        &creates,
        |item| matches!(state(item), Some(PrincipalState::Unknown) | None),
        |count| {
            format!(
                "Restores {} of users or groups that could not be looked up; AWS refuses that if they are gone",
                words::count(count, "assignment")
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
            "Changes {} in accounts whose state could not be looked up; AWS lets that fail if the account is suspended",
            words::count(count, "assignment")
        )
    }));
    for (action, denial) in &live.denied {
        say(some(acting(*action).count(), |count| {
            format!(
                "AWS refused the operator's role {} at {}, when it was last called; {} will fail the same way unless it was given that permission since",
                denial.operation,
                denial.at,
                words::count(count, "action")
            )
        }));
    }
    say(unrecorded(drafts));
    say(duplicates(drafts));
    let with = |disposition: Disposition| {
        let items = drafts.iter().map(|draft| &draft.item);
        items.filter(|item| item.disposition == disposition).count()
    };
    say(some(with(Disposition::Kept), |count| {
        format!(
            "Keeps {} as found, because records that are not undone hold that",
            words::count(count, "key")
        )
    }));
    say(some(with(Disposition::Unexplained), |count| {
        format!(
            "Unexplained: leaves {} that somebody changed without a record; nobody asked for that to be undone",
            words::count(count, "key")
        )
    }));
    say(some(drafts.iter().filter(|draft| draft.possibly_applied).count(), |count| {
        format!(
            "PossiblyApplied: leaves {} that failed, as it was recorded, and yet seem to have been made",
            words::count(count, "change")
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
                "Access remains: removing {} does not take the access from everybody, because others give it too: {}",
                words::count(count, "assignment"),
                listed(&kept)
            )
        }),
        some(full.len(), |count| {
            format!(
                "QuotaExceeded: {} would get another permission set beside {SETS_IN_AN_ACCOUNT} or more; unless the quota was raised AWS lets that fail: {}",
                words::count(count, "account"),
                listed(&full)
            )
        }),
        some(unknown, |count| {
            format!(
                "Not known: who truly loses or gains access by {}; the operator may not read all groups and assignments that it would take, or they are too many", words::count(count, "action")
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
        let removed = words::count(count, "assignment");
        format!("Removes {removed}; sessions that are open then go on {how_long}")
    })
}

/// A session's length; AWS takes 1 to 12 hours, in minutes if need be.
fn in_words(length: SignedDuration) -> String {
    let unit = |number: i64, noun: &str| (number != 0).then(|| words::count(number, noun));
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
            "Restores {} with a new AWSReservedSSO role in {}: its suffix and ARN differ, so update policies and aws-auth entries that name the old role",
            words::count(count, "assignment"),
            words::count(accounts.len(), "account")
        )
    })
}

fn unrecorded(drafts: &[Draft]) -> Option<String> {
    let acting = drafts.iter().filter(|draft| draft.item.disposition == Disposition::Act);
    some(acting.filter(|draft| draft.rests_on_unknown).count(), |count| {
        format!(
            "Assumed: bases {} on something that nobody recorded, such as what was there before; their messages say what",
            words::count(count, "action")
        )
    })
}

fn duplicates(drafts: &[Draft]) -> Option<String> {
    let keys: Vec<&String> =
        drafts.iter().filter_map(|draft| draft.possible_duplicate.as_ref()).collect();
    let records: BTreeSet<&String> = keys.iter().copied().collect();
    some(keys.len(), |_| {
        format!(
            "PossibleDuplicate: for {} records of two tools are taken for one change and undone together: {}",
            words::count(keys.len(), "key"),
            listed(&records.iter().map(|name| name.as_str()).collect::<Vec<_>>())
        )
    })
}

fn blocked(drafts: &[Draft], warnings: &mut Vec<String>) {
    let mut reasons: BTreeMap<BlockedReason, usize> = BTreeMap::new();
    // What may have been applied has a sentence of its own.
    let others = drafts.iter().filter(|draft| !draft.possibly_applied);
    for reason in others.filter_map(|draft| draft.item.blocked) {
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        let keys = words::count(count, "key");
        warnings.push(format!("{reason}: cannot undo {keys}. {}", reason.next_step()));
    }
}

/// Names for a sentence: the first few, each cut where it is very long.
pub(super) fn listed(names: &[&str]) -> String {
    let shown: Vec<String> =
        names.iter().take(NAMED).map(|name| name.chars().take(120).collect()).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
