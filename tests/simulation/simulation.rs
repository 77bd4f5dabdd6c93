//! Deterministic simulation: the operator's real code on paused time, behind kube's and the SDK's
//! real clients, against an API server and an AWS in memory. `docs/testing.md` says how to read it.
//!
//! ```text
//! simulation                  plays all tests
//! simulation replay JOB       plays one run and shows its trace, such as `replay seed 17`
//! simulation measure          prints the table of docs/performance.md
//! simulation share            prints what comes of several at one quota
//! simulation show JOB         as replay, in this process
//! simulation work JOB         plays one run and says what came of it, for the tests
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers of measurements, far below the limits of their types"
)]

mod advice;
mod aws;
mod behind;
mod cluster;
mod ending;
mod jobs;
mod judge;
mod life;
mod measure;
mod objects;
mod pace;
mod people;
mod place;
mod play;
mod process;
mod program;
mod readings;
mod recovery;
mod scenario;
mod schedule;
mod sharing;
mod suite;
mod table;
mod trace;

use std::process::ExitCode;

/// A run is made of small objects: with the system's allocator a fifth of its time goes there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((word, numbers)) if word == "measure" => {
            table::print(numbers);
            if numbers.is_empty() {
                println!();
                sharing::print();
            }
            ExitCode::SUCCESS
        }
        Some((word, [])) if word == "share" => {
            sharing::print();
            ExitCode::SUCCESS
        }
        _ => suite::SUITE.run(&arguments),
    }
}
