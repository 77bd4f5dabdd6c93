//! Why an operation is not taken.

use crate::model::{InstanceArn, InvalidId};
use crate::record::instances::WrongInstance;

/// Why an operation is not taken, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A member is not there.
    #[error("it has no {field}")]
    Missing {
        /// The member's name.
        field: &'static str,
    },
    /// A member has another shape.
    #[error("{field} is not {expected}")]
    Shape {
        /// The member's name.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// An identifier does not fit AWS's pattern.
    #[error("{field}: {source}")]
    Id {
        /// The member's name.
        field: &'static str,
        /// What does not fit.
        source: InvalidId,
    },
    /// The operation's own id cannot be used.
    #[error(
        "operation_id {0:?} is not an id: up to 200 letters, digits, dots, dashes and underscores, \
         the first one a letter or digit"
    )]
    OperationId(String),
    /// The type of operation is none that awsideman is known to write.
    #[error(
        "operation_type {0:?} is unknown; known are assign, revoke, copy_assignments and \
         clone_permission_set"
    )]
    UnknownType(String),
    /// The time has no zone.
    #[error(
        "timestamp {0:?} has no time zone; say with --timezone which zone the recording machine \
         was in"
    )]
    NoTimeZone(String),
    /// The time is none.
    #[error("timestamp {0:?} is not a time such as 2026-11-23T20:50:39.440975+00:00")]
    NotATime(String),
    /// The clocks were changed at that time, so that it was shown twice or never.
    #[error("timestamp {0:?} came twice or never in that time zone, because clocks were changed")]
    AmbiguousTime(String),
    /// An element of `assignments_copied` is not what it should be.
    #[error("assignments_copied: {text:?} is not permission set ARN:account:principal: {reason}")]
    Tuple {
        /// The element, cut to 200 characters.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two members that are written together do not belong together.
    #[error(
        "{field} has {value}, which is not in {other}: two writers mixed two operations here, and \
         nobody can tell what this one did"
    )]
    Mixed {
        /// The member with more in it.
        field: &'static str,
        /// What is in it alone.
        value: String,
        /// The member that should have it too.
        other: &'static str,
    },
    /// Nothing was changed.
    #[error("it changed nothing ({0}), so there is nothing to undo")]
    NothingChanged(String),
    /// Its permission sets belong to different instances.
    #[error("its permission sets belong to two instances: {0} and {1}")]
    TwoInstances(InstanceArn, InstanceArn),
    /// It belongs to an instance that it may not belong to.
    #[error(transparent)]
    WrongInstance(#[from] WrongInstance),
    /// It is larger than a record can be.
    #[error("it has {count} {what}; a record holds at most {limit}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        count: usize,
        /// How much a record holds.
        limit: usize,
    },
    /// Copies of one operation contradict each other.
    #[error(
        "it is recorded more than once with different content (also at {0}); remove the wrong one"
    )]
    Contradiction(String),
}
