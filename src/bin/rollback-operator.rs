//! The operator.

use std::process::ExitCode;

use clap::Parser;
use rollback_operator::controller;
use rollback_operator::controller::check::{self, Check};
use rollback_operator::runtime::config::OperatorFlags;
use rollback_operator::runtime::logs;

/// Undoes recorded access changes in AWS IAM Identity Center.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    flags: OperatorFlags,
    #[command(subcommand)]
    check: Option<Check>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { flags, check } = Arguments::parse();
    if let Err(error) = logs::init(flags.log_format, &flags.log_level) {
        eprintln!("rollback-operator: {error}");
        return ExitCode::from(2);
    }
    if let Some(what) = check {
        return ask(what, &flags).await;
    }
    match Box::pin(controller::run(flags)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the operator ends");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer to a question")]
async fn ask(what: Check, flags: &OperatorFlags) -> ExitCode {
    match check::check(what, flags).await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("rollback-operator: {error}");
            ExitCode::FAILURE
        }
    }
}
