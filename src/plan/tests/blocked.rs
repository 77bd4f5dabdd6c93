//! What is found to be impossible before anybody approves, and how exact the rest is.

use super::fixtures::{
    account, instance_arn, key, live, only, operation, set, triple, try_plan, undo,
};
use crate::api::plan::Disposition::{Act, AlreadySo, Blocked};
use crate::api::plan::{ITEMS_PER_SHARD, MAX_SHARDS};
use crate::model::Before::{Absent, Unknown};
use crate::model::Effect::{Granted, Revoked};
use crate::model::{ActionKind, AssignmentKey, BlockedReason, Grade, InstanceArn};
use crate::plan::{AccountState, Denial, Live, PrincipalState, Record, Refusal};

/// A revoke (undone by a create) and a grant (undone by a delete) of one key.
fn both_ways() -> [(Record, Vec<AssignmentKey>); 2] {
    [
        (operation("a", 0).revokes(&key(1)), vec![]),
        (operation("a", 0).grants(&key(1)), vec![key(1)]),
    ]
}

#[test]
fn obstacles_of_creates_and_deletes() {
    type Edit = fn(&mut Live);
    type Blocks = Option<(BlockedReason, Grade)>;
    let lossy = |reason| Some((reason, Grade::Lossy));
    let rows: [(&str, Edit, Blocks, Blocks); 8] = [
        ("nothing in the way", |_| {}, None, None),
        (
            "suspended account",
            |live| *live.accounts.get_mut(&account(1)).unwrap() = AccountState::Suspended,
            lossy(BlockedReason::AccountUnavailable),
            lossy(BlockedReason::AccountUnavailable),
        ),
        (
            "missing account",
            |live| *live.accounts.get_mut(&account(1)).unwrap() = AccountState::Missing,
            lossy(BlockedReason::AccountUnavailable),
            lossy(BlockedReason::AccountUnavailable),
        ),
        (
            "missing principal",
            |live| live.principals.values_mut().for_each(|it| *it = PrincipalState::Missing),
            lossy(BlockedReason::PrincipalMissing),
            None,
        ),
        (
            "disabled principal",
            |live| live.principals.values_mut().for_each(|it| *it = PrincipalState::Disabled),
            None,
            None,
        ),
        (
            "nothing could be looked up",
            |live| {
                live.principals.clear();
                live.accounts.clear();
            },
            None,
            None,
        ),
        (
            "management account, delegated",
            |live| {
                live.owner_account = Some(account(1));
                live.delegated_administrator = true;
            },
            lossy(BlockedReason::ManagementAccount),
            lossy(BlockedReason::ManagementAccount),
        ),
        (
            "management account, own credentials",
            |live| live.owner_account = Some(account(1)),
            None,
            None,
        ),
    ];
    for (what, edit, create, delete) in rows {
        for ((record, present), blocks) in both_ways().into_iter().zip([create, delete]) {
            let mut world = live(std::slice::from_ref(&record), &present);
            edit(&mut world);
            let plan = try_plan(&[], &[&record], &world).unwrap();
            let item = only(&plan);
            assert_eq!(item.blocked.map(|reason| (reason, item.grade)), blocks, "{what}");
            assert_eq!(item.disposition, if blocks.is_some() { Blocked } else { Act }, "{what}");
            assert_eq!(plan.blocked, usize::from(blocks.is_some()), "{what}");
            assert_eq!(plan.grade, item.grade, "{what}");
            if let Some((reason, _)) = blocks {
                let message = item.message.clone().unwrap();
                assert!(message.ends_with(reason.next_step()), "{message}");
                assert!(message.len() > reason.next_step().len() + 10, "{message}");
                let warned = format!("{reason}: cannot undo 1 key. ");
                assert!(plan.warnings.iter().any(|line| line.starts_with(&warned)), "{what}");
            }
        }
    }
}

#[test]
fn what_the_role_was_denied_is_said_of_the_actions_that_need_it() {
    for (record, present) in both_ways() {
        let mut world = live(std::slice::from_ref(&record), &present);
        let at = super::fixtures::time(7);
        let denial = Denial { operation: "CreateAccountAssignment", at };
        world.denied.insert(ActionKind::CreateAssignment, denial);
        let plan = try_plan(&[], &[&record], &world).unwrap();
        let gives = only(&plan).action == ActionKind::CreateAssignment;
        let said = format!("refused the operator's role CreateAccountAssignment at {at}");
        assert_eq!(plan.warnings.iter().any(|line| line.contains(&said)), gives, "{plan:?}");
        assert_eq!(only(&plan).disposition, Act, "it may have been allowed since");
    }
}

#[test]
fn without_its_permission_set_nothing_is_given_back_and_nothing_is_left_to_take() {
    for ((record, present), (disposition, grade)) in
        both_ways().into_iter().zip([(Blocked, Grade::Lossy), (AlreadySo, Grade::Exact)])
    {
        let mut world = live(std::slice::from_ref(&record), &present);
        world.permission_sets.get_mut(&set(0)).unwrap().exists = false;
        let plan = try_plan(&[], &[&record], &world).unwrap();
        assert_eq!((only(&plan).disposition, only(&plan).grade), (disposition, grade));
        if disposition == Blocked {
            assert_eq!(only(&plan).blocked, Some(BlockedReason::PermissionSetMissing));
        }
    }
}

#[test]
fn what_is_as_wanted_is_not_blocked() {
    let record = operation("a", 0).grants(&key(1));
    let mut world = live(std::slice::from_ref(&record), &[]);
    *world.accounts.get_mut(&account(1)).unwrap() = AccountState::Suspended;
    let plan = try_plan(&[], &[&record], &world).unwrap();
    assert_eq!(only(&plan).disposition, AlreadySo);
}

#[test]
fn a_role_that_comes_back_is_another_role() {
    let revoke = operation("a", 0).revokes(&key(1)).change(Revoked, Unknown, &key(2));
    let mut world = live(std::slice::from_ref(&revoke), &[]);
    world.provisioned.get_mut(&set(0)).unwrap().remove(&account(1));
    world.provisioned.get_mut(&set(0)).unwrap().remove(&account(2));
    let plan = try_plan(&[], &[&revoke], &world).unwrap();
    assert_eq!(plan.grade, Grade::Lossy);
    assert!(plan.items.iter().all(|item| item.grade == Grade::Lossy));
    // Lossy is worse than assumed, and does not hide it.
    assert!(plan.assumed);
    assert!(plan.gives_access);
    let roles = plan.warnings.iter().find(|line| line.contains("AWSReservedSSO")).unwrap();
    assert!(
        roles.starts_with("Restores 2 assignments with a new AWSReservedSSO role in 2 accounts")
    );
    // Removing the last assignment of a set takes nothing away that was there before the grant.
    let grant = operation("b", 0).grants(&key(1));
    let mut world = live(std::slice::from_ref(&grant), &[key(1)]);
    world.provisioned.clear();
    let plan = try_plan(&[], &[&grant], &world).unwrap();
    assert_eq!((plan.grade, plan.gives_access), (Grade::Exact, false));
}

#[test]
fn whole_plans_are_refused_with_the_next_step() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let world = live(std::slice::from_ref(&a), &[key(1), key(2)]);
    assert_eq!(try_plan(&[], &[], &world), Err(Refusal::NothingSelected));

    let elsewhere = operation("b", 0).grants(&key(1)).with(|spec| spec.instance = "other".into());
    let refused = try_plan(&[], &[&a, &elsewhere], &world).unwrap_err();
    assert!(matches!(refused, Refusal::InstancesDiffer { .. }), "{refused}");

    for other in [
        "arn:aws-cn:sso:::instance/ssoins-grrwdwht9b3hswl7",
        "arn:aws:sso:::instance/ssoins-0000000000000000",
    ] {
        let other: InstanceArn = other.parse().unwrap();
        assert_ne!(other, instance_arn());
        let set = other.as_str().replace("instance", "permissionSet") + "/ps-0000000000000000";
        let foreign = AssignmentKey { permission_set: set.parse().unwrap(), ..key(1) };
        let record = operation("c", 0).grants(&key(1)).grants(&foreign);
        let refused =
            try_plan(&[], &[&record], &live(std::slice::from_ref(&record), &[])).unwrap_err();
        assert!(matches!(refused, Refusal::ForeignInstance { .. }), "{refused}");
        assert!(refused.to_string().contains(&set), "{refused}");
    }

    let renamed = super::fixtures::cloned("d", 0).with(|spec| {
        spec.created_permission_set.as_mut().unwrap().replaces = Some(set(3));
    });
    let refused =
        try_plan(&[], &[&renamed], &live(std::slice::from_ref(&renamed), &[])).unwrap_err();
    assert!(matches!(refused, Refusal::Unsupported(_)), "{refused}");
}

#[test]
fn a_plan_has_a_largest_size() {
    let max = ITEMS_PER_SHARD * MAX_SHARDS;
    let mut large = operation("a", 0).change(Granted, Absent, &key(0));
    large.spec.changes[0].accounts = (0..max).map(account).collect();
    let fits = undo(std::slice::from_ref(&large), &[&large], &[]);
    assert_eq!(fits.items.len(), max);
    assert_eq!(super::order::sharded(&fits).len(), MAX_SHARDS);
    let more = operation("b", 0).grants(&triple(1, 1, 1));
    let records = [large, more];
    let refused = try_plan(&records, &[&records[0], &records[1]], &live(&records, &[]));
    assert_eq!(refused, Err(Refusal::TooLarge { keys: max + 1, max }));
}

#[test]
fn a_principal_that_was_made_again_is_named() {
    let record = operation("a", 0).revokes(&key(1));
    let mut world = live(std::slice::from_ref(&record), &[]);
    world.principals.insert(key(1).principal, PrincipalState::Missing);
    world.namesakes.insert(key(1).principal, triple(1, 0, 7).principal.id);
    let plan = try_plan(&[], &[&record], &world).unwrap();
    let message = only(&plan).message.clone().unwrap();
    assert!(
        message.contains(&format!("belongs to {} now", triple(1, 0, 7).principal.id)),
        "{message}"
    );
}
