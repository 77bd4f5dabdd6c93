//! Carries a Rollback through: shows its plan, asks, approves, follows it to the end.
//!
//! What `apply`, `retry` and `redo` have in common once there is a Rollback to execute.

use std::time::Duration;

use clap::{ArgAction, Args};
use kube::ResourceExt as _;

use super::approve::{Decision, decide, hint, note_waiting, unaccepted};
use super::error::CliError;
use super::exit::Exit;
use super::follow::{Event, Follow};
use super::output::Output;
use super::plan::view;
use super::progress::Progress;
use super::screen::{Screen, Tone};
use super::session::Session;
use super::{shards, status, times};
use crate::api::condition::ConditionType;
use crate::api::instance::ApprovalPolicy;
use crate::api::plan_status::PlanStatus;
use crate::api::{Phase, Rollback};

/// How far it is carried, and what is printed of it.
#[derive(Debug, Args)]
pub struct Manner {
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
    /// Form of the result
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv", "name"]))]
    output: Output,
}

impl Manner {
    /// Whether the result is for people.
    const fn is_for_people(&self) -> bool {
        matches!(self.output, Output::Table | Output::Wide)
    }
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

/// Shows the plan, asks, approves and follows, as far as the manner says.
pub async fn carry_out(
    manner: &Manner,
    session: &Session,
    screen: Screen,
    started: Rollback,
) -> Result<Exit, CliError> {
    let name = started.name_any();
    if !manner.wait {
        screen.note(&hint("Follow it with", "watch", &name, session, ""));
        print_result(manner, &started, session, screen)?;
        return Ok(Exit::Done);
    }
    let mut progress = Progress::new(screen);
    let mut last = started;
    let outcome = follow(manner, session, screen, &mut last, &mut progress).await;
    progress.end();
    let exit = outcome?;
    // A program that asked for the object gets it however the wait ended; a person was told why.
    if !manner.is_for_people() || step(&last, None) == Step::Ended {
        print_result(manner, &last, session, screen)?;
    }
    Ok(exit)
}

/// Follows it to where nothing more can be done here, and leaves in `last` how it stands there.
async fn follow(
    manner: &Manner,
    session: &Session,
    screen: Screen,
    last: &mut Rollback,
    progress: &mut Progress,
) -> Result<Exit, CliError> {
    let name = &last.name_any();
    let mut follow = Follow::new(session, name, manner.timeout);
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
                screen.note(&hint("Follow it with", "watch", name, session, ""));
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
            progress.name_items(&items);
            show(
                manner,
                screen,
                &view::render(rollback, &items, manner.output == Output::Wide, screen.out),
            )?;
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
                match decide(session, screen, rollback, plan, manner.yes, &[]).await? {
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
                // People read them in the result.
                if let Some(status) = rollback.status.as_ref().filter(|_| !manner.is_for_people()) {
                    progress.tell_failures(status, screen);
                }
                progress.end();
                return Ok(Exit::of(rollback));
            }
        }
    }
}

/// What to do next; `approved` is the digest that was approved and the generation that has it.
fn step<'a>(rollback: &'a Rollback, approved: Option<&(String, i64)>) -> Step<'a> {
    let Some(status) = &rollback.status else { return Step::Wait };
    let is_current = Some(status.observed_generation) >= rollback.metadata.generation
        && status.attempt >= rollback.spec.attempt;
    if !is_current {
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
fn show(manner: &Manner, screen: Screen, text: &str) -> Result<(), CliError> {
    if manner.is_for_people() {
        return screen.print(text);
    }
    screen.note(text);
    Ok(())
}

fn print_result(
    manner: &Manner,
    rollback: &Rollback,
    session: &Session,
    screen: Screen,
) -> Result<(), CliError> {
    if manner.is_for_people() {
        if !manner.wait {
            return Ok(());
        }
        screen.print("\n")?;
    }
    screen.print(&status::render(rollback, manner.output, session.clock.now(), screen.out)?)
}

fn leave_running(session: &Session, screen: Screen, name: &str) -> Exit {
    screen.note("");
    screen.note_in(Tone::Warning, &format!("Rollback {name} goes on without this terminal."));
    screen.note(&hint("Follow it with", "watch", name, session, ""));
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
        let mut again = fixtures::rollback(Phase::Failed);
        again.spec.attempt = 2;
        assert_eq!(step(&again, None), Step::Wait, "the next attempt has not begun");
        fresh.status = None;
        assert_eq!(step(&fresh, None), Step::Wait);
    }
}
