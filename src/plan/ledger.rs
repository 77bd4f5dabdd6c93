//! What ledgers and a new plan say about what was done or approved before.

use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use super::digest::content_digest;
use super::history::{By, KeyHistory, histories};
use super::record::Record;
use super::replay::{Finding, replay};
use super::request::Plan;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::PlanRefusal;
use crate::api::record::LedgerOutcome;
use crate::model::Key;

/// How much of what records did is undone, by the ledgers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undone {
    /// No key is open any more.
    All,
    /// The same, but for failed changes that an undo found to be there all the same.
    ButForFailed,
    /// Something is open.
    NotAll,
}

/// How much of what the selected records did is undone.
///
/// `records` are those of the instance that touch a touched key. Records that touch nothing, and
/// records that contradict each other, are left to [`plan`](super::plan) to refuse. A key that an undo
/// left because nobody on record had changed it keeps nobody from seeing that the others are undone;
/// alone it is open, because records that came since may explain it.
#[must_use]
pub fn undone(records: &[Record], selected: &[Record]) -> Undone {
    let Some(first) = selected.first() else { return Undone::NotAll };
    let Ok(catalogue) = Catalogue::new(&first.spec.instance, records, selected) else {
        return Undone::NotAll;
    };
    let is_redo = selected.iter().any(|record| record.spec.rollback.is_some());
    let histories = histories(&catalogue);
    let (mut closed, mut failed_is_open) = (false, false);
    for history in histories.values() {
        let last = last_outcome(&catalogue, history);
        failed_is_open |=
            !history.failed.is_empty() && last.is_some_and(|outcome| !outcome.is_settled());
        let changed = history.events.iter().any(|event| event.by != By::Ledger);
        if history.events.is_empty() || (!changed && !history.failed.is_empty()) {
            continue;
        }
        match replay(&catalogue, history) {
            Finding::Closed => closed = true,
            // As it was found then, unless a record that came since explains it.
            Finding::Known(verdict)
                if !is_redo
                    && last == Some(LedgerOutcome::Unexplained)
                    && verdict.wanted == verdict.expected => {}
            _ => return Undone::NotAll,
        }
    }
    match (closed, failed_is_open) {
        (false, _) => Undone::NotAll,
        (true, true) => Undone::ButForFailed,
        (true, false) => Undone::All,
    }
}

/// What the newest ledger says became of a key.
fn last_outcome(catalogue: &Catalogue<'_>, history: &KeyHistory<'_>) -> Option<LedgerOutcome> {
    let at = |ledger: usize| catalogue.entries.get(ledger).map(|listed| listed.at);
    let newest = history.ledgers.iter().max_by_key(|(ledger, _)| (at(*ledger), *ledger));
    newest.map(|(_, outcome)| *outcome)
}

/// Whether an undo of these records by a Rollback of this namespace and name was undone in turn.
///
/// A Rollback that is applied again under that name, as `GitOps` does, has no effect: somebody
/// wanted the operations back. A new undo needs a new name.
#[must_use]
pub fn redone_under_name(
    records: &[Record],
    selected: &[Record],
    namespace: &str,
    name: &str,
) -> bool {
    let Some(first) = selected.first() else { return false };
    let Ok(catalogue) = Catalogue::new(&first.spec.instance, records, selected) else {
        return false;
    };
    let wrote = |ledger: usize| {
        let spec = catalogue.entries.get(ledger).and_then(|it| it.record.spec.rollback.as_ref());
        spec.is_some_and(|it| it.keys.iter().any(|keys| keys.outcome == LedgerOutcome::Verified))
    };
    catalogue.entries.iter().enumerate().any(|(index, listed)| {
        let Some(ledger) = &listed.record.spec.rollback else { return false };
        let same_name = ledger.by.namespace == namespace && ledger.by.name == name;
        let same_records = listed
            .undone
            .iter()
            .any(|undone| catalogue.entries.get(*undone).is_some_and(|it| it.selected));
        same_name
            && same_records
            && (0..catalogue.entries.len()).any(|redo| catalogue.undid(redo, index) && wrote(redo))
    })
}

/// Whether a plan that was approved may still be executed, given the plan that would be made now.
///
/// It may when every key would be treated alike and the policy refuses nothing that it did not
/// refuse then. An action whose key came to be as wanted by
/// itself is done, not changed.
#[must_use]
pub fn still_holds(items: &[PlanItem], refusals: &[PlanRefusal], now: &Plan) -> bool {
    let accepted = |refusal: &PlanRefusal| refusals.iter().any(|it| it.accept == refusal.accept);
    if !now.refusals.iter().all(accepted) {
        return false;
    }
    let keyed: BTreeMap<Key, &PlanItem> = now.items.iter().map(|item| (item.key(), item)).collect();
    keyed.len() == items.len()
        && items.iter().all(|then| keyed.get(&then.key()).is_some_and(|now| is_alike(then, now)))
}

fn is_alike(then: &PlanItem, now: &PlanItem) -> bool {
    let content = |item: &PlanItem| item.content.as_ref().map(content_digest);
    let same = then.disposition == now.disposition
        && then.action == now.action
        && then.live == now.live
        && then.grade == now.grade
        && then.assumed == now.assumed
        && then.blocked == now.blocked
        && then.kept_for == now.kept_for
        && then.gives == now.gives
        && content(then) == content(now);
    let done_by_itself = then.disposition == Disposition::Act
        && now.disposition == Disposition::AlreadySo
        && now.live == then.action.goal();
    same || done_by_itself
}
