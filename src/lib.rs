//! Undoes recorded access changes in AWS IAM Identity Center.
//!
//! The layers, from pure to wired, and what each may use are in `docs/architecture.md`;
//! `tests/architecture.rs` holds them.

pub mod api;
#[cfg(feature = "operator")]
pub mod aws;
#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "operator")]
pub mod cluster;
#[cfg(feature = "operator")]
pub mod controller;
pub mod engine;
pub mod model;
pub mod plan;
pub mod quota;
pub mod record;
#[cfg(feature = "kubernetes-client")]
pub mod runtime;
#[cfg(feature = "sim")]
pub mod sim;
