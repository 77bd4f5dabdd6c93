//! `suspend`, `resume`: stops sending for a while.

use clap::Args;
use serde_json::json;

use super::approve::{change, hint, over};
use super::completion::names;
use super::error::CliError;
use super::exit::Exit;
use super::hold;
use super::reference;
use super::screen::Screen;
use super::session::{Connection, Session};
use super::watch::leaving;
use crate::api::{Phase, Rollback};
use crate::model::words::count;

/// Suspend a Rollback: nothing new is sent, what is at work in AWS ends
///
/// It keeps its plan, its approval and its keys. resume lets it go on, cancel ends it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Hold it while somebody looks
  kubectl rollback suspend undo-contractors")]
pub struct Suspend {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
}

/// Let a suspended Rollback go on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl rollback resume undo-contractors")]
pub struct Resume {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
}

pub(super) async fn suspend(
    verb: &Suspend,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let name = &verb.name;
    let doing = format!("suspend rollback {name}");
    let before = change(&session, &doing, name, &json!({"suspend": true}), ended).await?;
    screen.print(&format!("rollback {name}: {}\n", suspended(&before)))?;
    screen.note(&hint("Let it go on with", "resume", name, &session, ""));
    screen.note(&hint("End it with", "cancel", name, &session, ""));
    Ok(Exit::Done)
}

pub(super) async fn resume(
    verb: &Resume,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let name = &verb.name;
    let doing = format!("resume rollback {name}");
    let before = change(&session, &doing, name, &json!({"suspend": false}), ended).await?;
    screen.print(&format!("rollback {name}: {}\n", resumed(&before)))?;
    screen.note(&hint("Follow it with", "watch", name, &session, ""));
    Ok(Exit::Done)
}

fn ended(rollback: &Rollback) -> Option<String> {
    leaving(rollback).or_else(|| over(rollback))
}

/// What suspending did, by how it stood.
fn suspended(before: &Rollback) -> String {
    if before.spec.suspend {
        return "is suspended already".to_owned();
    }
    let status = before.status.clone().unwrap_or_default();
    let at_work = i32::try_from(status.in_flight.len()).unwrap_or(i32::MAX);
    match status.phase {
        Phase::Executing if at_work > 0 => {
            let (changes, end) =
                (count(at_work, "change"), if at_work == 1 { "ends" } else { "end" });
            format!("suspended; {changes} at work in AWS {end}, nothing new is sent")
        }
        Phase::Executing | Phase::Verifying => "suspended; nothing new is sent".to_owned(),
        _ => "suspended; it is planned and may be approved, and nothing is sent".to_owned(),
    }
}

/// What resuming did, by how it stood.
fn resumed(before: &Rollback) -> String {
    if !before.spec.suspend {
        return "is not suspended; nothing was changed".to_owned();
    }
    match before.status.as_ref().map(|status| status.phase) {
        Some(Phase::AwaitingApproval) if hold::needs_approval(before) != Some(false) => {
            "resumed; it waits for its approval".to_owned()
        }
        Some(Phase::AwaitingApproval) => "resumed; its plan is executed now".to_owned(),
        Some(phase) => format!("resumed; it goes on from {phase}"),
        None => "resumed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Reason;
    use crate::api::condition::ConditionType;
    use crate::cli::fixtures;

    #[test]
    fn it_is_said_what_suspending_and_resuming_did() {
        let mut rollback = fixtures::rollback(Phase::Executing);
        let entry = json!({"item": 0, "action": "DeleteAssignment", "attempt": 1,
            "intentAt": "2026-11-23T20:56:00Z", "firstAt": "2026-11-23T20:56:00Z"});
        rollback.status.as_mut().unwrap().in_flight = vec![serde_json::from_value(entry).unwrap()];
        assert_eq!(
            suspended(&rollback),
            "suspended; 1 change at work in AWS ends, nothing new is sent"
        );
        assert_eq!(resumed(&rollback), "is not suspended; nothing was changed");
        rollback.spec.suspend = true;
        assert_eq!(suspended(&rollback), "is suspended already");
        assert_eq!(resumed(&rollback), "resumed; it goes on from Executing");
        let mut waits = fixtures::rollback(Phase::AwaitingApproval);
        assert!(suspended(&waits).contains("may be approved"));
        waits.spec.suspend = true;
        assert_eq!(resumed(&waits), "resumed; it waits for its approval");
        let kind = ConditionType::Approved;
        fixtures::condition(&mut waits, kind, true, Reason::ApprovalNotRequired);
        assert_eq!(resumed(&waits), "resumed; its plan is executed now");
    }

    #[test]
    fn what_is_over_or_leaves_is_left() {
        for phase in Phase::ALL {
            assert_eq!(ended(&fixtures::rollback(phase)).is_some(), phase.is_terminal(), "{phase}");
        }
        let mut leaves = fixtures::rollback(Phase::Executing);
        leaves.metadata.deletion_timestamp =
            serde_json::from_value(json!("2026-11-23T20:57:00Z")).unwrap();
        assert!(ended(&leaves).unwrap().contains("being deleted"));
    }
}
