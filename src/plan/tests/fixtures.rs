//! Records, ledgers and live state for tests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::api::OperationRecordSpec;
use crate::api::instance::Policy;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::{
    Change, CreatedPermissionSet, FailedChange, LedgerEntry, LedgerKeys, LedgerOutcome,
    NamedPrincipal, PermissionSetContent, Precision, RecordRef, RollbackIdentity, Source,
};
use crate::model::{
    AccountId, AssignmentKey, Before, Effect, InstanceArn, Key, OperationType, PermissionSetArn,
    Presence, Principal, PrincipalId, PrincipalType,
};
use crate::plan::{
    Access, AccountState, Intent, Live, Plan, PrincipalState, Record, Refusal, Replacements,
    Request, SetFacts, Undone, place, propose, record_digest, touched, undone,
};

pub(super) const INSTANCE: &str = "main";

pub(super) fn instance_arn() -> InstanceArn {
    "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7".parse().unwrap()
}

pub(super) fn set(number: usize) -> PermissionSetArn {
    format!("arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-{number:016}").parse().unwrap()
}

pub(super) fn account(number: usize) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

pub(super) fn user(number: usize) -> PrincipalId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

/// One user's assignment of one set in one account.
pub(super) fn triple(
    account_number: usize,
    set_number: usize,
    user_number: usize,
) -> AssignmentKey {
    AssignmentKey {
        account: account(account_number),
        permission_set: set(set_number),
        principal: Principal { kind: PrincipalType::User, id: user(user_number) },
    }
}

/// The same user's assignment of the same set in some account.
pub(super) fn key(number: usize) -> AssignmentKey {
    triple(number, 0, 0)
}

/// A time, in seconds after some beginning.
pub(super) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

/// An operation record with nothing in it yet.
pub(super) fn operation(id: &str, at: i64) -> Record {
    let spec = OperationRecordSpec {
        instance: INSTANCE.to_owned(),
        operation_type: OperationType::Assign,
        occurred_at: time(at),
        started_at: None,
        occurred_at_precision: Precision::Microsecond,
        actor: None,
        source: Source { tool: "awsideman".to_owned(), id: id.to_owned() },
        changes: Vec::new(),
        created_permission_set: None,
        failed: Vec::new(),
        reason: None,
        ticket: None,
        recorded_by: None,
        rollback: None,
    };
    Record {
        namespace: "access".to_owned(),
        name: id.to_owned(),
        created: None,
        digest: String::new(),
        spec,
    }
    .signed()
}

fn named(principal: &Principal) -> NamedPrincipal {
    NamedPrincipal { kind: principal.kind, id: principal.id.clone(), name: None }
}

/// What tests say about records.
impl Record {
    /// The same with the digest of what it says now.
    pub(super) fn signed(mut self) -> Self {
        self.digest = record_digest(&self.spec);
        self
    }

    pub(super) fn with(mut self, edit: impl FnOnce(&mut OperationRecordSpec)) -> Self {
        edit(&mut self.spec);
        self.signed()
    }

    pub(super) fn change(self, effect: Effect, before: Before, key: &AssignmentKey) -> Self {
        self.changes([(effect, before, key.clone())])
    }

    pub(super) fn changes(
        self,
        list: impl IntoIterator<Item = (Effect, Before, AssignmentKey)>,
    ) -> Self {
        self.with(|spec| {
            spec.changes.extend(list.into_iter().map(|(effect, before, key)| Change {
                effect,
                principal: named(&key.principal),
                permission_set: key.permission_set,
                permission_set_name: None,
                accounts: vec![key.account],
                before,
                request_id: None,
            }));
        })
    }

    /// Gave access that was not there before.
    pub(super) fn grants(self, key: &AssignmentKey) -> Self {
        self.change(Effect::Granted, Before::Absent, key)
    }

    /// Took access that was there before.
    pub(super) fn revokes(self, key: &AssignmentKey) -> Self {
        self.change(Effect::Revoked, Before::Present, key)
    }

    pub(super) fn failed(self, effect: Effect, key: &AssignmentKey) -> Self {
        self.with(|spec| {
            spec.failed.push(FailedChange {
                effect,
                principal: named(&key.principal),
                permission_set: key.permission_set.clone(),
                accounts: vec![key.account.clone()],
                message: None,
            });
        })
    }

    pub(super) fn tool(self, tool: &str) -> Self {
        self.with(|spec| tool.clone_into(&mut spec.source.tool))
    }

    pub(super) fn precision(self, precision: Precision) -> Self {
        self.with(|spec| spec.occurred_at_precision = precision)
    }

    /// Its changes were made from then on.
    pub(super) fn began(self, seconds: i64) -> Self {
        self.with(|spec| spec.started_at = Some(time(seconds)))
    }

    /// The whole record is one request.
    pub(super) fn request(self, number: usize) -> Self {
        let id = format!("00000000-0000-4000-8000-{number:012}").parse().unwrap();
        self.with(|spec| {
            for change in &mut spec.changes {
                change.request_id = Some(std::clone::Clone::clone(&id));
            }
        })
    }

    pub(super) fn reference(&self) -> RecordRef {
        RecordRef {
            name: self.name.clone(),
            source: self.spec.source.clone(),
            digest: self.digest.clone(),
        }
    }
}

/// The creation of set 9 as a clone of set 0.
pub(super) fn cloned(id: &str, at: i64) -> Record {
    operation(id, at).with(|spec| {
        spec.operation_type = OperationType::ClonePermissionSet;
        spec.created_permission_set = Some(CreatedPermissionSet {
            arn: set(9),
            name: "Clone".to_owned(),
            source: Some(set(0)),
            content_digest: None,
            content: Some(content()),
            replaces: None,
        });
    })
}

pub(super) fn content() -> PermissionSetContent {
    PermissionSetContent {
        session_duration: Some("PT2H".to_owned()),
        inline_policy: Some(r#"{"Version": "2012-10-17", "Statement": []}"#.to_owned()),
        managed_policies: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
        ..PermissionSetContent::default()
    }
}

/// What a ledger says about one key.
pub(super) fn found(
    key: &Key,
    before: Presence,
    goal: Presence,
    outcome: LedgerOutcome,
) -> LedgerKeys {
    let (principal, accounts) = match key {
        Key::Assignment(key) => (Some(named(&key.principal)), vec![key.account.clone()]),
        Key::PermissionSet(_) => (None, Vec::new()),
    };
    LedgerKeys {
        permission_set: key.permission_set().clone(),
        principal,
        accounts,
        before,
        goal,
        outcome,
    }
}

/// The ledger of one attempt of the Rollback `name`.
pub(super) fn ledger(
    name: &str,
    attempt: i32,
    at: i64,
    undone: &[&Record],
    keys: Vec<LedgerKeys>,
) -> Record {
    operation(&format!("{name}-{attempt}"), at).with(|spec| {
        spec.operation_type = OperationType::Rollback;
        spec.source.tool = "rollback-operator".to_owned();
        spec.rollback = Some(LedgerEntry {
            by: RollbackIdentity {
                namespace: "access".to_owned(),
                name: name.to_owned(),
                uid: format!("uid-of-{name}"),
            },
            attempt,
            outcome: "Succeeded".to_owned(),
            digest: None,
            undone: undone.iter().map(|record| record.reference()).collect(),
            keys,
            deleted_permission_sets: Vec::new(),
            created_permission_sets: Vec::new(),
            authors: Vec::new(),
            approved_by: None,
            observed_at: None,
            started_at: None,
            finished_at: time(at),
        });
    })
}

/// Whether nothing of the selected records is open.
pub(super) fn already_rolled_back(records: &[Record], selected: &[Record]) -> bool {
    undone(records, selected) == Undone::All
}

/// The ledger of a plan of which every action succeeded, but for the keys that `fails` names.
pub(super) fn executed(
    name: &str,
    attempt: i32,
    at: i64,
    plan: &Plan,
    undone: &[&Record],
    fails: &dyn Fn(&Key) -> bool,
) -> Record {
    let outcome = |item: &PlanItem| match item.disposition {
        Disposition::Act if fails(&item.key()) => LedgerOutcome::Failed,
        Disposition::Act => LedgerOutcome::Verified,
        Disposition::AlreadySo => LedgerOutcome::AlreadySo,
        Disposition::Kept => LedgerOutcome::Kept,
        Disposition::Unexplained => LedgerOutcome::Unexplained,
        Disposition::Blocked => LedgerOutcome::Blocked,
    };
    let keys =
        plan.items.iter().map(|item| found(&item.key(), item.live, item.goal(), outcome(item)));
    ledger(name, attempt, at, undone, keys.collect())
}

/// A world in which these assignments are there, and all that records name is in good order.
pub(super) fn live(records: &[Record], present: &[AssignmentKey]) -> Live {
    let touched = touched(&records.iter().collect::<Vec<_>>(), &Replacements::of(records));
    let facts = |set: &PermissionSetArn| SetFacts {
        exists: true,
        name: Some("Developers".to_owned()),
        session_duration: Some("PT1H".to_owned()),
        content: Some(content()),
        assigned: present.iter().filter(|key| key.permission_set == *set).cloned().collect(),
        source_content: Some(content()),
    };
    Live {
        assignments: present.iter().cloned().collect(),
        permission_sets: touched
            .permission_sets
            .iter()
            .map(|set| (set.clone(), facts(set)))
            .collect(),
        provisioned: touched
            .permission_sets
            .iter()
            .map(|set| (set.clone(), touched.accounts.clone()))
            .collect(),
        taken_names: BTreeSet::new(),
        principal_names: BTreeMap::new(),
        account_names: BTreeMap::new(),
        accounts: touched.accounts.iter().map(|it| (it.clone(), AccountState::Active)).collect(),
        principals: touched
            .principals
            .iter()
            .map(|it| (it.clone(), PrincipalState::Exists))
            .collect(),
        namesakes: BTreeMap::new(),
        owner_account: Some(account(999)),
        delegated_administrator: false,
        denied: BTreeMap::new(),
    }
}

/// A plan under the default policy.
pub(super) fn try_plan(
    records: &[Record],
    selected: &[&Record],
    live: &Live,
) -> Result<Plan, Refusal> {
    plan_under(&Policy::default(), records, selected, live)
}

pub(super) fn plan_under(
    policy: &Policy,
    records: &[Record],
    selected: &[&Record],
    live: &Live,
) -> Result<Plan, Refusal> {
    plan_with(policy, &[], records, selected, live, &own_access_only(live))
}

/// A plan under a policy and with what the approval accepts, given who has which access.
pub(super) fn plan_with(
    policy: &Policy,
    accept: &[String],
    records: &[Record],
    selected: &[&Record],
    live: &Live,
    access: &Access,
) -> Result<Plan, Refusal> {
    let selected: Vec<Record> = selected.iter().map(|record| (*record).clone()).collect();
    let request = Request {
        instance: INSTANCE,
        instance_arn: &instance_arn(),
        records,
        selected: &selected,
        policy,
        live,
        intent: Intent::default(),
        accept,
    };
    propose(&request)?.plan(access)
}

/// Every user has what is assigned to that user, and nothing through groups.
pub(super) fn own_access_only(live: &Live) -> Access {
    let mut access = Access::default();
    for principal in live.principals.keys() {
        access.of_user.entry(principal.id.clone()).or_default();
    }
    for key in &live.assignments {
        let places = access.of_user.entry(key.principal.id.clone()).or_default();
        places.entry(place(key)).or_default().insert(key.principal.clone());
    }
    access
}

/// The plan of undoing `selected` when `present` is there.
pub(super) fn undo(records: &[Record], selected: &[&Record], present: &[AssignmentKey]) -> Plan {
    try_plan(records, selected, &live(records, present)).unwrap()
}

/// The one item of a plan of one key.
pub(super) fn only(plan: &Plan) -> &PlanItem {
    assert_eq!(plan.items.len(), 1, "{:#?}", plan.items);
    plan.items.first().unwrap()
}

pub(super) fn keys_of(plan: &Plan) -> BTreeSet<Key> {
    plan.items.iter().map(PlanItem::key).collect()
}
