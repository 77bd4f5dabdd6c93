//! `stats`: how much was recorded, how much was undone, and how well that went.

pub(super) mod sums;
pub(super) mod view;
pub(super) mod window;

use clap::Args;
use kube::Api;

use self::window::Window;
use super::criteria::Criteria;
use super::error::CliError;
use super::exit::Exit;
use super::operations::filter::Filter;
use super::operations::list;
use super::output::{Output, document};
use super::screen::Screen;
use super::session::{Connection, Session};
use super::status;

/// Count operations and undos: success, durations, pace, throttling
///
/// What is counted: an operation is a record that is no undo, on the day on which it occurred. An
/// undo is one attempt of a Rollback that left a ledger record, on the day on which it finished; an
/// attempt that ended before anything could be sent leaves none. Its duration is from its first
/// change to its last read; p50 and p95 are durations that were measured (nearest rank). The pace is
/// keys changed by seconds in which undos ran. A key is open that failed, was blocked, was not sent
/// or is unknown. Requests, throttling and efficiency (the time that AWS's limits require, by the
/// time it took) are kept by Rollbacks and not by records: they are of the latest attempts of those
/// that still exist. Days are days of UTC, today included.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # The last 30 days of one namespace
  kubectl rollback stats -n access

  # This week in all namespaces, as CSV
  kubectl rollback stats -A --days 7 -o csv

  # The success rate, for a script
  kubectl rollback stats -o json | jq .total.successRate")]
pub(super) struct Stats {
    /// How many days, today included
    #[arg(long, value_name = "COUNT", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv"]))]
    output: Output,
}

pub(super) async fn run(
    verb: &Stats,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let (records, rollbacks) = if connection.all_namespaces {
        (Api::all(session.client.clone()), Api::all(session.client.clone()))
    } else {
        (session.records(), session.rollbacks())
    };
    // All of them: the type of what was undone is in the record of it, however old that is.
    let (criteria, filter) = (Criteria::default(), Filter::default());
    let records = list(&session, &records, &criteria, &filter, None).await?;
    let rollbacks = status::every(&session, &rollbacks).await?;
    let window = Window::of(verb.days, session.clock.now());
    let stats = sums::sums(&records, &rollbacks, window);
    let text = match verb.output {
        Output::Json | Output::Yaml => document(&stats, verb.output)?,
        Output::Csv => view::comma_separated(&stats),
        Output::Wide => view::text(&stats, screen.out.whole()),
        _ => view::text(&stats, screen.out),
    };
    screen.print_in(verb.output, &text)?;
    Ok(Exit::Done)
}
