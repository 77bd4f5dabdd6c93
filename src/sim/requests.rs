//! Asynchronous requests: their statuses, what they keep busy and how long they are remembered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::faults::{Facts, Failure};
use super::settings::ConflictScope;
use crate::model::{AccountId, AssignmentKey, PermissionSetArn, Principal, RequestId};

/// The three stores of statuses that AWS keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Create,
    Delete,
    Provision,
}

/// What a request is about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    Assignment(AssignmentKey),
    /// A permission set in one account, or in every account that has it.
    Provisioning(PermissionSetArn, Option<AccountId>),
}

impl Subject {
    pub fn permission_set(&self) -> &PermissionSetArn {
        match self {
            Self::Assignment(key) => &key.permission_set,
            Self::Provisioning(set, _) => set,
        }
    }

    /// Adds what a request about this is about.
    pub fn tell(&self, facts: &mut Facts) {
        facts.permission_set = Some(self.permission_set().clone());
        match self {
            Self::Assignment(key) => {
                facts.account = Some(key.account.clone());
                facts.principal = Some(key.principal.id.clone());
            }
            Self::Provisioning(_, account) => facts.account.clone_from(account),
        }
    }

    /// The names of what is busy while this is at work.
    fn locks(&self, scope: ConflictScope) -> Vec<Lock> {
        match self {
            Self::Assignment(key) => {
                let AssignmentKey { account, permission_set, principal } = key.clone();
                vec![match scope {
                    ConflictScope::Account => Lock::new(Some(account), None, None),
                    ConflictScope::PermissionSet => {
                        Lock::new(Some(account), Some(permission_set), None)
                    }
                    ConflictScope::Assignment => {
                        Lock::new(Some(account), Some(permission_set), Some(principal))
                    }
                }]
            }
            Self::Provisioning(set, None) => vec![Lock::new(None, Some(set.clone()), None)],
            Self::Provisioning(set, Some(account)) => {
                let place = match scope {
                    ConflictScope::Account => None,
                    ConflictScope::PermissionSet | ConflictScope::Assignment => Some(set.clone()),
                };
                vec![
                    Lock::new(Some(account.clone()), place, None),
                    Lock::new(None, Some(set.clone()), None),
                ]
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Lock(Option<AccountId>, Option<PermissionSetArn>, Option<Principal>);

impl Lock {
    const fn new(
        account: Option<AccountId>,
        set: Option<PermissionSetArn>,
        principal: Option<Principal>,
    ) -> Self {
        Self(account, set, principal)
    }
}

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Succeeded,
    Failed(String),
}

impl Status {
    pub const WORDS: [&'static str; 3] = ["IN_PROGRESS", "FAILED", "SUCCEEDED"];

    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
        }
    }
}

/// One asynchronous request.
#[derive(Debug, Clone)]
pub(super) struct AsyncRequest {
    pub id: RequestId,
    pub kind: Kind,
    pub subject: Subject,
    pub created: Timestamp,
    pub status: Status,
    pub ended: Option<Timestamp>,
    /// What became of it, before the status shows it.
    pub outcome: Option<Status>,
    /// A failure that the fault script wants.
    pub failure: Option<Failure>,
    /// Who sent it.
    pub caller: String,
    pub iam_in_management_account: bool,
}

/// All requests of an instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests {
    stores: BTreeMap<(Kind, RequestId), AsyncRequest>,
    locks: BTreeMap<Lock, RequestId>,
    running: BTreeMap<Kind, BTreeSet<RequestId>>,
}

impl Requests {
    pub fn is_busy(&self, subject: &Subject, scope: ConflictScope) -> bool {
        subject.locks(scope).iter().any(|lock| self.locks.contains_key(lock))
    }

    pub fn outstanding(&self, kind: Kind) -> usize {
        self.running.get(&kind).map_or(0, BTreeSet::len)
    }

    /// Whether any request at work is about a permission set.
    pub fn any_running_of(&self, set: &PermissionSetArn) -> bool {
        self.running.iter().any(|(kind, ids)| {
            ids.iter().any(|id| {
                self.stores
                    .get(&(*kind, id.clone()))
                    .is_some_and(|request| request.subject.permission_set() == set)
            })
        })
    }

    pub fn start(&mut self, request: AsyncRequest, scope: ConflictScope) {
        for lock in request.subject.locks(scope) {
            self.locks.insert(lock, request.id.clone());
        }
        self.running.entry(request.kind).or_default().insert(request.id.clone());
        self.stores.insert((request.kind, request.id.clone()), request);
    }

    pub fn get(&self, kind: Kind, id: &RequestId) -> Option<&AsyncRequest> {
        self.stores.get(&(kind, id.clone()))
    }

    pub fn get_mut(&mut self, kind: Kind, id: &RequestId) -> Option<&mut AsyncRequest> {
        self.stores.get_mut(&(kind, id.clone()))
    }

    /// Ends a request with the outcome that it has come to; what it kept busy is free again.
    pub fn end(&mut self, kind: Kind, id: &RequestId, now: Timestamp) {
        if let Some(request) = self.stores.get_mut(&(kind, id.clone())) {
            request.status = request.outcome.take().unwrap_or(Status::Succeeded);
            request.ended = Some(now);
        }
        self.locks.retain(|_, holder| holder != id);
        if let Some(running) = self.running.get_mut(&kind) {
            running.remove(id);
        }
    }

    pub fn forget(&mut self, kind: Kind, id: &RequestId) {
        self.stores.remove(&(kind, id.clone()));
    }

    /// The requests that are still at work: few, whatever the number of those that ended.
    pub fn running(&self, kind: Kind) -> impl Iterator<Item = &AsyncRequest> {
        let ids = self.running.get(&kind).into_iter().flatten();
        ids.filter_map(move |id| self.get(kind, id))
    }

    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &AsyncRequest> {
        self.stores.values().filter(move |request| request.kind == kind)
    }
}
