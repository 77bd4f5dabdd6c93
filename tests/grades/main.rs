//! What a plan's grade promises, held against the world: an operation is done in the simulator, undone
//! as planned, and what was there before is compared with what is there then.

#![cfg(all(feature = "operator", feature = "sim"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod scenarios;
mod stage;
