//! The only way to AWS: typed calls, typed errors, and a gate that every request passes.
//!
//! [`Client`] speaks of assignments, requests, permission sets and principals in the words of
//! [`crate::model`]. [`Gate`] sits in the HTTP connector below the SDK, so that what it promises
//! holds for every attempt: the quota, the permit to write, the deadline, one numbered way out.
//! The SDK's own retries are off; whoever calls decides by [`Error::class`] what to do.
//!
//! Shapes and messages: the service model of `sso-admin` (API version 2020-07-20) and what users
//! of the API have met; where AWS says nothing, the safer reading is taken.

mod assignments;
mod call;
mod classify;
mod client;
mod connector;
mod content;
mod directory;
mod error;
mod gate;
mod observer;
mod operation;
mod permission_sets;
mod reply;
mod requests;
mod tallies;
#[cfg(test)]
mod tests;

pub use assignments::{Accepted, Access};
pub use classify::failure_class;
pub use client::{Client, ConnectOptions, Credentials};
pub use directory::{AccountFacts, Caller, InstanceFacts, InstanceStatus, PrincipalFacts};
pub use error::{Error, RefusalAnswer};
pub use gate::{Gate, GateOptions};
pub use observer::{NoObserver, Observer};
pub use operation::Operation;
pub use permission_sets::PermissionSetFacts;
pub use requests::{Direction, RequestOutcome, RequestState, RequestSummary};
pub use tallies::{SharedTally, spawn};

pub use crate::quota::Priority;
