//! `export`: operations in the neutral form.

use clap::Args;
use kube::Api;

use super::criteria::Criteria;
use super::error::CliError;
use super::exit::Exit;
use super::operations::list;
use super::screen::{Screen, print_raw};
use super::session::{Connection, Session};
use crate::model::OperationType;
use crate::record::neutral::written;

/// Write recorded operations as JSON, one a line
///
/// What `import json` reads: everything that was recorded about an operation, without what belongs
/// to this cluster (names of instances, who recorded it, labels). The oldest is first. Ledgers of
/// Rollbacks are left out, because only the operator of their own cluster writes them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Everything of a namespace, or of all
  kubectl rollback export -n access > operations.jsonl
  kubectl rollback export -A > operations.jsonl

  # What one actor did since yesterday
  kubectl rollback export --actor alice --from 1d")]
pub struct Export {
    #[command(flatten)]
    criteria: Criteria,
}

pub(super) async fn run(
    verb: &Export,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let all = connection.all_namespaces;
    let api = if all { Api::all(session.client.clone()) } else { session.records() };
    let filter = verb.criteria.filter(session.clock.now());
    let limit = verb.criteria.last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
    let found = list(&session, &api, &verb.criteria, &filter, limit).await?;
    let (ledgers, operations): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|record| record.spec.operation_type == OperationType::Rollback);
    let lines = operations.iter().rev().map(|record| written(&record.spec).to_string() + "\n");
    print_raw(&lines.collect::<String>())?;
    if !ledgers.is_empty() {
        screen.note(&format!("{} ledgers of Rollbacks are left out.", ledgers.len()));
    }
    Ok(Exit::Done)
}
