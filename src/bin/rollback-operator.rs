//! The operator.

use std::process::ExitCode;

use clap::Parser;
use rollback_operator::controller;
use rollback_operator::runtime::config::OperatorFlags;
use rollback_operator::runtime::logs;

/// Undoes recorded access changes in AWS IAM Identity Center.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    flags: OperatorFlags,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { flags } = Arguments::parse();
    if let Err(error) = logs::init(flags.log_format, &flags.log_level) {
        eprintln!("rollback-operator: {error}");
        return ExitCode::from(2);
    }
    match Box::pin(controller::run(flags)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the operator ends");
            ExitCode::FAILURE
        }
    }
}
