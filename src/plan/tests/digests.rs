//! Digests: the same for the same meaning, another for any other.

use proptest::prelude::*;

use super::fixtures::{
    INSTANCE, account, content, instance_arn, key, live, operation, set, triple, try_plan,
};
use crate::api::instance::{ApprovalPolicy, Policy};
use crate::api::plan::PlanItem;
use crate::api::record::PermissionSetContent;
use crate::api::rollback::{Mode, OnDrift, OnFailure};
use crate::model::Before;
use crate::model::Effect::{Granted, Revoked};
use crate::plan::{Intent, Live, Plan, Record, Request, content_digest, plan, record_digest};

struct Asked {
    records: Vec<Record>,
    selected: Vec<Record>,
    policy: Policy,
    live: Live,
    intent: Intent,
}

type Edit = fn(&mut Asked);

impl Asked {
    fn new() -> Self {
        let a = operation("a", 0).grants(&key(1)).grants(&key(2)).revokes(&key(3));
        let b = operation("b", 100).change(Granted, Before::Present, &key(2)).grants(&key(4));
        let c = operation("c", 200).change(Granted, Before::Present, &key(2));
        let records = vec![a.clone(), b.clone(), c];
        let live = live(&records, &[key(1), key(2), key(4)]);
        let mut policy = Policy { max_actions: Some(50), ..Policy::default() };
        policy.protected.accounts = vec![account(7), account(8)];
        Self { records, selected: vec![a, b], policy, live, intent: Intent::default() }
    }

    fn plan(&self) -> Plan {
        plan(&Request {
            instance: INSTANCE,
            instance_arn: &instance_arn(),
            records: &self.records,
            selected: &self.selected,
            policy: &self.policy,
            live: &self.live,
            intent: self.intent.clone(),
            accept: &[],
        })
        .unwrap()
    }
}

#[test]
fn wording_is_not_part_of_the_digest() {
    let before = Asked::new().plan();
    assert!(before.digest.starts_with("sha256:") && before.digest.len() == 71);
    let edits: [(&str, Edit); 9] = [
        ("order of records", |it| it.records.reverse()),
        ("order of selection", |it| it.selected.reverse()),
        ("one twice", |it| it.selected.push(it.selected[0].clone())),
        ("selected ones not among the others", |it| {
            it.records.remove(0);
        }),
        ("name of the set", |it| {
            it.live.permission_sets.get_mut(&set(0)).unwrap().name = Some("Renamed".into());
        }),
        ("name of an account", |it| {
            it.live.account_names.insert(account(1), "payments".into());
        }),
        ("name of a principal", |it| {
            it.live.principal_names.insert(key(1).principal, "alice".into());
        }),
        ("order of what is protected", |it| it.policy.protected.accounts.reverse()),
        ("stamp of who imported a record", |it| {
            it.selected[0].spec.recorded_by = Some("somebody".into());
        }),
    ];
    for (what, edit) in edits {
        let mut asked = Asked::new();
        edit(&mut asked);
        let after = asked.plan();
        assert_eq!(before.digest, after.digest, "{what}");
        let keys = |plan: &Plan| plan.items.iter().map(PlanItem::key).collect::<Vec<_>>();
        assert_eq!(keys(&before), keys(&after), "{what}");
    }
}

#[test]
fn every_part_of_the_meaning_is_part_of_the_digest() {
    let edits: [(&str, Edit); 17] = [
        ("nothing", |_| {}),
        ("live state", |it| {
            it.live.assignments.remove(&key(1));
        }),
        ("a key that is kept", |it| {
            it.records.pop();
        }),
        ("grade", |it| {
            it.live.provisioned.clear();
        }),
        ("a blocked key", |it| it.policy.protected.accounts.push(account(1))),
        ("protected, without effect", |it| it.policy.protected.accounts.push(account(9))),
        ("approval policy", |it| it.policy.approval = ApprovalPolicy::Never),
        ("largest number of actions", |it| it.policy.max_actions = Some(51)),
        ("time to live", |it| it.policy.plan_ttl = Some("24h".into())),
        ("mode", |it| it.intent.mode = Mode::PlanOnly),
        ("attempt", |it| it.intent.attempt = 2),
        ("begin", |it| it.intent.not_before = Some(super::fixtures::time(5))),
        ("deadline", |it| it.intent.deadline = Some(super::fixtures::time(5))),
        ("drift", |it| it.intent.on_drift = OnDrift::Fail),
        ("failure", |it| it.intent.on_failure = OnFailure::Stop),
        ("settle time", |it| it.intent.settle = "3s".into()),
        ("content of a record", |it| {
            it.records.remove(0);
            it.selected[0] = it.selected[0].clone().with(|spec| spec.reason = Some("why".into()));
        }),
    ];
    let mut digests: Vec<(String, &str)> = edits
        .into_iter()
        .map(|(what, edit)| {
            let mut asked = Asked::new();
            edit(&mut asked);
            (asked.plan().digest, what)
        })
        .collect();
    digests.sort();
    for two in digests.windows(2) {
        assert_ne!(two[0].0, two[1].0, "{} and {}", two[0].1, two[1].1);
    }
}

#[test]
fn the_instance_is_part_of_the_digest() {
    let other = "ins-grrwdwht9b3hswl7";
    let asked = Asked::new();
    let elsewhere = |text: &str| text.replace("ssoins-grrwdwht9b3hswl7", other);
    let moved: Vec<Record> = asked
        .selected
        .iter()
        .map(|record| {
            record.clone().with(|spec| {
                for change in &mut spec.changes {
                    change.permission_set =
                        elsewhere(change.permission_set.as_str()).parse().unwrap();
                }
            })
        })
        .collect();
    let world = live(&moved, &[]);
    let arn = elsewhere(instance_arn().as_str()).parse().unwrap();
    let request = Request {
        instance: INSTANCE,
        instance_arn: &arn,
        records: &[],
        selected: &moved,
        policy: &asked.policy,
        live: &world,
        intent: Intent::default(),
        accept: &[],
    };
    assert_ne!(plan(&request).unwrap().digest, asked.plan().digest);
}

#[test]
fn content_is_compared_by_what_it_says() {
    let base = content();
    let same = |edit: fn(&mut PermissionSetContent)| {
        let mut other = base.clone();
        edit(&mut other);
        content_digest(&other) == content_digest(&base)
    };
    assert!(
        same(|it| it.inline_policy = Some(r#"{"Statement":[],"Version":"2012-10-17"}"#.into()))
    );
    assert!(same(|it| it.description = Some(String::new())));
    assert!(same(|it| it.managed_policies.push(it.managed_policies[0].clone())));
    assert!(!same(
        |it| it.inline_policy = Some(r#"{"Statement":[{}],"Version":"2012-10-17"}"#.into())
    ));
    assert!(!same(|it| it.inline_policy = None));
    assert!(!same(|it| it.session_duration = None));
    assert!(!same(|it| it.permissions_boundary = Some("arn".into())));
    assert!(!same(|it| it.customer_managed_policies.push("/a".into())));
    assert!(!same(|it| it.tags.push("a=b".into())));
    assert!(!same(|it| it.relay_state = Some("https://example.test".into())));
    let hour = PermissionSetContent { session_duration: Some("PT1H".into()), ..Default::default() };
    assert_eq!(content_digest(&hour), content_digest(&PermissionSetContent::default()));
    // What is no JSON at all is compared as it is.
    let text =
        |text: &str| PermissionSetContent { inline_policy: Some(text.into()), ..base.clone() };
    assert_ne!(content_digest(&text("{")), content_digest(&text("{ ")));
}

#[test]
fn the_digest_of_a_record_is_stable() {
    // Ledgers that were written with it are compared with it for years: it may not change.
    let record = operation("a", 0).grants(&key(1));
    assert_eq!(
        record_digest(&record.spec),
        "sha256:4224d1101928b4770dc399dd69e1306f53f3b48280ed85955d3395600129d5dd"
    );
}

proptest! {
    #[test]
    fn another_key_or_effect_is_another_plan(
        one in proptest::collection::btree_map((0_usize..4, 0_usize..3, 0_usize..3), any::<bool>(), 1..8),
        other in proptest::collection::btree_map((0_usize..4, 0_usize..3, 0_usize..3), any::<bool>(), 1..8),
    ) {
        let planned = |keys: &std::collections::BTreeMap<(usize, usize, usize), bool>| {
            let record = keys.iter().fold(operation("a", 0), |record, ((account, set, user), grant)| {
                let effect = if *grant { Granted } else { Revoked };
                record.change(effect, Before::Unknown, &triple(*account, *set, *user))
            });
            // The same digest for every record: only items tell the plans apart.
            let record = Record { digest: "sha256:same".into(), ..record };
            let present: Vec<_> = keys
                .iter()
                .filter(|(_, grant)| **grant)
                .map(|((account, set, user), _)| triple(*account, *set, *user))
                .collect();
            try_plan(&[], &[&record], &live(std::slice::from_ref(&record), &present)).unwrap().digest
        };
        prop_assert_eq!(planned(&one) == planned(&other), one == other);
    }
}
