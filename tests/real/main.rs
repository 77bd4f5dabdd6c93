//! The operator's own binary, ended, stopped and cut off at every place, against a real etcd and a
//! real API server, and the simulator over HTTP. `docs/testing.md` says what each test shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use support::{cluster, place, seed};

mod api;
mod fencing;
mod kill;
mod lane;
mod outage;
mod story;
mod turn;
