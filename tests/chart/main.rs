//! The chart: what Helm renders from its values, and what a real API server makes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use support::{cluster, place, seed};

mod checks;
mod custom_ca;
mod declared;
mod documents;
mod examples;
mod lifecycle;
mod names;
mod network;
mod notes;
mod people;
mod proxy;
mod rbac;
mod refusals;
mod render;
mod schema;
mod server;
mod shape;
mod tenants;
mod values;
