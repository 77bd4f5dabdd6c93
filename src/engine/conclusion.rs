//! How an attempt ends, and what the ledger says about it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::creation;
use super::journal::Journal;
use super::situation::Halt;
use super::words;
use crate::api::Reason;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::{
    CreatedPermissionSet, LedgerEntry, LedgerKeys, LedgerOutcome, RollbackIdentity,
};
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::model::{AccountId, ActionKind, ActionState, PermissionSetArn, Presence, Principal};

/// How an attempt ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The terminal phase.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// One plain sentence.
    pub message: String,
}

/// Judges a journal in which nothing is in flight any more.
#[must_use]
pub fn conclude(
    items: &[PlanItem],
    journal: &Journal,
    halt: Halt,
    operation_type: Option<&str>,
) -> Conclusion {
    let progress = journal.progress(items);
    let open = progress.total - progress.done;
    let done = words::participle(operation_type);
    let so_far = format!("{} of {} {done}", progress.done, progress.total);
    let again = "raise spec.attempt to try the rest again";
    let say = |phase, reason, message| Conclusion { phase, reason, message };
    if progress.total == 0 {
        let settled = items.iter().any(|item| item.disposition == Disposition::AlreadySo);
        return if settled {
            say(
                Phase::Succeeded,
                Reason::Succeeded,
                "every key is as wanted already; nothing was written".to_owned(),
            )
        } else {
            let message = "nothing to undo: every key is held by another record or was changed by nobody on record; the plan says which";
            say(Phase::Failed, Reason::NothingToUndo, message.to_owned())
        };
    }
    if open == 0 {
        return say(Phase::Succeeded, Reason::Succeeded, format!("{so_far} and read back"));
    }
    let failures = left_undone(items, progress.failed + progress.skipped);
    match halt {
        Halt::Final(Reason::Cancelled) => say(
            Phase::Cancelled,
            Reason::Cancelled,
            format!("cancelled with {so_far}{failures}; the rest is as it was"),
        ),
        Halt::Final(Reason::DeletedWhileRunning) => say(
            Phase::Cancelled,
            Reason::DeletedWhileRunning,
            format!("deleted with {so_far}{failures}; the rest is as it was"),
        ),
        Halt::Final(reason) if progress.done == 0 => {
            say(Phase::Failed, reason, format!("stopped with {so_far}{failures}; {again}"))
        }
        Halt::Final(reason) => say(
            Phase::PartiallySucceeded,
            reason,
            format!("stopped with {so_far}{failures}; {again}"),
        ),
        _ if progress.done == 0 => {
            say(Phase::Failed, Reason::Failed, format!("{so_far}{failures}; {again}"))
        }
        _ => say(
            Phase::PartiallySucceeded,
            Reason::PartiallySucceeded,
            format!("{so_far}{failures}; {again}"),
        ),
    }
}

/// What did not come to pass, and where it is explained: what happened on the way is in the status,
/// what nobody could have done is in the plan.
fn left_undone(items: &[PlanItem], failed_or_blocked: i32) -> String {
    let blocked = items.iter().filter(|item| item.disposition == Disposition::Blocked).count();
    let planned = i32::try_from(blocked).unwrap_or(i32::MAX).min(failed_or_blocked);
    let mut said = String::new();
    if failed_or_blocked > planned {
        let count = failed_or_blocked - planned;
        said = format!(", {count} failed or blocked (see status.failures)");
    }
    if planned > 0 {
        said = format!("{said}, {planned} blocked as the plan said");
    }
    said
}

/// The ledger entry of an attempt: every key of the plan with what became of it.
#[must_use]
pub fn ledger(
    by: RollbackIdentity,
    status: &RollbackStatus,
    items: &[PlanItem],
    journal: &Journal,
    outcome: Phase,
    now: Timestamp,
) -> LedgerEntry {
    let plan = status.plan.as_ref();
    let tag = creation::tag(&by.uid);
    LedgerEntry {
        by,
        attempt: status.attempt,
        outcome: outcome.as_str().to_owned(),
        digest: plan.map(|plan| plan.digest.clone()),
        undone: status.record_refs.clone(),
        keys: keys(items, journal),
        deleted_permission_sets: deleted_sets(items, journal),
        created_permission_sets: creation::created_sets(
            items,
            journal,
            &status.created_permission_sets,
            &tag,
        ),
        authors: plan.map(|plan| plan.authors.clone()).unwrap_or_default(),
        approved_by: plan.and_then(|plan| plan.approved_by.clone()),
        observed_at: plan.and_then(|plan| plan.observed_at),
        started_at: status.timing.as_ref().and_then(|timing| timing.executing_at),
        finished_at: now,
    }
}

type Group = (PermissionSetArn, Option<Principal>, Presence, Presence, LedgerOutcome);

/// Every key of a plan with what became of it, grouped.
#[must_use]
pub fn keys(items: &[PlanItem], journal: &Journal) -> Vec<LedgerKeys> {
    let mut groups: BTreeMap<Group, (LedgerKeys, Vec<AccountId>)> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let outcome = outcome(item, journal.state(index));
        let principal = item.principal.as_ref().map(crate::api::record::NamedPrincipal::principal);
        let group = (item.permission_set.clone(), principal, item.live, item.goal(), outcome);
        let (_, accounts) = groups.entry(group).or_insert_with(|| {
            let keys = LedgerKeys {
                permission_set: item.permission_set.clone(),
                principal: item.principal.clone(),
                accounts: Vec::new(),
                before: item.live,
                goal: item.goal(),
                outcome,
            };
            (keys, Vec::new())
        });
        accounts.extend(item.account.clone());
    }
    groups
        .into_values()
        .map(|(keys, mut accounts)| {
            accounts.sort();
            LedgerKeys { accounts, ..keys }
        })
        .collect()
}

fn outcome(item: &PlanItem, state: ActionState) -> LedgerOutcome {
    match (state, item.disposition) {
        (ActionState::AlreadySo, Disposition::Kept) => LedgerOutcome::Kept,
        (ActionState::AlreadySo, Disposition::Unexplained) => LedgerOutcome::Unexplained,
        (ActionState::AlreadySo, _) => LedgerOutcome::AlreadySo,
        (ActionState::Verified, _) => LedgerOutcome::Verified,
        (ActionState::Failed, _) => LedgerOutcome::Failed,
        (ActionState::Blocked, _) => LedgerOutcome::Blocked,
        (ActionState::Planned | ActionState::Intent, _) => LedgerOutcome::Unsent,
        (ActionState::Requested | ActionState::Settled | ActionState::Unknown, _) => {
            LedgerOutcome::Unknown
        }
    }
}

/// What is needed to make deleted sets again.
#[must_use]
pub fn deleted_sets(items: &[PlanItem], journal: &Journal) -> Vec<CreatedPermissionSet> {
    items
        .iter()
        .enumerate()
        .filter(|(index, item)| {
            item.action == ActionKind::DeletePermissionSet
                && journal.state(*index) == ActionState::Verified
        })
        .map(|(_, item)| CreatedPermissionSet {
            arn: item.permission_set.clone(),
            name: item
                .permission_set_name
                .clone()
                .unwrap_or_else(|| item.permission_set.short_id().to_owned()),
            source: None,
            content_digest: None,
            content: item.content.clone(),
            replaces: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;

    fn journal(letters: &str) -> Journal {
        Journal::decode(&[letters.to_owned()], letters.len()).unwrap()
    }

    fn phase(letters: &str, halt: Halt) -> Phase {
        conclude(&fixtures::deletes(letters.len()), &journal(letters), halt, None).phase
    }

    #[test]
    fn success_is_only_when_nothing_is_open() {
        assert_eq!(phase("vvkv", Halt::None), Phase::Succeeded);
        assert_eq!(phase("vvfv", Halt::None), Phase::PartiallySucceeded);
        assert_eq!(phase("vvb", Halt::None), Phase::PartiallySucceeded);
        assert_eq!(phase("vvu", Halt::None), Phase::PartiallySucceeded);
        assert_eq!(phase("ffb", Halt::None), Phase::Failed);
        assert_eq!(phase("v..", Halt::Final(Reason::Cancelled)), Phase::Cancelled);
        assert_eq!(phase("vvv", Halt::Final(Reason::Cancelled)), Phase::Succeeded);
        assert_eq!(phase("v..", Halt::Final(Reason::DeadlinePassed)), Phase::PartiallySucceeded);
        assert_eq!(phase("...", Halt::Final(Reason::DeadlinePassed)), Phase::Failed);
    }

    #[test]
    fn what_the_plan_blocked_is_not_looked_for_among_the_failures() {
        let mut items = fixtures::deletes(4);
        items[3].disposition = Disposition::Blocked;
        let said = |letters: &str| conclude(&items, &journal(letters), Halt::None, None).message;
        let again = "raise spec.attempt to try the rest again";
        let one = "3 of 4 undone, 1 blocked as the plan said";
        assert_eq!(said("vvvb"), format!("{one}; {again}"));
        let more =
            "1 of 4 undone, 2 failed or blocked (see status.failures), 1 blocked as the plan said";
        assert_eq!(said("vfbb"), format!("{more}; {again}"));
    }

    #[test]
    fn keys_that_are_all_held_by_others_are_no_success() {
        let mut items = fixtures::deletes(2);
        for item in &mut items {
            item.disposition = Disposition::Kept;
        }
        let conclusion = conclude(&items, &Journal::fresh(&items), Halt::None, None);
        assert_eq!((conclusion.phase, conclusion.reason), (Phase::Failed, Reason::NothingToUndo));
        items[0].disposition = Disposition::AlreadySo;
        assert_eq!(
            conclude(&items, &Journal::fresh(&items), Halt::None, None).phase,
            Phase::Succeeded
        );
    }

    #[test]
    fn the_ledger_has_every_key_once_with_its_outcome() {
        let items = fixtures::deletes(6);
        let keys = keys(&items, &journal("vvf.ub"));
        let outcomes: Vec<_> =
            keys.iter().map(|keys| (keys.outcome, keys.accounts.len())).collect();
        assert_eq!(
            outcomes,
            [
                (LedgerOutcome::Verified, 2),
                (LedgerOutcome::Failed, 1),
                (LedgerOutcome::Blocked, 1),
                (LedgerOutcome::Unsent, 1),
                (LedgerOutcome::Unknown, 1),
            ]
        );
    }
}
