//! `report`: evidence of an undo, in one file.

mod chart;
mod facts;
mod html;
mod keys;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use self::facts::{KeyFacts, Report};
use super::completion::names;
use super::error::CliError;
use super::exit::Exit;
use super::output::{Output, document};
use super::screen::{Screen, Tone, print_raw};
use super::session::{Connection, Session};
use super::table::{self, Cell};
use super::{reference, shards};

/// Write down what a Rollback was asked, planned and did, as one file
///
/// A page for people (-o html) that needs no network: who asked and approved, the plan, what became
/// of each key with AWS's request id and times, charts of the work over time, what remains and why.
/// -o json is the same for programs, described by docs/schemas/report.json; -o csv has one line for
/// each key, and what a spreadsheet would take for a formula begins with '.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # A page, as undo-contractors.html in the working directory
  kubectl rollback report undo-contractors

  # What is not done, for a script
  kubectl rollback report undo-contractors -o json | jq '.keys[] | select(.outcome != \"Done\")'

  # A table for a spreadsheet
  kubectl rollback report undo-contractors -o csv --file evidence.csv")]
pub struct Write {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Form::Html)]
    output: Form,
    /// File to write; - is standard output. Without it a page goes to ROLLBACK.html, the rest to
    /// standard output
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A page for people
    Html,
    /// For programs
    Json,
    /// One line for each key
    Csv,
}

pub(super) async fn run(
    verb: &Write,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let rollback = session.rollback(&verb.name).await?;
    let has_plan = rollback.status.as_ref().is_some_and(|status| status.plan.is_some());
    let parts = if has_plan { shards::parts(&session, &rollback).await? } else { Vec::new() };
    let report = Report::new(&rollback, &parts, session.clock.now());
    let text = match verb.output {
        Form::Html => html::page(&report),
        Form::Csv => comma_separated(&report),
        Form::Json => document(&report, Output::Json)?,
    };
    let file = verb.file.clone().or_else(|| {
        (verb.output == Form::Html).then(|| PathBuf::from(format!("{}.html", verb.name)))
    });
    match file.filter(|file| file != Path::new("-")) {
        None => print_raw(&text)?,
        Some(file) => {
            std::fs::write(&file, text).map_err(|error| {
                CliError::failed(format!(
                    "cannot write {}: {error}; name another file with --file",
                    file.display()
                ))
            })?;
            screen.note(&format!("Written to {}.", file.display()));
        }
    }
    Ok(Exit::Done)
}

fn comma_separated(report: &Report) -> String {
    let headers = [
        "index",
        "outcome",
        "action",
        "principalType",
        "principalId",
        "principalName",
        "permissionSet",
        "permissionSetName",
        "account",
        "accountName",
        "grade",
        "requestId",
        "attempts",
        "requestedAt",
        "endedAt",
        "verifiedAt",
        "why",
    ];
    let rows: Vec<Vec<Cell>> = report.keys.iter().map(cells).collect();
    table::csv(&headers, &rows)
}

fn cells(key: &KeyFacts) -> Vec<Cell> {
    let item = &key.item;
    let principal = item.principal.as_ref();
    let time = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let name = |name: Option<&String>| name.cloned().unwrap_or_default();
    [
        key.index.to_string(),
        key.outcome.words().to_owned(),
        keys::verb(item.action).to_owned(),
        principal.map(|it| it.kind.as_str().to_owned()).unwrap_or_default(),
        principal.map(|it| it.id.to_string()).unwrap_or_default(),
        name(principal.and_then(|it| it.name.as_ref())),
        item.permission_set.to_string(),
        name(item.permission_set_name.as_ref()),
        item.account.as_ref().map(ToString::to_string).unwrap_or_default(),
        name(item.account_name.as_ref()),
        item.grade.as_str().to_owned(),
        name(key.request_id.as_ref()),
        key.attempts.to_string(),
        time(key.requested_at),
        time(key.ended_at),
        time(key.verified_at),
        name(key.why.as_ref()),
    ]
    .into_iter()
    .map(|text| Cell::new(Tone::Plain, text))
    .collect()
}
