//! What people on call look at: metrics, alerts with their runbooks, the dashboard.
//!
//! `documents` holds the files against the operator's registry, `alerts` runs promtool, `dashboard`
//! runs every query of the dashboard in a real Prometheus that scrapes a real operator at work.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use support::{cluster, docs, place, seed};

mod alerts;
mod dashboard;
mod documents;
mod prometheus;
mod queries;
