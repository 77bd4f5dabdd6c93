//! What the policy refuses, and what it does not.

use std::collections::BTreeSet;

use super::fixtures::{
    account, key, live, operation, own_access_only, plan_under, plan_with, set, triple, try_plan,
    user,
};
use crate::api::instance::Policy;
use crate::api::plan_status::GuardReason;
use crate::model::Effect::Granted;
use crate::model::{AssignmentKey, Before, Principal, PrincipalType};
use crate::plan::{Access, AdministrativeSets, Live, OwnAccess, Plan, Record, place, still_holds};

fn group(number: usize) -> Principal {
    Principal { kind: PrincipalType::Group, id: user(number) }
}

fn accepts(plan: &Plan) -> Vec<&str> {
    plan.refusals.iter().map(|refusal| refusal.accept.as_str()).collect()
}

#[test]
fn what_is_protected_is_refused_as_a_whole_and_by_name() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let world = live(std::slice::from_ref(&a), &[key(1), key(2)]);
    let plan = try_plan(&[], &[&a], &world).unwrap();
    assert_eq!(plan.refusals, []);

    let mut policy = Policy::default();
    policy.protected.accounts = vec![account(1), account(7)];
    let refused = plan_under(&policy, &[], &[&a], &world).unwrap();
    assert_eq!(accepts(&refused), ["ProtectedAccount/000000000001"]);
    assert!(refused.refusals[0].message.starts_with("1 actions"), "{:?}", refused.refusals);
    assert_eq!((refused.actions, refused.blocked), (2, 0), "the plan shows what it would do");
    assert_ne!(refused.digest, plan.digest);

    policy.protected.accounts.clear();
    policy.protected.permission_sets.push(set(0));
    policy.protected.principals.push(user(0));
    let refused = plan_under(&policy, &[], &[&a], &world).unwrap();
    assert_eq!(
        accepts(&refused),
        [
            format!("ProtectedPermissionSet/{}", set(0).short_id()).as_str(),
            format!("ProtectedPrincipal/{}", user(0)).as_str(),
        ]
    );
}

#[test]
fn a_plan_that_is_refused_for_more_than_was_accepted_holds_no_longer() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let world = live(std::slice::from_ref(&a), &[key(1), key(2)]);
    let mut policy = Policy::default();
    let free = plan_under(&policy, &[], &[&a], &world).unwrap();
    policy.protected.accounts.push(account(1));
    let one = plan_under(&policy, &[], &[&a], &world).unwrap();
    policy.protected.accounts.push(account(2));
    let two = plan_under(&policy, &[], &[&a], &world).unwrap();
    assert!(!still_holds(&free.items, &free.refusals, &one));
    assert!(!still_holds(&one.items, &one.refusals, &two));
    assert!(still_holds(&two.items, &two.refusals, &two));
    assert!(still_holds(&two.items, &two.refusals, &free), "less is refused than was accepted");
}

#[test]
fn what_is_left_as_it_is_is_not_refused() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let world = live(std::slice::from_ref(&a), &[key(2)]);
    let mut policy = Policy { max_actions: Some(1), ..Policy::default() };
    policy.protected.accounts = vec![account(1)];
    assert_eq!(plan_under(&policy, &[], &[&a], &world).unwrap().refusals, []);
}

#[test]
fn more_actions_than_allowed_can_be_accepted_for_this_number_of_them() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let world = live(std::slice::from_ref(&a), &[key(1), key(2)]);
    let policy = |max| Policy { max_actions: Some(max), ..Policy::default() };
    assert_eq!(plan_under(&policy(2), &[], &[&a], &world).unwrap().refusals, []);
    let refused = plan_under(&policy(1), &[], &[&a], &world).unwrap();
    assert_eq!(accepts(&refused), ["TooManyActions/2"]);
    assert_eq!(refused.refusals[0].reason, GuardReason::TooManyActions);
}

/// The removal of the administrative set 0 from user 0 in account 1, in a world where these hold it.
struct Administered {
    record: Record,
    live: Live,
    access: Access,
}

impl Administered {
    fn by(others: &[Principal]) -> Self {
        let record = operation("a", 0).grants(&key(1));
        let live = live(std::slice::from_ref(&record), &[key(1)]);
        let mut access = own_access_only(&live);
        let holders: BTreeSet<Principal> =
            others.iter().cloned().chain([key(1).principal]).collect();
        access.holders.insert(place(&key(1)), holders);
        let sets = AdministrativeSets { sets: [set(0)].into(), complete: true };
        access.administrative.insert(account(1), sets);
        for person in 0..10 {
            access.enabled.insert(user(person), true);
        }
        Self { record, live, access }
    }

    fn refused(&self) -> Vec<String> {
        let plan =
            plan_with(&Policy::default(), &[], &[], &[&self.record], &self.live, &self.access);
        plan.unwrap().refusals.into_iter().map(|refusal| refusal.accept).collect()
    }
}

const LAST: &str = "LastAdministrator/000000000001";
const UNKNOWN: &str = "AdministratorsUnknown/000000000001";

#[test]
fn the_last_administrator_of_an_account_is_a_person() {
    assert_eq!(Administered::by(&[]).refused(), [LAST]);
    let user_one = triple(1, 0, 1).principal;
    assert!(Administered::by(std::slice::from_ref(&user_one)).refused().is_empty());

    let mut disabled = Administered::by(std::slice::from_ref(&user_one));
    disabled.access.enabled.insert(user(1), false);
    assert_eq!(disabled.refused(), [LAST], "who may not sign in administers nothing");

    let mut in_group = Administered::by(&[group(50)]);
    assert_eq!(in_group.refused(), [UNKNOWN], "members that could not be read");
    in_group.access.members.insert(user(50), BTreeSet::new());
    assert_eq!(in_group.refused(), [LAST], "an empty group is nobody");
    in_group.access.members.insert(user(50), [user(0)].into());
    assert!(in_group.refused().is_empty(), "the same person by another way");

    let mut elsewhere = Administered::by(&[]);
    let at = (account(1), set(3));
    elsewhere.access.holders.insert(at, [triple(1, 3, 4).principal].into());
    assert_eq!(elsewhere.refused(), [LAST], "set 3 is not administrative");
    elsewhere.access.administrative.get_mut(&account(1)).unwrap().sets.insert(set(3));
    assert!(elsewhere.refused().is_empty());
}

#[test]
fn what_cannot_be_found_out_about_administrators_is_refused() {
    let mut unlisted = Administered::by(&[]);
    unlisted.access.administrative.get_mut(&account(1)).unwrap().complete = false;
    assert_eq!(unlisted.refused(), [UNKNOWN]);
    let mut unread = Administered::by(&[]);
    unread.access.holders.clear();
    assert_eq!(unread.refused(), [UNKNOWN]);
    let mut somebody = Administered::by(&[triple(1, 0, 1).principal]);
    somebody.access.enabled.remove(&user(1));
    assert_eq!(somebody.refused(), [UNKNOWN]);
    // One person who surely remains is enough, whatever else is not known.
    let mut enough = Administered::by(&[triple(1, 0, 1).principal, group(50)]);
    enough.access.administrative.get_mut(&account(1)).unwrap().complete = false;
    assert!(enough.refused().is_empty());
}

#[test]
fn an_administrator_whom_the_plan_itself_makes_does_not_count() {
    let change = |key: &AssignmentKey| {
        operation("b", 5).change(crate::model::Effect::Revoked, Before::Present, key)
    };
    let mut given = Administered::by(&[]);
    let other = change(&triple(1, 0, 1));
    let records = [given.record.clone(), other];
    let world = live(&records, &[key(1)]);
    given.access.of_user.extend(own_access_only(&world).of_user);
    let plan =
        plan_with(&Policy::default(), &[], &[], &[&records[0], &records[1]], &world, &given.access)
            .unwrap();
    let [refusal] = plan.refusals.as_slice() else { panic!("{:?}", plan.refusals) };
    assert_eq!((plan.actions, refusal.accept.as_str()), (2, LAST));
    assert!(refusal.message.contains("without those whom it makes"), "{}", refusal.message);
    // Alone it takes nothing away, and is not refused.
    let restores =
        plan_with(&Policy::default(), &[], &[], &[&records[1]], &world, &given.access).unwrap();
    assert_eq!((restores.actions, restores.refusals), (1, Vec::new()));
}

#[test]
fn a_group_that_had_no_members_was_no_administrator() {
    let of_group = AssignmentKey { principal: group(50), ..key(1) };
    let record = operation("a", 0).grants(&of_group);
    let world = live(std::slice::from_ref(&record), std::slice::from_ref(&of_group));
    let mut access = Access::default();
    access.holders.insert(place(&of_group), [group(50)].into());
    access.members.insert(user(50), BTreeSet::new());
    let sets = AdministrativeSets { sets: [set(0)].into(), complete: true };
    access.administrative.insert(account(1), sets);
    let plan = plan_with(&Policy::default(), &[], &[], &[&record], &world, &access).unwrap();
    assert_eq!(plan.refusals, []);
}

#[test]
fn the_operators_own_access_is_not_taken_unasked() {
    let record = operation("a", 0).change(Granted, Before::Absent, &key(1));
    let world = live(std::slice::from_ref(&record), &[key(1)]);
    let own = |number: usize, name: &str| {
        let mut access = own_access_only(&world);
        let permission_set_name = name.to_owned();
        access.own = Some(OwnAccess { account: account(number), permission_set_name });
        let plan = plan_with(&Policy::default(), &[], &[], &[&record], &world, &access).unwrap();
        accepts(&plan).join(" ")
    };
    assert_eq!(own(1, "Developers"), "OwnAccess/000000000001");
    assert_eq!(own(1, "Others"), "");
    assert_eq!(own(2, "Developers"), "");
}

#[test]
fn those_whom_other_rollbacks_are_removing_are_not_counted_on() {
    let other = triple(1, 0, 1);
    let mut both = Administered::by(std::slice::from_ref(&other.principal));
    assert!(both.refused().is_empty());
    both.access.being_removed.insert(triple(2, 0, 1));
    assert!(both.refused().is_empty(), "another account");
    both.access.being_removed.insert(other);
    assert_eq!(both.refused(), [LAST]);
    // What others take where this plan takes nothing administrative is theirs to answer for.
    both.access.administrative.get_mut(&account(1)).unwrap().sets = [set(3)].into();
    both.access.holders.insert((account(1), set(3)), [triple(1, 3, 1).principal].into());
    both.access.being_removed.insert(triple(1, 3, 1));
    assert!(both.refused().is_empty());
}
