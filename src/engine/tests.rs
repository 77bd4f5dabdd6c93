//! The tick against a small model of AWS: requests end late, answers are lost, the process dies
//! between any two steps. What must hold is checked after every step.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::cover::CoverHints;
use super::observations::{Answer, Found, KeyRead};
use super::{Effect, Event, Journal, Observations, Situation, advance, effects, fixtures};
use crate::api::plan::PlanItem;
use crate::api::rollback::{Operations, RollbackSpec};
use crate::api::rollback_status::RollbackStatus;
use crate::model::time::later;
use crate::model::{ActionState, BlockedReason, Class, Presence, RequestId};

mod clocks;
mod contested;
mod halts;

const SLOTS: usize = 4;

fn spec() -> RollbackSpec {
    let names = vec!["record".to_owned()];
    serde_json::from_value(serde_json::json!({"operations": Operations { names, select: None }}))
        .unwrap()
}

/// AWS: keys, and requests that end at a time with an outcome.
#[derive(Debug, Default)]
struct World {
    present: BTreeMap<usize, bool>,
    requests: BTreeMap<RequestId, (usize, Timestamp, bool)>,
    /// Accepted requests for each item.
    accepted: BTreeMap<usize, usize>,
    /// Requests that changed something, for each item.
    effective: BTreeMap<usize, usize>,
    granted: Vec<usize>,
}

impl World {
    fn in_flight(&self) -> usize {
        self.requests.values().filter(|(_, _, ended)| !ended).count()
    }

    fn accept(&mut self, item: usize, now: Timestamp, latency: i64) -> RequestId {
        let id: RequestId =
            format!("00000000-0000-4000-8000-{:012}", self.requests.len()).parse().unwrap();
        let ends = later(now, SignedDuration::from_millis(latency));
        self.requests.insert(id.clone(), (item, ends, false));
        *self.accepted.entry(item).or_default() += 1;
        id
    }

    /// Ends what is due; an item in `failing` keeps its state.
    fn advance(&mut self, now: Timestamp, failing: &[usize]) {
        for (item, ends, ended) in self.requests.values_mut() {
            if !*ended && *ends <= now {
                *ended = true;
                if !failing.contains(item) && self.present.insert(*item, false) == Some(true) {
                    *self.effective.entry(*item).or_default() += 1;
                }
            }
        }
    }
}

struct Harness {
    items: Vec<PlanItem>,
    spec: RollbackSpec,
    status: RollbackStatus,
    observations: Observations,
    world: World,
    now: Timestamp,
    failing: Vec<usize>,
    deleting: bool,
}

impl Harness {
    fn new(count: usize) -> Self {
        let items = fixtures::deletes(count);
        let mut status = RollbackStatus { attempt: 1, ..RollbackStatus::default() };
        status.progress = Some(Journal::fresh(&items).progress(&items));
        let world =
            World { present: (0..count).map(|item| (item, true)).collect(), ..World::default() };
        Self {
            items,
            spec: spec(),
            status,
            observations: Observations::default(),
            world,
            now: Timestamp::from_second(1_000_000).unwrap(),
            failing: Vec::new(),
            deleting: false,
        }
    }

    fn journal(&self) -> Journal {
        Journal::decode(&self.status.progress.as_ref().unwrap().shards, self.items.len()).unwrap()
    }

    /// Half a tick: persists what follows. Says whether all is over.
    fn persist(&mut self) -> bool {
        let situation = Situation {
            items: &self.items,
            spec: &self.spec,
            status: &self.status,
            deleting: self.deleting,
            slots: SLOTS,
        };
        let before = self.journal();
        let next = advance(self.now, &situation, &self.observations).unwrap();
        self.status = next.status.clone();
        self.observations.acknowledge(next.taken);
        for (item, state) in before.iter() {
            let after = self.journal().state(item);
            assert!(
                !state.is_terminal() || state == after,
                "item {item} left {state:?} for {after:?}"
            );
        }
        next.finished
    }

    /// The other half: does what may be done. `fate` says what becomes of each request.
    fn act(&mut self, mut fate: impl FnMut() -> u8) {
        let situation = Situation {
            items: &self.items,
            spec: &self.spec,
            status: &self.status,
            deleting: self.deleting,
            slots: SLOTS,
        };
        let todo =
            effects(self.now, &situation, &self.observations, &CoverHints::default()).unwrap();
        for effect in &todo.list {
            match effect {
                Effect::Send { item, attempt } => self.send(*item, *attempt, fate()),
                Effect::GiveBack(item) => {
                    self.observations.item_mut(*item).granted = false;
                    self.world.granted.retain(|granted| granted != item);
                }
                Effect::Read(_) => {
                    for item in 0..self.items.len() {
                        let presence = Presence::from(self.world.present[&item]);
                        self.observations.saw(item, KeyRead { begun: self.now, presence });
                    }
                }
                Effect::Describe { item, request_id } => {
                    let failed = Answer::Failed {
                        reason: "not found in directory".into(),
                        class: Class::Blocked(BlockedReason::PrincipalMissing),
                    };
                    let answer =
                        if self.failing.contains(item) { failed } else { Answer::Succeeded };
                    self.observations.item_mut(*item).answer = Some((request_id.clone(), answer));
                }
                Effect::Resolve(items) => self.resolve(items),
            }
        }
        for (item, _) in todo.want {
            if self.world.in_flight() + self.world.granted.len() < SLOTS
                && !self.world.granted.contains(&item)
            {
                self.world.granted.push(item);
                self.observations.item_mut(item).granted = true;
            }
        }
    }

    fn send(&mut self, item: usize, attempt: i32, fate: u8) {
        let entry =
            self.status.in_flight.iter().find(|entry| entry.item == i32::try_from(item).unwrap());
        let entry = entry.expect("no call without a persisted intent");
        assert_eq!(entry.attempt, attempt);
        assert_eq!(self.journal().state(item), ActionState::Intent);
        let read = self.observations.read(item).expect("read before the write");
        assert!(self.now.duration_since(read.begun) <= super::advance::FRESH);
        self.world.granted.retain(|granted| *granted != item);
        let memory = self.observations.item_mut(item);
        memory.sent = Some(attempt);
        memory.granted = false;
        let at = self.now;
        match fate % 8 {
            0 => {
                memory.sent = None;
                memory.not_before = Some(later(at, SignedDuration::from_secs(1)));
                let class = Class::Conflict;
                self.observations.push(Event::Refused { item, class, message: "busy".into(), at });
            }
            1 => {
                // The reply is lost after AWS took the request.
                self.world.accept(item, at, 1500);
                self.observations.item_mut(item).in_doubt = true;
                self.observations.push(Event::NoAnswer { item, message: "lost".into(), at });
            }
            2 => {
                self.observations.item_mut(item).in_doubt = true;
                self.observations.push(Event::NoAnswer { item, message: "never left".into(), at });
            }
            _ => {
                let request_id = self.world.accept(item, at, 1000 + i64::from(fate) * 10);
                self.observations.push(Event::Accepted { item, request_id, at });
            }
        }
        assert!(self.world.in_flight() <= SLOTS);
    }

    /// What the shell finds out from AWS's lists about intents in doubt.
    fn resolve(&mut self, items: &[usize]) {
        for item in items {
            let entry = self
                .status
                .in_flight
                .iter()
                .find(|entry| entry.item == i32::try_from(*item).unwrap())
                .unwrap();
            let known: Vec<&RequestId> =
                self.status.in_flight.iter().filter_map(|e| e.request_id.as_ref()).collect();
            let since = entry.intent_at;
            let newest =
                self.world.requests.iter().rfind(|(id, (of, ends, _))| {
                    of == item && !known.contains(id) && *ends > since
                });
            let found = match newest {
                Some((id, (_, _, true))) => Found::Ended(id.clone()),
                Some((id, (_, _, false))) => Found::AtWork(id.clone()),
                None if !self.world.present[item] => Found::AtGoal,
                None => Found::NeverSent,
            };
            let memory = self.observations.item_mut(*item);
            memory.in_doubt = false;
            memory.sent = if found == Found::NeverSent { None } else { memory.sent };
            self.observations.push(Event::Resolved { item: *item, found, at: self.now });
        }
    }

    /// What the poller sees.
    fn poll(&mut self) {
        let events: Vec<Event> = self
            .status
            .in_flight
            .iter()
            .filter(|entry| entry.ended_at.is_none())
            .filter_map(|entry| {
                let request_id = entry.request_id.clone()?;
                let (_, _, ended) = self.world.requests[&request_id];
                ended.then(|| Event::Ended {
                    item: usize::try_from(entry.item).unwrap(),
                    request_id,
                    at: self.now,
                })
            })
            .collect();
        for event in events {
            self.observations.push(event);
        }
    }

    /// The process dies and another takes up what is persisted.
    fn crash(&mut self) {
        self.observations = Observations::default();
        self.world.granted.clear();
        for entry in self.status.in_flight.clone() {
            let item = usize::try_from(entry.item).unwrap();
            let memory = self.observations.item_mut(item);
            memory.taken_up = Some(self.now);
            memory.in_doubt = entry.ended_at.is_none() && entry.request_id.is_none();
        }
    }

    fn pass(&mut self, millis: i64) {
        self.now = later(self.now, SignedDuration::from_millis(millis));
        self.world.advance(self.now, &self.failing);
    }

    /// Runs to the end without further faults.
    fn finish(&mut self) {
        for _ in 0..2000 {
            if self.persist() {
                return;
            }
            self.act(|| 7);
            self.pass(200);
            self.poll();
        }
        panic!("not over after 400 s: {:?}", self.status.progress);
    }
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
