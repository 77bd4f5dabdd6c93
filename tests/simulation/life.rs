//! The life of one operator's process: it may be killed, or frozen for a while, at any effect.
//!
//! Every request to the outside passes [`Life`] before it leaves and before its answer is seen.
//! A dead process is one whose requests never pass again: its tasks may still compute, but nobody
//! can tell.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use rollback_operator::runtime::Clock;
use rollback_operator::runtime::effects::{Effect, Effects};
use tokio::sync::watch;

use super::trace::{self, Trace, When};

/// Where a process is killed: the number of an effect in the whole run, and the side of it.
pub type CrashPoint = (u64, When);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Alive,
    FrozenUntil(Timestamp),
    Dead,
}

pub struct Life {
    pub operator: usize,
    clock: Clock,
    trace: Arc<Trace>,
    crashes: Arc<Mutex<Vec<CrashPoint>>>,
    state: watch::Sender<State>,
    /// It freezes for so long when it is about to change something in AWS.
    freezes_at_change: Mutex<Option<Duration>>,
    /// The number in the run of each effect of this process.
    numbers: Mutex<Vec<u64>>,
}

impl Life {
    pub fn new(
        operator: usize,
        clock: Clock,
        trace: Arc<Trace>,
        crashes: Arc<Mutex<Vec<CrashPoint>>>,
    ) -> Arc<Self> {
        let state = watch::Sender::new(State::Alive);
        Arc::new(Self {
            operator,
            clock,
            trace,
            crashes,
            state,
            freezes_at_change: Mutex::default(),
            numbers: Mutex::default(),
        })
    }

    pub fn kill(&self) {
        self.state.send_replace(State::Dead);
    }

    pub fn freeze(&self, until: Timestamp) {
        if self.is_alive() {
            self.state.send_replace(State::FrozenUntil(until));
        }
    }

    /// Freezes it for so long when it is next about to change something in AWS: after it decided,
    /// and before the bytes leave.
    pub fn freeze_at_change(&self, lasting: Duration) {
        *self.freezes_at_change.lock().unwrap() = Some(lasting);
    }

    fn is_about_to(&self, effect: &Effect) {
        if trace::EffectKind::of(effect) != trace::EffectKind::AwsChange {
            return;
        }
        if let Some(lasting) = self.freezes_at_change.lock().unwrap().take() {
            let until = self.clock.now().checked_add(SignedDuration::try_from(lasting).unwrap());
            self.freeze(until.unwrap());
        }
    }

    /// Comes back when it is not frozen.
    pub async fn thaw(&self) {
        self.pass(0, When::Before).await;
    }

    pub fn is_alive(&self) -> bool {
        *self.state.borrow() != State::Dead
    }

    /// Comes back when the process is dead.
    pub async fn death(&self) {
        let mut state = self.state.subscribe();
        let _ = state.wait_for(|state| *state == State::Dead).await;
    }

    async fn pass(&self, number: u64, when: When) {
        {
            let mut crashes = self.crashes.lock().unwrap();
            if let Some(at) = crashes.iter().position(|point| *point == (number, when)) {
                crashes.remove(at);
                self.kill();
            }
        }
        loop {
            let state = *self.state.borrow();
            match state {
                State::Alive => return,
                State::Dead => std::future::pending().await,
                State::FrozenUntil(until) => {
                    let mut changed = self.state.subscribe();
                    tokio::select! {
                        biased;
                        _ = changed.wait_for(|now| *now == State::Dead) => {}
                        () = self.clock.sleep_until(until) => {
                            self.state.send_if_modified(|now| {
                                let thaws = *now == State::FrozenUntil(until);
                                if thaws { *now = State::Alive; }
                                thaws
                            });
                        }
                    }
                }
            }
        }
    }
}

/// The hook of one process. Needs an `Arc` of its own because hooks outlive the borrow of `self`.
pub struct Hook(pub Arc<Life>);

impl Effects for Hook {
    fn before(&self, effect: Effect) -> BoxFuture<'static, ()> {
        let life = Arc::clone(&self.0);
        async move {
            life.is_about_to(&effect);
            // A process that is dead or frozen does not get as far as to send.
            life.pass(0, When::Before).await;
            let number = life.trace.leaves(life.operator, &effect, life.clock.now());
            {
                let mut numbers = life.numbers.lock().unwrap();
                let index = usize::try_from(effect.number).unwrap();
                if numbers.len() <= index {
                    numbers.resize(index + 1, 0);
                }
                numbers[index] = number;
            }
            life.pass(number, When::Before).await;
        }
        .boxed()
    }

    fn after(&self, effect: Effect) -> BoxFuture<'static, ()> {
        let life = Arc::clone(&self.0);
        async move {
            let number = life.numbers.lock().unwrap()[usize::try_from(effect.number).unwrap()];
            life.pass(number, When::After).await;
        }
        .boxed()
    }
}
