//! The order of execution, and shards.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::fixtures::{account, cloned, instance_arn, live, operation, triple, try_plan};
use crate::api::plan::{Disposition, ITEMS_PER_SHARD, PlanItem, RollbackPlanSpec};
use crate::model::Effect::{Granted, Revoked};
use crate::model::{ActionKind, AssignmentKey, Before, Presence};
use crate::plan::{Plan, Record, shards};

pub(super) fn sharded(plan: &Plan) -> Vec<RollbackPlanSpec> {
    shards(plan, "undo", "uid", &instance_arn(), 1)
}

fn planned(grants: &[AssignmentKey], revokes: &[AssignmentKey]) -> Vec<PlanItem> {
    let add = |record: Record, keys: &[AssignmentKey], effect, before| {
        keys.iter().fold(record, |record, key| record.change(effect, before, key))
    };
    let record = add(operation("a", 0), grants, Granted, Before::Absent);
    let record = add(record, revokes, Revoked, Before::Present);
    let world = live(std::slice::from_ref(&record), grants);
    try_plan(&[], &[&record], &world).unwrap().items
}

#[test]
fn accounts_take_turns_and_the_longest_goes_first() {
    let keys: Vec<_> = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]
        .map(|(account, user)| triple(account, 0, user))
        .to_vec();
    let order: Vec<_> = planned(&keys, &[]).into_iter().filter_map(|item| item.account).collect();
    assert_eq!(order, [1, 2, 1, 2, 1, 3].map(account));
}

#[test]
fn access_is_given_before_it_is_taken_and_sets_go_last() {
    let taken = [triple(1, 0, 1), triple(2, 0, 1)];
    let given = [triple(1, 0, 2), triple(2, 0, 2)];
    let goals: Vec<_> = planned(&taken, &given).iter().map(|item| item.action.goal()).collect();
    assert_eq!(goals, [Presence::Present, Presence::Present, Presence::Absent, Presence::Absent]);

    let clone = cloned("clone", 0);
    let assign = operation("assign", 9).grants(&triple(1, 9, 1)).grants(&triple(1, 9, 2));
    let records = [clone, assign];
    let world = live(&records, &[triple(1, 9, 1), triple(1, 9, 2)]);
    let plan = try_plan(&[], &[&records[0], &records[1]], &world).unwrap();
    let actions: Vec<_> = plan.items.iter().map(|item| item.action).collect();
    let delete = ActionKind::DeleteAssignment;
    assert_eq!(actions, [delete, delete, ActionKind::DeletePermissionSet]);
}

#[test]
fn shards_hold_the_whole_plan_in_order() {
    let mut record = operation("a", 0).grants(&triple(0, 0, 0));
    record.spec.changes[0].accounts = (0..2500).map(account).collect();
    let plan = try_plan(&[], &[&record], &live(std::slice::from_ref(&record), &[])).unwrap();
    let shards = sharded(&plan);
    let sizes: Vec<usize> = shards.iter().map(|shard| shard.items.len()).collect();
    assert_eq!(sizes, [ITEMS_PER_SHARD, ITEMS_PER_SHARD, 500]);
    assert_eq!(shards.iter().map(|shard| shard.shard).collect::<Vec<_>>(), [0, 1, 2]);
    let items: Vec<PlanItem> = shards.iter().flat_map(|shard| shard.items.clone()).collect();
    assert_eq!(items, plan.items);
    assert!(shards.iter().all(|shard| shard.digest == plan.digest && shard.rollback_uid == "uid"));
}

proptest! {
    #[test]
    fn no_account_follows_itself_where_that_can_be_avoided(
        counts in proptest::collection::vec((0_usize..9, 0_usize..9), 1..8)
    ) {
        let keys = |pick: fn(&(usize, usize)) -> usize, first_user: usize| -> Vec<AssignmentKey> {
            let of = |(at, count): (usize, &(usize, usize))| {
                (0..pick(count)).map(move |user| triple(at, 0, first_user + user)).collect::<Vec<_>>()
            };
            counts.iter().enumerate().flat_map(of).collect()
        };
        let (taken, given) = (keys(|it| it.0, 0), keys(|it| it.1, 100));
        prop_assume!(!taken.is_empty() || !given.is_empty());
        let items = planned(&taken, &given);
        prop_assert_eq!(items.len(), taken.len() + given.len());
        prop_assert!(items.iter().all(|item| item.disposition == Disposition::Act));

        let longest = counts.iter().map(|(one, other)| one + other).max().unwrap_or(0);
        let unavoidable = (2 * longest).saturating_sub(items.len() + 1);
        let repeats = items.windows(2).filter(|two| two[0].account == two[1].account).count();
        prop_assert_eq!(repeats, unavoidable);

        let mut taking = BTreeMap::new();
        for item in &items {
            let takes = item.action.goal() == Presence::Absent;
            let began = taking.entry(item.account.clone()).or_insert(false);
            prop_assert!(takes || !*began, "given after taken in {:?}", item.account);
            *began = takes;
        }
    }
}
