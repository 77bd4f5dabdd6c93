//! `status`: how a Rollback stands.

pub(super) mod view;

use std::time::Duration;

use clap::Args;

use super::error::CliError;
use super::exit::Exit;
use super::follow::{Event, Follow};
use super::output::{Output, document};
use super::progress::Progress;
use super::screen::Screen;
use super::session::{Connection, Session};
use super::times;
use crate::api::{Phase, Rollback};

/// Show how a Rollback stands
///
/// Without --watch the exit code only says whether it could be shown. With --watch it is the
/// Rollback's own: 0 done, 1 failed, 3 partly done, 4 awaiting approval.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # How far it is, what failed and what to do next
  kubectl rollback status undo-contractors

  # Follow it until it ends or waits for an approval
  kubectl rollback status undo-contractors --watch --timeout 30m")]
pub struct Status {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK")]
    name: String,
    /// Follow it until it ends or waits for an approval
    #[arg(short, long)]
    watch: bool,
    /// Stop watching after so long. 0s: never
    #[arg(long, value_name = "TIME", default_value = "1h", requires = "watch", value_parser = times::parse_duration)]
    timeout: Duration,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "json", "yaml"]))]
    output: Output,
}

pub(super) async fn run(
    verb: &Status,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    // Reading first tells apart what is not there from what is deleted while it is watched.
    let rollback = session.rollback(&verb.name).await?;
    if !verb.watch {
        print(verb, rollback, &session, screen)?;
        return Ok(Exit::Done);
    }
    let mut progress = Progress::new(screen);
    let mut follow = Follow::new(&session, &verb.name, verb.timeout);
    loop {
        match follow.next().await? {
            Event::Seen(rollback) if is_at_rest(&rollback) => {
                progress.end();
                let exit = Exit::of(&rollback);
                print(verb, *rollback, &session, screen)?;
                return Ok(exit);
            }
            Event::Seen(rollback) => progress.show(&rollback, session.clock.now(), screen),
            Event::Notice(text) => progress.note(screen, &text),
            Event::Gone => {
                progress.end();
                let message = format!("rollback {} was deleted", verb.name);
                return Err(CliError::new(Exit::NotFound, message));
            }
            Event::TimedOut => {
                progress.end();
                screen.note("Stopped watching; the Rollback goes on.");
                return Ok(Exit::TimedOut);
            }
            Event::Interrupted => {
                progress.end();
                return Ok(Exit::Interrupted);
            }
        }
    }
}

/// Whether nothing happens any more without a person.
fn is_at_rest(rollback: &Rollback) -> bool {
    let Some(status) = &rollback.status else { return false };
    let current = Some(status.observed_generation) >= rollback.metadata.generation;
    current
        && (status.phase.is_terminal()
            || matches!(status.phase, Phase::Planned | Phase::AwaitingApproval))
}

fn print(
    verb: &Status,
    mut rollback: Rollback,
    session: &Session,
    screen: Screen,
) -> Result<(), CliError> {
    rollback.metadata.managed_fields = None;
    let text = match verb.output {
        Output::Json | Output::Yaml => document(&rollback, verb.output)?,
        _ => view::render(&rollback, session.clock.now(), screen.out),
    };
    screen.print(&text)
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
}
