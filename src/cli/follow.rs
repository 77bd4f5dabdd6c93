//! Waiting for a Rollback: by watching it, with a limit, until Ctrl-C.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _, future};
use jiff::{SignedDuration, Timestamp};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watch_object};

use super::error::CliError;
use super::session::Session;
use crate::api::Rollback;
use crate::runtime::Clock;

/// What happened next.
#[derive(Debug)]
pub enum Event {
    /// The object is there, new or changed.
    Seen(Box<Rollback>),
    /// Something that a person should know while waiting: a sentence.
    Notice(String),
    /// The object is not there.
    Gone,
    /// The limit is over.
    TimedOut,
    /// Ctrl-C.
    Interrupted,
}

/// A watch of one Rollback.
pub struct Follow {
    stream: Pin<Box<dyn Stream<Item = Result<Option<Rollback>, watcher::Error>> + Send>>,
    session: Session,
    interrupt: Pin<Box<dyn Future<Output = ()> + Send>>,
    deadline: Option<Timestamp>,
    doing: String,
    told: bool,
    /// When a person is told that nobody looks at the object; none once somebody did.
    patience: Option<Timestamp>,
}

/// How long an operator may take to look at a new object before that is worth a word.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

impl Follow {
    /// Begins to watch. A limit of zero is none.
    pub fn new(session: &Session, name: &str, limit: Duration) -> Self {
        let deadline = SignedDuration::try_from(limit).ok().filter(|limit| !limit.is_zero());
        let deadline = deadline.and_then(|limit| session.clock.now().checked_add(limit).ok());
        Self {
            stream: Box::pin(watch_object(session.rollbacks(), name).default_backoff()),
            session: session.clone(),
            // One listener for all the time: a Ctrl-C between two events is not lost.
            interrupt: Box::pin(interrupted()),
            deadline,
            doing: format!("watch rollback {name} in namespace {}", session.namespace),
            told: false,
            patience: session.clock.now().checked_add(PATIENCE).ok(),
        }
    }

    /// Waits for what happens next. Lost connections are made anew until the limit is over.
    pub async fn next(&mut self) -> Result<Event, CliError> {
        let clock = self.session.clock;
        let mut over = std::pin::pin!(sleep_until(clock, self.deadline));
        loop {
            let bored = std::pin::pin!(sleep_until(clock, self.patience));
            let item = tokio::select! {
                () = &mut self.interrupt => return Ok(Event::Interrupted),
                () = &mut over => return Ok(Event::TimedOut),
                () = bored => {
                    self.patience = None;
                    return Ok(Event::Notice(format!(
                        "Nobody has looked at it yet; is the operator running, and does the \
                         instance allow the namespace {}?",
                        self.session.namespace
                    )));
                }
                item = self.stream.next() => item,
            };
            match item {
                Some(Ok(Some(rollback))) => {
                    self.told = false;
                    if rollback.status.as_ref().is_some_and(|s| s.observed_generation >= 0) {
                        self.patience = None;
                    }
                    return Ok(Event::Seen(Box::new(rollback)));
                }
                Some(Ok(None)) => return Ok(Event::Gone),
                Some(Err(error)) => {
                    if let Some(error) = CliError::watch(&self.doing, &error) {
                        return Err(error);
                    }
                    if !self.told {
                        self.told = true;
                        let text = "The API server does not answer; trying again until it does.";
                        return Ok(Event::Notice(text.to_owned()));
                    }
                }
                None => {
                    let message = format!("cannot {}: the watch ended; try again", self.doing);
                    return Err(CliError::failed(message));
                }
            }
        }
    }
}

async fn sleep_until(clock: Clock, deadline: Option<Timestamp>) {
    match deadline {
        Some(deadline) => clock.sleep_until(deadline).await,
        None => future::pending().await,
    }
}

/// Waits for Ctrl-C; for ever where it cannot be waited for.
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        future::pending::<()>().await;
    }
}
