//! Times that do not tell, one change recorded twice, and failed changes.

use super::fixtures::{
    already_rolled_back, executed, found, key, ledger, live, only, operation, own_access_only,
    plan_with, try_plan, undo,
};
use crate::api::instance::Policy;
use crate::api::plan::Disposition::{Act, AlreadySo, Blocked, Kept};
use crate::api::record::{LedgerOutcome, Precision};
use crate::model::Before::{Absent, Present, Unknown};
use crate::model::Effect::{Granted, Revoked};
use crate::model::{BlockedReason, Grade, Key, Presence};
use crate::plan::{Refusal, Undone, undone};

const WIDE: [Precision; 3] = [Precision::Microsecond, Precision::Second, Precision::Minute];

#[test]
fn opposite_records_closer_than_their_precision_are_blocked() {
    for (seconds, precision) in [(0, WIDE[0]), (0, WIDE[1]), (30, WIDE[2]), (59, WIDE[2])] {
        let a = operation("a", 0).grants(&key(1)).precision(precision);
        let b = operation("b", seconds).revokes(&key(1));
        for present in [vec![key(1)], vec![]] {
            for selected in [vec![&a], vec![&b], vec![&a, &b]] {
                let plan = undo(&[a.clone(), b.clone()], &selected, &present);
                let item = only(&plan);
                assert_eq!(item.disposition, Blocked, "{seconds} {precision:?}");
                assert_eq!(item.blocked, Some(BlockedReason::OrderUnknown));
                let message = item.message.clone().unwrap();
                assert!(message.contains("access/a and access/b"), "{message}");
                assert!(message.ends_with(BlockedReason::OrderUnknown.next_step()));
            }
        }
    }
}

#[test]
fn times_that_tell_are_trusted() {
    for (seconds, precision) in [(1, WIDE[0]), (1, WIDE[1]), (60, WIDE[2])] {
        let a = operation("a", 0).grants(&key(1)).precision(precision);
        let b = operation("b", seconds).revokes(&key(1)).precision(precision);
        let plan = undo(&[a, b.clone()], &[&b], &[]);
        assert_eq!(only(&plan).disposition, Act, "{seconds} {precision:?}");
    }
}

#[test]
fn an_old_tie_does_not_matter_once_something_certain_followed() {
    let tied = [operation("a", 0).grants(&key(1)), operation("b", 0).revokes(&key(1))];
    let seen = operation("c", 3600).revokes(&key(1));
    let unseen = operation("c", 3600).change(Revoked, Unknown, &key(1));
    for (later, disposition) in [(seen, Act), (unseen, Blocked)] {
        let records = [tied[0].clone(), tied[1].clone(), later.clone()];
        let plan = undo(&records, &[&later], &[]);
        assert_eq!(only(&plan).disposition, disposition);
        // Whatever the order of the first two, the last one holds the key.
        let plan = undo(&records, &[&records[0]], &[]);
        assert_eq!(only(&plan).disposition, AlreadySo);
    }
}

#[test]
fn the_same_effect_at_the_same_time_has_no_order_to_know() {
    let a = operation("a", 0).grants(&key(1));
    let b = operation("b", 0).change(Granted, Present, &key(1));
    let plan = undo(&[b.clone(), a.clone()], &[&a, &b], &[key(1)]);
    assert_eq!(only(&plan).disposition, Act);
    assert_eq!(only(&plan).grade, Grade::Exact);
}

#[test]
fn an_undo_comes_after_what_it_undid_whatever_the_clocks_say() {
    let a = operation("a", 7200).grants(&key(1)).precision(Precision::Minute);
    let at = Key::Assignment(key(1));
    let done = found(&at, Presence::Present, Presence::Absent, LedgerOutcome::Verified);
    let undone = ledger("undo", 1, 3600, &[&a], vec![done]);
    let b = operation("b", 4000).grants(&key(1));
    let records = [a, undone, b.clone()];
    let plan = undo(&records, &[&b], &[key(1)]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
}

#[test]
fn two_records_of_one_request_are_one_change() {
    let a = operation("a", 0).change(Granted, Unknown, &key(1)).request(7);
    let b = operation("b", 90_000).grants(&key(1)).request(7);
    let records = [a.clone(), b.clone()];
    for selected in [&a, &b] {
        let plan = undo(&records, &[selected], &[key(1)]);
        // What one of them knows about the state before counts for both.
        assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
        assert!(!plan.assumed);
    }
    let at = Key::Assignment(key(1));
    let done = found(&at, Presence::Present, Presence::Absent, LedgerOutcome::Verified);
    let undone = ledger("undo", 1, 100_000, &[&a], vec![done]);
    let all = [a, b.clone(), undone];
    assert!(already_rolled_back(&all, std::slice::from_ref(&b)));
    assert_eq!(try_plan(&all, &[&b], &live(&all, &[])), Err(Refusal::NothingOpen));
}

/// Of an operation with many changes it is known when the first began and the last was done.
#[test]
fn what_happened_while_an_operation_was_at_work_has_no_known_order() {
    let bulk = operation("a", 3600).began(600).grants(&key(1));
    for (seconds, disposition) in
        [(0, AlreadySo), (599, AlreadySo), (600, Blocked), (3599, Blocked)]
    {
        let other = operation("b", seconds).revokes(&key(1));
        let plan = undo(&[bulk.clone(), other.clone()], &[&other], &[key(1)]);
        let item = only(&plan);
        assert_eq!(item.disposition, disposition, "{seconds}: {item:#?}");
        if disposition == Blocked {
            assert_eq!(item.blocked, Some(BlockedReason::OrderUnknown));
        }
    }
    let later = operation("b", 3601).revokes(&key(1));
    assert_eq!(only(&undo(&[bulk.clone(), later.clone()], &[&later], &[])).disposition, Act);
    // Two operations that took turns.
    let second = operation("b", 4000).began(3000).revokes(&key(1));
    let plan = undo(&[bulk.clone(), second.clone()], &[&second], &[]);
    assert_eq!(only(&plan).blocked, Some(BlockedReason::OrderUnknown));
    // What came later than both makes their order irrelevant; what came between does not.
    for (seconds, disposition) in [(3601, Act), (3000, Blocked)] {
        let again = operation("c", seconds).grants(&key(1));
        let other = operation("b", 700).revokes(&key(1));
        let plan = undo(&[bulk.clone(), other, again.clone()], &[&again], &[key(1)]);
        assert_eq!(only(&plan).disposition, disposition, "{seconds}");
    }
}

#[test]
fn what_another_tool_recorded_while_an_operation_was_at_work_may_be_of_it() {
    let bulk = operation("a", 36_000).change(Granted, Unknown, &key(1));
    let event = operation("b", 700).tool("cloudtrail").change(Granted, Unknown, &key(1));
    for (bulk, disposition) in [(bulk.clone().began(600), Act), (bulk, Kept)] {
        let plan = undo(&[bulk.clone(), event.clone()], &[&bulk], &[key(1)]);
        assert_eq!(only(&plan).disposition, disposition);
        let duplicate = plan.warnings.iter().any(|line| line.starts_with("PossibleDuplicate"));
        assert_eq!(duplicate, disposition == Act, "{:#?}", plan.warnings);
    }
}

#[test]
fn a_request_was_made_at_the_earliest_time_that_a_record_gives_it() {
    let event = operation("a", 0).change(Granted, Unknown, &key(1)).request(7);
    let revoked = operation("b", 100).revokes(&key(1));
    let late = operation("c", 200).grants(&key(1)).request(7);
    let records = [event, revoked.clone(), late];
    let plan = undo(&records, &[&revoked], &[]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
    assert_eq!(only(&undo(&records, &[&records[0]], &[])).disposition, AlreadySo);
}

#[test]
fn an_id_that_stands_in_opposite_changes_joins_none() {
    let a = operation("a", 0).grants(&key(1)).request(7);
    let b = operation("b", 100).revokes(&key(1)).request(7);
    let plan = undo(&[a.clone(), b.clone()], &[&b], &[]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
    // Undoing the first grant leaves the second one alone, whatever id it was given.
    let c = operation("c", 90_000).grants(&key(1)).request(7);
    let plan = undo(&[a.clone(), b, c], &[&a], &[key(1)]);
    assert_eq!(only(&plan).disposition, Kept);
}

#[test]
fn records_of_two_tools_close_together_may_be_one_change_and_are_asked_about() {
    let a = operation("a", 0).grants(&key(1));
    let near =
        |seconds| operation("c", seconds).tool("terraform").change(Granted, Unknown, &key(1));
    let b = operation("b", 600);
    let rows = [
        (vec![near(900)], true, Act),
        (vec![near(901)], false, Kept),
        (vec![b.clone().change(Granted, Unknown, &key(1))], false, Kept),
        (vec![b.clone().tool("terraform").revokes(&key(1)), near(800)], false, Kept),
        (vec![b.tool("terraform").grants(&key(2))], false, Act),
    ];
    for (others, duplicate, disposition) in rows {
        let mut records = others;
        records.push(a.clone());
        let plan = undo(&records, &[&a], &[key(1)]);
        let item = only(&plan);
        let warned =
            plan.warnings.iter().any(|line| line.starts_with("PossibleDuplicate: for 1 key "));
        assert_eq!(warned, duplicate, "{:#?}", plan.warnings);
        assert_eq!((item.disposition, plan.assumed), (disposition, duplicate));
        assert_eq!(item.grade == Grade::Assumed, duplicate);
        let named = item.message.as_ref().is_some_and(|it| it.contains("access/c of another tool"));
        assert_eq!(named, duplicate);
    }
}

#[test]
fn an_undo_between_two_records_makes_them_two_changes() {
    let a = operation("a", 0).grants(&key(1));
    let at = Key::Assignment(key(1));
    let done = found(&at, Presence::Present, Presence::Absent, LedgerOutcome::Verified);
    let undone = ledger("undo", 1, 300, &[&a], vec![done]);
    let b = operation("b", 600).tool("terraform").grants(&key(1));
    let plan = undo(&[a.clone(), undone, b.clone()], &[&b], &[key(1)]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
    // Somebody else had taken it away by then, or somebody else held it.
    for (seen, outcome) in
        [(Presence::Absent, LedgerOutcome::AlreadySo), (Presence::Present, LedgerOutcome::Kept)]
    {
        let undone = ledger("undo", 1, 300, &[&a], vec![found(&at, seen, seen, outcome)]);
        let records = [a.clone(), undone, b.clone()];
        assert!(!already_rolled_back(&records, std::slice::from_ref(&b)), "{outcome:?}");
        let plan = undo(&records, &[&b], &[key(1)]);
        let basis = plan.warnings.iter().any(|line| line.starts_with("PossibleDuplicate"));
        assert_eq!((only(&plan).disposition, basis), (Act, false), "{outcome:?}");
    }
}

#[test]
fn a_record_that_found_the_key_so_is_no_duplicate_of_the_one_that_made_it_so() {
    let a = operation("a", 0).grants(&key(1));
    let b = operation("b", 60).tool("terraform").change(Granted, Present, &key(1));
    let plan = undo(&[a.clone(), b], &[&a], &[key(1)]);
    assert_eq!((only(&plan).disposition, plan.assumed), (Kept, false));
}

#[test]
fn duplicates_invent_no_unrecorded_change() {
    // The older grant is undone last; two accounts of one revoke both say that it was there.
    let older = operation("g", 0).grants(&key(1));
    let a = operation("a", 9000).revokes(&key(1)).request(3);
    let b = operation("b", 9001).tool("cloudtrail").revokes(&key(1)).request(3);
    let records = [older.clone(), a.clone(), b];
    let plan = undo(&records, &[&older, &a], &[]);
    assert_eq!(only(&plan).disposition, AlreadySo);
}

#[test]
fn a_failed_change_is_no_change() {
    let a = operation("a", 0).grants(&key(1)).failed(Granted, &key(2));
    // Not applied: there is nothing to say about it.
    let plan = undo(std::slice::from_ref(&a), &[&a], &[key(1)]);
    assert_eq!(only(&plan).key(), Key::Assignment(key(1)));
    // Applied after all, as far as anyone can tell: listed and left.
    let plan = undo(std::slice::from_ref(&a), &[&a], &[key(1), key(2)]);
    assert_eq!((plan.actions, plan.kept, plan.blocked), (1, 0, 1));
    let left = plan.items.last().unwrap();
    assert_eq!((left.disposition, left.key()), (Blocked, Key::Assignment(key(2))));
    assert_eq!(left.blocked, Some(BlockedReason::PossiblyApplied));
    assert!(left.message.clone().unwrap().starts_with("PossiblyApplied: access/a says"));
    assert!(plan.warnings.iter().any(|line| line.starts_with("PossiblyApplied: leaves 1 change ")));
    // Explained by another record: not ours to mention.
    let b = operation("b", 3600).grants(&key(2));
    let plan = undo(&[a.clone(), b], &[&a], &[key(1), key(2)]);
    assert_eq!(plan.items.len(), 1);
}

#[test]
fn an_accepted_failed_change_is_undone_and_never_without_an_approval() {
    let a = operation("a", 0).grants(&key(1)).failed(Granted, &key(2)).failed(Granted, &key(3));
    let world = live(std::slice::from_ref(&a), &[key(1), key(2)]);
    let left = try_plan(&[], &[&a], &world).unwrap();
    let message = left.items.last().unwrap().message.clone().unwrap();
    assert!(message.contains("add PossiblyApplied/a to spec.approval.accept"), "{message}");
    let accepting = |accept: &str| {
        let (accept, access) = ([accept.to_owned()], own_access_only(&world));
        plan_with(&Policy::default(), &accept, &[], &[&a], &world, &access).unwrap()
    };
    assert_eq!(accepting("PossiblyApplied/b"), left, "another record");
    let plan = accepting("PossiblyApplied/a");
    assert_eq!((plan.actions, plan.blocked, plan.assumed), (2, 0, true));
    let item = plan.items.iter().find(|item| item.key() == Key::Assignment(key(2))).unwrap();
    assert_eq!((item.disposition, item.grade), (Act, Grade::Assumed));
    assert_ne!(plan.digest, left.digest);
}

#[test]
fn a_failed_change_that_was_left_stays_open_until_somebody_decides() {
    let a = operation("a", 0).grants(&key(1)).failed(Granted, &key(2));
    let one = std::slice::from_ref(&a);
    let left = undo(one, &[&a], &[key(1), key(2)]);
    let first = executed("undo", 1, 3600, &left, &[&a], &|_| false);
    let records = [a.clone(), first];
    assert_eq!(undone(&records, one), Undone::ButForFailed);
    let again = undo(&records, &[&a], &[key(2)]);
    assert_eq!(only(&again).blocked, Some(BlockedReason::PossiblyApplied));
    // It went away by itself: nothing is left to do.
    assert_eq!(try_plan(&records, &[&a], &live(&records, &[])), Err(Refusal::NothingOpen));

    let world = live(&records, &[key(2)]);
    let (accept, access) = (["PossiblyApplied/a".to_owned()], own_access_only(&world));
    let accepted =
        plan_with(&Policy::default(), &accept, &records, &[&a], &world, &access).unwrap();
    assert_eq!((only(&accepted).disposition, accepted.assumed), (Act, true));
    let second = executed("undo", 2, 7200, &accepted, &[&a], &|_| false);
    let records = [records.as_slice(), &[second]].concat();
    assert_eq!(undone(&records, one), Undone::All);
}

#[test]
fn one_source_is_one_record() {
    let a = operation("a", 0).grants(&key(1));
    let mut again = a.clone();
    again.namespace = "elsewhere".to_owned();
    again = again.with(|spec| spec.recorded_by = Some("somebody else".to_owned()));
    let plan = undo(&[again.clone(), a.clone()], &[&a], &[key(1)]);
    assert_eq!(only(&plan).disposition, Act);
    assert_eq!(plan.record_refs, vec![a.reference()]);
    let contrary = again.with(|spec| spec.changes[0].before = Present);
    let world = live(std::slice::from_ref(&a), &[key(1)]);
    let refused = try_plan(&[contrary, a.clone()], &[&a], &world).unwrap_err();
    assert!(matches!(refused, Refusal::RecordsContradict { .. }));
    assert!(refused.to_string().contains("access/a and elsewhere/a"), "{refused}");
}

#[test]
fn a_record_that_names_a_key_twice_did_one_thing() {
    let a = operation("a", 0).change(Granted, Unknown, &key(1)).change(Granted, Absent, &key(1));
    let plan = undo(std::slice::from_ref(&a), &[&a], &[key(1)]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
    let both = operation("b", 0).grants(&key(1)).revokes(&key(1));
    let plan = undo(std::slice::from_ref(&both), &[&both], &[]);
    assert_eq!(only(&plan).blocked, Some(BlockedReason::OrderUnknown));
}
