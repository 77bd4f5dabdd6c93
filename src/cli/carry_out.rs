//! Carries a Rollback through: shows its plan, asks, approves, follows it to the end.
//!
//! What `apply`, `retry` and `redo` have in common once there is a Rollback to execute.

use std::ops::ControlFlow;

use kube::ResourceExt as _;

use super::approve::{hint, note_waiting, unaccepted};
use super::decide::{Consent, Decision, decide};
use super::error::CliError;
use super::exit::Exit;
use super::follow::{Event, Follow};
use super::manner::Manner;
use super::output::Output;
use super::plan::view;
use super::progress::Progress;
use super::screen::{Paint, Screen, Tone, one_line};
use super::session::Session;
use super::step::{Step, step};
use super::{hold, shards, status};
use crate::api::instance::ApprovalPolicy;
use crate::api::plan_status::PlanStatus;
use crate::api::{Phase, Rollback};

/// Shows the plan, asks, approves and follows, as far as the manner says. `held` says that it was
/// suspended so that nothing is sent before somebody was asked.
pub async fn carry_out(
    manner: &Manner,
    session: &Session,
    screen: Screen,
    started: Rollback,
    held: bool,
) -> Result<Exit, CliError> {
    let name = started.name_any();
    if !manner.wait {
        screen.note(&hint("Follow it with", "watch", &name, session, ""));
        print_result(manner, &started, session, screen)?;
        return Ok(Exit::Done);
    }
    let mut progress = Progress::new(screen);
    let mut seen = Seen { last: started, held };
    let outcome = Box::pin(follow(manner, session, screen, &mut seen, &mut progress)).await;
    progress.end();
    let Seen { last, held } = seen;
    if held {
        hold::note(screen, &name, session);
    }
    let exit = outcome?;
    // A program that asked for the object gets it however the wait ended; a person was told why.
    if !manner.is_for_people() || step(&last, None, false) == Step::Ended {
        print_result(manner, &last, session, screen)?;
    }
    Ok(exit)
}

/// How a Rollback stands that is carried through.
struct Seen {
    /// As it was seen last.
    last: Rollback,
    /// Whether this command still holds it back.
    held: bool,
}

impl Seen {
    async fn lift(&mut self, session: &Session) -> Result<(), CliError> {
        if self.held {
            self.last = hold::lift(session, &self.last).await?;
            self.held = false;
        }
        Ok(())
    }
}

/// Follows it to where nothing more can be done here, and leaves in `seen` how it stands there.
async fn follow(
    manner: &Manner,
    session: &Session,
    screen: Screen,
    seen: &mut Seen,
    progress: &mut Progress,
) -> Result<Exit, CliError> {
    let name = &seen.last.name_any();
    let mut follow = Follow::new(session, name, manner.timeout);
    let mut approved: Option<(String, i64)> = None;
    let mut shown = String::new();
    loop {
        match follow.next().await? {
            Event::Seen(rollback) => seen.last = *rollback,
            Event::Notice(text) => {
                progress.note(screen, &text);
                continue;
            }
            Event::Gone => {
                seen.held = false;
                let message = format!(
                    "rollback {name} was deleted; what it had done is in its ledger record \
                     (kubectl rollback operations --type rollback -n {})",
                    session.namespace
                );
                return Err(CliError::new(Exit::NotFound, message));
            }
            Event::TimedOut => {
                progress.end();
                if !seen.held {
                    screen.note_in(Tone::Warning, "Stopped waiting; the Rollback goes on.");
                    screen.note(&hint("Follow it with", "watch", name, session, ""));
                }
                return Ok(Exit::TimedOut);
            }
            Event::Interrupted => {
                progress.end();
                return Ok(leave_running(session, screen, name, seen.held));
            }
        }
        let rollback = &seen.last;
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
            let wide = manner.output == Output::Wide;
            show(manner, screen, |paint| view::render(rollback, &items, wide, paint))?;
            shown.clone_from(&plan.digest);
        }
        match step(rollback, approved.as_ref(), seen.held) {
            Step::Wait => progress.follow(session, rollback, screen).await,
            Step::Lift => seen.lift(session).await?,
            Step::Decide(plan) => {
                progress.end();
                let plan = plan.clone();
                match ask(manner, session, screen, seen, &plan).await? {
                    ControlFlow::Continue(said) => approved = said.or(approved),
                    ControlFlow::Break(exit) => return Ok(exit),
                }
            }
            Step::Inert(why) => {
                progress.end();
                screen.note_in(
                    Tone::Warning,
                    &format!("The approval has no effect: {}", one_line(&why)),
                );
                note_waiting(screen, name, session);
                return Ok(Exit::AwaitingApproval);
            }
            Step::Ended => {
                // People read them in the result.
                if let Some(status) = rollback.status.as_ref().filter(|_| !manner.is_for_people()) {
                    progress.tell_failures(status, screen);
                }
                progress.end();
                let exit = Exit::of(rollback);
                // It must not be found suspended by who tries it again.
                seen.lift(session).await?;
                return Ok(exit);
            }
        }
    }
}

/// The digest that was approved and the generation that has it; or how it ends here.
type Answer = ControlFlow<Exit, Option<(String, i64)>>;

/// Asks about a plan that was shown, and writes what the answer means.
async fn ask(
    manner: &Manner,
    session: &Session,
    screen: Screen,
    seen: &mut Seen,
    plan: &PlanStatus,
) -> Result<Answer, CliError> {
    let name = &seen.last.name_any();
    let approves = !seen.held || hold::needs_approval(&seen.last) != Some(false);
    if approves && plan.policy == ApprovalPolicy::SeparateApprover {
        seen.lift(session).await?;
        screen.note("The policy asks for an approval by somebody else.");
        note_waiting(screen, name, session);
        return Ok(ControlFlow::Break(Exit::AwaitingApproval));
    }
    if let Some(why) = unaccepted(plan, &[]).filter(|_| approves) {
        seen.lift(session).await?;
        screen.note_in(Tone::Warning, &format!("Not approved: {why}"));
        screen.note(&hint("Somebody who is no author can", "approve", name, session, ""));
        return Ok(ControlFlow::Break(Exit::RefusedByPolicy));
    }
    let consent = Consent { accept: &[], approves, lifts: seen.held };
    Ok(match decide(session, screen, &seen.last, plan, manner.yes, &consent).await? {
        Decision::Approved { digest, generation } => {
            seen.held = false;
            ControlFlow::Continue(Some((digest, generation)))
        }
        Decision::Outdated => {
            let text = "The plan was made anew in the meantime; look at it again.";
            screen.note_in(Tone::Warning, text);
            ControlFlow::Continue(None)
        }
        Decision::Declined if seen.held => {
            seen.last = hold::cancel(session, &seen.last).await?;
            seen.held = false;
            screen.note_in(Tone::Warning, &hold::cancelled(&seen.last));
            ControlFlow::Break(Exit::Failed)
        }
        Decision::Declined | Decision::NobodyToAsk => {
            note_waiting(screen, name, session);
            ControlFlow::Break(Exit::AwaitingApproval)
        }
        Decision::Interrupted => {
            ControlFlow::Break(leave_running(session, screen, name, seen.held))
        }
    })
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
fn show(
    manner: &Manner,
    screen: Screen,
    render: impl FnOnce(Paint) -> String,
) -> Result<(), CliError> {
    if manner.is_for_people() {
        return screen.print(&render(screen.out));
    }
    screen.note_painted(&render(screen.err));
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
    let text = status::render(rollback, manner.output, session.clock.now(), screen.out)?;
    screen.print_in(manner.output, &text)
}

fn leave_running(session: &Session, screen: Screen, name: &str, held: bool) -> Exit {
    screen.note("");
    if held {
        return Exit::Interrupted;
    }
    screen.note_in(Tone::Warning, &format!("Rollback {name} goes on without this terminal."));
    screen.note(&hint("Follow it with", "watch", name, session, ""));
    screen.note(&hint("Cancel it with", "cancel", name, session, ""));
    Exit::Interrupted
}
