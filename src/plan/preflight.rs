//! What cannot be done, found before anybody is asked to approve it.
//!
//! Sources: a delegated administrator can change neither assignments in the management account
//! nor permission sets that are provisioned there
//! (<https://docs.aws.amazon.com/singlesignon/latest/userguide/delegated-admin.html>); AWS accepts
//! requests for suspended accounts and lets them fail later; an assignment cannot be made for a
//! user, group or permission set that is gone.

use std::collections::BTreeSet;

use super::live::{AccountState, Live, PrincipalState};
use crate::model::{AssignmentKey, BlockedReason, PermissionSetArn, Presence};

/// Why an action is blocked: the reason, and the fact behind it as a clause.
pub(super) type Obstacle = (BlockedReason, String);

/// Why an assignment cannot be changed, if so.
pub(super) fn assignment(
    key: &AssignmentKey,
    goal: Presence,
    live: &Live,
    created: &BTreeSet<PermissionSetArn>,
) -> Option<Obstacle> {
    let AssignmentKey { account, permission_set, principal } = key;
    if live.delegated_administrator && live.owner_account.as_ref() == Some(account) {
        let fact = format!(
            "{} is the management account, which a delegated administrator cannot change",
            live.account(account)
        );
        return Some((BlockedReason::ManagementAccount, fact));
    }
    match live.accounts.get(account) {
        Some(AccountState::Suspended) => {
            let fact = format!("account {} is suspended or being closed", live.account(account));
            return Some((BlockedReason::AccountUnavailable, fact));
        }
        Some(AccountState::Missing) => {
            let fact =
                format!("account {} is not in the organisation any more", live.account(account));
            return Some((BlockedReason::AccountUnavailable, fact));
        }
        Some(AccountState::Active | AccountState::Unknown) | None => {}
    }
    if goal == Presence::Absent {
        return None;
    }
    if live.is_missing(permission_set) && !created.contains(permission_set) {
        let fact = format!("permission set {permission_set} does not exist any more");
        return Some((BlockedReason::PermissionSetMissing, fact));
    }
    if live.principals.get(principal) == Some(&PrincipalState::Missing) {
        let namesake = match live.namesakes.get(principal) {
            Some(id) => format!("; the name belongs to {id} now"),
            None => String::new(),
        };
        let fact = format!("{principal} does not exist any more{namesake}");
        return Some((BlockedReason::PrincipalMissing, fact));
    }
    None
}

/// The fact and what to do about it.
pub(super) fn words((reason, fact): &Obstacle) -> String {
    let mut characters = fact.chars();
    let fact: String =
        characters.next().map(char::to_uppercase).into_iter().flatten().chain(characters).collect();
    format!("{fact}. {}", reason.next_step())
}
