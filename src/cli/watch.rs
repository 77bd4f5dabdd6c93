//! `watch`: follows a Rollback, also through the time in which it waits for its approval.

use std::time::Duration;

use clap::Args;
use kube::ResourceExt as _;

use super::approve::hint;
use super::completion::names;
use super::error::CliError;
use super::exit::Exit;
use super::follow::{Event, Follow};
use super::output::Output;
use super::progress::Progress;
use super::screen::{Screen, Tone};
use super::session::{Connection, Session};
use super::{reference as given, shards, status, times};
use crate::api::{Phase, Rollback};

/// Follow a Rollback to its end
///
/// Shows how far it is, what is at work in AWS and what failed, as it comes. A plan that waits for
/// its approval is waited for too: somebody else may approve it. Ctrl-C leaves the Rollback running.
/// The exit code is the Rollback's: 0 done, 1 failed, 3 partly done.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Follow it to its end
  kubectl rollback watch undo-contractors

  # In a script: wait for at most half an hour, and read how it ended
  kubectl rollback watch undo-contractors --timeout 30m -o json > ended.json")]
pub struct Watch {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = given::rollback)]
    name: String,
    /// Stop watching after so long; the Rollback goes on. 0s: never
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = times::parse_duration)]
    timeout: Duration,
    /// Form of the result
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv", "name"]))]
    output: Output,
}

/// How watching ended.
pub(super) enum Watched {
    /// It is where it was watched to.
    There(Box<Rollback>),
    /// The time was over.
    TimedOut,
    /// Ctrl-C.
    Interrupted,
}

pub(super) async fn run(
    verb: &Watch,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    // Reading first tells apart what is not there from what is deleted while it is watched.
    session.rollback(&verb.name).await?;
    match until(&session, &verb.name, verb.timeout, screen, is_over).await? {
        Watched::There(rollback) => {
            let now = session.clock.now();
            screen
                .print_in(verb.output, &status::render(&rollback, verb.output, now, screen.out)?)?;
            Ok(Exit::of(&rollback))
        }
        Watched::TimedOut => {
            screen.note_in(Tone::Warning, "Stopped watching; the Rollback goes on.");
            Ok(Exit::TimedOut)
        }
        Watched::Interrupted => {
            screen.note("");
            screen.note_in(
                Tone::Warning,
                &format!("Rollback {} goes on without this terminal.", verb.name),
            );
            screen.note(&hint("Cancel it with", "cancel", &verb.name, &session, ""));
            Ok(Exit::Interrupted)
        }
    }
}

/// Follows a Rollback and shows its progress until it is there.
pub(super) async fn until(
    session: &Session,
    name: &str,
    limit: Duration,
    screen: Screen,
    is_there: fn(&Rollback) -> bool,
) -> Result<Watched, CliError> {
    let mut progress = Progress::new(screen);
    let mut follow = Follow::new(session, name, limit);
    let mut named = None;
    let watched = loop {
        match follow.next().await {
            Ok(Event::Seen(rollback)) if is_there(&rollback) => {
                break Ok(Watched::There(rollback));
            }
            Ok(Event::Seen(rollback)) => {
                let digest = digest_to_name(&rollback);
                if digest.is_some() && digest != named {
                    // Whoever may not read plans sees numbers in place of names.
                    if let Ok(items) = shards::read(session, &rollback).await {
                        progress.name_items(&items);
                    }
                    named = digest;
                }
                progress.follow(session, &rollback, screen).await;
            }
            Ok(Event::Notice(text)) => progress.note(screen, &text),
            Ok(Event::Gone) => {
                let message = format!(
                    "rollback {name} was deleted; what it had done is in its ledger record \
                     (kubectl rollback operations --type rollback -n {})",
                    session.namespace
                );
                break Err(CliError::new(Exit::NotFound, message));
            }
            Ok(Event::TimedOut) => break Ok(Watched::TimedOut),
            Ok(Event::Interrupted) => break Ok(Watched::Interrupted),
            Err(error) => break Err(error),
        }
    };
    progress.end();
    watched
}

/// The plan whose items are shown while they are at work.
fn digest_to_name(rollback: &Rollback) -> Option<String> {
    let status = rollback.status.as_ref()?;
    matches!(status.phase, Phase::Executing | Phase::Verifying)
        .then(|| status.plan.as_ref().map(|plan| plan.digest.clone()))
        .flatten()
}

/// Whether this attempt has come to its end.
fn is_over(rollback: &Rollback) -> bool {
    is_current(rollback)
        && rollback
            .status
            .as_ref()
            .is_some_and(|it| it.phase.is_terminal() || it.phase == Phase::Planned)
}

/// Whether the status is about what the spec asks for.
pub(super) fn is_current(rollback: &Rollback) -> bool {
    rollback.status.as_ref().is_some_and(|status| {
        Some(status.observed_generation) >= rollback.metadata.generation
            && status.attempt >= rollback.spec.attempt
    })
}

/// That somebody deletes it, if so.
pub(super) fn leaving(rollback: &Rollback) -> Option<String> {
    rollback.metadata.deletion_timestamp.as_ref().map(|_| {
        format!("it is being deleted; to do it again, create another: {}", apply_again(rollback))
    })
}

/// The command that undoes the same operations anew: those that are named, or those that its
/// criteria found.
pub(super) fn apply_again(rollback: &Rollback) -> String {
    let found = rollback.status.iter().flat_map(|status| &status.record_refs);
    let mut names: Vec<&str> = found.map(|found| found.name.as_str()).collect();
    names.extend(rollback.spec.operations.names.iter().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        // Nothing was found yet: the criteria are in the object.
        names.push("OPERATION...");
    }
    let namespace = rollback.namespace().unwrap_or_default();
    format!("kubectl rollback apply {} -n {namespace}", names.join(" "))
}

/// How `kubectl` names a Rollback.
pub(super) fn reference(rollback: &Rollback) -> String {
    format!("rollback.{}/{}", crate::api::GROUP, rollback.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::record::{RecordRef, Source};
    use crate::cli::fixtures;

    #[test]
    fn what_criteria_found_is_named_to_be_undone_anew() {
        let mut rollback = fixtures::rollback(Phase::Failed);
        assert_eq!(apply_again(&rollback), "kubectl rollback apply assign-2abdc948 -n access");
        rollback.spec.operations.names.clear();
        assert_eq!(apply_again(&rollback), "kubectl rollback apply OPERATION... -n access");
        let found = |name: &str| RecordRef {
            name: name.to_owned(),
            source: Source { tool: "portal".to_owned(), id: name.to_owned() },
            digest: String::new(),
        };
        rollback.status.as_mut().unwrap().record_refs = vec![found("copy-b"), found("assign-a")];
        assert_eq!(apply_again(&rollback), "kubectl rollback apply assign-a copy-b -n access");
    }

    #[test]
    fn it_is_over_when_the_attempt_that_is_asked_for_has_ended() {
        for phase in Phase::ALL {
            let over = phase.is_terminal() || phase == Phase::Planned;
            assert_eq!(is_over(&fixtures::rollback(phase)), over, "{phase}");
        }
        let mut again = fixtures::rollback(Phase::Failed);
        again.spec.attempt = 2;
        assert!(!is_over(&again), "the next attempt has not begun");
        again = fixtures::rollback(Phase::Failed);
        again.metadata.generation = Some(2);
        assert!(!is_over(&again), "the change was not seen yet");
    }
}
