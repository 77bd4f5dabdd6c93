//! The policies of `docs/iam` are what the operator needs and no more.
//!
//! `sources` holds them against the calls in `src/aws`, `documents` holds what they must never
//! allow, `enough` and `without` run the operator's own binary against a simulator that denies what
//! a policy does not allow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use support::{cluster, docs, place, seed};

mod documents;
mod enough;
mod policy;
mod sources;
mod story;
mod without;
