//! The gate of one Identity Center instance: who may send, and when.
//!
//! All clients of an instance share one gate, so that its quota holds over everything that is
//! sent for it: reads for plans, writes, polls, recovery.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};

use super::observer::{NoObserver, Observer};
use crate::model::time::seconds_between;
use crate::quota::{Governor, Priority, Ticket};
use crate::runtime::effects::ChokePoint;
use crate::runtime::{Clock, Permit, Traces};

/// What a gate is made of.
#[derive(Clone)]
pub struct GateOptions {
    /// Requests a second that may leave; less than 1 counts as 1.
    pub requests_per_second: i32,
    /// Assignment changes that may be at work at once; less than 1 counts as 1.
    pub outstanding_requests: i32,
    /// The clock that quota, waits and deadlines go by.
    pub clock: Clock,
    /// Leave to change anything, asked right before the bytes leave.
    pub permit: Permit,
    /// The numbered way out.
    pub choke_point: ChokePoint,
    /// Is told about every request.
    pub observer: Arc<dyn Observer>,
    /// Where spans of requests go.
    pub traces: Traces,
    /// Longest time from sending a request to having its whole reply.
    pub request_timeout: Duration,
    /// Longest time in the queue. Well below the five minutes for which AWS takes a signature.
    pub longest_wait: Duration,
}

impl GateOptions {
    /// AWS's quota but for what is left to people, a deadline of 10 s, a permit that never ends.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            requests_per_second: 18,
            outstanding_requests: 10,
            clock,
            permit: Permit::always(),
            choke_point: ChokePoint::default(),
            observer: Arc::new(NoObserver),
            traces: Traces::default(),
            request_timeout: Duration::from_secs(10),
            longest_wait: Duration::from_mins(1),
        }
    }
}

impl fmt::Debug for GateOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateOptions")
            .field("requests_per_second", &self.requests_per_second)
            .field("outstanding_requests", &self.outstanding_requests)
            .field("request_timeout", &self.request_timeout)
            .field("longest_wait", &self.longest_wait)
            .finish_non_exhaustive()
    }
}

/// The gate of one instance. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Gate {
    shared: Arc<Shared>,
}

struct Shared {
    options: GateOptions,
    governor: Mutex<Governor>,
    queue: Mutex<Queue>,
    changed: Notify,
}

/// Those who wait for their turn. Locked before the governor where both are.
#[derive(Default)]
struct Queue {
    waiting: HashMap<Ticket, oneshot::Sender<Timestamp>>,
    /// Whether a task hands out turns as time goes by.
    has_usher: bool,
}

/// A request waited longer than it may.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("it waited {seconds:.0} s for its turn under the request quota")]
pub(super) struct NotAdmitted {
    /// How long.
    pub seconds: f64,
}

impl Gate {
    /// A gate with nobody in it.
    #[must_use]
    pub fn new(options: GateOptions) -> Self {
        let governor = Governor::new(
            positive(options.requests_per_second),
            size(options.outstanding_requests),
            options.clock.now(),
        );
        let shared = Shared {
            options,
            governor: Mutex::new(governor),
            queue: Mutex::default(),
            changed: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The governor of the quota: its slots, and what it allows now. Hold it for moments only, and
    /// not across an await.
    pub fn governor(&self) -> MutexGuard<'_, Governor> {
        self.shared.governor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes new limits; less than 1 counts as 1.
    pub fn set_limits(&self, requests_per_second: i32, outstanding_requests: i32) {
        self.governor().set_limits(positive(requests_per_second), size(outstanding_requests));
        self.changed();
    }

    /// Wakes whoever waits for a change of the slots, now or next.
    pub fn changed(&self) {
        self.shared.changed.notify_one();
    }

    /// Waits for [`Gate::changed`]. One task may wait; a change that nobody waited for counts for
    /// the next wait.
    pub async fn wait_for_change(&self) {
        self.shared.changed.notified().await;
    }

    pub(super) fn options(&self) -> &GateOptions {
        &self.shared.options
    }

    /// Waits until the quota lets a request of this priority leave; says for how many seconds it
    /// waited, and when its turn came. Dropping the future leaves the queue.
    pub(super) async fn wait_for_turn(
        &self,
        priority: Priority,
    ) -> Result<(f64, Timestamp), NotAdmitted> {
        let clock = self.options().clock;
        let came = clock.now();
        let (turn, my_turn) = oneshot::channel();
        let place = self.queue_up(priority, turn);
        let outcome = clock.timeout(self.options().longest_wait, my_turn).await;
        drop(place);
        let seconds = seconds_between(came, clock.now());
        match outcome {
            Ok(Ok(turn)) => Ok((seconds, turn)),
            Ok(Err(_)) | Err(_) => Err(NotAdmitted { seconds }),
        }
    }

    fn queue_up(&self, priority: Priority, turn: oneshot::Sender<Timestamp>) -> Place<'_> {
        let mut queue = self.queue();
        let ticket = self.governor().enqueue(priority);
        queue.waiting.insert(ticket, turn);
        self.hand_out_turns(&mut queue);
        if !queue.waiting.is_empty() && !queue.has_usher {
            queue.has_usher = true;
            // A task of its own, because whoever waits may not be polled for a while, and would
            // keep everybody behind it waiting.
            tokio::spawn(Usher(self.clone()).serve());
        }
        Place { gate: self, ticket }
    }

    fn hand_out_turns(&self, queue: &mut Queue) {
        let now = self.options().clock.now();
        let admitted = self.governor().admit(now);
        for ticket in admitted {
            if let Some(turn) = queue.waiting.remove(&ticket) {
                // Gone since: its turn is lost, which errs on the side of fewer requests.
                let _ = turn.send(now);
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("options", self.options()).finish_non_exhaustive()
    }
}

/// A place in the queue, given up when it is dropped.
struct Place<'a> {
    gate: &'a Gate,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.gate.queue();
        if queue.waiting.remove(&self.ticket).is_some() {
            self.gate.governor().cancel(self.ticket);
        }
    }
}

/// Hands out turns for as long as somebody waits.
struct Usher(Gate);

impl Usher {
    async fn serve(self) {
        loop {
            let next = {
                let mut queue = self.0.queue();
                self.0.hand_out_turns(&mut queue);
                if queue.waiting.is_empty() {
                    return;
                }
                let now = self.0.options().clock.now();
                self.0.governor().next_admission(now)
            };
            match next {
                Some(at) => self.0.options().clock.sleep_until(at).await,
                None => return,
            }
        }
    }
}

impl Drop for Usher {
    fn drop(&mut self) {
        self.0.queue().has_usher = false;
    }
}

fn positive(limit: i32) -> u32 {
    u32::try_from(limit.max(1)).unwrap_or(1)
}

fn size(limit: i32) -> usize {
    usize::try_from(limit.max(1)).unwrap_or(1)
}
