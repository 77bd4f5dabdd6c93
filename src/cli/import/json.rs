//! `import json`.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;

use super::target::Target;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::screen::Screen;
use crate::cli::session::Connection;
use crate::cli::times;
use crate::record::files::{own_name, read_file};
use crate::record::neutral::Operations;

/// Import operations that any tool wrote as JSON
///
/// The form is what `export` prints: what spec of an `OperationRecord` says, as a list, as an object
/// with the list `operations`, or one a line; compressed (.gz) or not. docs/import.md describes it.
/// An operation that cannot be trusted is refused with its reason, and the rest is imported (exit
/// code 3).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # What another cluster holds
  kubectl rollback export --context old -n access > operations.jsonl
  kubectl rollback import json operations.jsonl -n access

  # See what would be imported, without writing anything
  kubectl rollback import json operations.jsonl --dry-run")]
pub struct Json {
    /// Files of operations
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Time zone of times that were written without one, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = times::parse_time_zone)]
    timezone: Option<TimeZone>,
    #[command(flatten)]
    target: Target,
}

pub async fn run(source: Json, connection: &Connection, screen: Screen) -> Result<Exit, CliError> {
    let mut operations = Operations::default();
    for path in &source.files {
        let file =
            read_file(path, own_name(path)).map_err(|error| CliError::failed(error.to_string()))?;
        operations.add(&file, source.timezone.as_ref());
    }
    let read = move |instances: &_| Ok(operations.report(instances));
    source.target.take(connection, screen, read).await
}
