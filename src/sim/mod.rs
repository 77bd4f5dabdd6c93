//! A simulator of IAM Identity Center that is faithful where a caller can be wrong.
//!
//! It exists because no public fake shows what makes this service hard: changes that end long
//! after their call, quotas with errors of their own, one update at a time in an account, lists
//! that lag behind, failures that come only with the status. It judges callers, so it shares no
//! code with them but the identifiers of [`crate::model`].
//!
//! [`World`] is the state machine: requests and time are parameters, chance is seeded, and what
//! happens by itself happens in [`World::advance`]. [`http`] puts it behind `POST /` in the JSON
//! protocol of AWS, with what tests and people need under `/_sim/`. `docs/simulator.md` says what
//! it does where AWS is silent.

mod advance;
mod agenda;
mod assignments;
pub mod cli;
mod counters;
mod directory;
mod error;
mod failures;
mod faults;
mod foreign;
mod hex;
pub mod http;
mod input;
mod instance;
mod lagged;
mod limits;
mod log;
mod operation;
mod ops;
mod organization;
mod page;
mod permission_set;
mod random;
mod reading;
mod requests;
mod scope;
mod seed;
mod settings;
mod sts;
#[cfg(test)]
mod tests;
mod time;
mod trail;
mod truth;
mod world;

pub use counters::{Calls, Counters, Throttles};
pub use directory::{ExternalId, UserStatus};
pub use failures::FailureKind;
pub use faults::{Action, Failure, Fault, FaultScript, InjectedError, Matcher};
pub use foreign::{ChangeError, ForeignChange};
pub use log::LogEntry;
pub use organization::AccountStatus;
pub use permission_set::{Boundary, PolicyReference};
pub use seed::{
    AccountSeed, Assigned, AssignmentSeed, CallerSeed, Generate, GroupSeed, InstanceSeed,
    OrganizationSeed, PermissionSetSeed, ProvisionedSeed, RoleSeed, Seed, SeedError, UserSeed,
    View,
};
pub use settings::{ConflictScope, Latencies, Latency, Limits, MissingPrincipal, Paging, Settings};
pub use time::Span;
pub use world::{Request, Response, World};
