//! What a plan means for people.

use std::collections::BTreeSet;

use super::fixtures::{
    account, key, live, operation, own_access_only, plan_with, set, triple, user,
};
use crate::api::instance::Policy;
use crate::api::plan::AccessEffect;
use crate::api::plan_status::AffectedPeople;
use crate::model::{AssignmentKey, Principal, PrincipalType};
use crate::plan::{Access, Live, Plan, Record, place};

fn group(number: usize) -> Principal {
    Principal { kind: PrincipalType::Group, id: user(number) }
}

fn of_group(account_number: usize, number: usize) -> AssignmentKey {
    AssignmentKey { principal: group(number), ..key(account_number) }
}

fn planned(record: &Record, world: &Live, access: &Access) -> Plan {
    plan_with(&Policy::default(), &[], &[], &[record], world, access).unwrap()
}

fn effect(plan: &Plan, of: &AssignmentKey) -> AccessEffect {
    let item =
        plan.items.iter().find(|item| item.key() == crate::model::Key::Assignment(of.clone()));
    item.unwrap().effect.clone().unwrap()
}

#[test]
fn access_that_a_group_gives_remains_and_is_named() {
    let record = operation("a", 0).grants(&key(1)).grants(&key(2));
    let world = live(std::slice::from_ref(&record), &[key(1), key(2)]);
    let mut access = own_access_only(&world);
    let through_group = access.of_user.get_mut(&user(0)).unwrap();
    through_group.get_mut(&place(&key(1))).unwrap().insert(group(50));
    access.names.insert(user(50), "Admins".to_owned());
    access.names.insert(user(0), "alice".to_owned());
    let plan = planned(&record, &world, &access);
    let kept = effect(&plan, &key(1));
    assert_eq!((kept.people, kept.unchanged), (0, 1));
    assert_eq!(kept.through[0].name.as_deref(), Some("Admins"));
    let lost = effect(&plan, &key(2));
    assert_eq!((lost.people, lost.unchanged, lost.names), (1, 0, vec!["alice".to_owned()]));
    assert_eq!(plan.people, Some(AffectedPeople { lose: 1, gain: 0, keep: 1 }));
    let remains = plan
        .warnings
        .iter()
        .find(|line| line.starts_with("Access remains: removing 1 assignment "))
        .unwrap();
    assert!(remains.ends_with(&format!("group Admins ({})", user(50))), "{remains}");
}

#[test]
fn two_ways_that_are_both_removed_leave_nothing() {
    let record = operation("a", 0).grants(&key(1)).grants(&of_group(1, 50));
    let world = live(std::slice::from_ref(&record), &[key(1), of_group(1, 50)]);
    let mut access = Access::default();
    access.holders.insert(place(&key(1)), [key(1).principal, group(50)].into());
    access.members.insert(user(50), [user(0), user(1)].into());
    let plan = planned(&record, &world, &access);
    assert_eq!(effect(&plan, &key(1)).people, 1);
    assert_eq!(effect(&plan, &of_group(1, 50)).people, 2);
    assert_eq!(plan.people, Some(AffectedPeople { lose: 2, gain: 0, keep: 0 }));
}

#[test]
fn who_has_it_already_gains_nothing() {
    let record = operation("a", 0).revokes(&of_group(1, 50));
    let world = live(std::slice::from_ref(&record), &[]);
    let mut access = Access::default();
    access.holders.insert(place(&key(1)), [key(1).principal].into());
    access.members.insert(user(50), [user(0), user(1), user(2)].into());
    let gained = effect(&planned(&record, &world, &access), &of_group(1, 50));
    assert_eq!((gained.people, gained.unchanged), (2, 1));
    assert_eq!(gained.through[0].id, user(0));
}

#[test]
fn lists_of_people_and_lists_of_places_tell_the_same() {
    let record = operation("a", 0).grants(&of_group(1, 50)).revokes(&of_group(2, 51));
    let world = live(std::slice::from_ref(&record), &[of_group(1, 50)]);
    let members: [BTreeSet<_>; 2] = [[user(0), user(1)].into(), [user(1), user(2)].into()];
    let mut by_place = Access::default();
    by_place.members.extend([user(50), user(51)].into_iter().zip(members));
    let mut by_person = by_place.clone();
    let at = |number| (account(number), set(0));
    by_place.holders.insert(at(1), [group(50), triple(1, 0, 1).principal].into());
    by_place.holders.insert(at(2), [triple(2, 0, 2).principal].into());
    by_person.of_user.insert(user(0), [(at(1), [group(50)].into())].into());
    let one = [group(50), triple(1, 0, 1).principal].into();
    by_person.of_user.insert(user(1), [(at(1), one)].into());
    by_person.of_user.insert(user(2), [(at(2), [triple(2, 0, 2).principal].into())].into());
    let plans = [by_place, by_person].map(|access| planned(&record, &world, &access));
    assert_eq!(plans[0].people, Some(AffectedPeople { lose: 1, gain: 1, keep: 1 }));
    assert_eq!(plans[0], plans[1]);
}

#[test]
fn an_account_that_has_as_many_sets_as_aws_allows_is_named() {
    let record = operation("a", 0).revokes(&key(1)).revokes(&key(2));
    let mut world = live(std::slice::from_ref(&record), &[]);
    world.provisioned.clear();
    let mut access = own_access_only(&world);
    access.provisioned_sets.extend([(account(1), 500), (account(2), 499)]);
    let plan = planned(&record, &world, &access);
    let line =
        plan.warnings.iter().find(|line| line.starts_with("QuotaExceeded: 1 account ")).unwrap();
    assert!(line.ends_with("000000000001"), "{line}");
}

#[test]
fn what_could_not_be_read_is_not_told() {
    let record = operation("a", 0).grants(&key(1)).grants(&of_group(1, 50));
    let world = live(std::slice::from_ref(&record), &[key(1), of_group(1, 50)]);
    let plan = planned(&record, &world, &Access::default());
    assert_eq!(plan.people, None);
    assert!(plan.items.iter().all(|item| item.effect.is_none()));
    assert!(
        plan.warnings
            .iter()
            .any(|line| line.starts_with("Not known: who truly loses or gains access by 2 ")),
        "{plan:?}"
    );
}
