//! The tick against a small model of AWS: requests end late, answers are lost, the process dies
//! between any two steps. What must hold is checked after every step.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use self::harness::{Harness, SLOTS};
use super::observations::KeyRead;
use super::{Event, Journal, Situation, advance, fixtures};
use crate::api::rollback::{Operations, RollbackSpec};
use crate::model::time::later;
use crate::model::{ActionState, Class, Presence};

mod clocks;
mod contested;
mod halts;
mod harness;

fn spec() -> RollbackSpec {
    let names = vec!["record".to_owned()];
    serde_json::from_value(serde_json::json!({"operations": Operations { names, select: None }}))
        .unwrap()
}

#[test]
fn a_quiet_run_sends_each_action_once_and_verifies_it() {
    let mut harness = Harness::new(25);
    harness.finish();
    assert!(harness.journal().iter().all(|(_, state)| state == ActionState::Verified));
    assert!(harness.world.accepted.values().all(|count| *count == 1));
    assert!(harness.status.in_flight.is_empty());
}

#[test]
fn what_aws_refuses_later_is_blocked_with_its_words() {
    let mut harness = Harness::new(6);
    harness.failing = vec![2, 4];
    harness.finish();
    let blocked: Vec<_> = harness.journal().in_state(ActionState::Blocked).collect();
    assert_eq!(blocked, [2, 4]);
    assert!(
        harness.status.failures.iter().all(|failure| failure.message == "not found in directory")
    );
    assert!(harness.status.failures.iter().all(|failure| failure.request_id.is_some()));
}

#[test]
fn a_key_that_is_as_wanted_when_its_turn_comes_is_not_written() {
    let mut harness = Harness::new(3);
    harness.world.present.insert(1, false);
    harness.finish();
    assert_eq!(harness.journal().state(1), ActionState::AlreadySo);
    assert!(!harness.world.accepted.contains_key(&1));
}

#[test]
fn nothing_is_verified_by_a_read_before_the_settle_time() {
    let mut harness = Harness::new(1);
    while harness.journal().state(0) != ActionState::Settled {
        harness.persist();
        harness.act(|| 7);
        harness.pass(100);
        harness.poll();
    }
    let ended_at = harness.status.in_flight[0].ended_at.unwrap();
    let early = later(ended_at, SignedDuration::from_millis(1999));
    harness.observations.saw(0, KeyRead { begun: early, presence: Presence::Absent });
    harness.now = later(ended_at, SignedDuration::from_secs(3));
    harness.persist();
    assert_eq!(harness.journal().state(0), ActionState::Settled);
    let due = later(ended_at, SignedDuration::from_secs(2));
    harness.observations.saw(0, KeyRead { begun: due, presence: Presence::Absent });
    harness.persist();
    assert_eq!(harness.journal().state(0), ActionState::Verified);
}

#[test]
fn cancelling_withdraws_what_was_not_sent_and_waits_for_the_rest() {
    let mut harness = Harness::new(12);
    for _ in 0..3 {
        harness.persist();
        harness.act(|| 7);
        harness.pass(100);
    }
    let sent: usize = harness.world.accepted.values().sum();
    assert!(sent > 0);
    harness.spec.cancel = true;
    harness.finish();
    assert_eq!(harness.world.accepted.values().sum::<usize>(), sent, "nothing new was sent");
    assert_eq!(harness.journal().count(ActionState::Verified), sent);
    assert_eq!(harness.journal().count(ActionState::Planned), 12 - sent);
}

#[test]
fn suspension_sends_nothing_new_and_goes_on_afterwards() {
    let mut harness = Harness::new(12);
    harness.persist();
    harness.act(|| 7);
    harness.persist();
    harness.act(|| 7);
    harness.spec.suspend = true;
    let sent: usize = harness.world.accepted.values().sum();
    for _ in 0..50 {
        assert!(!harness.persist());
        harness.act(|| 7);
        harness.pass(200);
        harness.poll();
    }
    assert_eq!(harness.world.accepted.values().sum::<usize>(), sent);
    harness.spec.suspend = false;
    harness.finish();
    assert_eq!(harness.journal().count(ActionState::Verified), 12);
}

#[test]
fn a_set_is_deleted_only_after_its_assignments() {
    let mut harness = Harness::new(3);
    harness.items.push(fixtures::set_deletion());
    harness.world.present.insert(3, true);
    harness.status.progress = Some(Journal::fresh(&harness.items).progress(&harness.items));
    harness.failing = vec![0];
    harness.finish();
    assert_eq!(harness.journal().state(3), ActionState::Blocked);
    assert!(!harness.world.accepted.contains_key(&3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Faults for a while, with crashes between any two half ticks; then none. Everything ends at
    /// its goal, and no key is changed twice.
    #[test]
    fn faults_and_crashes_lose_nothing_and_double_nothing(
        count in 1_usize..14,
        steps in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 8)), 1..60),
    ) {
        let mut harness = Harness::new(count);
        for (step, fates) in steps {
            let mut fates = fates.into_iter().cycle();
            match step % 11 {
                0 => harness.crash(),
                1 => harness.act(|| fates.next().unwrap_or(7)),
                2 => harness.pass(700),
                3 => harness.poll(),
                4 => {
                    harness.persist();
                }
                _ => {
                    harness.persist();
                    harness.act(|| fates.next().unwrap_or(7));
                    harness.pass(i64::from(step) * 4);
                    harness.poll();
                }
            }
        }
        harness.finish();
        let journal = harness.journal();
        prop_assert!(journal.iter().all(|(_, state)| state.is_done()), "{:?}", harness.status.progress);
        prop_assert!(harness.world.present.values().all(|present| !present));
        prop_assert!(harness.world.effective.values().all(|count| *count == 1));
    }
}
