//! Measures the operator on real components.

use std::process::ExitCode;

use clap::Parser;
use rollback_operator::bench;

#[tokio::main]
async fn main() -> ExitCode {
    match bench::run(bench::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollback-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
