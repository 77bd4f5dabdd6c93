//! `import awsideman`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::tz::TimeZone;

use super::target::Target;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::screen::Screen;
use crate::cli::session::Connection;
use crate::cli::times;
use crate::record::awsideman::{self, DirectoryError};

/// Import the operations that awsideman recorded
///
/// Reads operations.json and profiles/<profile>/operations.json, also those that were set aside
/// (operations_<time>.json) or compressed (.gz), whole or damaged. Every operation gets the same
/// name every time, so importing again changes nothing. An operation that cannot be trusted is
/// refused with its reason, and the rest is imported (exit code 3).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Import everything; instances are found by their ARN
  kubectl rollback import awsideman ~/.awsideman/operations

  # Only one profile, only for one instance; see the objects first
  kubectl rollback import awsideman ~/.awsideman/operations --profile prod --instance main --dry-run

  # The store of one person, who is named as the actor of what is in it
  kubectl rollback import awsideman ~alice/.awsideman/operations --actor alice

  # Without a cluster: write the objects to a file for Git
  kubectl rollback import awsideman DIR --dry-run --instance main \\
    --instance-arn arn:aws:sso:::instance/ssoins-0123456789abcdef > records.yaml")]
pub struct Awsideman {
    /// Directory of awsideman's store, or one of its files
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Read only this profile's store, beside the one that all profiles share; may be repeated
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Who did what a store does not say who did: awsideman keeps no actor, but its store is in
    /// somebody's home directory
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    actor: Option<String>,
    /// Time zone of times that were recorded without one, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = times::parse_time_zone)]
    timezone: Option<TimeZone>,
    #[command(flatten)]
    target: Target,
}

pub async fn run(
    source: Awsideman,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let files =
        awsideman::read_directory(&source.directory, &source.profiles).map_err(|error| {
            let exit = match &error {
                DirectoryError::NoStore { .. } | DirectoryError::NoProfile { .. } => Exit::NotFound,
                DirectoryError::Read(_) => Exit::Failed,
            };
            CliError::new(exit, error.to_string())
        })?;
    let Awsideman { timezone, actor, target, .. } = source;
    let read = |instances: &_| {
        let mut report = awsideman::read(&files, instances, timezone.as_ref());
        if let Some(actor) = &actor {
            report.name_actor(actor);
        }
        Ok(report)
    };
    target.take(connection, screen, read).await
}
