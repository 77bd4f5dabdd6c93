//! What was undone before: attempts, re-created objects, deleted records, redo.

use std::collections::BTreeSet;

use super::fixtures::{
    already_rolled_back, cloned, executed, found, key, keys_of, ledger, live, only, operation, set,
    time, triple, try_plan, undo,
};
use crate::api::plan::Disposition;
use crate::api::plan::Disposition::Act;
use crate::api::plan::PlanItem;
use crate::api::record::LedgerOutcome::{
    self, AlreadySo, Blocked, Failed, Kept, Unexplained, Unknown, Unsent, Verified,
};
use crate::model::Before;
use crate::model::Effect::{Granted, Revoked};
use crate::model::{AssignmentKey, BlockedReason, Grade, Key, Presence};
use crate::plan::{Plan, Record, Refusal, redone_under_name, still_holds, touches};

fn grant_of(accounts: std::ops::Range<usize>) -> (Record, Vec<AssignmentKey>) {
    let keys: Vec<_> = accounts.map(key).collect();
    (keys.iter().fold(operation("a", 0), Record::grants), keys)
}

#[test]
fn each_outcome_closes_the_key_or_leaves_it_open() {
    let rows: [(LedgerOutcome, bool); 8] = [
        (Verified, true),
        (AlreadySo, true),
        (Kept, true),
        (Unexplained, false),
        (Failed, false),
        (Blocked, false),
        (Unsent, false),
        (Unknown, false),
    ];
    for (outcome, closed) in rows {
        let (a, _) = grant_of(1..2);
        let at = Key::Assignment(key(1));
        let said = found(&at, Presence::Present, Presence::Absent, outcome);
        let done = ledger("undo", 1, 3600, &[&a], vec![said]);
        let records = [a.clone(), done];
        let selected = std::slice::from_ref(&a);
        assert_eq!(already_rolled_back(&records, selected), closed, "{outcome:?}");
        let plan = try_plan(&records, &[&a], &live(&records, &[key(1)]));
        if closed {
            assert_eq!(plan, Err(Refusal::NothingOpen), "{outcome:?}");
        } else {
            assert_eq!(only(&plan.unwrap()).disposition, Act, "{outcome:?}");
        }
    }
}

#[test]
fn the_next_attempt_covers_exactly_what_is_open() {
    let (a, keys) = grant_of(0..12);
    let plan = undo(std::slice::from_ref(&a), &[&a], &keys);
    let failed: BTreeSet<Key> = [keys[3].clone(), keys[8].clone()].map(Key::Assignment).into();
    let first = executed("undo", 1, 3600, &plan, &[&a], &|key| failed.contains(key));
    let records = [a.clone(), first.clone()];
    assert!(!already_rolled_back(&records, std::slice::from_ref(&a)));
    let present = [keys[3].clone(), keys[8].clone()];
    let again = undo(&records, &[&a], &present);
    assert_eq!(keys_of(&again), failed);
    assert_eq!((again.actions, again.grade), (2, Grade::Exact));
    assert_ne!(again.digest, plan.digest);

    let second = executed("undo", 2, 7200, &again, &[&a], &|_| false);
    let records = [a.clone(), first, second];
    assert!(already_rolled_back(&records, std::slice::from_ref(&a)));
    assert_eq!(try_plan(&records, &[&a], &live(&records, &[])), Err(Refusal::NothingOpen));
}

#[test]
fn a_record_that_was_imported_again_has_not_forgotten() {
    let (a, keys) = grant_of(0..3);
    let plan = undo(std::slice::from_ref(&a), &[&a], &keys);
    let done = executed("undo", 1, 3600, &plan, &[&a], &|_| false);
    let mut again = a.clone();
    again.name = "imported-again".to_owned();
    again.namespace = "elsewhere".to_owned();
    assert!(already_rolled_back(std::slice::from_ref(&done), std::slice::from_ref(&again)));
    // Another record of the same name is another record.
    let other = operation("a", 7200).tool("terraform").grants(&keys[0]);
    let plan = undo(&[done], &[&other], &keys[..1]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
}

#[test]
fn a_deleted_record_still_counts_through_its_ledger() {
    // The original is gone; its ledger shows that the key was taken away in between.
    let (a, keys) = grant_of(1..2);
    let plan = undo(std::slice::from_ref(&a), &[&a], &keys);
    let done = executed("undo", 1, 3600, &plan, &[&a], &|_| false);
    let b = operation("b", 7200).change(Granted, Before::Unknown, &key(1));
    let plan = undo(&[done], &[&b], &keys);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
}

#[test]
fn what_an_undo_kept_is_held_again_after_its_redo() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let b = operation("b", 100).change(Granted, Before::Present, &key(1));
    let both = [key(1), key(2)];
    let undone = undo(&[a.clone(), b.clone()], &[&a], &both);
    let first = executed("undo-a", 1, 3600, &undone, &[&a], &|_| false);
    let records = [a.clone(), b.clone(), first.clone()];
    let without_redo = undo(&records, &[&b], &[key(1)]);
    assert_eq!(only(&without_redo).disposition, Act, "nobody but b wants it");

    let redo = undo(&records, &[&first], &[key(1)]);
    let dispositions: Vec<_> = redo.items.iter().map(|it| (it.key(), it.disposition)).collect();
    let expected = [(key(2), Act), (key(1), Disposition::AlreadySo)];
    assert_eq!(dispositions, expected.map(|(key, it)| (Key::Assignment(key), it)));
    let second = executed("redo", 1, 7200, &redo, &[&first], &|_| false);
    let records = [a.clone(), b.clone(), first.clone(), second];
    assert!(already_rolled_back(&records, std::slice::from_ref(&first)));
    let kept = undo(&records, &[&b], &both);
    assert_eq!(only(&kept).kept_for.as_deref(), Some("a"), "a is wanted again");
    assert_eq!(keys_of(&undo(&records, &[&a], &both)), both.map(Key::Assignment).into());
}

#[test]
fn undone_one_by_one_is_undone() {
    let a = operation("a", 0).grants(&key(1));
    let b = operation("b", 100).change(Granted, Before::Present, &key(1));
    let plan = undo(&[a.clone(), b.clone()], &[&a], &[key(1)]);
    assert_eq!(only(&plan).kept_for.as_deref(), Some("b"));
    let first = executed("undo-a", 1, 3600, &plan, &[&a], &|_| false);
    let records = [a, b.clone(), first];
    let plan = undo(&records, &[&b], &[key(1)]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
}

#[test]
fn what_became_so_between_plan_and_turn_is_remembered() {
    // Revoked; the undo found it given back by somebody when its turn came; then revoked again.
    let a = operation("a", 0).revokes(&key(1));
    let at = Key::Assignment(key(1));
    let said = found(&at, Presence::Absent, Presence::Present, AlreadySo);
    let done = ledger("undo", 1, 3600, &[&a], vec![said]);
    let b = operation("b", 7200).change(Revoked, Before::Unknown, &key(1));
    let plan = undo(&[a, done, b.clone()], &[&b], &[]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
}

#[test]
fn what_a_ledger_saw_was_so_when_aws_was_read_and_not_when_it_began() {
    // Between the two somebody gave access, which a record tells.
    let a = operation("a", 0).grants(&key(1));
    let at = Key::Assignment(key(1));
    let said = found(&at, Presence::Absent, Presence::Absent, AlreadySo);
    let done = |read_at| {
        ledger("undo", 1, 120, &[&a], vec![said.clone()]).with(|spec| {
            spec.rollback.as_mut().unwrap().observed_at = read_at;
        })
    };
    let b = operation("b", 110).grants(&key(1));
    let plan = |read_at| undo(&[a.clone(), done(read_at), b.clone()], &[&b], &[key(1)]);
    let read_before = plan(Some(time(100)));
    assert_eq!((only(&read_before).disposition, read_before.assumed), (Act, false));
    assert_eq!(only(&plan(None)).disposition, Disposition::Unexplained, "what the clock would say");
}

#[test]
fn what_nobody_on_record_changed_hides_nothing_and_stays_open_alone() {
    // Key 2 was taken away again, on record, and is there all the same.
    let a = operation("a", 0).grants(&key(1)).grants(&key(2));
    let b = operation("b", 100).revokes(&key(2));
    let one = std::slice::from_ref(&a);
    let plan = undo(&[a.clone(), b.clone()], &[&a], &[key(1), key(2)]);
    let done = executed("undo", 1, 3600, &plan, &[&a], &|_| false);
    let both = [a.clone(), b.clone(), done];
    assert!(already_rolled_back(&both, one));
    // A record that is imported late says who gave it: that one is to be undone, and a is not.
    let late = operation("late", 200).grants(&key(2));
    let with_late = [both.as_slice(), std::slice::from_ref(&late)].concat();
    assert!(already_rolled_back(&with_late, one));
    assert_eq!(only(&undo(&with_late, &[&late], &[key(2)])).disposition, Act);

    let alone = operation("a", 0).grants(&key(2));
    let plan = undo(&[alone.clone(), b.clone()], &[&alone], &[key(2)]);
    assert_eq!(only(&plan).disposition, Disposition::Unexplained);
    let done = executed("undo", 1, 3600, &plan, &[&alone], &|_| false);
    assert!(!already_rolled_back(&[alone.clone(), b, done], std::slice::from_ref(&alone)));
}

fn acts(plan: &Plan) -> Vec<Key> {
    plan.items.iter().filter(|item| item.disposition == Act).map(PlanItem::key).collect()
}

#[test]
fn a_redo_writes_what_was_written_and_nothing_else() {
    let a = operation("a", 0).grants(&key(1)).grants(&key(2)).grants(&key(3));
    let b = operation("b", 100).change(Granted, Before::Present, &key(3));
    // Key 2 was taken away by somebody before the undo; key 3 is held by b.
    let records = [a.clone(), b.clone()];
    let plan = undo(&records, &[&a], &[key(1), key(3)]);
    let done = executed("undo", 1, 3600, &plan, &[&a], &|_| false);
    let records = [a.clone(), b.clone(), done.clone()];
    let redo = undo(&records, &[&done], &[key(3)]);
    assert_eq!(acts(&redo), [Key::Assignment(key(1))]);
    assert_eq!(keys_of(&redo).len(), 3, "the others stay as they are: {redo:?}");
    assert!(redo.gives_access);
    assert_eq!(redo.record_refs, vec![done.reference()]);

    let redone = executed("redo", 1, 7200, &redo, &[&done], &|_| false);
    let records = [a.clone(), b, done.clone(), redone.clone()];
    assert!(already_rolled_back(&records, std::slice::from_ref(&done)));
    // The operation is open again.
    assert!(!already_rolled_back(&records, std::slice::from_ref(&a)));
    let again = undo(&records, &[&a], &[key(1), key(3)]);
    assert_eq!(acts(&again), [Key::Assignment(key(1))]);
    assert_eq!(keys_of(&again), keys_of(&plan));
    // The redo can be undone as well, which withdraws the operation once more.
    let back = undo(&records, &[&redone], &[key(1), key(3)]);
    assert_eq!((acts(&back), back.gives_access), (vec![Key::Assignment(key(1))], false));
    let last = executed("redo-undone", 1, 9000, &back, &[&redone], &|_| false);
    let records = [records.as_slice(), &[last]].concat();
    assert!(already_rolled_back(&records, std::slice::from_ref(&a)));
    assert!(!already_rolled_back(&records, std::slice::from_ref(&done)));
}

#[test]
fn a_ledger_that_wrote_nothing_has_nothing_to_redo() {
    let (a, keys) = grant_of(1..2);
    let plan = undo(std::slice::from_ref(&a), &[&a], &keys);
    let nothing = executed("undo", 1, 3600, &plan, &[&a], &|_| true);
    let records = [a, nothing.clone()];
    assert!(!already_rolled_back(&records, std::slice::from_ref(&nothing)));
    assert_eq!(try_plan(&records, &[&nothing], &live(&records, &keys)), Err(Refusal::NothingOpen));
}

#[test]
fn after_a_redo_the_old_name_stays_inert() {
    let (a, keys) = grant_of(1..2);
    let plan = undo(std::slice::from_ref(&a), &[&a], &keys);
    let done = executed("undo", 1, 3600, &plan, &[&a], &|_| false);
    let records = [a.clone(), done.clone()];
    let inert = |records: &[Record], name: &str| {
        redone_under_name(records, std::slice::from_ref(&a), "access", name)
    };
    assert!(!inert(&records, "undo"));
    let redo = undo(&records, &[&done], &[]);
    let redone = executed("redo", 1, 7200, &redo, &[&done], &|_| false);
    let failed = executed("redo", 1, 7200, &redo, &[&done], &|_| true);
    assert!(inert(&[a.clone(), done.clone(), redone.clone()], "undo"));
    assert!(!inert(&[a.clone(), done.clone(), failed], "undo"));
    assert!(!inert(&[a.clone(), done.clone(), redone.clone()], "another"));
    let other = operation("z", 1).grants(&key(1));
    assert!(!redone_under_name(&[a.clone(), done, redone], &[other], "access", "undo"));
}

#[test]
fn ledgers_touch_the_keys_that_they_are_about() {
    let (a, keys) = grant_of(1..4);
    let plan = undo(std::slice::from_ref(&a), &[&a], &keys);
    let done = executed("undo", 1, 3600, &plan, &[&a], &|_| false);
    let one = |number: usize| BTreeSet::from([Key::Assignment(key(number))]);
    let stands_for_another = executed("redo", 1, 7200, &plan, &[&done], &|_| false).with(|spec| {
        let mut created = cloned("clone", 0).spec.created_permission_set.unwrap();
        created.replaces = Some(set(7));
        created.arn = set(8);
        spec.rollback.as_mut().unwrap().created_permission_sets = vec![created];
    });
    for number in [7, 8] {
        let through = BTreeSet::from([Key::Assignment(triple(9, number, 9))]);
        assert!(touches(&stands_for_another.spec, &through), "either of the two");
        assert!(!touches(&done.spec, &through));
    }
    for record in [&a, &done] {
        assert!(touches(&record.spec, &one(2)));
        assert!(!touches(&record.spec, &one(9)));
    }
}

#[test]
fn an_approved_plan_holds_while_every_key_would_be_treated_alike() {
    let (a, keys) = grant_of(1..4);
    let records = [a.clone()];
    let approved = undo(&records, &[&a], &keys).items;
    assert!(still_holds(&approved, &[], &undo(&records, &[&a], &keys)));
    // One is gone by itself: done, not changed.
    assert!(still_holds(&approved, &[], &undo(&records, &[&a], &keys[..2])));
    // The other way round a key that was as wanted changed.
    let partly = undo(&records, &[&a], &keys[..2]).items;
    assert!(!still_holds(&partly, &[], &undo(&records, &[&a], &keys)));
    // A new record holds a key, or one of the keys was undone by another Rollback.
    let b = operation("b", 100).change(Granted, Before::Present, &keys[0]);
    let held = [a.clone(), b];
    let kept = undo(&held, &[&a], &keys);
    assert_eq!(kept.items.iter().filter(|item| item.disposition == Disposition::Kept).count(), 1);
    assert!(!still_holds(&approved, &[], &kept));
    assert!(!still_holds(&kept.items, &[], &undo(&records, &[&a], &keys)));
    let at = Key::Assignment(keys[0].clone());
    let gone = found(&at, Presence::Present, Presence::Absent, Verified);
    let other = ledger("other", 1, 200, &[&a], vec![gone]);
    assert!(!still_holds(&approved, &[], &undo(&[a.clone(), other], &[&a], &keys[1..])));
    // That it rests on something else is, too, where another reason has the same grade already.
    let mut now = undo(&records, &[&a], &keys);
    let mut then = now.items.clone();
    then.iter_mut().chain(&mut now.items).for_each(|item| item.grade = Grade::Lossy);
    assert!(still_holds(&then, &[], &now));
    now.items[0].assumed = true;
    assert!(!still_holds(&then, &[], &now));
    // What stands in the way is part of what was approved.
    let mut world = live(&records, &keys);
    world.accounts.values_mut().for_each(|it| *it = crate::plan::AccountState::Suspended);
    let blocked = try_plan(&records, &[&a], &world).unwrap();
    assert_eq!(blocked.items[0].blocked, Some(BlockedReason::AccountUnavailable));
    assert!(!still_holds(&approved, &[], &blocked));
}

#[test]
fn a_ledger_closes_the_keys_that_it_names_and_no_other_that_its_record_says_later() {
    let first = operation("a", 0).grants(&key(1));
    let undone = undo(std::slice::from_ref(&first), &[&first], &[key(1)]);
    let ledger = executed("undo", 1, 100, &undone, &[&first], &|_| false);
    // Deleted, and created again with the same source and more in it.
    let again = operation("a", 0).grants(&key(1)).grants(&key(2));
    assert_ne!(again.digest, first.digest);
    let records = [again.clone(), ledger];
    assert!(!already_rolled_back(&records, std::slice::from_ref(&again)));
    let plan = undo(&records, &[&again], &[key(2)]);
    assert_eq!(keys_of(&plan), [Key::Assignment(key(2))].into());
    assert_eq!(plan.actions, 1);
}
