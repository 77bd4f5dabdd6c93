//! Waiting for a Rollback: by watching it, with a limit, until Ctrl-C.

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _, future};
use jiff::{SignedDuration, Timestamp};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, watch_object};

use super::error::CliError;
use super::screen::{Screen, Tone};
use super::session::Session;
use crate::api::Rollback;

/// What happened next.
#[derive(Debug)]
pub enum Event {
    /// The object is there, new or changed.
    Seen(Box<Rollback>),
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
    screen: Screen,
    deadline: Option<Timestamp>,
    doing: String,
    told: bool,
}

impl Follow {
    /// Begins to watch. A limit of zero is none.
    pub fn new(session: &Session, screen: Screen, name: &str, limit: Duration) -> Self {
        let deadline = SignedDuration::try_from(limit).ok().filter(|limit| !limit.is_zero());
        let deadline = deadline.and_then(|limit| session.clock.now().checked_add(limit).ok());
        Self {
            stream: Box::pin(watch_object(session.rollbacks(), name).default_backoff()),
            session: session.clone(),
            screen,
            deadline,
            doing: format!("watch rollback {name} in namespace {}", session.namespace),
            told: false,
        }
    }

    /// Waits for what happens next. Lost connections are made anew until the limit is over.
    pub async fn next(&mut self) -> Result<Event, CliError> {
        let clock = self.session.clock;
        let deadline = self.deadline;
        let over = async {
            match deadline {
                Some(deadline) => clock.sleep_until(deadline).await,
                None => future::pending().await,
            }
        };
        let mut over = std::pin::pin!(over);
        loop {
            let item = tokio::select! {
                () = interrupted() => return Ok(Event::Interrupted),
                () = &mut over => return Ok(Event::TimedOut),
                item = self.stream.next() => item,
            };
            match item {
                Some(Ok(Some(rollback))) => {
                    self.told = false;
                    return Ok(Event::Seen(Box::new(rollback)));
                }
                Some(Ok(None)) => return Ok(Event::Gone),
                Some(Err(error)) => {
                    if let Some(error) = CliError::watch(&self.doing, &error) {
                        return Err(error);
                    }
                    if !self.told {
                        self.told = true;
                        let text = "the API server does not answer; trying again until it does";
                        self.screen.note_in(Tone::Warning, text);
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

/// Waits for Ctrl-C; for ever where it cannot be waited for.
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        future::pending::<()>().await;
    }
}
