//! Reading who administers the accounts in which a plan removes administrative access, as far as it
//! takes to know that somebody is left.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Reader, told};
use super::error::Error;
use crate::aws;
use crate::model::{AccountId, PermissionSetArn, Principal, PrincipalType};
use crate::plan::{AdministrativeSets, Changes, Proposal, gives_administrator_access};

/// Which permission sets are administrative, as far as it was asked.
type Known = BTreeMap<PermissionSetArn, bool>;

/// Reads who is left to administer each account that loses an assignment of an administrative set.
pub async fn read(reader: &mut Reader<'_>, proposal: &Proposal<'_>) -> Result<(), Error> {
    let changes = proposal.changes();
    let with_others = &changes.beside(&reader.access.being_removed);
    let configured = &reader.instance.spec().policy.administrative_sets;
    let current = |set| proposal.replacements().current(set).clone();
    let configured: BTreeSet<PermissionSetArn> = configured.iter().map(current).collect();
    let mut removals: BTreeMap<AccountId, BTreeSet<PermissionSetArn>> = BTreeMap::new();
    for (account, set) in changes.places_of_removals() {
        removals.entry(account.clone()).or_default().insert(set.clone());
    }
    let mut known = Known::new();
    for (account, removed) in removals {
        let mut sets = BTreeSet::new();
        for set in removed {
            if is_administrative(reader, &configured, &mut known, &set).await? {
                sets.insert(set);
            }
        }
        if sets.is_empty() {
            continue;
        }
        // Most often somebody else holds the same set.
        let mut complete = false;
        if !somebody_is_left(reader, with_others, &account, &sets).await? {
            let all = all_administrative(reader, &configured, &mut known, &account).await?;
            complete = all.is_some();
            let others: BTreeSet<_> = all.unwrap_or_default().difference(&sets).cloned().collect();
            somebody_is_left(reader, with_others, &account, &others).await?;
            sets.extend(others);
        }
        reader.access.administrative.insert(account, AdministrativeSets { sets, complete });
    }
    Ok(())
}

/// Whether a set counts as administrative. One whose policies the operator may not read does.
async fn is_administrative(
    reader: &Reader<'_>,
    configured: &BTreeSet<PermissionSetArn>,
    known: &mut Known,
    set: &PermissionSetArn,
) -> Result<bool, Error> {
    if !configured.is_empty() {
        return Ok(configured.contains(set));
    }
    if let Some(known) = known.get(set) {
        return Ok(*known);
    }
    let aws = reader.instance.aws(aws::Priority::PreRead);
    let administrative = match aws.managed_policies(set).await {
        // A set that is gone gives nobody anything.
        Err(error) if error.is_not_found() => false,
        outcome => told(outcome)?.is_none_or(|policies| gives_administrator_access(&policies)),
    };
    known.insert(set.clone(), administrative);
    Ok(administrative)
}

/// The administrative sets of an account; none where they may not be listed.
async fn all_administrative(
    reader: &Reader<'_>,
    configured: &BTreeSet<PermissionSetArn>,
    known: &mut Known,
    account: &AccountId,
) -> Result<Option<BTreeSet<PermissionSetArn>>, Error> {
    if !configured.is_empty() {
        return Ok(Some(configured.clone()));
    }
    let aws = reader.instance.aws(aws::Priority::PreRead);
    let Some(provisioned) = told(aws.permission_sets_in_account(account).await)? else {
        return Ok(None);
    };
    let mut administrative = BTreeSet::new();
    for set in provisioned {
        if is_administrative(reader, configured, known, &set).await? {
            administrative.insert(set);
        }
    }
    Ok(Some(administrative))
}

/// Whether somebody who may sign in holds one of the sets in the account and keeps it.
async fn somebody_is_left(
    reader: &mut Reader<'_>,
    changes: &Changes,
    account: &AccountId,
    sets: &BTreeSet<PermissionSetArn>,
) -> Result<bool, Error> {
    reader.holders(sets.iter().map(|set| (account.clone(), set.clone()))).await?;
    let mut left: BTreeSet<Principal> = BTreeSet::new();
    for set in sets {
        let at = (account.clone(), set.clone());
        if let Some(holders) = reader.access.holders.get(&at) {
            left.extend(changes.keepers(&at, holders));
        }
    }
    // Users are asked about first: a group may have many.
    let (users, groups): (Vec<_>, Vec<_>) =
        left.into_iter().partition(|principal| principal.kind == PrincipalType::User);
    for principal in users.iter().chain(&groups) {
        for person in reader.access.people(principal).into_iter().flatten() {
            if reader.is_enabled(&person).await? == Some(true) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
