//! `operations`: finds what was changed, by whom, when and where.

pub mod filter;
mod list;
mod pick;
mod rows;

use clap::Args;
use jiff::Timestamp;
use kube::{Api, ResourceExt as _};

use self::filter::Filter;
pub use self::list::{list, list_as};
pub use self::pick::pick;
use self::rows::{HEADERS, WIDE_HEADERS, YIELDS, row};
use super::criteria::Criteria;
use super::error::CliError;
use super::exit::Exit;
use super::output::{Output, documents};
use super::screen::{Paint, Screen, Tone};
use super::session::{Connection, Session};
use super::table::{Cell, csv, table};
use crate::api::{GROUP, OperationRecord};

/// List recorded operations, newest first
#[derive(Debug, Args)]
#[command(
    visible_alias = "ops",
    after_help = "\
Examples:
  # What was changed in the last two hours
  kubectl rollback operations --from 2h

  # What John was given in one account and still has not lost
  kubectl rollback operations --principal john --account 061836611202 --type assign --open

  # Everything that one person did today; apply takes the same criteria and undoes it
  kubectl rollback operations --actor alice --from 1d"
)]
pub(super) struct Operations {
    #[command(flatten)]
    criteria: Criteria,
    /// Only operations that this tool recorded, such as awsideman
    #[arg(long, value_name = "TOOL")]
    source: Option<String>,
    /// Only operations that are rolled back
    #[arg(long, conflicts_with = "open")]
    rolled_back: bool,
    /// Only operations that are not, or not wholly, rolled back
    #[arg(long)]
    open: bool,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv", "name"]))]
    output: Output,
}

pub(super) async fn run(
    verb: &Operations,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let api = if connection.all_namespaces {
        Api::all(session.client.clone())
    } else {
        session.records()
    };
    let filter = Filter {
        source: verb.source.clone(),
        rolled_back: match (verb.rolled_back, verb.open) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        ..verb.criteria.filter(session.clock.now())
    };
    let limit = verb.criteria.last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
    let with_namespace = connection.all_namespaces;
    let (now, paint) = (session.clock.now(), screen.out);
    let (count, text) = match verb.output {
        Output::Json | Output::Yaml => {
            let found = list(&session, &api, &verb.criteria, &filter, limit).await?;
            (found.len(), documents(&found, verb.output)?)
        }
        Output::Name => {
            let name = |record: OperationRecord| reference(&record.name_any()) + "\n";
            let found = list_as(&session, &api, &verb.criteria, &filter, limit, name).await?;
            (found.len(), found.concat())
        }
        form @ (Output::Table | Output::Wide | Output::Csv) => {
            let row = |record: OperationRecord| shown(&record, form, with_namespace, now);
            let found = list_as(&session, &api, &verb.criteria, &filter, limit, row).await?;
            (found.len(), laid_out(found, form, with_namespace, paint))
        }
    };
    if count == 0 {
        let place = if connection.all_namespaces {
            "any namespace".to_owned()
        } else {
            format!("namespace {}", session.namespace)
        };
        screen.note(&format!("No operations found in {place} that fit."));
        if matches!(verb.output, Output::Table | Output::Wide) {
            return Ok(Exit::Done);
        }
    }
    screen.print_in(verb.output, &text)?;
    Ok(Exit::Done)
}

/// A record as a row: in a table with how long ago it was, in CSV with when.
fn shown(
    record: &OperationRecord,
    form: Output,
    with_namespace: bool,
    now: Timestamp,
) -> Vec<Cell> {
    row(record, with_namespace, form != Output::Table, (form != Output::Csv).then_some(now))
}

/// Rows as a table or, for programs, as CSV.
fn laid_out(rows: Vec<Vec<Cell>>, form: Output, with_namespace: bool, paint: Paint) -> String {
    let mut headers = Vec::new();
    if with_namespace {
        headers.push("NAMESPACE");
    }
    headers.extend(HEADERS);
    if form != Output::Table {
        headers.extend(WIDE_HEADERS);
    }
    match form {
        Output::Csv => csv(&headers, &rows),
        Output::Wide => table(&headers, YIELDS, rows, paint.whole()),
        _ => table(&headers, YIELDS, rows, paint),
    }
}

/// Records as a table.
#[cfg(test)]
pub(super) fn render(records: &[OperationRecord], now: Timestamp, paint: Paint) -> String {
    let rows = records.iter().map(|record| shown(record, Output::Table, false, now)).collect();
    laid_out(rows, Output::Table, false, paint)
}

/// A record as kubectl names it.
pub(super) fn reference(name: &str) -> String {
    format!("operationrecord.{GROUP}/{name}")
}

/// The name of a record, also when it was given as `operationrecord.identitycenter.dev/name`.
pub(super) fn plain_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

/// Tone of a state that is as it should be, or not yet.
const fn rolled_back_tone(rolled_back: bool) -> Tone {
    if rolled_back { Tone::Faint } else { Tone::Plain }
}
