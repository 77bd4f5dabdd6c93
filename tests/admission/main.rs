//! What the API server itself lets whom do: the chart's admission policies, rendered by Helm, on a real
//! kube-apiserver, while no operator runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod checked_names;
mod forgery;
mod place;
mod stamped_names;
mod table;
