//! One story through the whole quota of an instance: what each call of the governor does.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::time::later;

fn at(millis: i64) -> Timestamp {
    later(Timestamp::UNIX_EPOCH, SignedDuration::from_millis(millis))
}

fn account(number: u32) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn items(numbers: std::ops::RangeInclusive<u32>) -> Vec<(u32, AccountId)> {
    numbers.map(|number| (number, account(number))).collect()
}

#[test]
fn requests_wait_for_their_turn_and_may_leave_the_queue() {
    let mut governor = Governor::new(1, 1, at(0));
    assert_eq!(governor.next_admission(at(0)), None, "nobody waits");
    let tickets: Vec<Ticket> = (0..3).map(|_| governor.enqueue(Priority::Verify)).collect();
    assert_eq!(governor.admit(at(0)), [tickets[0]]);
    assert_eq!(governor.next_admission(at(0)), Some(at(1000)));
    assert!(governor.admit(at(999)).is_empty());
    governor.cancel(tickets[1]);
    assert_eq!(governor.admit(at(1000)), [tickets[2]]);
}

#[test]
fn new_limits_hold_at_once() {
    let mut governor = Governor::new(1, 1, at(0));
    governor.set_limits(50, 3);
    let view = governor.view();
    assert!((view.requests_per_second - 50.0).abs() < 1e-9);
    assert_eq!(view.slots, 3);
}

#[test]
fn slots_are_granted_adopted_given_back_and_forgotten() {
    let mut governor = Governor::new(18, 3, at(0));
    governor.adopt("old", 9, account(9));
    governor.want("new", false, items(1..=4));
    assert_eq!(governor.view().queued, 4);
    let granted: Vec<u32> = governor.grants(at(0)).iter().map(|grant| grant.item).collect();
    assert_eq!(granted, [1, 2], "one of three slots is at work for what was adopted");
    assert_eq!((governor.view().in_flight, governor.view().queued), (3, 2));
    governor.release("new", 1);
    assert_eq!(governor.view().in_flight, 2);
    governor.release_all("old");
    assert_eq!(governor.view().in_flight, 1);

    // An account that is left alone waits for its time, and only while somebody wants it.
    governor.want("new", false, items(3..=3));
    governor.hold_account(account(3), at(5000));
    assert!(governor.grants(at(4999)).is_empty());
    assert_eq!(governor.next_grant(at(4999)), Some(at(5000)));
    assert_eq!(governor.grants(at(5000)).len(), 1);

    governor.want("new", false, items(5..=8));
    governor.forget("new");
    assert_eq!(governor.view().queued, 0);
    assert_eq!(governor.view().in_flight, 2, "what is at work stays");
    assert_eq!((governor.held_by("new"), governor.held_by("nobody")), (2, 0));
}

#[test]
fn an_emergency_goes_first() {
    let mut governor = Governor::new(18, 1, at(0));
    governor.want("normal", false, vec![(1, account(7))]);
    governor.want("urgent", true, vec![(2, account(7))]);
    assert_eq!(governor.grants(at(0))[0].rollback, "urgent");
}

#[test]
fn throttling_is_told_until_both_limits_have_recovered() {
    for limit in [Limit::Rate, Limit::Outstanding] {
        let mut governor = Governor::new(18, 10, at(0));
        governor.throttled(limit, at(1000));
        let view = governor.view();
        assert_eq!(view.throttled_since, Some(at(1000)));
        assert_eq!(view.requests_per_second < 18.0, limit == Limit::Rate);
        assert_eq!(view.slots < 10, limit == Limit::Outstanding);
        governor.answered(at(1100));
        assert_eq!(governor.view().throttled_since, Some(at(1000)), "not recovered yet");
    }
    let mut governor = Governor::new(18, 10, at(0));
    governor.throttled(Limit::Rate, at(1000));
    for second in 2..60 {
        governor.answered(at(second * 1000));
    }
    assert_eq!(governor.view().throttled_since, None);
}

#[test]
fn what_is_lost_is_told_by_who_has_it() {
    let full = Governor::new(20, 10, at(0)).view();
    let lost = |view: View, own| {
        let Lost { to_throttling, to_others } = view.lost(20, 10, own);
        (format!("{to_throttling:.2}"), format!("{to_others:.2}"))
    };
    let told =
        |to_throttling: &str, to_others: &str| (to_throttling.to_owned(), to_others.to_owned());
    assert_eq!(lost(View { in_flight: 10, ..full }, 10), told("0.00", "0.00"));
    assert_eq!(lost(View { in_flight: 10, ..full }, 4), told("0.00", "0.60"));
    assert_eq!(lost(View { requests_per_second: 15.0, slots: 4, ..full }, 0), told("0.60", "0.00"));
    assert_eq!(
        lost(View { requests_per_second: 5.0, in_flight: 10, ..full }, 0),
        told("0.75", "0.25")
    );
}
