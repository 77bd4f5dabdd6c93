//! Random plans: one change of what a plan means gives another digest, whatever is changed, and no
//! other order or wording does.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::digest_wording::{lay_out, reword};
use super::fixtures::{
    INSTANCE, account, cloned, content, instance_arn, live, operation, set, time, triple, user,
};
use crate::api::instance::{ApprovalPolicy, Policy, Protected};
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::{GuardReason, PlanRefusal};
use crate::api::record::{NamedPrincipal, PermissionSetContent, RecordRef};
use crate::api::rollback::{Mode, OnDrift, OnFailure};
use crate::model::Effect::{Granted, Revoked};
use crate::model::{
    ActionKind, AssignmentKey, Before, BlockedReason, Grade, InstanceArn, Key, Presence,
    PrincipalType,
};
use crate::plan::digest::plan_digest;
use crate::plan::{AccountState, Intent, Live, Plan, PrincipalState, Record, Request, plan};

/// What is asked for.
#[derive(Debug, Clone)]
struct Asked {
    records: Vec<Record>,
    selected: Vec<Record>,
    policy: Policy,
    live: Live,
    intent: Intent,
}

/// What a digest is made of.
#[derive(Debug, Clone)]
pub(super) struct Meaning {
    pub items: Vec<PlanItem>,
    pub refusals: Vec<PlanRefusal>,
    pub records: Vec<RecordRef>,
    pub instance: InstanceArn,
    pub policy: Policy,
    pub intent: Intent,
}

impl Asked {
    /// The plan; none where nothing is open.
    fn plan(&self) -> Option<Plan> {
        let asked = plan(&Request {
            instance: INSTANCE,
            instance_arn: &instance_arn(),
            records: &self.records,
            selected: &self.selected,
            policy: &self.policy,
            live: &self.live,
            intent: self.intent.clone(),
            accept: &[],
        });
        asked.ok()
    }

    fn meaning(&self) -> Option<Meaning> {
        let plan = self.plan()?;
        let meaning = Meaning {
            items: plan.items,
            refusals: plan.refusals,
            records: plan.record_refs,
            instance: instance_arn(),
            policy: self.policy.clone(),
            intent: self.intent.clone(),
        };
        assert_eq!(meaning.digest(), plan.digest);
        Some(meaning)
    }
}

impl Meaning {
    fn digest(&self) -> String {
        let Self { items, refusals, records, instance, policy, intent } = self;
        plan_digest(items, refusals, records, instance, policy, intent)
    }
}

fn some_key() -> impl Strategy<Value = AssignmentKey> {
    (1_usize..4, 0_usize..3, 0_usize..3).prop_map(|(account, set, user)| triple(account, set, user))
}

fn record(number: usize) -> impl Strategy<Value = Record> {
    let change = (some_key(), any::<bool>(), 0_usize..3);
    (proptest::collection::vec(change, 1..5), prop::bool::weighted(0.2)).prop_map(
        move |(changes, clone)| {
            let at = i64::try_from(number).unwrap() * 1000;
            let record = if clone {
                cloned(&format!("clone-{number}"), at)
            } else {
                operation(&format!("record-{number}"), at)
            };
            let mut seen = BTreeSet::new();
            let changes = changes.into_iter().filter(|(key, ..)| seen.insert(key.clone()));
            record.changes(changes.map(|(key, gives, before)| {
                let effect = if gives { Granted } else { Revoked };
                (effect, [Before::Absent, Before::Present, Before::Unknown][before], key)
            }))
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let subset = |most: usize| proptest::collection::btree_set(0..most, 0..3);
    let approval = prop_oneof![
        Just(ApprovalPolicy::Always),
        Just(ApprovalPolicy::SeparateApprover),
        Just(ApprovalPolicy::WhenNotExact),
        Just(ApprovalPolicy::Never),
    ];
    let limits = (proptest::option::of(1..20), proptest::option::of(Just("24h".to_owned())));
    (approval, subset(3), subset(4), subset(3), subset(3), limits).prop_map(
        |(approval, sets, accounts, users, administrative, (max_actions, plan_ttl))| Policy {
            approval,
            protected: Protected {
                permission_sets: sets.into_iter().map(set).collect(),
                accounts: accounts.into_iter().map(account).collect(),
                principals: users.into_iter().map(user).collect(),
            },
            administrative_sets: administrative.into_iter().map(set).collect(),
            max_actions,
            plan_ttl,
            retention: None,
        },
    )
}

fn intent() -> impl Strategy<Value = Intent> {
    let time = || proptest::option::of((0_i64..5).prop_map(time));
    (any::<[bool; 3]>(), 1..4, time(), time(), 1..4).prop_map(
        |([dry, fail, stop], attempt, not_before, deadline, settle)| Intent {
            mode: if dry { Mode::PlanOnly } else { Mode::Apply },
            attempt,
            not_before,
            deadline,
            on_drift: if fail { OnDrift::Fail } else { OnDrift::Skip },
            on_failure: if stop { OnFailure::Stop } else { OnFailure::Continue },
            settle: format!("{settle}s"),
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    let records = (record(0), record(1), record(2), record(3));
    let present = proptest::collection::btree_set(some_key(), 0..12);
    let chosen = any::<[bool; 4]>();
    (records, chosen, present, policy(), intent(), 0_usize..8).prop_map(
        |((a, b, c, d), chosen, present, policy, intent, trouble)| {
            let records = vec![a, b, c, d];
            let selected: Vec<Record> = records
                .iter()
                .zip(chosen)
                .filter(|(_, chosen)| *chosen)
                .map(|(it, _)| it.clone())
                .collect();
            let present: Vec<AssignmentKey> = present.into_iter().collect();
            let mut live = live(&records, &present);
            // Something that blocks, now and then.
            match trouble {
                0 => {
                    live.accounts.values_mut().take(1).for_each(|it| *it = AccountState::Suspended);
                }
                1 => live
                    .principals
                    .values_mut()
                    .take(1)
                    .for_each(|it| *it = PrincipalState::Missing),
                2 => live.provisioned.clear(),
                _ => {}
            }
            Asked { records, selected, policy, live, intent }
        },
    )
}

/// Another one than this.
fn other<T: PartialEq + Clone>(all: &[T], than: &T) -> T {
    all.iter().find(|it| *it != than).unwrap().clone()
}

/// There where it was not, and away where it was.
pub(super) fn toggle<T>(option: &mut Option<T>, value: T) {
    *option = match option {
        None => Some(value),
        Some(_) => None,
    };
}

/// In the list where it was not, and away where it was.
fn flip<T: PartialEq>(list: &mut Vec<T>, value: T) {
    let before = list.len();
    list.retain(|it| *it != value);
    if list.len() == before {
        list.push(value);
    }
}

type Change = fn(&mut Meaning, usize);

fn item(meaning: &mut Meaning, at: usize) -> &mut PlanItem {
    &mut meaning.items[at]
}

fn content_of(meaning: &mut Meaning, at: usize) -> &mut PermissionSetContent {
    item(meaning, at).content.get_or_insert_with(content)
}

/// Everything that a plan means, changed one at a time. The number is that of an item.
const CHANGES: [(&str, Change); 44] = [
    ("an item is missing", |it, at| drop(it.items.remove(at))),
    ("an item is there twice", |it, at| it.items.push(it.items[at].clone())),
    ("disposition", |it, at| {
        let item = item(it, at);
        item.disposition = other(
            &[Disposition::Act, Disposition::AlreadySo, Disposition::Kept],
            &item.disposition,
        );
    }),
    ("action", |it, at| {
        let item = item(it, at);
        item.action =
            other(&[ActionKind::CreateAssignment, ActionKind::DeleteAssignment], &item.action);
    }),
    ("account", |it, at| toggle(&mut item(it, at).account, account(77))),
    ("another account", |it, at| item(it, at).account = Some(account(77))),
    ("principal", |it, at| toggle(&mut item(it, at).principal, a_user(77))),
    ("another principal", |it, at| item(it, at).principal = Some(a_user(77))),
    ("type of the principal", |it, at| {
        let group = PrincipalType::Group;
        match &mut item(it, at).principal {
            Some(principal) => principal.kind = group,
            none => *none = Some(NamedPrincipal { kind: group, ..a_user(0) }),
        }
    }),
    ("permission set", |it, at| item(it, at).permission_set = set(77)),
    ("live state", |it, at| {
        let item = item(it, at);
        item.live = other(&[Presence::Absent, Presence::Present], &item.live);
    }),
    ("grade", |it, at| {
        let item = item(it, at);
        item.grade = other(&[Grade::Exact, Grade::Lossy], &item.grade);
    }),
    ("that it rests on something unknown", |it, at| item(it, at).assumed ^= true),
    ("why it is blocked", |it, at| toggle(&mut item(it, at).blocked, BlockedReason::NameTaken)),
    ("another reason why it is blocked", |it, at| {
        item(it, at).blocked = Some(BlockedReason::QuotaExceeded);
    }),
    ("what it is kept for", |it, at| toggle(&mut item(it, at).kept_for, "later".to_owned())),
    ("another that it is kept for", |it, at| item(it, at).kept_for = Some("another".to_owned())),
    ("content", |it, at| toggle(&mut item(it, at).content, content())),
    ("description in the content", |it, at| content_of(it, at).description = Some("x".into())),
    ("session in the content", |it, at| content_of(it, at).session_duration = Some("PT9H".into())),
    ("relay state in the content", |it, at| content_of(it, at).relay_state = Some("x".into())),
    ("policy in the content", |it, at| content_of(it, at).inline_policy = Some("{}".into())),
    ("managed policies in the content", |it, at| {
        content_of(it, at).managed_policies.push("x".into());
    }),
    ("customer policies in the content", |it, at| {
        content_of(it, at).customer_managed_policies.push("x".into());
    }),
    ("boundary in the content", |it, at| {
        content_of(it, at).permissions_boundary = Some("x".into());
    }),
    ("tags in the content", |it, at| content_of(it, at).tags.push("x=y".into())),
    ("what the set gives", |it, at| toggle(&mut item(it, at).gives, "sha256:a".to_owned())),
    ("other that the set gives", |it, at| item(it, at).gives = Some("sha256:b".to_owned())),
    ("a refusal", |it, _| it.refusals.push(refusal())),
    ("a record is missing", |it, _| drop(it.records.pop())),
    ("what a record says", |it, _| it.records[0].digest = "sha256:other".into()),
    ("tool of a record", |it, _| it.records[0].source.tool.push('x')),
    ("id of a record", |it, _| it.records[0].source.id.push('x')),
    ("instance", |it, _| {
        it.instance = "arn:aws:sso:::instance/ssoins-0123456789abcdef".parse().unwrap();
    }),
    ("approval policy", |it, _| {
        let approval = it.policy.approval;
        it.policy.approval = other(&[ApprovalPolicy::Always, ApprovalPolicy::Never], &approval);
    }),
    ("protected sets", |it, at| flip(&mut it.policy.protected.permission_sets, set(at % 3))),
    ("protected accounts", |it, at| flip(&mut it.policy.protected.accounts, account(at % 4))),
    ("protected principals", |it, at| flip(&mut it.policy.protected.principals, user(at % 3))),
    ("administrative sets", |it, at| flip(&mut it.policy.administrative_sets, set(at % 3))),
    ("limits", |it, at| match at % 2 {
        0 => toggle(&mut it.policy.max_actions, 7),
        _ => toggle(&mut it.policy.plan_ttl, "1h".to_owned()),
    }),
    ("other limits", |it, at| match at % 2 {
        0 => it.policy.max_actions = Some(77),
        _ => it.policy.plan_ttl = Some("77h".to_owned()),
    }),
    ("mode and attempt", |it, at| match at % 2 {
        0 => it.intent.mode = other(&[Mode::Apply, Mode::PlanOnly], &it.intent.mode),
        _ => it.intent.attempt += 1,
    }),
    ("times", |it, at| match at % 3 {
        0 => it.intent.not_before = Some(time(77)),
        1 => it.intent.deadline = Some(time(77)),
        _ => it.intent.settle = "77s".to_owned(),
    }),
    ("what to do about trouble", |it, at| match at % 2 {
        0 => it.intent.on_drift = other(&[OnDrift::Skip, OnDrift::Fail], &it.intent.on_drift),
        _ => {
            it.intent.on_failure =
                other(&[OnFailure::Continue, OnFailure::Stop], &it.intent.on_failure);
        }
    }),
];

fn a_user(number: usize) -> NamedPrincipal {
    NamedPrincipal { kind: PrincipalType::User, id: user(number), name: None }
}

fn refusal() -> PlanRefusal {
    PlanRefusal {
        reason: GuardReason::OwnAccess,
        accept: "OwnAccess/1".to_owned(),
        message: "words".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn one_change_of_meaning_is_another_digest(asked in asked(), at in any::<Index>()) {
        let meaning = asked.meaning();
        prop_assume!(meaning.is_some());
        let before = meaning.unwrap();
        let digest = before.digest();
        for (what, change) in CHANGES {
            let mut after = before.clone();
            change(&mut after, at.index(before.items.len()));
            prop_assert_ne!(&digest, &after.digest(), "{}", what);
        }
    }

    #[test]
    fn two_actions_in_another_order_are_another_digest(
        asked in asked(), one in any::<Index>(), two in any::<Index>(),
    ) {
        let meaning = asked.meaning();
        prop_assume!(meaning.is_some());
        let before = meaning.unwrap();
        let (one, two) = (one.index(before.items.len()), two.index(before.items.len()));
        prop_assume!(one != two);
        let mut after = before.clone();
        after.items.swap(one, two);
        prop_assert_ne!(before.digest(), after.digest());
    }

    #[test]
    fn another_order_or_wording_is_the_same_digest(
        asked in asked(), turn in any::<Index>(), again in any::<Index>(),
    ) {
        let meaning = asked.meaning();
        prop_assume!(meaning.is_some());
        let before = meaning.unwrap();
        let mut reworded = before.clone();
        reword(&mut reworded);
        prop_assert_eq!(before.digest(), reworded.digest());

        let mut other = asked.clone();
        other.records.rotate_left(turn.index(asked.records.len()));
        other.selected.reverse();
        let again = other.selected[again.index(other.selected.len())].clone();
        other.selected.push(again.with(|spec| spec.recorded_by = Some("somebody".to_owned())));
        for facts in other.live.permission_sets.values_mut() {
            facts.content.iter_mut().chain(&mut facts.source_content).for_each(lay_out);
        }
        for key in &asked.live.assignments {
            other.live.principal_names.insert(key.principal.clone(), "alice".to_owned());
            other.live.account_names.insert(key.account.clone(), "payments".to_owned());
        }
        prop_assert_eq!(other.meaning().map(|it| it.digest()), Some(before.digest()));
    }

    /// What is asked for and what is there come to the digest through the planner.
    #[test]
    fn another_record_or_live_state_is_another_digest(
        asked in asked(), at in any::<Index>(), what in 0..6,
    ) {
        let meaning = asked.meaning();
        prop_assume!(meaning.is_some());
        let before = meaning.unwrap();
        let mut other = asked.clone();
        let chosen = at.index(asked.selected.len());
        let edit: fn(&mut crate::api::OperationRecordSpec) = match what {
            0 => |spec| toggle(&mut spec.actor, "somebody".to_owned()),
            1 => |spec| toggle(&mut spec.reason, "why".to_owned()),
            2 => |spec| toggle(&mut spec.ticket, "T-1".to_owned()),
            3 => |spec| spec.source.id.push('x'),
            4 => |spec| spec.occurred_at = time(-77),
            _ => |_| {},
        };
        let source = asked.selected[chosen].spec.source.clone();
        if what < 5 {
            for record in other.records.iter_mut().chain(&mut other.selected) {
                if record.spec.source == source {
                    *record = record.clone().with(edit);
                }
            }
        } else {
            let keys: Vec<Key> = before.items.iter().map(PlanItem::key).collect();
            match &keys[at.index(keys.len())] {
                Key::Assignment(key) => {
                    if !other.live.assignments.remove(key) {
                        other.live.assignments.insert(key.clone());
                    }
                }
                Key::PermissionSet(set) => {
                    let facts = other.live.permission_sets.get_mut(set).unwrap();
                    facts.exists = !facts.exists;
                }
            }
        }
        prop_assert_ne!(other.meaning().map(|it| it.digest()), Some(before.digest()));
    }
}

/// The properties would say little about plans that are all alike.
#[test]
fn random_plans_have_items_of_all_kinds() {
    let mut runner = TestRunner::deterministic();
    let (mut dispositions, mut actions) = (BTreeSet::new(), BTreeSet::new());
    let (mut contents, mut refusals) = (0, 0);
    for _ in 0..400 {
        let asked = asked().new_tree(&mut runner).unwrap().current();
        let Some(meaning) = asked.meaning() else { continue };
        refusals += usize::from(!meaning.refusals.is_empty());
        for item in &meaning.items {
            dispositions.insert(item.disposition.rank());
            actions.insert(format!("{:?}", item.action));
            contents += usize::from(item.content.is_some());
        }
    }
    assert!(dispositions.len() >= 4, "{dispositions:?}");
    assert!(actions.len() >= 3, "{actions:?}");
    assert!(contents > 0 && refusals > 0, "{contents} contents, {refusals} refusals");
}
