//! `apply`: undoes operations: the plan first, then the question, then the progress.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use kube::ResourceExt as _;

use super::approve::{Decision, decide, hint, note_waiting, unaccepted};
use super::criteria::Criteria;
use super::error::CliError;
use super::exit::Exit;
use super::follow::{Event, Follow};
use super::output::{Output, document};
use super::plan::view;
use super::progress::Progress;
use super::screen::{Screen, Tone};
use super::session::{Connection, Session};
use super::{plan, selection, shards, status, times};
use crate::api::condition::ConditionType;
use crate::api::instance::ApprovalPolicy;
use crate::api::plan_status::PlanStatus;
use crate::api::rollback::{OnDrift, OnFailure, Priority, RollbackSpec};
use crate::api::{Phase, Rollback};

/// Undo operations: show the plan, ask, execute, follow
///
/// Creates a Rollback and shows its plan. If the plan waits for an approval and you say yes (or
/// gave --yes), exactly this plan is approved by its digest. Then the progress is shown until
/// every change was read back from AWS. Ctrl-C leaves the Rollback running.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Undo one operation
  kubectl rollback apply assign-2abdc948 --reason 'wrong group' --ticket SEC-1234

  # Undo two operations under a name of your choice, without questions
  kubectl rollback apply assign-2abdc948 copy-39156504 --name undo-contractors --yes

  # Undo what one person did in the last two hours, whatever it was
  kubectl rollback apply --actor alice --from 2h --reason 'stolen credentials'

  # Only ask for it; somebody else looks at the plan and approves
  kubectl rollback apply assign-2abdc948 --name undo-contractors --wait=false")]
pub struct Apply {
    /// Names of the operations to undo
    #[arg(
        value_name = "OPERATION",
        required_unless_present = "criteria",
        conflicts_with = "criteria"
    )]
    operations: Vec<String>,
    #[command(flatten)]
    criteria: Criteria,
    /// Name of the Rollback; without it undo-<random>
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Why; it is kept in the Rollback
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Ticket; it is kept in the Rollback
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// Do not ask: approve the plan as it is
    #[arg(short, long)]
    yes: bool,
    /// Follow it to the end
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    wait: bool,
    /// Stop waiting after so long; the Rollback goes on. 0s: never
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = times::parse_duration)]
    timeout: Duration,
    /// What to do about what changed since the plan was made
    #[arg(long, value_name = "WHAT", value_enum, default_value = "skip")]
    on_drift: Drift,
    /// What to do with the rest after an action failed
    #[arg(long, value_name = "WHAT", value_enum, default_value = "continue")]
    on_failure: Failure,
    /// Go first where Rollbacks share AWS's quota
    #[arg(long)]
    emergency: bool,
    /// Form of the result
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "json", "yaml", "name"]))]
    output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Drift {
    /// Leave it and go on
    Skip,
    /// Send nothing more
    Fail,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Failure {
    /// Go on with the others
    Continue,
    /// Send nothing more
    Stop,
}

/// What to do about what was seen.
#[derive(Debug, PartialEq)]
enum Step<'a> {
    /// Wait for more.
    Wait,
    /// Show the plan and ask.
    Decide(&'a PlanStatus),
    /// The approval has no effect, for this reason.
    Inert(String),
    /// Nothing more will happen.
    Ended,
}

pub(super) async fn run(
    verb: Apply,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let operations =
        selection::operations(&verb.operations, &verb.criteria, &session, screen).await?;
    let spec = RollbackSpec {
        on_drift: match verb.on_drift {
            Drift::Skip => OnDrift::Skip,
            Drift::Fail => OnDrift::Fail,
        },
        on_failure: match verb.on_failure {
            Failure::Continue => OnFailure::Continue,
            Failure::Stop => OnFailure::Stop,
        },
        priority: if verb.emergency { Priority::Emergency } else { Priority::Normal },
        reason: verb.reason.clone(),
        ticket: verb.ticket.clone(),
        ..plan::spec(operations)
    };
    let created = plan::create(&session, verb.name.as_deref(), "undo-", spec).await?;
    let name = created.name_any();
    screen.note(&format!("rollback {name} created in namespace {}", session.namespace));
    if !verb.wait {
        screen.note(&hint("Follow it with", "status", &name, &session, " --watch"));
        print_result(&verb, &created, &session, screen)?;
        return Ok(Exit::Done);
    }
    let mut progress = Progress::new(screen);
    let mut last = created;
    let outcome = follow(&verb, &session, screen, &mut last, &mut progress).await;
    progress.end();
    let exit = outcome?;
    // A program that asked for the object gets it however the wait ended; a person was told why.
    if verb.output != Output::Table || step(&last, None) == Step::Ended {
        print_result(&verb, &last, &session, screen)?;
    }
    Ok(exit)
}

/// Follows it to where `apply` ends, and leaves in `last` how it stands there.
async fn follow(
    verb: &Apply,
    session: &Session,
    screen: Screen,
    last: &mut Rollback,
    progress: &mut Progress,
) -> Result<Exit, CliError> {
    let name = &last.name_any();
    let mut follow = Follow::new(session, name, verb.timeout);
    let mut approved: Option<(String, i64)> = None;
    let mut shown = String::new();
    loop {
        match follow.next().await? {
            Event::Seen(rollback) => *last = *rollback,
            Event::Notice(text) => {
                progress.note(screen, &text);
                continue;
            }
            Event::Gone => {
                let message = format!(
                    "rollback {name} was deleted; what it had done is in its ledger record \
                     (kubectl rollback operations --type rollback -n {})",
                    session.namespace
                );
                return Err(CliError::new(Exit::NotFound, message));
            }
            Event::TimedOut => {
                progress.end();
                screen.note_in(Tone::Warning, "Stopped waiting; the Rollback goes on.");
                screen.note(&hint("Follow it with", "status", name, session, " --watch"));
                return Ok(Exit::TimedOut);
            }
            Event::Interrupted => {
                progress.end();
                return Ok(leave_running(session, screen, name));
            }
        }
        let rollback = &*last;
        let plan = rollback.status.as_ref().and_then(|status| status.plan.as_ref());
        if let Some(plan) = plan.filter(|plan| plan.digest != shown && is_shown(rollback)) {
            let items = match shards::read(session, rollback).await {
                Ok(items) => items,
                // The plan may have been made anew since; then its next version is seen.
                Err(error) if is_outdated(session, name, plan).await? => {
                    screen.note_in(Tone::Faint, &error.message);
                    continue;
                }
                Err(error) => return Err(error),
            };
            progress.end();
            show(verb, screen, &view::render(rollback, &items, false, screen.out))?;
            shown.clone_from(&plan.digest);
        }
        match step(rollback, approved.as_ref()) {
            Step::Wait => progress.show(rollback, session.clock.now(), screen),
            Step::Decide(plan) => {
                progress.end();
                if plan.policy == ApprovalPolicy::SeparateApprover {
                    screen.note("The policy asks for an approval by somebody else.");
                    note_waiting(screen, name, session);
                    return Ok(Exit::AwaitingApproval);
                }
                if let Some(why) = unaccepted(plan, &[]) {
                    screen.note_in(Tone::Warning, &format!("Not approved: {why}"));
                    screen.note(&hint(
                        "Somebody who is no author can",
                        "approve",
                        name,
                        session,
                        "",
                    ));
                    return Ok(Exit::RefusedByPolicy);
                }
                match decide(session, screen, rollback, plan, verb.yes, &[]).await? {
                    Decision::Approved { digest, generation } => {
                        approved = Some((digest, generation));
                    }
                    Decision::Declined | Decision::NobodyToAsk => {
                        note_waiting(screen, name, session);
                        return Ok(Exit::AwaitingApproval);
                    }
                    Decision::Interrupted => return Ok(leave_running(session, screen, name)),
                }
            }
            Step::Inert(why) => {
                progress.end();
                screen.note_in(Tone::Warning, &format!("The approval has no effect: {why}"));
                note_waiting(screen, name, session);
                return Ok(Exit::AwaitingApproval);
            }
            Step::Ended => {
                progress.end();
                return Ok(Exit::of(rollback));
            }
        }
    }
}

/// What to do next; `approved` is the digest that was approved and the generation that has it.
fn step<'a>(rollback: &'a Rollback, approved: Option<&(String, i64)>) -> Step<'a> {
    let Some(status) = &rollback.status else { return Step::Wait };
    if Some(status.observed_generation) < rollback.metadata.generation {
        return Step::Wait;
    }
    if status.phase.is_terminal() {
        return Step::Ended;
    }
    let awaited = status.phase == Phase::AwaitingApproval;
    // With nothing to write there is nothing to approve: the operator goes on by itself.
    let Some(plan) = status.plan.as_ref().filter(|plan| awaited && plan.actions > 0) else {
        return Step::Wait;
    };
    match approved.filter(|(digest, _)| *digest == plan.digest) {
        None => Step::Decide(plan),
        Some((_, generation)) => {
            let judged = status.conditions.iter().find(|condition| {
                condition.type_ == ConditionType::Approved.as_str()
                    && condition.status == "False"
                    && condition.observed_generation >= Some(*generation)
            });
            judged.map_or(Step::Wait, |condition| Step::Inert(condition.message.clone()))
        }
    }
}

/// Whether the plan is what will be, or was, executed.
fn is_shown(rollback: &Rollback) -> bool {
    let phase = rollback.status.as_ref().map(|status| status.phase);
    !matches!(phase, None | Some(Phase::Pending | Phase::Planning))
}

async fn is_outdated(session: &Session, name: &str, plan: &PlanStatus) -> Result<bool, CliError> {
    let status = session.rollback(name).await?.status.unwrap_or_default();
    Ok(status.plan.is_none_or(|now| now.digest != plan.digest))
}

/// Shows the plan: with the result if that is for people, else beside it.
fn show(verb: &Apply, screen: Screen, text: &str) -> Result<(), CliError> {
    if verb.output == Output::Table {
        return screen.print(text);
    }
    screen.note(text);
    Ok(())
}

fn print_result(
    verb: &Apply,
    rollback: &Rollback,
    session: &Session,
    screen: Screen,
) -> Result<(), CliError> {
    let text = match verb.output {
        Output::Name => format!("rollback.{}/{}\n", crate::api::GROUP, rollback.name_any()),
        Output::Table if !verb.wait => return Ok(()),
        Output::Json | Output::Yaml => {
            let mut rollback = rollback.clone();
            rollback.metadata.managed_fields = None;
            document(&rollback, verb.output)?
        }
        _ => format!("\n{}", status::view::render(rollback, session.clock.now(), screen.out)),
    };
    screen.print(&text)
}

fn leave_running(session: &Session, screen: Screen, name: &str) -> Exit {
    screen.note("");
    screen.note_in(Tone::Warning, &format!("Rollback {name} goes on without this terminal."));
    screen.note(&hint("Follow it with", "status", name, session, " --watch"));
    screen.note(&hint("Cancel it with", "cancel", name, session, ""));
    Exit::Interrupted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::condition::Reason;
    use crate::cli::fixtures;

    #[test]
    fn a_plan_is_asked_about_once_and_again_when_it_was_made_anew() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        let plan = rollback.status.clone().unwrap().plan.unwrap();
        assert_eq!(step(&rollback, None), Step::Decide(&plan));
        let approved = (plan.digest.clone(), 2);
        assert_eq!(step(&rollback, Some(&approved)), Step::Wait);
        let other = ("sha256:other".to_owned(), 2);
        assert_eq!(step(&rollback, Some(&other)), Step::Decide(&plan));
        rollback.metadata.generation = Some(2);
        assert_eq!(step(&rollback, None), Step::Wait, "the status is about an older spec");
    }

    #[test]
    fn an_approval_without_effect_is_told() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        let digest = rollback.status.as_ref().unwrap().plan.as_ref().unwrap().digest.clone();
        let approved = (digest, 2);
        let reason = Reason::AwaitingApproval;
        fixtures::condition(&mut rollback, ConditionType::Approved, false, reason);
        assert_eq!(step(&rollback, Some(&approved)), Step::Wait, "said before the approval");
        rollback.metadata.generation = Some(2);
        rollback.status.as_mut().unwrap().observed_generation = 2;
        fixtures::condition(&mut rollback, ConditionType::Approved, false, reason);
        assert_eq!(step(&rollback, Some(&approved)), Step::Inert("said so".to_owned()));
    }

    #[test]
    fn it_ends_with_a_terminal_phase_of_the_present_spec() {
        assert_eq!(step(&fixtures::rollback(Phase::PartiallySucceeded), None), Step::Ended);
        assert_eq!(step(&fixtures::rollback(Phase::Executing), None), Step::Wait);
        let mut fresh = fixtures::rollback(Phase::Succeeded);
        fresh.status.as_mut().unwrap().observed_generation = -1;
        assert_eq!(step(&fresh, None), Step::Wait);
        fresh.status = None;
        assert_eq!(step(&fresh, None), Step::Wait);
    }
}
