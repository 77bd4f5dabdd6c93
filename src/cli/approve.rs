//! `approve`, `reject`, `cancel`: a person's decisions about a Rollback.

use std::time::Duration;

use clap::Args;
use kube::ResourceExt as _;
use serde_json::json;

use super::completion::names;
use super::decide::{Consent, Decision, TRIES, decide};
use super::error::{CliError, is_conflict};
use super::exit::Exit;
use super::plan::view;
use super::screen::{Screen, Tone, one_line};
use super::session::{Connection, Session};
use super::{judgement, reference, shards, times};
use crate::api::plan_status::PlanStatus;
use crate::api::{Phase, Rollback};

/// Approve the plan of a Rollback that waits for it
///
/// Shows the plan as its shards hold it, asks, and approves exactly this plan by its digest.
/// Should the plan be made anew in the meantime, the approval has no effect.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Look at the plan and approve it
  kubectl rollback approve undo-contractors

  # Approve what was looked at before, in a script: only if it is still this plan
  kubectl rollback approve undo-contractors --yes --digest sha256:…

  # Let it take the last administrator of an account all the same
  kubectl rollback approve undo-contractors --accept LastAdministrator/123456789012")]
pub struct Approve {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Approve only if the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Accept this, which the instance's policy refuses, as the plan writes it; may be given again
    #[arg(long, value_name = "WHAT")]
    accept: Vec<String>,
    /// How long to wait for what the operator makes of the approval. 0s: do not wait
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = times::parse_duration)]
    timeout: Duration,
}

/// Reject the plan of a Rollback, which ends it without writing anything
///
/// A Rollback that is being executed, or is over, is refused: cancel ends one that runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl rollback reject undo-contractors")]
pub struct Reject {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
}

/// Cancel a Rollback: nothing new is sent, what is at work in AWS ends, the rest stays as it is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl rollback cancel undo-contractors")]
pub struct Cancel {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
}

pub(super) async fn approve(
    verb: &Approve,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let name = &verb.name;
    let rollback = session.rollback(name).await?;
    let status = rollback.status.clone().unwrap_or_default();
    let Some(plan) = status.plan.filter(|_| status.phase == Phase::AwaitingApproval) else {
        let message = format!(
            "rollback {name} does not wait for an approval: it is {} ({})",
            status.phase,
            one_line(&status.summary)
        );
        return Err(CliError::failed(message));
    };
    if let Some(expected) = verb.digest.as_ref().filter(|digest| **digest != plan.digest) {
        let message = format!(
            "the plan of rollback {name} is {}, not {expected}: look at it again with kubectl \
             rollback plan --rollback {name} -n {}",
            plan.digest, session.namespace
        );
        return Err(CliError::failed(message));
    }
    let items = shards::read(&session, &rollback).await?;
    screen.print(&view::render(&rollback, &items, false, screen.out))?;
    if let Some(message) = unaccepted(&plan, &verb.accept) {
        return Err(CliError::failed(format!("rollback {name} is not approved: {message}")));
    }
    let consent = Consent { accept: &verb.accept, approves: true, lifts: false };
    match decide(&session, screen, &rollback, &plan, verb.yes, &consent).await? {
        Decision::Approved { digest, generation } => {
            if !verb.timeout.is_zero() {
                judgement::wait(&session, name, &digest, generation, verb.timeout).await?;
            }
            screen.print(&format!("rollback {name}: approved {digest}\n"))?;
            if rollback.spec.suspend {
                screen.note("It is suspended: nothing is sent until it is resumed.");
                screen.note(&hint("Let it go on with", "resume", name, &session, ""));
            } else {
                screen.note(&hint("Follow it with", "watch", name, &session, ""));
            }
            Ok(Exit::Done)
        }
        Decision::Declined | Decision::Outdated => {
            screen.note("Not approved; it goes on waiting.");
            Ok(Exit::AwaitingApproval)
        }
        Decision::NobodyToAsk => Err(CliError::usage(
            "there is no terminal to ask on; give --yes, and --digest to approve only what was seen",
        )),
        Decision::Interrupted => Ok(Exit::Interrupted),
    }
}

/// What the policy refuses and is not accepted, as one sentence.
pub(super) fn unaccepted(plan: &PlanStatus, accept: &[String]) -> Option<String> {
    let left: Vec<&str> = plan
        .refusals
        .iter()
        .map(|refusal| refusal.accept.as_str())
        .filter(|token| !accept.iter().any(|accepted| accepted == token))
        .collect();
    (!left.is_empty()).then(|| {
        format!(
            "the instance's policy refuses its plan; to have it done all the same, give --accept {}",
            left.join(" --accept ")
        )
    })
}

pub(super) async fn reject(
    verb: &Reject,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let name = &verb.name;
    let doing = format!("reject the plan of rollback {name}");
    let rejection = json!({"approval": {"reject": true}});
    change(&session, &doing, name, &rejection, |rollback| too_late(rollback, &session.namespace))
        .await?;
    screen.print(&format!("rollback {name}: rejected; nothing will be written\n"))?;
    Ok(Exit::Done)
}

/// Changes a Rollback unless something speaks against it. The operator writes too: what was judged
/// must be what is changed, else it is judged again.
pub(super) async fn change(
    session: &Session,
    doing: &str,
    name: &str,
    spec: &serde_json::Value,
    against: impl Fn(&Rollback) -> Option<String>,
) -> Result<Rollback, CliError> {
    for _ in 0..TRIES {
        let rollback = session.rollback(name).await?;
        if let Some(why) = against(&rollback) {
            return Err(CliError::failed(format!("cannot {doing}: {why}")));
        }
        match session.patch_as_read(doing, &rollback, spec.clone()).await? {
            Ok(_) => return Ok(rollback),
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(CliError::request(doing, &error)),
        }
    }
    Err(CliError::failed(format!("cannot {doing}: it keeps changing; try again")))
}

/// That it is over, if it is.
pub(super) fn over(rollback: &Rollback) -> Option<String> {
    let status = rollback.status.as_ref().filter(|status| status.phase.is_terminal())?;
    Some(format!("it is over: {} ({})", status.phase, one_line(&status.summary)))
}

/// Why a rejection would not keep what it promises: that nothing is written.
fn too_late(rollback: &Rollback, namespace: &str) -> Option<String> {
    let status = rollback.status.as_ref()?;
    let (name, phase) = (rollback.name_any(), status.phase);
    match phase {
        Phase::Executing | Phase::Verifying => Some(format!(
            "it is {phase}, and what was written stays written; to end it: kubectl rollback cancel \
             {name} -n {namespace}"
        )),
        _ => over(rollback),
    }
}

pub(super) async fn cancel(
    verb: &Cancel,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let doing = format!("cancel rollback {}", verb.name);
    let before = change(&session, &doing, &verb.name, &json!({"cancel": true}), over).await?;
    screen.print(&format!("rollback {}: {}\n", verb.name, cancelled(&before)))?;
    screen.note(&hint("See what was done with", "status", &verb.name, &session, ""));
    Ok(Exit::Done)
}

/// What cancelling did, by how it stood.
fn cancelled(before: &Rollback) -> &'static str {
    let phase = before.status.as_ref().map(|status| status.phase);
    if matches!(phase, Some(Phase::Executing | Phase::Verifying)) {
        "asked to end; what is at work in AWS ends, the rest stays as it is"
    } else if before.spec.attempt > 1 {
        "cancelled; nothing of this attempt was written, what earlier ones wrote stays"
    } else {
        "cancelled; nothing was written"
    }
}

/// A command to go on with, to be pasted.
pub(super) fn hint(what: &str, verb: &str, name: &str, session: &Session, rest: &str) -> String {
    format!("{what}: kubectl rollback {verb} {name} {}{rest}", session.place)
}

/// Says on standard error that a plan waits for somebody else.
pub(super) fn note_waiting(screen: Screen, name: &str, session: &Session) {
    screen.note_in(Tone::Warning, &hint("It waits. To approve", "approve", name, session, ""));
    screen.note(&hint("To end it", "reject", name, session, ""));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    #[test]
    fn a_cancelled_attempt_says_nothing_of_earlier_ones() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        assert_eq!(cancelled(&rollback), "cancelled; nothing was written");
        rollback.spec.attempt = 2;
        assert!(cancelled(&rollback).starts_with("cancelled; nothing of this attempt was written"));
        assert!(cancelled(&fixtures::rollback(Phase::Executing)).starts_with("asked to end"));
    }

    #[test]
    fn only_what_has_not_begun_is_rejected() {
        for phase in Phase::ALL {
            let why = too_late(&fixtures::rollback(phase), "access");
            let early = [Phase::Pending, Phase::Planning, Phase::Planned, Phase::AwaitingApproval];
            assert_eq!(why.is_none(), early.contains(&phase), "{phase}: {why:?}");
        }
        let why = too_late(&fixtures::rollback(Phase::Executing), "access").unwrap();
        assert!(why.ends_with("kubectl rollback cancel undo -n access"), "{why}");
        let mut fresh = fixtures::rollback(Phase::Pending);
        fresh.status = None;
        assert_eq!(too_late(&fresh, "access"), None);
    }
}
