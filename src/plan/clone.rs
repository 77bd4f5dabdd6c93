//! Whether a permission set that a clone made may be deleted.
//!
//! Deleting is certain or it is not begun: nothing is detached first. AWS refuses
//! `DeletePermissionSet` while the set is assigned anywhere
//! (<https://docs.aws.amazon.com/singlesignon/latest/userguide/howtoremovepermissionset.html>).

use super::access::Changes;
use super::digest::{content_digest, same_access};
use super::live::{Live, SetFacts};
use super::preflight::Obstacle;
use crate::api::record::CreatedPermissionSet;
use crate::model::{AssignmentKey, BlockedReason, PermissionSetArn};

/// How many assignments a message names.
const NAMED: usize = 3;

/// How a deletion stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deletion {
    /// The set is what its record says that was made.
    AsMade,
    /// Nobody recorded what was made; it gives the access that its source gives.
    AsItsSource,
    /// It cannot be deleted.
    Blocked(Obstacle),
}

/// Judges the deletion of a set, given the assignments that the plan writes.
pub(super) fn deletion(
    set: &PermissionSetArn,
    created: Option<&CreatedPermissionSet>,
    facts: &SetFacts,
    changes: &Changes,
    live: &Live,
) -> Deletion {
    if live.delegated_administrator
        && let Some(owner) = &live.owner_account
        && live.is_provisioned(set, owner)
    {
        let fact = format!(
            "the set is provisioned in the management account {owner}, so a delegated administrator cannot change it"
        );
        return Deletion::Blocked((BlockedReason::ManagementAccount, fact));
    }
    let as_made = match content(created, facts) {
        Ok(as_made) => as_made,
        Err(obstacle) => return Deletion::Blocked(obstacle),
    };
    let made: Vec<AssignmentKey> = changes.made_through(set).collect();
    if !made.is_empty() {
        let fact = format!(
            "this plan gives access through the set that it would delete: {}",
            listed(made.iter())
        );
        return Deletion::Blocked((BlockedReason::StillAssigned, fact));
    }
    let others: Vec<&AssignmentKey> =
        facts.assigned.iter().filter(|key| !changes.removes(key)).collect();
    if !others.is_empty() {
        let fact = format!(
            "the set has {} assignments that this plan does not remove: {}",
            others.len(),
            listed(others.iter().copied())
        );
        return Deletion::Blocked((BlockedReason::StillAssigned, fact));
    }
    if as_made { Deletion::AsMade } else { Deletion::AsItsSource }
}

fn listed<'a>(keys: impl ExactSizeIterator<Item = &'a AssignmentKey>) -> String {
    let count = keys.len();
    let named: Vec<String> =
        keys.take(NAMED).map(|key| format!("{} in {}", key.principal, key.account)).collect();
    match count.saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Whether the content was recorded and is unchanged; else whether it is that of its source.
fn content(created: Option<&CreatedPermissionSet>, facts: &SetFacts) -> Result<bool, Obstacle> {
    let Some(live) = &facts.content else {
        let fact = "the content of the set could not be read, so nobody knows whether it changed";
        return Err((BlockedReason::AccessDenied, fact.to_owned()));
    };
    let changed = |fact: &str| Err((BlockedReason::ContentChanged, fact.to_owned()));
    let recorded = created.and_then(|created| {
        created.content.as_ref().map(content_digest).or_else(|| created.content_digest.clone())
    });
    match (recorded, &facts.source_content) {
        (Some(recorded), _) if recorded == content_digest(live) => Ok(true),
        (Some(_), _) => changed("the set is not what it was made as: its content changed since"),
        (None, _) if created.is_some_and(|it| it.source.as_ref() == Some(&it.arn)) => changed(
            "nobody recorded what the set was made as, and its record calls it a clone of itself",
        ),
        (None, Some(source)) if same_access(live, source) => Ok(false),
        (None, Some(_)) => changed(
            "nobody recorded what the set was made as, and it does not give the access that its source gives",
        ),
        (None, None) => changed(
            "nobody recorded what the set was made as, and its source cannot be read, so it may have changed",
        ),
    }
}
