//! Roles that may not be those of before, although they are there.
//!
//! AWS deletes the role of a permission set in an account with the last assignment, and the next one
//! creates a role with another suffix and ARN
//! (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
//! Where a plan restores an assignment and takes the set away from everybody who holds it there now,
//! the role may have been created for those: nobody can tell whether there was a moment without any.

use std::collections::BTreeSet;

use super::access::{Access, Changes, Place, place};
use super::items::Draft;
use crate::api::plan::Disposition;
use crate::model::{Grade, Key, Presence};

/// Lowers the grade of every restored assignment whose role may be another one than before.
pub(super) fn judge(drafts: &mut [Draft], changes: &Changes, access: &Access) {
    let doubtful: BTreeSet<&Place> = changes
        .places_of_exchanges()
        .filter(|at| {
            let holders = access.holders.get(at);
            holders.is_none_or(|holders| holders.iter().all(|it| changes.removes_from(it, at)))
        })
        .collect();
    if doubtful.is_empty() {
        return;
    }
    for draft in drafts.iter_mut().filter(|draft| draft.item.disposition == Disposition::Act) {
        let item = &mut draft.item;
        let Key::Assignment(key) = item.key() else { continue };
        // One without a role now is Lossy already, and says why.
        let judged = item.action.goal() == Presence::Absent || item.grade == Grade::Lossy;
        if judged || !doubtful.contains(&place(&key)) {
            continue;
        }
        item.grade = Grade::Lossy;
        let why = format!(
            "nobody is known to have held the permission set in account {} all along: its role there may be another one than before, with another suffix and ARN",
            key.account
        );
        item.message = Some(match item.message.take() {
            Some(message) => format!("{message}; {why}"),
            None => why,
        });
    }
}
