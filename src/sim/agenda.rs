//! What will happen and when: the heap of pending events.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::assignments::Place;
use super::requests::Kind;
use crate::model::{InstanceArn, RequestId};

/// Something that happens by itself.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A request has its effect.
    Apply(InstanceArn, Kind, RequestId),
    /// A request's status shows its end; what it kept busy is free.
    End(InstanceArn, Kind, RequestId),
    /// A request's status is forgotten.
    Forget(InstanceArn, Kind, RequestId),
    /// The role of a set that lost its last assignment in an account goes.
    RemoveRole(InstanceArn, Place),
}

/// The events to come, in the order of their time and then of their making.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda {
    events: BTreeMap<(Timestamp, u64), Event>,
    made: u64,
}

impl Agenda {
    pub fn add(&mut self, at: Timestamp, event: Event) {
        self.made += 1;
        self.events.insert((at, self.made), event);
    }

    /// Takes the first event that is due.
    pub fn due(&mut self, now: Timestamp) -> Option<(Timestamp, Event)> {
        let (at, _) = *self.events.first_key_value()?.0;
        if at > now {
            return None;
        }
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }

    /// When the next event is due. Forgetting does not count: nobody waits for it.
    pub fn next(&self) -> Option<Timestamp> {
        self.events
            .iter()
            .find(|(_, event)| !matches!(event, Event::Forget(..)))
            .map(|((at, _), _)| *at)
    }
}
