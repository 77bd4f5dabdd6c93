//! Serves the Identity Center simulator over HTTP.

use std::process::ExitCode;

use clap::Parser;
use rollback_operator::sim::cli::{Args, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("idc-sim: {error}");
            ExitCode::FAILURE
        }
    }
}
