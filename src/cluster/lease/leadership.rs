//! What the rest of the process sees of an election.

use std::time::Duration;

use tokio::sync::watch;

use crate::runtime::readiness::Handle;
use crate::runtime::{Clock, Metrics, Moment, Permit};

/// What an election has come to.
#[derive(Debug, Clone)]
pub enum Leadership {
    /// Another one leads, or nobody could be asked yet.
    Standby {
        /// Who holds the lease, as far as is known.
        holder: Option<String>,
    },
    /// This process leads.
    Leading(Term),
    /// It led and does not any more; nothing may be changed and the process should end.
    Lost(Loss),
    /// It was asked to stop; the lease, if held, was given back.
    Stopped,
}

/// One stretch of leadership.
#[derive(Debug, Clone)]
pub struct Term {
    /// Who held the lease before and let it run out; none when it was new or given back.
    pub predecessor: Option<Predecessor>,
    /// How often the lease has changed hands.
    pub transitions: i32,
}

/// A holder that did not give the lease back, and so may still be at work.
#[derive(Debug, Clone)]
pub struct Predecessor {
    /// Its identity.
    pub holder: String,
    /// When this process saw its last renewal.
    pub observed_renewal: Moment,
    /// How long it may hold that renewal for valid.
    pub lease_duration: Duration,
}

/// Why leadership ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// No renewal succeeded in time.
    #[error(
        "the lease could not be renewed within {0:?}; see that the Kubernetes API is reachable"
    )]
    NotRenewed(Duration),
    /// Another one has the lease.
    #[error("the lease was taken by {0}")]
    TakenBy(String),
    /// Somebody deleted or emptied the lease.
    #[error("the lease was deleted or emptied while it was held; leave it to the operator")]
    Removed,
}

/// How an election ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop.
    Stopped,
    /// Leadership was lost.
    Lost(Loss),
}

/// What the rest of the process sees of the election. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leader {
    /// To be asked right before anything outside is changed.
    pub permit: Permit,
    /// Where the election stands.
    pub leadership: watch::Receiver<Leadership>,
}

impl Leader {
    /// For a single operator without an election: always leads, after nobody.
    #[must_use]
    pub fn unopposed(metrics: &Metrics) -> Self {
        metrics.set_leader(true);
        let term = Term { predecessor: None, transitions: 0 };
        let (_, leadership) = watch::channel(Leadership::Leading(term));
        Self { permit: Permit::always(), leadership }
    }

    /// Releases the handle once it is known who holds the lease.
    pub async fn seen(mut self, handle: Handle) {
        let known = |now: &Leadership| !matches!(now, Leadership::Standby { holder: None });
        if self.leadership.wait_for(known).await.is_ok() {
            handle.release();
        }
    }

    /// Waits until this process leads; `None` when it never will, because the election ended.
    pub async fn leading(&mut self) -> Option<Term> {
        let decided = |now: &Leadership| !matches!(now, Leadership::Standby { .. });
        match &*self.leadership.wait_for(decided).await.ok()? {
            Leadership::Leading(term) => Some(term.clone()),
            _ => None,
        }
    }
}

impl Term {
    /// Waits until a predecessor that did not give the lease back can have nothing in flight any
    /// more: its lease, and one request sent in the last moment, counted from the last renewal that
    /// was seen. `request_timeout` is in real time.
    pub async fn predecessor_is_done(&self, request_timeout: Duration) {
        if let Some(predecessor) = &self.predecessor {
            let span = predecessor.lease_duration + request_timeout;
            Clock::real().sleep(predecessor.observed_renewal.left_of(span)).await;
        }
    }
}
