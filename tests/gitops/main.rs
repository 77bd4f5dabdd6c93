//! Rollbacks that come from Git: Flux's own controllers against a real API server, and what kstatus
//! and Argo CD's Lua say about Rollbacks of every phase.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod approval;
mod example;
mod expiry;
mod flux;
mod health;
mod repository;
mod tenant;
mod tools;
mod undo;

use support::{cluster, place, seed};
