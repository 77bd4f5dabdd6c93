//! One tick in the middle of an undo, both halves.

use std::hint::black_box;

use gungraun::{Dhat, LibraryBenchmarkConfig, library_benchmark};
use jiff::Timestamp;
use rollback_operator::api::plan::{Disposition, PlanItem};
use rollback_operator::api::rollback::RollbackSpec;
use rollback_operator::api::rollback_status::{InFlight, RollbackStatus};
use rollback_operator::engine::cover::CoverHints;
use rollback_operator::engine::observations::KeyRead;
use rollback_operator::engine::{self, Advance, Effects, Event, Journal, Observations, Situation};
use rollback_operator::model::{ActionKind, ActionState, Grade, Presence, RequestId};

use crate::history::{account, set, user};

/// Slots of the instance, all in use.
pub const SLOTS: usize = 10;
const NOW: i64 = 1_700_000_000;

/// What a tick looks at.
pub struct Tick {
    pub items: Vec<PlanItem>,
    pub spec: RollbackSpec,
    pub before: RollbackStatus,
    /// What the first half of the tick persists.
    pub after: RollbackStatus,
    pub observations: Observations,
}

impl Tick {
    fn situation<'a>(&'a self, status: &'a RollbackStatus) -> Situation<'a> {
        Situation { items: &self.items, spec: &self.spec, status, deleting: false, slots: SLOTS }
    }

    fn advance(&self) -> Advance {
        engine::advance(at(0), &self.situation(&self.before), &self.observations).unwrap()
    }
}

/// Half of the actions are over. Of ten, four are to be read back, of which two were; three are at
/// AWS, of which one has ended; three are intents, of which one was accepted and one has a slot.
fn mid_way(actions: usize) -> Tick {
    let items: Vec<PlanItem> = (0..actions).map(item).collect();
    let mut journal = Journal::fresh(&items);
    let first = actions / 2 - actions.min(10) / 2;
    (0..first).for_each(|item| journal.set(item, ActionState::Verified));
    let mut in_flight = Vec::new();
    let mut observations = Observations::default();
    for (number, item) in (first..actions).take(10).enumerate() {
        let (state, requested, ended) = match number {
            0..4 => (ActionState::Settled, Some(at(-8)), Some(at(-5))),
            4..7 => (ActionState::Requested, Some(at(-3)), None),
            _ => (ActionState::Intent, None, None),
        };
        journal.set(item, state);
        in_flight.push(InFlight {
            item: i32::try_from(item).unwrap(),
            action: ActionKind::DeleteAssignment,
            intent_at: at(-9),
            attempt: 1,
            unsent: 0,
            first_at: at(-9),
            request_id: requested.map(|_| request_id(item)),
            requested_at: requested,
            ended_at: ended,
        });
        let read = |presence| KeyRead { begun: at(-1), presence };
        match number {
            0 | 1 => observations.saw(item, read(Presence::Absent)),
            4 => {
                observations.push(Event::Ended { item, request_id: request_id(item), at: at(0) });
            }
            7 => {
                observations.item_mut(item).sent = Some(1);
                let request_id = request_id(item);
                observations.push(Event::Accepted { item, request_id, at: at(0) });
            }
            8 => {
                observations.saw(item, read(Presence::Present));
                observations.item_mut(item).granted = true;
            }
            _ => {}
        }
    }
    let spec = serde_json::from_value(serde_json::json!({"operations": {"names": ["a"]}}));
    let mut before = RollbackStatus { attempt: 1, in_flight, ..RollbackStatus::default() };
    before.progress = Some(journal.progress(&items));
    before.timing.get_or_insert_default().executing_at = Some(at(-1_000));
    let mut tick = Tick { items, spec: spec.unwrap(), after: before.clone(), before, observations };
    tick.after = tick.advance().status;
    tick
}

/// A tick that has taken in nothing yet.
pub fn tick(actions: usize) -> &'static Tick {
    Box::leak(Box::new(mid_way(actions)))
}

pub fn item(number: usize) -> PlanItem {
    PlanItem {
        disposition: Disposition::Act,
        action: ActionKind::DeleteAssignment,
        account: Some(account(number % 500)),
        principal: Some(user(number / 500)),
        permission_set: set(0),
        account_name: None,
        permission_set_name: None,
        live: Presence::Present,
        grade: Grade::Exact,
        assumed: false,
        message: None,
        blocked: None,
        kept_for: None,
        content: None,
        gives: None,
        effect: None,
    }
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

pub fn request_id(number: usize) -> RequestId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

#[library_benchmark(
    config = LibraryBenchmarkConfig::default().tool(Dhat::default())
)]
#[bench::actions_10(args = (10), setup = tick)]
#[bench::actions_1000(args = (1_000), setup = tick)]
#[bench::actions_10000(args = (10_000), setup = tick)]
fn advance(tick: &Tick) -> Advance {
    black_box(tick.advance())
}

/// The same once its first half is persisted and acknowledged.
fn persisted(actions: usize) -> &'static Tick {
    let mut tick = mid_way(actions);
    tick.observations.acknowledge(tick.observations.events().len());
    Box::leak(Box::new(tick))
}

#[library_benchmark(
    config = LibraryBenchmarkConfig::default().tool(Dhat::default())
)]
#[bench::actions_10(args = (10), setup = persisted)]
#[bench::actions_1000(args = (1_000), setup = persisted)]
#[bench::actions_10000(args = (10_000), setup = persisted)]
fn effects(tick: &Tick) -> Effects {
    let situation = tick.situation(&tick.after);
    let hints = CoverHints::default();
    black_box(engine::effects(at(0), &situation, &tick.observations, &hints).unwrap())
}
