//! Network simulation: the operator's real code and real HTTP over a simulated network, which is
//! cut, delays, holds back, and whose servers stop answering. `docs/testing.md` says how to read it.
//!
//! ```text
//! network                  plays all tests
//! network replay JOB       plays one run and shows its trace, such as `replay seed 17`
//! network show JOB         as replay, in this process
//! network work JOB         plays one run and says what came of it, for the tests
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod draw;
mod jobs;
mod manner;
mod operator;
mod run;
mod server;
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    dead_code,
    unused_imports,
    reason = "what holds for the simulation without a network, which uses another part of this"
)]
mod simulation;
mod suite;
mod weather;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    suite::SUITE.run(&arguments)
}
