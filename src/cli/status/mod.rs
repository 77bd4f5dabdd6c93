//! `status`: how Rollbacks stand.

mod list;
pub(super) mod view;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use kube::Api;

pub(super) use self::list::{list as every, rows};
use super::completion::names;
use super::error::CliError;
use super::exit::Exit;
use super::output::{Output, document, documents};
use super::screen::{Paint, Screen};
use super::session::{Connection, Session};
use super::watch::{Watched, is_current, reference, until};
use super::{reference as given, times};
use crate::api::{Phase, Rollback};

/// Show how a Rollback stands, or list all of them
///
/// Without --watch the exit code only says whether it could be shown. With --watch it is the
/// Rollback's own: 0 done, 1 failed, 3 partly done, 4 awaiting approval.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Every Rollback of the namespace, or of all, the newest first
  kubectl rollback status
  kubectl rollback status -A -o wide

  # How far one is, what failed and what to do next
  kubectl rollback status undo-contractors

  # Follow it until it ends or waits for an approval
  kubectl rollback status undo-contractors --watch --timeout 30m")]
pub struct Status {
    /// Name of the Rollback; without it all are listed
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = given::rollback)]
    name: Option<String>,
    /// Follow it until it ends or waits for an approval
    #[arg(short, long, requires = "name")]
    watch: bool,
    /// Stop watching after so long. 0s: never
    #[arg(long, value_name = "TIME", default_value = "1h", requires = "watch", value_parser = times::parse_duration)]
    timeout: Duration,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv", "name"]))]
    output: Output,
}

pub(super) async fn run(
    verb: &Status,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let Some(name) = &verb.name else {
        return show_all(verb, connection, &session, screen).await;
    };
    if connection.all_namespaces {
        return Err(CliError::usage("-A lists; to show one Rollback name its namespace with -n"));
    }
    // Reading first tells apart what is not there from what is deleted while it is watched.
    let rollback = session.rollback(name).await?;
    let print = |rollback: &Rollback| {
        let text = render(rollback, verb.output, session.clock.now(), screen.out)?;
        screen.print_in(verb.output, &text)
    };
    if !verb.watch {
        print(&rollback)?;
        return Ok(Exit::Done);
    }
    match until(&session, name, verb.timeout, screen, is_at_rest).await? {
        Watched::There(rollback) => {
            print(&rollback)?;
            Ok(Exit::of(&rollback))
        }
        Watched::TimedOut => {
            screen.note("Stopped watching; the Rollback goes on.");
            Ok(Exit::TimedOut)
        }
        Watched::Interrupted => Ok(Exit::Interrupted),
    }
}

async fn show_all(
    verb: &Status,
    connection: &Connection,
    session: &Session,
    screen: Screen,
) -> Result<Exit, CliError> {
    let all = connection.all_namespaces;
    let api = if all { Api::all(session.client.clone()) } else { session.rollbacks() };
    let found = every(session, &api).await?;
    if found.is_empty() {
        let namespace = format!("namespace {}", session.namespace);
        let place = if all { "any namespace" } else { namespace.as_str() };
        screen.note(&format!("No Rollbacks found in {place}."));
    }
    let text = match verb.output {
        Output::Json | Output::Yaml => documents(&found, verb.output)?,
        Output::Csv => list::comma_separated(&found),
        Output::Name => found.iter().map(|it| reference(it) + "\n").collect(),
        Output::Table | Output::Wide if found.is_empty() => return Ok(Exit::Done),
        form => rows(&found, all, form == Output::Wide, session.clock.now(), screen.out),
    };
    screen.print_in(verb.output, &text)?;
    Ok(Exit::Done)
}

/// One Rollback in a form.
pub(super) fn render(
    rollback: &Rollback,
    output: Output,
    now: Timestamp,
    paint: Paint,
) -> Result<String, CliError> {
    match output {
        Output::Json | Output::Yaml => {
            let mut rollback = rollback.clone();
            rollback.metadata.managed_fields = None;
            document(&rollback, output)
        }
        Output::Csv => Ok(list::comma_separated(std::slice::from_ref(rollback))),
        Output::Name => Ok(reference(rollback) + "\n"),
        Output::Table | Output::Wide => Ok(view::render(rollback, now, paint)),
    }
}

/// Whether nothing happens any more without a person.
fn is_at_rest(rollback: &Rollback) -> bool {
    let Some(status) = &rollback.status else { return false };
    is_current(rollback)
        && (status.phase.is_terminal()
            || matches!(status.phase, Phase::Planned | Phase::AwaitingApproval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    #[test]
    fn watching_ends_when_a_person_is_needed() {
        for (phase, rest) in [
            (Phase::Pending, false),
            (Phase::Executing, false),
            (Phase::AwaitingApproval, true),
            (Phase::Planned, true),
            (Phase::Cancelled, true),
        ] {
            assert_eq!(is_at_rest(&fixtures::rollback(phase)), rest, "{phase}");
        }
    }

    #[test]
    fn one_rollback_comes_in_every_form() {
        let one = fixtures::rollback(Phase::Executing);
        let shown = |form| render(&one, form, Timestamp::UNIX_EPOCH, Paint::PLAIN).unwrap();
        assert_eq!(shown(Output::Name), "rollback.identitycenter.dev/undo\n");
        assert_eq!(shown(Output::Csv).lines().count(), 2);
        let json: serde_json::Value = serde_json::from_str(&shown(Output::Json)).unwrap();
        assert_eq!(json["metadata"]["name"], "undo");
        assert!(shown(Output::Yaml).starts_with("apiVersion: "));
        assert!(shown(Output::Wide).starts_with("rollback undo "));
    }
}
