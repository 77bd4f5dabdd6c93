//! The words of the field as types that cannot hold bad values.
//!
//! Shapes follow the AWS service model of `sso-admin` and `identitystore` (API versions
//! 2020-07-20 and 2020-06-15): account ids are twelve digits, ARNs may be of any partition,
//! a principal id is a UUID with an optional ten-digit hexadecimal prefix.

pub mod action;
pub mod class;
pub mod content;
pub mod grade;
pub mod histogram;
pub mod ids;
pub mod key;
pub mod operation;
pub mod rule;
pub mod tally;
pub mod time;
pub mod words;

pub use action::{ActionKind, ActionState, Goal};
pub use class::{BlockedReason, Class, FailureReason, Limit};
pub use content::PermissionSetContent;
pub use grade::Grade;
pub use histogram::Histogram;
pub use ids::{
    AccountId, IdentityStoreId, InstanceArn, InvalidId, PermissionSetArn, PrincipalId, RequestId,
};
pub use key::{AssignmentKey, Key, Principal, PrincipalType};
pub use operation::{Before, Effect, OperationType, Presence};
pub use rule::Rule;
pub use tally::{RequestKind, Tally};
