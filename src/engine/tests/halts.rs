//! When nothing new is sent, and from when retries count.

use super::*;
use crate::api::Reason;
use crate::api::plan_status::PlanStatus;
use crate::api::rollback::{Approval, OnDrift};
use crate::api::rollback_status::Failure;
use crate::engine::Halt;
use crate::engine::observations::{Answer, Found};

fn planned(not_before: Option<Timestamp>, deadline: Option<Timestamp>) -> PlanStatus {
    PlanStatus { not_before, deadline, ..fixtures::plan_status() }
}

fn halt(harness: &Harness) -> Halt {
    let situation = Situation {
        items: &harness.items,
        spec: &harness.spec,
        status: &harness.status,
        deleting: false,
        slots: SLOTS,
    };
    situation.halt(harness.now, &harness.journal())
}

#[test]
fn times_that_were_approved_can_be_made_stricter_but_not_laxer() {
    let mut harness = Harness::new(3);
    let (past, future) = (
        harness.now.checked_sub(SignedDuration::from_secs(1)).unwrap(),
        later(harness.now, SignedDuration::from_secs(60)),
    );
    harness.status.plan = Some(planned(Some(future), None));
    harness.spec.not_before = Some(past);
    assert_eq!(halt(&harness), Halt::NotYet(future), "an earlier start was not approved");
    harness.status.plan = Some(planned(None, Some(past)));
    harness.spec.not_before = None;
    harness.spec.deadline = Some(future);
    assert_eq!(halt(&harness), Halt::Final(Reason::DeadlinePassed), "nor a later end");
    harness.status.plan = Some(planned(None, Some(future)));
    harness.spec.deadline = Some(past);
    assert_eq!(halt(&harness), Halt::Final(Reason::DeadlinePassed), "an earlier end holds at once");
    harness.spec.deadline = None;
    assert_eq!(halt(&harness), Halt::None);
}

#[test]
fn a_rejection_that_comes_late_ends_it_as_a_cancellation_does() {
    let mut harness = Harness::new(3);
    assert_eq!(halt(&harness), Halt::None);
    harness.spec.approval = Some(Approval { reject: true, ..Approval::default() });
    assert_eq!(halt(&harness), Halt::Final(Reason::Cancelled));
}

#[test]
fn once_the_ledger_is_named_nothing_more_is_sent() {
    let mut harness = Harness::new(3);
    harness.status.ledger = Some("undo-00000000-1".into());
    assert!(matches!(halt(&harness), Halt::Final(_)));
    for _ in 0..20 {
        harness.persist();
        harness.act(|| 7);
        harness.pass(200);
        harness.poll();
    }
    assert!(harness.world.accepted.is_empty());
}

#[test]
fn once_the_ledger_is_named_no_open_intent_is_sent_either() {
    let mut harness = Harness::new(3);
    harness.persist();
    assert_eq!(harness.journal().count(ActionState::Intent), 3);
    harness.status.ledger = Some("undo-00000000-1".into());
    assert!(matches!(halt(&harness), Halt::Final(_)));
    for _ in 0..20 {
        harness.persist();
        harness.act(|| 7);
        harness.pass(200);
        harness.poll();
    }
    assert!(harness.world.accepted.is_empty());
    assert_eq!(harness.journal().count(ActionState::Intent), 0);
}

#[test]
fn what_was_never_sent_and_is_so_by_then_is_not_our_doing() {
    let mut harness = Harness::new(1);
    harness.persist();
    let (found, at) = (Found::NeverSent, harness.now);
    harness.observations.push(Event::Resolved { item: 0, found, at });
    harness.persist();
    assert_eq!(harness.status.in_flight[0].attempt, 2);
    harness.world.present.insert(0, false);
    harness.finish();
    assert_eq!(harness.journal().state(0), ActionState::AlreadySo);
    assert!(harness.world.accepted.is_empty());
}

#[test]
fn an_action_that_was_taken_back_after_it_was_sent_is_another_attempt() {
    let mut harness = Harness::new(1);
    harness.observations.item_mut(0).sent = Some(1);
    harness.persist();
    assert_eq!(harness.status.in_flight[0].attempt, 2);
    harness.finish();
    assert_eq!(harness.journal().state(0), ActionState::Verified);
}

#[test]
fn retries_have_five_minutes_from_the_first_request_and_not_from_its_intent() {
    let mut harness = Harness::new(1);
    harness.persist();
    harness.pass(600_000);
    let id = harness.world.accept(0, harness.now, 1000);
    harness.observations.push(Event::Accepted { item: 0, request_id: id, at: harness.now });
    harness.persist();
    assert_eq!(harness.status.in_flight[0].first_at, harness.now);
}

#[test]
fn what_aws_never_got_is_no_try_of_it() {
    let mut harness = Harness::new(1);
    harness.persist();
    harness.pass(600_000);
    let (found, at) = (Found::NeverSent, harness.now);
    harness.observations.push(Event::Resolved { item: 0, found, at });
    harness.persist();
    let entry = harness.status.in_flight[0].clone();
    assert_eq!((entry.attempt, entry.unsent, entry.tries()), (2, 1, 1));
    let id = harness.world.accept(0, harness.now, 1000);
    harness.observations.push(Event::Accepted { item: 0, request_id: id, at });
    harness.persist();
    assert_eq!(harness.status.in_flight[0].first_at, at, "its five minutes begin now");
}

#[test]
fn drift_is_noticed_beside_any_number_of_failures() {
    let mut harness = Harness::new(60);
    harness.spec.on_drift = OnDrift::Fail;
    harness.persist();
    let failure = Failure {
        item: 50,
        action: "remove".to_owned(),
        reason: "InvalidRequest".to_owned(),
        message: String::new(),
        request_id: None,
        next_step: String::new(),
    };
    harness.status.failures = vec![failure; 50];
    let id = harness.world.accept(0, harness.now, 1000);
    let at = harness.now;
    harness.observations.push(Event::Accepted { item: 0, request_id: id.clone(), at });
    harness.observations.push(Event::Ended { item: 0, request_id: id.clone(), at });
    harness.persist();
    harness.pass(240_000);
    harness.observations.item_mut(0).answer = Some((id, Answer::Succeeded));
    harness.observations.saw(0, KeyRead { begun: harness.now, presence: Presence::Present });
    harness.persist();
    assert_eq!(harness.journal().state(0), ActionState::Blocked);
    assert_eq!(harness.status.failures.len(), 50);
    assert_eq!(halt(&harness), Halt::Final(Reason::Drifted));
}

#[test]
fn a_set_that_is_in_use_is_tried_again_for_four_minutes_from_the_first_refusal() {
    let mut harness = Harness::new(0);
    harness.items.push(fixtures::set_deletion());
    harness.status.progress = Some(Journal::fresh(&harness.items).progress(&harness.items));
    harness.persist();
    harness.pass(600_000);
    for pause in [239_000, 1_000] {
        let (class, at) = (Class::Conflict, harness.now);
        harness.observations.push(Event::Refused { item: 0, class, message: "in use".into(), at });
        harness.persist();
        assert_eq!(harness.journal().state(0), ActionState::Intent);
        harness.pass(pause);
    }
    let (class, at) = (Class::Conflict, harness.now);
    harness.observations.push(Event::Refused { item: 0, class, message: "in use".into(), at });
    harness.persist();
    assert_eq!(harness.journal().state(0), ActionState::Blocked);
}
