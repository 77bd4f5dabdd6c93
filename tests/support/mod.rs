//! What tests with real processes share: a control plane, the simulator, the operator, and places
//! in which operations are undone.
//!
//! Everything listens on free loopback ports and is ended by its process id: when its value is
//! dropped, or by the guard when the test program ends first.

#![allow(dead_code, unused_imports, reason = "each test program uses the part that it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "real processes are waited for in real time")]

pub mod chart;
pub mod cluster;
mod control_plane;
pub mod docs;
pub mod guard;
mod node;
mod operator;
pub mod place;
pub mod process;
pub mod seed;
mod simulator;
mod wait;

use std::path::Path;

pub use control_plane::{ControlPlane, Finished};
pub use node::Node;
pub use operator::{Operator, OperatorOptions};
pub use simulator::{Simulator, SimulatorOptions};
pub use wait::wait_for;

/// The directory of `Cargo.toml`.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
