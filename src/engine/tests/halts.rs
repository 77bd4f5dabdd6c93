//! When nothing new is sent, and from when retries count.

use super::*;
use crate::api::Reason;
use crate::api::plan_status::PlanStatus;
use crate::engine::Halt;

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
