//! Why an event is not taken.

use crate::model::{InstanceArn, InvalidId};
use crate::record::instances::WrongInstance;

/// Why an event is not taken, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no event.
    #[error("{0}")]
    Shape(String),
    /// Its id cannot be used.
    #[error("it has no eventID of up to 200 letters, digits, dots, dashes and underscores")]
    EventId,
    /// Its time cannot be read.
    #[error("eventTime {0:?} is not a time such as 2026-11-23T20:50:39Z")]
    NotATime(String),
    /// What was asked cannot be read.
    #[error("requestParameters: {0}")]
    Parameters(String),
    /// An identifier does not fit AWS's pattern.
    #[error("{field}: {source}")]
    Id {
        /// The member's name.
        field: &'static str,
        /// What does not fit.
        source: InvalidId,
    },
    /// A member has another value than there are.
    #[error("{field} {found:?} is not {expected}")]
    Value {
        /// The member's name.
        field: &'static str,
        /// What it says, cut to 100 characters.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// The permission set belongs to another instance than the one that was asked.
    #[error("it was asked of {asked}, but its permission set belongs to {of_set}")]
    TwoInstances {
        /// The instance that was asked.
        asked: InstanceArn,
        /// The instance of the permission set.
        of_set: InstanceArn,
    },
    /// It belongs to an instance that it may not belong to.
    #[error(transparent)]
    WrongInstance(#[from] WrongInstance),
    /// Two events with one id contradict each other.
    #[error("another event has its id and says something else (at {0}); remove the wrong one")]
    Contradiction(String),
}
