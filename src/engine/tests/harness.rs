//! A small model of AWS, and a Rollback that runs against it step by step. What must hold is checked
//! after every step.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::spec;
use crate::api::plan::PlanItem;
use crate::api::rollback::RollbackSpec;
use crate::api::rollback_status::RollbackStatus;
use crate::engine::cover::CoverHints;
use crate::engine::observations::{Answer, Found, KeyRead};
use crate::engine::{Effect, Event, Journal, Observations, Situation, advance, effects, fixtures};
use crate::model::time::later;
use crate::model::{ActionState, BlockedReason, Class, Presence, RequestId};

pub(super) const SLOTS: usize = 4;

/// AWS: keys, and requests that end at a time with an outcome.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) present: BTreeMap<usize, bool>,
    pub(super) requests: BTreeMap<RequestId, (usize, Timestamp, bool)>,
    /// Accepted requests for each item.
    pub(super) accepted: BTreeMap<usize, usize>,
    /// Requests that changed something, for each item.
    pub(super) effective: BTreeMap<usize, usize>,
    pub(super) granted: Vec<usize>,
}

impl World {
    pub(super) fn in_flight(&self) -> usize {
        self.requests.values().filter(|(_, _, ended)| !ended).count()
    }

    pub(super) fn accept(&mut self, item: usize, now: Timestamp, latency: i64) -> RequestId {
        let id: RequestId =
            format!("00000000-0000-4000-8000-{:012}", self.requests.len()).parse().unwrap();
        let ends = later(now, SignedDuration::from_millis(latency));
        self.requests.insert(id.clone(), (item, ends, false));
        *self.accepted.entry(item).or_default() += 1;
        id
    }

    /// Ends what is due; an item in `failing` keeps its state.
    pub(super) fn advance(&mut self, now: Timestamp, failing: &[usize]) {
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

pub(super) struct Harness {
    pub(super) items: Vec<PlanItem>,
    pub(super) spec: RollbackSpec,
    pub(super) status: RollbackStatus,
    pub(super) observations: Observations,
    pub(super) world: World,
    pub(super) now: Timestamp,
    pub(super) failing: Vec<usize>,
    pub(super) deleting: bool,
}

impl Harness {
    pub(super) fn new(count: usize) -> Self {
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

    pub(super) fn journal(&self) -> Journal {
        Journal::decode(&self.status.progress.as_ref().unwrap().shards, self.items.len()).unwrap()
    }

    /// Half a tick: persists what follows. Says whether all is over.
    pub(super) fn persist(&mut self) -> bool {
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
            let told = next.failed.iter().any(|failure| usize::try_from(failure.item) == Ok(item));
            assert!(
                state == after
                    || told
                    || !matches!(after, ActionState::Failed | ActionState::Blocked),
                "nobody hears why item {item} is {after:?}"
            );
        }
        next.finished
    }

    /// The other half: does what may be done. `fate` says what becomes of each request.
    pub(super) fn act(&mut self, mut fate: impl FnMut() -> u8) {
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

    pub(super) fn send(&mut self, item: usize, attempt: i32, fate: u8) {
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
    pub(super) fn resolve(&mut self, items: &[usize]) {
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
    pub(super) fn poll(&mut self) {
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
    pub(super) fn crash(&mut self) {
        self.observations = Observations::default();
        self.world.granted.clear();
        for entry in self.status.in_flight.clone() {
            let item = usize::try_from(entry.item).unwrap();
            let memory = self.observations.item_mut(item);
            memory.taken_up = Some(self.now);
            memory.in_doubt = entry.ended_at.is_none() && entry.request_id.is_none();
        }
    }

    pub(super) fn pass(&mut self, millis: i64) {
        self.now = later(self.now, SignedDuration::from_millis(millis));
        self.world.advance(self.now, &self.failing);
    }

    /// Runs to the end without further faults.
    pub(super) fn finish(&mut self) {
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
