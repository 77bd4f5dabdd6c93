//! Processes whose clocks differ take up each other's work.

use super::*;

fn settled() -> Harness {
    let mut harness = Harness::new(1);
    while harness.journal().state(0) != ActionState::Settled {
        harness.persist();
        harness.act(|| 7);
        harness.pass(100);
        harness.poll();
    }
    harness
}

#[test]
fn a_clock_that_is_ahead_does_not_shorten_the_wait_for_the_lists() {
    let mut harness = settled();
    harness.now = later(harness.now, SignedDuration::from_secs(30));
    harness.crash();
    let taken_up = harness.now;
    let read = |millis| KeyRead {
        begun: later(taken_up, SignedDuration::from_millis(millis)),
        presence: Presence::Absent,
    };
    harness.observations.saw(0, read(1999));
    harness.now = later(taken_up, SignedDuration::from_secs(3));
    harness.persist();
    assert_eq!(harness.journal().state(0), ActionState::Settled);
    harness.observations.saw(0, read(2000));
    harness.persist();
    assert_eq!(harness.journal().state(0), ActionState::Verified);
}

#[test]
fn a_clock_that_is_behind_does_not_wait_until_it_has_caught_up() {
    let mut harness = settled();
    harness.now = later(harness.now, SignedDuration::from_secs(-143));
    harness.crash();
    let taken_up = harness.now;
    harness.finish();
    assert_eq!(harness.journal().state(0), ActionState::Verified);
    assert!(harness.now.duration_since(taken_up) < SignedDuration::from_secs(5));
}

#[test]
fn a_clock_that_is_behind_does_not_prolong_the_time_for_retries() {
    let mut harness = settled();
    harness.now = later(harness.now, SignedDuration::from_secs(-143));
    harness.crash();
    harness.persist();
    assert!(harness.status.in_flight[0].first_at <= harness.now);
}

#[test]
fn being_taken_up_again_does_not_prolong_the_wait_for_a_contradicted_success() {
    let mut harness = settled();
    let ended_at = harness.now;
    // Somebody made it again.
    harness.world.present.insert(0, true);
    for _ in 0..4 {
        harness.pass(70_000);
        harness.crash();
        harness.persist();
    }
    harness.finish();
    assert_eq!(harness.journal().state(0), ActionState::Blocked);
    let waited = harness.now.duration_since(ended_at);
    assert!(waited < SignedDuration::from_secs(310), "{waited:#}");
}
