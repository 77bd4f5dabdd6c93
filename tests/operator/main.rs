//! The operator's own binary against a real API server and the simulator, under the service account
//! and the roles of the chart.
//!
//! One control plane and one operator serve the tests; each test has its namespace, its instance
//! and its simulator. Tests that kill the operator or change the kinds have a cluster of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use support::{cluster, place, seed};

mod access;
mod approval;
mod bad_input;
mod crash;
mod deleted;
mod denied;
mod drift;
mod faults;
mod given;
mod given_up;
mod guarded;
mod halted;
mod held;
mod history;
mod incident;
mod kubectl;
mod malformed;
mod orphaned;
mod partial;
mod planned;
mod plans;
mod ready;
mod recreated;
mod refused_ledger;
mod restart;
mod selection;
mod separate;
mod trail;
