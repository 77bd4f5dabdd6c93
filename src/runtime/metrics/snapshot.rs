//! What is not counted as it happens but looked at when somebody asks.

use std::collections::BTreeMap;
use std::time::Duration;

/// What the governors of all instances allow and hold, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GovernorTotals {
    /// Requests a second that may be sent now.
    pub allowed_requests_per_second: f64,
    /// Asynchronous requests that may be at work at once.
    pub slots: i64,
    /// Asynchronous requests at work.
    pub in_flight: i64,
    /// Requests that wait for their turn.
    pub queued: i64,
}

/// The Rollbacks in one phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InPhase {
    /// How many.
    pub count: usize,
    /// How long the one that has been in it for longest has been; zero where none waits for the
    /// operator or for an approval.
    pub oldest: Duration,
}

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The Rollbacks, by phase: each phase is there, so that none keeps an old number.
    pub phases: BTreeMap<&'static str, InPhase>,
    /// How long no action of a Rollback has ended that executes or verifies, of the one for which
    /// that is longest; zero where there is none.
    pub stalled: Duration,
    /// Instances that are ready.
    pub instances_ready: usize,
    /// Instances that are not.
    pub instances_not_ready: usize,
    /// What the governors of all instances allow and hold now.
    pub governors: GovernorTotals,
}
