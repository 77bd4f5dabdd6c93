//! From what the records say and what AWS shows to one item of the plan.

use std::collections::BTreeSet;

use super::access::Changes;
use super::catalogue::Catalogue;
use super::clone::{Deletion, deletion};
use super::history::KeyHistory;
use super::live::Live;
use super::preflight::{self, Obstacle};
use super::replay::{Basis, Finding, Verdict, possibly_applied, replay};
use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::NamedPrincipal;
use crate::model::{
    ActionKind, AssignmentKey, BlockedReason, Grade, Key, PermissionSetArn, Presence,
};

/// How an accepted record of failed changes is written: this and its name.
const ACCEPTS_POSSIBLY_APPLIED: &str = "PossiblyApplied/";

/// An item with what the plan sums up from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    /// The item.
    pub item: PlanItem,
    /// Whether it rests on a state that nobody recorded.
    pub rests_on_unknown: bool,
    /// A record of another tool that is taken for the same change.
    pub possible_duplicate: Option<String>,
    /// Whether it is a failed change that may have been applied.
    pub possibly_applied: bool,
}

/// What all items are made from.
#[derive(Debug, Clone)]
pub(super) struct World<'a> {
    /// The records.
    pub catalogue: &'a Catalogue<'a>,
    /// AWS.
    pub live: &'a Live,
    /// What the approval accepts.
    pub accept: &'a [String],
    /// The permission sets that the plan creates in place of deleted ones.
    pub created: BTreeSet<PermissionSetArn>,
}

impl World<'_> {
    /// The item for one key; none if nothing that is selected is open for it.
    pub(super) fn draft(&self, key: &Key, history: &KeyHistory<'_>) -> Option<Draft> {
        let live = self.live.presence(key);
        match replay(self.catalogue, history) {
            Finding::Closed => {
                let (record, after) = possibly_applied(self.catalogue, history, live)?;
                Some(self.possibly_applied(key, history, record, after))
            }
            Finding::GivenBack => {
                let mut draft = self.left(key, history, Disposition::AlreadySo, live);
                draft.item.message = Some(
                    "the undo did not write it, so it stays; the records of it count again"
                        .to_owned(),
                );
                Some(draft)
            }
            Finding::OrderUnknown { first, second, undone } => {
                let mut draft = self.left(key, history, Disposition::Blocked, undone.inverse());
                draft.item.grade = Grade::Assumed;
                block(
                    &mut draft.item,
                    &(
                        BlockedReason::OrderUnknown,
                        format!(
                            "records {} and {} did opposite things and their times do not tell which came first",
                            self.name(first),
                            self.name(second)
                        ),
                    ),
                );
                Some(draft)
            }
            Finding::Known(verdict) => Some(self.judge(key, history, &verdict)),
        }
    }

    /// A change that failed by its record and is there all the same: left, unless the approval names
    /// the record.
    fn possibly_applied(
        &self,
        key: &Key,
        history: &KeyHistory<'_>,
        record: usize,
        after: Presence,
    ) -> Draft {
        let name = self.name(record);
        let fact = format!(
            "PossiblyApplied: {name} says that this failed, yet the key is {after} and no record explains it"
        );
        let token = accept_possibly_applied(&self.record_name(record));
        if self.accept.contains(&token)
            && let Key::Assignment(assignment) = key
        {
            let mut draft = self.left(key, history, Disposition::Act, after.inverse());
            draft.rests_on_unknown = true;
            draft.item.grade = Grade::Assumed;
            let mut reasons = vec![format!("{fact}; the approval accepts to undo it")];
            self.grade_assignment(assignment, &mut draft.item, &mut reasons);
            draft.item.message.get_or_insert_with(|| reasons.join("; "));
            return draft;
        }
        // The undo of it is not over before somebody decided.
        let mut draft = self.left(key, history, Disposition::Blocked, after.inverse());
        draft.possibly_applied = true;
        draft.item.grade = Grade::Assumed;
        draft.item.blocked = Some(BlockedReason::PossiblyApplied);
        draft.item.message = Some(format!(
            "{fact}. {} To have it undone, add {token} to spec.approval.accept and approve the plan that is made then.",
            BlockedReason::PossiblyApplied.next_step()
        ));
        draft
    }

    fn judge(&self, key: &Key, history: &KeyHistory<'_>, verdict: &Verdict) -> Draft {
        let live = self.live.presence(key);
        let Verdict { undone, expected, wanted, basis, possible_duplicate } = *verdict;
        if live == wanted {
            return match basis {
                // It still is as the undone record made it: somebody else wants it so.
                Basis::Record(holder) if live == undone => {
                    let mut draft = self.left(key, history, Disposition::Kept, undone.inverse());
                    let name = self.name(holder);
                    draft.item.message =
                        Some(format!("kept {live} for {name}, which is not undone"));
                    draft.item.kept_for = Some(self.record_name(holder));
                    draft
                }
                _ => {
                    let mut draft = self.left(key, history, Disposition::AlreadySo, wanted);
                    draft.item.message =
                        (live == undone).then(|| format!("it was {live} before the operation too"));
                    draft
                }
            };
        }
        if wanted == expected {
            let mut draft = self.left(key, history, Disposition::Unexplained, wanted);
            draft.item.message = Some(format!(
                "the records lead to {expected} with or without the undo, yet the key is {live}: somebody changed it without a record, and it is left"
            ));
            return draft;
        }
        let mut draft = self.left(key, history, Disposition::Act, wanted);
        let mut reasons = Vec::new();
        if basis == (Basis::Start { known: false }) {
            draft.rests_on_unknown = true;
            reasons.push("no record says what was there before".to_owned());
        }
        if let Some(other) = possible_duplicate {
            let other = self.name(other);
            reasons.push(format!(
                "{other} of another tool is taken for the same change and does not hold the key"
            ));
            draft.rests_on_unknown = true;
            draft.possible_duplicate = Some(other);
        }
        if draft.rests_on_unknown {
            draft.item.grade = Grade::Assumed;
        }
        if let Key::Assignment(assignment) = key {
            self.grade_assignment(assignment, &mut draft.item, &mut reasons);
        }
        if draft.item.message.is_none() && !reasons.is_empty() {
            draft.item.message = Some(reasons.join("; "));
        }
        draft
    }

    fn grade_assignment(
        &self,
        key: &AssignmentKey,
        item: &mut PlanItem,
        reasons: &mut Vec<String>,
    ) {
        let goal = item.action.goal();
        if let Some(obstacle) = preflight::assignment(key, goal, self.live, &self.created) {
            block(item, &obstacle);
        } else if goal == Presence::Present
            && !self.live.is_provisioned(&key.permission_set, &key.account)
        {
            item.grade = item.grade.max(Grade::Lossy);
            reasons.push(format!(
                "the permission set has no role in account {} now; the role comes back with another suffix and ARN",
                self.live.account(&key.account)
            ));
        }
    }

    /// An item that is not judged further.
    fn left(
        &self,
        key: &Key,
        history: &KeyHistory<'_>,
        disposition: Disposition,
        goal: Presence,
    ) -> Draft {
        let facts = self.live.permission_sets.get(key.permission_set());
        let name = facts.and_then(|facts| facts.name.as_deref()).or(history.permission_set_name);
        let (action, account, principal) = match key {
            Key::Assignment(key) => {
                let action = match goal {
                    Presence::Present => ActionKind::CreateAssignment,
                    Presence::Absent => ActionKind::DeleteAssignment,
                };
                let principal = history.principal.cloned().map(|principal| {
                    let name = self.live.principal_names.get(&key.principal);
                    NamedPrincipal { name: name.cloned().or(principal.name), ..principal }
                });
                (action, Some(key.account.clone()), principal)
            }
            Key::PermissionSet(_) => {
                let action = match goal {
                    Presence::Present => ActionKind::CreatePermissionSet,
                    Presence::Absent => ActionKind::DeletePermissionSet,
                };
                (action, None, None)
            }
        };
        let item = PlanItem {
            disposition,
            action,
            account_name: account
                .as_ref()
                .and_then(|account| self.live.account_names.get(account).cloned()),
            account,
            principal,
            permission_set: key.permission_set().clone(),
            permission_set_name: name.map(str::to_owned),
            live: self.live.presence(key),
            grade: Grade::Exact,
            assumed: false,
            message: None,
            blocked: None,
            kept_for: None,
            content: None,
            gives: None,
            effect: None,
        };
        Draft { item, rests_on_unknown: false, possible_duplicate: None, possibly_applied: false }
    }

    /// Judges the creation of a permission set in place of one that was deleted. Says whether it
    /// will be there for assignments.
    pub(super) fn judge_creation(&self, draft: &mut Draft, set: &PermissionSetArn) -> bool {
        let item = &mut draft.item;
        item.grade = item.grade.max(Grade::Equivalent);
        let deleted = self.catalogue.deleted(set);
        let Some((deleted, content)) = deleted.and_then(|it| Some((it, it.content.as_ref()?)))
        else {
            let fact = format!("nobody saved what permission set {set} was made of");
            block(item, &(BlockedReason::Unsupported, fact));
            return false;
        };
        item.content = Some(content.clone());
        item.permission_set_name = Some(deleted.name.clone());
        if self.live.taken_names.contains(&deleted.name) {
            let fact = format!("another permission set of the instance is named {}", deleted.name);
            block(item, &(BlockedReason::NameTaken, fact));
            return false;
        }
        item.message = Some(format!(
            "AWS gives no ARN twice: the set that is created as {} gets another one, and stands for {set} from then on",
            deleted.name
        ));
        true
    }

    /// Judges the deletion of a permission set, given the assignments that the plan writes.
    pub(super) fn judge_deletion(
        &self,
        draft: &mut Draft,
        set: &PermissionSetArn,
        history: &KeyHistory<'_>,
        changes: &Changes,
    ) {
        let Some(facts) = self.live.permission_sets.get(set) else { return };
        draft.item.content.clone_from(&facts.content);
        match deletion(set, history.created, facts, changes, self.live) {
            Deletion::AsMade => {}
            Deletion::AsItsSource => {
                draft.rests_on_unknown = true;
                draft.item.grade = draft.item.grade.max(Grade::Assumed);
                draft.item.message = Some(
                    "nobody recorded what the set was made as; it gives the access that its source gives"
                        .to_owned(),
                );
            }
            Deletion::Blocked(obstacle) => block(&mut draft.item, &obstacle),
        }
    }

    fn record_name(&self, record: usize) -> String {
        let listed = self.catalogue.entries.get(record);
        listed.map(|listed| listed.record.name.clone()).unwrap_or_default()
    }

    fn name(&self, record: usize) -> String {
        self.catalogue
            .entries
            .get(record)
            .map(super::catalogue::Listed::display)
            .unwrap_or_default()
    }
}

/// What `spec.approval.accept` holds so that the failed changes of a record that were made all the same
/// are undone.
fn accept_possibly_applied(record: &str) -> String {
    format!("{ACCEPTS_POSSIBLY_APPLIED}{record}")
}

/// Those of the accepted things that a plan is made with: another set of them makes another plan.
#[must_use]
pub fn accepted_in_plan(accept: &[String]) -> Vec<String> {
    let mut accepted: Vec<String> =
        accept.iter().filter(|it| it.starts_with(ACCEPTS_POSSIBLY_APPLIED)).cloned().collect();
    accepted.sort();
    accepted.dedup();
    accepted
}

fn block(item: &mut PlanItem, obstacle: &Obstacle) {
    item.disposition = Disposition::Blocked;
    item.blocked = Some(obstacle.0);
    item.message = Some(preflight::words(obstacle));
    // Whoever could give it back, this plan does not.
    item.grade = Grade::Lossy;
}
