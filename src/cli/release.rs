//! `release`: lets go of a Rollback that cannot go because its operator is gone.
//!
//! The finalizer is there so that no Rollback goes before its ledger is written. To take it off is
//! to give that up, so it is said first what is lost, and refused while an operator may still do it.

use std::fmt::Write as _;

use clap::Args;
use kube::ResourceExt as _;
use kube::api::Patch;
use serde_json::json;

use super::approve::hint;
use super::completion::names;
use super::error::{CliError, is_conflict, is_missing};
use super::exit::Exit;
use super::follow::interrupted;
use super::lease::{self, Place};
use super::reference;
use super::screen::{Paint, Screen, Tone, one_line};
use super::session::{Connection, Session, patch_parameters};
use super::watch::apply_again;
use crate::api::rollback_status::RollbackStatus;
use crate::api::{FINALIZER, Rollback};
use crate::model::words::count;

/// Let go of a deleted Rollback whose operator is gone
///
/// A Rollback that has begun stays until its ledger record is written, which only the operator does.
/// Where no operator will come back, this takes the finalizer off, so that the object goes. It says
/// first what that leaves, asks for the name, and refuses while an operator renews its lease.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # See what would be left, and decide
  kubectl delete rollback undo-contractors --wait=false
  kubectl rollback release undo-contractors

  # The operator's lease has a name of its own
  kubectl rollback release undo-contractors --lease access-system/undo-operator")]
pub struct Release {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Do it although an operator is alive, or nobody can say that none is
    #[arg(long)]
    force: bool,
    /// The operator's lease; without it every lease that is named as the chart names it
    #[arg(long, value_name = "NAMESPACE/NAME")]
    lease: Option<Place>,
}

pub(super) async fn run(
    verb: &Release,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let name = &verb.name;
    let rollback = session.rollback(name).await?;
    if let Some(why) = not_held(&rollback, &session.namespace) {
        return Err(CliError::failed(format!("cannot release rollback {name}: {why}")));
    }
    if !verb.force {
        nobody_is_alive(verb, &session, screen).await?;
    }
    screen.print(&leaves(&rollback, screen.out))?;
    if !verb.yes {
        if !screen.can_ask {
            return Err(CliError::usage(
                "there is no terminal to ask on; give --yes once you know what is left",
            ));
        }
        let question = format!("Type {name} to let it go:");
        let answer = tokio::select! {
            answer = screen.ask(&question) => answer,
            () = interrupted() => return Ok(Exit::Interrupted),
        };
        if answer.as_ref() != Some(name) {
            screen.note("Not released; it stays.");
            return Ok(Exit::Failed);
        }
    }
    take_off(&session, &rollback).await?;
    screen.print(&format!("rollback {name}: released; it is gone without a ledger record\n"))?;
    screen.note(&format!(
        "What it changed in AWS stays changed. To undo the rest of its operations: {} {}",
        apply_again(&rollback),
        session.place
    ));
    Ok(Exit::Done)
}

/// Why there is nothing to let go of, if so.
fn not_held(rollback: &Rollback, namespace: &str) -> Option<String> {
    let name = rollback.name_any();
    if rollback.metadata.deletion_timestamp.is_none() {
        return Some(format!(
            "nobody has deleted it; delete it first, and give its operator time to write the \
             ledger: kubectl delete rollback {name} -n {namespace} --wait=false"
        ));
    }
    if rollback.finalizers().iter().any(|it| it == FINALIZER) {
        return None;
    }
    let others = rollback.finalizers().join(", ");
    Some(format!("the operator does not hold it; who does is {others}"))
}

async fn nobody_is_alive(
    verb: &Release,
    session: &Session,
    screen: Screen,
) -> Result<(), CliError> {
    let refuse = |why: &str| {
        CliError::failed(format!(
            "rollback {} is not released: {why}; --force does it all the same",
            verb.name
        ))
    };
    let leases = match lease::find(session, verb.lease.as_ref()).await {
        Ok(leases) => leases,
        Err(error) => {
            return Err(refuse(&format!("nobody knows whether its operator is gone: {error}")));
        }
    };
    if leases.is_empty() {
        let sought = match &verb.lease {
            Some(place) => format!("there is no lease {place}"),
            None => "no lease of an operator was found; name it with --lease".to_owned(),
        };
        return Err(refuse(&format!("nobody knows whether its operator is gone: {sought}")));
    }
    screen.note("Looking whether an operator renews its lease …");
    match lease::alive(session, &leases).await? {
        Some((place, holder)) => Err(refuse(&format!(
            "{} holds and renews the lease {place}, and will end it; see why it does not: {}",
            one_line(&holder),
            hint("how it stands", "status", &verb.name, session, "")
        ))),
        None => Ok(()),
    }
}

/// What letting go leaves, in words.
fn leaves(rollback: &Rollback, paint: Paint) -> String {
    let default = RollbackStatus::default();
    let status = rollback.status.as_ref().unwrap_or(&default);
    let name = rollback.name_any();
    let namespace = rollback.namespace().unwrap_or_default();
    let title = format!("Letting go of rollback {name} ({}) leaves", status.phase);
    let mut text = paint.text(Tone::Strong, &title) + "\n";
    let mut line = |words: &str| {
        let _ = writeln!(text, "  - {words}");
    };
    if let Some(progress) = &status.progress {
        line(&format!(
            "{} of {} done, {} failed, and no ledger record that says so: the operations count as \
             not rolled back",
            progress.done, progress.total, progress.failed
        ));
    } else {
        line("no ledger record of what it did");
    }
    if !status.in_flight.is_empty() {
        let number = i32::try_from(status.in_flight.len()).unwrap_or(i32::MAX);
        line(&format!("{} that may still be at work in AWS:", count(number, "change")));
        for entry in &status.in_flight {
            let id = entry.request_id.as_ref();
            let request =
                id.map_or_else(|| "request not known".to_owned(), |id| format!("request {id}"));
            line(&format!("  item {} {}, {request}", entry.item, entry.action.as_str()));
        }
    }
    line(&format!(
        "nothing of its plan, which goes with it; to keep what is known: kubectl get \
         rollback/{name} rollbackplans -n {namespace} -o yaml > {name}.yaml"
    ));
    text
}

async fn take_off(session: &Session, rollback: &Rollback) -> Result<(), CliError> {
    let name = rollback.name_any();
    let doing = format!("take the finalizer off rollback {name}");
    let left: Vec<&String> =
        rollback.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).collect();
    let patch = Patch::Merge(json!({"metadata": {
        "uid": rollback.uid(), "resourceVersion": rollback.resource_version(), "finalizers": left,
    }}));
    match session.raw(&doing, session.rollbacks().patch(&name, &patch_parameters(), &patch)).await?
    {
        Ok(_) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) if is_conflict(&error) => Err(CliError::failed(format!(
            "cannot {doing}: somebody changed it since, so its operator may be alive; look at it again"
        ))),
        Err(error) => Err(CliError::request(&doing, &error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Phase;
    use crate::cli::fixtures;

    fn held() -> Rollback {
        let mut rollback = fixtures::rollback(Phase::Executing);
        rollback.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
        rollback.metadata.deletion_timestamp =
            serde_json::from_value(json!("2026-11-23T20:57:00Z")).unwrap();
        rollback
    }

    #[test]
    fn only_what_is_deleted_and_held_is_let_go() {
        assert_eq!(not_held(&held(), "access"), None);
        let mut kept = held();
        kept.metadata.deletion_timestamp = None;
        let why = not_held(&kept, "access").unwrap();
        assert!(why.ends_with("kubectl delete rollback undo -n access --wait=false"), "{why}");
        let mut other = held();
        other.metadata.finalizers = Some(vec!["example.com/x".to_owned()]);
        assert!(not_held(&other, "access").unwrap().ends_with("example.com/x"));
    }

    #[test]
    fn what_is_left_is_said_first() {
        let mut rollback = held();
        let status = rollback.status.as_mut().unwrap();
        let progress = json!({"total": 9, "done": 4, "failed": 1, "skipped": 0, "inFlight": 1,
            "percent": 44, "display": "4/9", "shards": []});
        status.progress = serde_json::from_value(progress).unwrap();
        let entry = json!({"item": 5, "action": "DeleteAssignment", "attempt": 1,
            "intentAt": "2026-11-23T20:56:00Z", "firstAt": "2026-11-23T20:56:00Z"});
        status.in_flight = vec![serde_json::from_value(entry).unwrap()];
        assert_eq!(
            leaves(&rollback, Paint::PLAIN),
            "\
Letting go of rollback undo (Executing) leaves
  - 4 of 9 done, 1 failed, and no ledger record that says so: the operations count as not rolled back
  - 1 change that may still be at work in AWS:
  -   item 5 DeleteAssignment, request not known
  - nothing of its plan, which goes with it; to keep what is known: kubectl get rollback/undo rollbackplans -n access -o yaml > undo.yaml
"
        );
    }
}
