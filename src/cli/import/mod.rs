//! `import`: turns what other tools recorded into `OperationRecord`s.

mod awsideman;
mod cloudtrail;
mod create;
mod json;
mod summary;
mod target;

use clap::{Args, Subcommand};

use super::error::CliError;
use super::exit::Exit;
use super::screen::Screen;
use super::session::Connection;

/// Import recorded operations from other tools
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # See what would be imported, without writing anything
  kubectl rollback import awsideman ~/.awsideman/operations --dry-run

  # Import into the namespace access
  kubectl rollback import awsideman ~/.awsideman/operations -n access

  # Take what CloudTrail says about assignments
  kubectl rollback import cloudtrail events/ -n access

  # Take what export printed, or any tool that writes the same
  kubectl rollback import json operations.jsonl -n access")]
pub struct Import {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    Awsideman(awsideman::Awsideman),
    Cloudtrail(cloudtrail::Cloudtrail),
    Json(json::Json),
}

pub(super) async fn run(
    verb: Import,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    match verb.source {
        Source::Awsideman(source) => awsideman::run(source, connection, screen).await,
        Source::Cloudtrail(source) => cloudtrail::run(source, connection, screen).await,
        Source::Json(source) => json::run(source, connection, screen).await,
    }
}
