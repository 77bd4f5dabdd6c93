//! One Identity Center instance that is ready: its client, its quota, its key table, its poller.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::key_table::KeyTable;
use super::known_names::KnownNames;
use super::live::Shown;
use crate::api::IdentityCenterInstanceSpec;
use crate::aws;
use crate::engine::cover::{CoverHints, ReadOperation};
use crate::engine::polling::Poller;
use crate::model::{
    AccountId, ActionKind, AssignmentKey, BlockedReason, Class, IdentityStoreId, Key,
    PermissionSetArn, Principal,
};
use crate::plan::{AccountState, Denial, PrincipalState};

/// A key that was written this recently may be shown by a list as it was before.
const RECENTLY: SignedDuration = SignedDuration::from_secs(60);
/// How long an account that was active counts as active.
const ACTIVE_FOR: SignedDuration = SignedDuration::from_mins(1);
/// A page of `ListAccounts` shows up to 20 accounts, not all of them asked for: it is worth as many
/// questions about one account.
const ACCOUNTS_A_PAGE_IS_WORTH: usize = 4;

/// What was found out about an instance when it was connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its identity store.
    pub identity_store: IdentityStoreId,
    /// The account that owns it.
    pub owner_account: Option<AccountId>,
    /// Whether the operator's credentials are of another account.
    pub delegated_administrator: bool,
    /// Whose credentials they are, if that could be found out.
    pub caller: Option<aws::Caller>,
}

/// What changes when somebody edits the instance; all else stays, because actions are at work.
#[derive(Clone)]
struct Connection {
    spec: Arc<IdentityCenterInstanceSpec>,
    aws: aws::Client,
    facts: Facts,
    answered_at: Timestamp,
    /// Since when AWS has kept silent.
    doubted_since: Option<Timestamp>,
}

/// Which action a request in AWS belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The Rollback.
    pub uid: Arc<str>,
    /// The item of its plan.
    pub item: usize,
}

/// One instance that is ready.
pub struct InstanceHandle {
    /// Name of its `IdentityCenterInstance`.
    pub name: String,
    /// The gate, with the governor of the quota.
    pub gate: aws::Gate,
    /// Which Rollback holds which key.
    pub keys: KeyTable,
    /// Wakes the poller when there is something new to follow.
    pub poll: Notify,
    /// Ends its tasks.
    pub stop: CancellationToken,
    connection: Mutex<Connection>,
    poller: Mutex<Poller<Owner>>,
    hints: Mutex<CoverHints>,
    written: Mutex<HashMap<Key, Timestamp>>,
    /// Accounts that were seen to be active, and when.
    accounts: Mutex<BTreeMap<AccountId, Timestamp>>,
    names: Mutex<KnownNames>,
    denied: Mutex<BTreeMap<ActionKind, Denial>>,
}

impl std::fmt::Debug for InstanceHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InstanceHandle").field("name", &self.name).finish_non_exhaustive()
    }
}

impl InstanceHandle {
    /// A handle of a connected instance.
    #[must_use]
    pub fn new(
        name: String,
        spec: IdentityCenterInstanceSpec,
        aws: aws::Client,
        gate: aws::Gate,
        facts: Facts,
        now: Timestamp,
        stop: CancellationToken,
    ) -> Self {
        Self {
            name,
            gate,
            connection: Mutex::new(Connection {
                spec: Arc::new(spec),
                aws,
                facts,
                answered_at: now,
                doubted_since: None,
            }),
            keys: KeyTable::new(now),
            poll: Notify::new(),
            stop,
            poller: Mutex::default(),
            hints: Mutex::default(),
            written: Mutex::default(),
            accounts: Mutex::default(),
            names: Mutex::default(),
            denied: Mutex::default(),
        }
    }

    /// Takes in an edited instance.
    pub fn reconnect(
        &self,
        spec: IdentityCenterInstanceSpec,
        aws: aws::Client,
        facts: Facts,
        now: Timestamp,
    ) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) =
            Connection { spec: Arc::new(spec), aws, facts, answered_at: now, doubted_since: None };
        // Other credentials may be told otherwise.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn connection(&self) -> Connection {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When AWS was last asked about the instance itself and answered.
    #[must_use]
    pub fn answered_at(&self) -> Timestamp {
        self.connection().answered_at
    }

    /// Notes that AWS has answered for it.
    pub fn answered(&self, now: Timestamp) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.answered_at = now;
        connection.doubted_since = None;
    }

    /// Notes that AWS kept silent about it; gives since when.
    pub fn doubted(&self, now: Timestamp) -> Timestamp {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        *connection.doubted_since.get_or_insert(now)
    }

    /// Its spec.
    #[must_use]
    pub fn spec(&self) -> Arc<IdentityCenterInstanceSpec> {
        self.connection().spec
    }

    /// The client, behind the gate, for calls of this priority.
    #[must_use]
    pub fn aws(&self, priority: aws::Priority) -> aws::Client {
        self.connection().aws.with_priority(priority)
    }

    /// What was found out when it was connected.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.connection().facts
    }

    /// The poller. Held for moments only.
    pub fn poller(&self) -> MutexGuard<'_, Poller<Owner>> {
        self.poller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what AWS said to a change: that the operator's role may not make it, or else. It has no
    /// way to ask beforehand.
    pub fn note_answer(&self, action: ActionKind, error: Option<&aws::Error>, at: Timestamp) {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            None => {
                denied.remove(&action);
            }
            Some(error) if matches!(error.class(), Class::Blocked(BlockedReason::AccessDenied)) => {
                denied.insert(action, Denial { operation: error.operation(), at });
            }
            Some(_) => {}
        }
    }

    /// The changes that the operator's role was last seen not to be allowed.
    #[must_use]
    pub fn denied(&self) -> BTreeMap<ActionKind, Denial> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those of the principals' names that are known.
    #[must_use]
    pub fn names_of_principals(
        &self,
        principals: &BTreeSet<Principal>,
    ) -> BTreeMap<Principal, String> {
        self.names().of_principals(principals)
    }

    /// Those of the accounts' names that are known.
    #[must_use]
    pub fn names_of_accounts(&self, accounts: &BTreeSet<AccountId>) -> BTreeMap<AccountId, String> {
        self.names().of_accounts(accounts)
    }

    fn names(&self) -> MutexGuard<'_, KnownNames> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known about the cost of lists.
    #[must_use]
    pub fn hints(&self) -> CoverHints {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that a request about a key ended or was sent, and says whether another was shortly before.
    pub fn note_write(&self, key: &Key, now: Timestamp) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() > 50_000 {
            written.retain(|_, at| now.duration_since(*at) < RECENTLY);
        }
        written.insert(key.clone(), now).is_some_and(|before| now.duration_since(before) < RECENTLY)
    }

    /// Whether an error says that lists by principal are denied, as they are to some delegated
    /// administrators; from then on they are done without.
    pub fn lists_by_principal_are_denied(&self, error: &aws::Error) -> bool {
        let denied = error.operation() == "ListAccountAssignmentsForPrincipal"
            && matches!(error.class(), Class::Blocked(BlockedReason::AccessDenied));
        if denied {
            self.hints.lock().unwrap_or_else(PoisonError::into_inner).principal_lists_denied = true;
        }
        denied
    }

    /// Asks AWS for one list, all pages.
    pub async fn read(
        &self,
        operation: &ReadOperation,
        priority: aws::Priority,
    ) -> Result<Shown, aws::Error> {
        let aws = self.aws(priority);
        match operation {
            ReadOperation::Principal(principal) => {
                let rows = aws.list_assignments_for_principal(principal, None).await?;
                let shown = Shown::of_principal(principal, rows);
                let mut hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
                hints.principal_pages.insert(principal.clone(), shown.calls);
                Ok(shown)
            }
            ReadOperation::Pair(account, set) => match aws.list_assignments(account, set).await {
                Ok(principals) => Ok(Shown::of_pair(account, set, principals)),
                // A set that was deleted has no assignments. What else may be missing is no
                // answer: the account, or the instance itself.
                Err(error) if error.is_not_found() => match permission_set(&aws, set).await? {
                    None => Ok(Shown::of_pair(account, set, Vec::new())),
                    Some(_) => Err(error),
                },
                Err(error) => Err(error),
            },
            ReadOperation::PermissionSet(set) => {
                Ok(Shown::of_set(set, permission_set(&aws, set).await?.is_some()))
            }
        }
    }

    /// A permission set; none when it does not exist.
    pub async fn permission_set(
        &self,
        set: &PermissionSetArn,
    ) -> Result<Option<aws::PermissionSetFacts>, aws::Error> {
        permission_set(&self.aws(aws::Priority::PreRead), set).await
    }

    /// Every assignment of a permission set: one list for each account that it is provisioned in.
    pub async fn assignments_of(
        &self,
        set: &PermissionSetArn,
    ) -> Result<BTreeSet<AssignmentKey>, aws::Error> {
        let aws = self.aws(aws::Priority::PreRead);
        let mut assigned = BTreeSet::new();
        for account in aws.accounts_with_permission_set(set).await? {
            let principals = aws.list_assignments(&account, set).await?;
            assigned.extend(Shown::of_pair(&account, set, principals).present);
        }
        Ok(assigned)
    }

    /// Finds out about many accounts at once, where lists tell more in a call than questions about
    /// each do. What they leave open, [`account_state`](Self::account_state) asks for.
    pub async fn list_active_accounts(
        &self,
        accounts: &BTreeSet<AccountId>,
        now: Timestamp,
    ) -> Result<(), aws::Error> {
        let unknown = accounts.iter().filter(|account| !self.is_known_active(account, now)).count();
        let pages = unknown / ACCOUNTS_A_PAGE_IS_WORTH;
        if pages == 0 {
            return Ok(());
        }
        match self.aws(aws::Priority::PreRead).list_accounts(pages).await {
            Ok(listed) => {
                let mut known = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
                for (account, facts) in listed {
                    self.names().learn_account(&account, facts.name);
                    if facts.active {
                        known.insert(account, now);
                    }
                }
                Ok(())
            }
            Err(error) if matches!(error.class(), Class::Blocked(_) | Class::Terminal(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_known_active(&self, account: &AccountId, now: Timestamp) -> bool {
        let known = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(account).is_some_and(|at| now.duration_since(*at) < ACTIVE_FOR)
    }

    /// Whether an account can be written to. Without leave to ask, nobody knows. Only what is good is
    /// remembered, and not for long: an account may be closed, or reopened, at any time.
    pub async fn account_state(
        &self,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<AccountState, aws::Error> {
        if self.is_known_active(account, now) {
            return Ok(AccountState::Active);
        }
        let state = match self.aws(aws::Priority::PreRead).describe_account(account).await {
            Ok(Some(facts)) => {
                self.names().learn_account(account, facts.name);
                if facts.active { AccountState::Active } else { AccountState::Suspended }
            }
            Ok(None) => AccountState::Missing,
            Err(error) if matches!(error.class(), Class::Blocked(_) | Class::Terminal(_)) => {
                AccountState::Unknown
            }
            Err(error) => return Err(error),
        };
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if state == AccountState::Active {
            accounts.insert(account.clone(), now);
        } else {
            accounts.remove(account);
        }
        Ok(state)
    }

    /// Whether a principal exists. Without leave to ask, nobody knows.
    pub async fn principal_state(
        &self,
        principal: &Principal,
    ) -> Result<PrincipalState, aws::Error> {
        let store = self.facts().identity_store;
        match self.aws(aws::Priority::PreRead).describe_principal(&store, principal).await {
            Ok(Some(found)) => {
                self.names().learn_principal(principal, found.name);
                Ok(if found.enabled { PrincipalState::Exists } else { PrincipalState::Disabled })
            }
            Ok(None) => Ok(PrincipalState::Missing),
            Err(error) if matches!(error.class(), Class::Blocked(_) | Class::Terminal(_)) => {
                Ok(PrincipalState::Unknown)
            }
            Err(error) => Err(error),
        }
    }
}

/// A permission set; none when it does not exist. AWS says of every set of a missing instance that
/// it is not found, so absence counts only while the instance answers.
async fn permission_set(
    aws: &aws::Client,
    set: &PermissionSetArn,
) -> Result<Option<aws::PermissionSetFacts>, aws::Error> {
    let found = aws.describe_permission_set(set).await?;
    if found.is_none() {
        aws.describe_instance().await?;
    }
    Ok(found)
}
