//! Reading AWS for a plan: fresh and fully paged.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::access::told;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use crate::api::OperationRecordSpec;
use crate::aws;
use crate::engine::cover::{ReadOperation, cover};
use crate::engine::creation;
use crate::model::{AccountId, AssignmentKey, Key, PermissionSetArn, Principal, PrincipalId};
use crate::plan::{AccountState, Live, PrincipalState, SetFacts, Touched};

/// Calls that wait for their answers at once.
const AT_ONCE: usize = 16;

/// Reads everything that a plan for these keys looks at.
pub async fn read(
    instance: &InstanceHandle,
    touched: &Touched,
    selected: &[OperationRecordSpec],
    rollback_uid: &str,
    now: Timestamp,
) -> Result<Live, Error> {
    let (present, requests) = assignments(instance, &touched.keys).await?;
    let _ = requests;
    let permission_sets = permission_sets(instance, touched, selected).await?;
    let taken_names = taken_names(instance, &permission_sets, selected, rollback_uid).await?;
    let provisioned = provisioned(instance, &touched.permission_sets, &permission_sets).await?;
    let facts = instance.facts();
    let principals = principals(instance, &touched.principals).await?;
    let missing = principals.iter().filter(|(_, state)| **state == PrincipalState::Missing);
    let missing: BTreeSet<&Principal> = missing.map(|(principal, _)| principal).collect();
    let namesakes = namesakes(instance, &missing, selected).await?;
    let accounts = accounts(instance, &touched.accounts, now).await?;
    Ok(Live {
        assignments: present,
        permission_sets,
        provisioned,
        accounts,
        principal_names: instance.names_of_principals(&touched.principals),
        account_names: instance.names_of_accounts(&touched.accounts),
        principals,
        namesakes,
        taken_names,
        owner_account: facts.owner_account,
        delegated_administrator: facts.delegated_administrator,
        denied: instance.denied(),
    })
}

/// Which of the keys are there, and how many lists that took.
async fn assignments(
    instance: &InstanceHandle,
    keys: &BTreeSet<Key>,
) -> Result<(BTreeSet<AssignmentKey>, usize), Error> {
    let wanted: Vec<&Key> = keys.iter().filter(|key| matches!(key, Key::Assignment(_))).collect();
    loop {
        let cover = cover(wanted.iter().copied(), &instance.hints());
        let mut reads: FuturesUnordered<_> = cover
            .operations
            .iter()
            .map(|operation| instance.read(operation, aws::Priority::PreRead))
            .collect();
        let mut present = BTreeSet::new();
        let mut denied = false;
        while let Some(read) = reads.next().await {
            match read {
                Ok(shown) => present.extend(shown.present),
                Err(error) if instance.lists_by_principal_are_denied(&error) => denied = true,
                Err(error) => return Err(error.into()),
            }
        }
        if !denied {
            present.retain(|key| keys.contains(&Key::Assignment(key.clone())));
            return Ok((present, cover.calls));
        }
    }
}

async fn permission_sets(
    instance: &InstanceHandle,
    touched: &Touched,
    clones: &[OperationRecordSpec],
) -> Result<BTreeMap<PermissionSetArn, SetFacts>, Error> {
    let mut facts = BTreeMap::new();
    for set in &touched.permission_sets {
        let deletable = touched.keys.contains(&Key::PermissionSet(set.clone()));
        let mut found = SetFacts::default();
        let described = instance.permission_set(set).await?;
        if deletable {
            if described.is_some()
                && let Some((name, content)) =
                    instance.aws(aws::Priority::PreRead).permission_set_content(set).await?
            {
                (found.exists, found.name, found.content) = (true, Some(name), Some(content));
                found.assigned = instance.assignments_of(set).await?;
            }
            let source = clones
                .iter()
                .filter_map(|record| record.created_permission_set.as_ref())
                .find(|created| created.arn == *set)
                .and_then(|created| created.source.as_ref());
            if let Some(source) = source {
                found.source_content = instance
                    .aws(aws::Priority::PreRead)
                    .permission_set_content(source)
                    .await?
                    .map(|(_, content)| content);
            }
        } else if let Some(described) = described {
            found.exists = true;
            found.name = Some(described.name);
            found.session_duration = described.session_duration;
        }
        facts.insert(set.clone(), found);
    }
    Ok(facts)
}

/// The names of permission sets that would be created, as far as others bear them. AWS finds no set
/// by its name, so all are looked through; where that is not allowed, the creation finds out.
async fn taken_names(
    instance: &InstanceHandle,
    sets: &BTreeMap<PermissionSetArn, SetFacts>,
    selected: &[OperationRecordSpec],
    rollback_uid: &str,
) -> Result<BTreeSet<String>, Error> {
    let ledgers = selected.iter().filter_map(|record| record.rollback.as_ref());
    let deleted: Vec<&str> = ledgers
        .flat_map(|ledger| &ledger.deleted_permission_sets)
        .map(|deleted| deleted.name.as_str())
        .collect();
    if deleted.is_empty() || sets.values().all(|facts| facts.exists) {
        return Ok(BTreeSet::new());
    }
    let aws = instance.aws(aws::Priority::PreRead);
    // What an earlier attempt of this Rollback left is completed, and takes no name away.
    let own = creation::tag(rollback_uid);
    let Some(all) = told(aws.list_permission_sets().await)? else { return Ok(BTreeSet::new()) };
    let read = stream::iter(all).map(|set| {
        let (aws, own, deleted) = (&aws, &own, &deleted);
        async move {
            let found = told(aws.describe_permission_set(&set).await)?.flatten();
            let Some(name) = found.map(|facts| facts.name) else { return Ok(None) };
            if !deleted.contains(&name.as_str()) {
                return Ok(None);
            }
            let ours = told(aws.tags(&set).await)?.is_some_and(|tags| tags.contains(own));
            Ok::<_, Error>((!ours).then_some(name))
        }
    });
    let taken: Vec<Option<String>> = read.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(taken.into_iter().flatten().collect())
}

async fn provisioned(
    instance: &InstanceHandle,
    sets: &BTreeSet<PermissionSetArn>,
    facts: &BTreeMap<PermissionSetArn, SetFacts>,
) -> Result<BTreeMap<PermissionSetArn, BTreeSet<AccountId>>, Error> {
    let mut provisioned = BTreeMap::new();
    for set in sets.iter().filter(|set| facts.get(*set).is_some_and(|facts| facts.exists)) {
        let accounts =
            instance.aws(aws::Priority::PreRead).accounts_with_permission_set(set).await?;
        provisioned.insert(set.clone(), accounts.into_iter().collect());
    }
    Ok(provisioned)
}

async fn accounts(
    instance: &InstanceHandle,
    accounts: &BTreeSet<AccountId>,
    now: Timestamp,
) -> Result<BTreeMap<AccountId, AccountState>, Error> {
    let mut states = BTreeMap::new();
    instance.list_active_accounts(accounts, now).await?;
    for account in accounts {
        states.insert(account.clone(), instance.account_state(account, now).await?);
    }
    Ok(states)
}

async fn principals(
    instance: &InstanceHandle,
    principals: &BTreeSet<Principal>,
) -> Result<BTreeMap<Principal, PrincipalState>, Error> {
    let mut states = BTreeMap::new();
    for principal in principals {
        states.insert(principal.clone(), instance.principal_state(principal).await?);
    }
    Ok(states)
}

/// Who bears the recorded names of principals that are gone: somebody who was deleted and made again
/// has another id.
async fn namesakes(
    instance: &InstanceHandle,
    missing: &BTreeSet<&Principal>,
    selected: &[OperationRecordSpec],
) -> Result<BTreeMap<Principal, PrincipalId>, Error> {
    let mut names: BTreeMap<Principal, &str> = BTreeMap::new();
    for change in selected.iter().flat_map(|record| &record.changes) {
        let principal = change.principal.principal();
        if let Some(name) =
            change.principal.name.as_deref().filter(|_| missing.contains(&principal))
        {
            names.insert(principal, name);
        }
    }
    let store = instance.facts().identity_store;
    let mut namesakes = BTreeMap::new();
    for (principal, name) in names {
        let aws = instance.aws(aws::Priority::PreRead);
        let found = told(aws.principal_named(&store, principal.kind, name).await)?.flatten();
        namesakes.extend(found.map(|id| (principal, id)));
    }
    Ok(namesakes)
}

/// Which assignments a list shows to be there.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Assignments that are there, of those that the list is about.
    pub present: BTreeSet<AssignmentKey>,
    /// Permission sets that are there.
    pub sets: BTreeSet<PermissionSetArn>,
    /// Calls that it took.
    pub calls: usize,
}

impl Shown {
    /// Whether a key that the list is about is there.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        match key {
            Key::Assignment(key) => self.present.contains(key),
            Key::PermissionSet(set) => self.sets.contains(set),
        }
    }

    /// Takes in the answer to one operation.
    #[must_use]
    pub fn of_principal(principal: &Principal, rows: Vec<(AccountId, PermissionSetArn)>) -> Self {
        let calls = rows.len().div_ceil(100).max(1);
        let present = rows
            .into_iter()
            .map(|(account, permission_set)| AssignmentKey {
                account,
                permission_set,
                principal: principal.clone(),
            })
            .collect();
        Self { present, sets: BTreeSet::new(), calls }
    }

    /// Takes in the answer to one operation.
    #[must_use]
    pub fn of_pair(
        account: &AccountId,
        set: &PermissionSetArn,
        principals: Vec<Principal>,
    ) -> Self {
        let calls = principals.len().div_ceil(100).max(1);
        let present = principals
            .into_iter()
            .map(|principal| AssignmentKey {
                account: account.clone(),
                permission_set: set.clone(),
                principal,
            })
            .collect();
        Self { present, sets: BTreeSet::new(), calls }
    }

    /// Takes in the answer to one operation.
    #[must_use]
    pub fn of_set(set: &PermissionSetArn, exists: bool) -> Self {
        Self {
            present: BTreeSet::new(),
            sets: exists.then(|| set.clone()).into_iter().collect(),
            calls: 1,
        }
    }
}

/// The principal that a list is about, for remembering its pages.
#[must_use]
pub const fn principal_of(operation: &ReadOperation) -> Option<&Principal> {
    match operation {
        ReadOperation::Principal(principal) => Some(principal),
        ReadOperation::Pair(..) | ReadOperation::PermissionSet(_) => None,
    }
}
