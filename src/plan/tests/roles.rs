//! Roles that are there, and may not be those of before.

use super::fixtures::{account, live, operation, own_access_only, plan_with, set, triple};
use crate::api::instance::Policy;
use crate::model::{ActionKind, Grade, Principal};
use crate::plan::{Plan, place};

/// The undo of giving set 0 in account 1 to user 1 in place of user 0, where these hold it now;
/// nobody knows who does if none are given.
fn exchange(holders: &[Principal]) -> Plan {
    let record = operation("swap", 0).revokes(&triple(1, 0, 0)).grants(&triple(1, 0, 1));
    let world = live(std::slice::from_ref(&record), &[triple(1, 0, 1)]);
    let mut access = own_access_only(&world);
    if !holders.is_empty() {
        access.holders.insert(place(&triple(1, 0, 1)), holders.iter().cloned().collect());
    }
    plan_with(&Policy::default(), &[], &[], &[&record], &world, &access).unwrap()
}

#[test]
fn a_role_that_only_those_hold_who_go_may_be_another_one() {
    let (given, other) = (triple(1, 0, 1).principal, triple(1, 0, 2).principal);
    for holders in [vec![given.clone()], vec![]] {
        let plan = exchange(&holders);
        assert_eq!(plan.grade, Grade::Lossy, "{holders:?}");
        let [restored, removed] = plan.items.as_slice() else { panic!("{:#?}", plan.items) };
        assert_eq!(restored.action, ActionKind::CreateAssignment);
        let message = restored.message.clone().unwrap();
        assert!(message.contains("another suffix and ARN"), "{message}");
        assert_eq!((removed.grade, removed.message.as_deref()), (Grade::Exact, None));
    }
    assert_eq!(exchange(&[given, other]).grade, Grade::Exact, "somebody else kept the role");
}

#[test]
fn an_exchange_of_another_set_or_in_another_account_says_nothing() {
    let record = operation("swap", 0)
        .revokes(&triple(1, 0, 0))
        .grants(&triple(1, 1, 1))
        .grants(&triple(2, 0, 1));
    let mut world = live(std::slice::from_ref(&record), &[triple(1, 1, 1), triple(2, 0, 1)]);
    world.provisioned.insert(set(0), [account(1), account(2)].into());
    let access = own_access_only(&world);
    let plan = plan_with(&Policy::default(), &[], &[], &[&record], &world, &access).unwrap();
    assert_eq!((plan.actions, plan.grade), (3, Grade::Exact));
}
