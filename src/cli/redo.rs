//! `redo`: puts back what a Rollback undid.

use clap::Args;
use kube::ResourceExt as _;

use super::carry_out::carry_out;
use super::completion::names;
use super::criteria::Criteria;
use super::error::{CliError, is_missing};
use super::exit::Exit;
use super::manner::Manner;
use super::operations::filter::{Filter, is_rolled_back};
use super::operations::{list, plain_name};
use super::plan;
use super::screen::Screen;
use super::session::{Connection, Session};
use crate::api::OperationRecord;
use crate::api::record::LedgerOutcome;
use crate::api::rollback::{Operations, RollbackSpec};
use crate::model::OperationType;
use crate::model::words::count;

/// Put back what a Rollback undid
///
/// Undoes the ledger records that the Rollback left: every key that it changed becomes again what it
/// was before. It is an undo like any other: with a plan, an approval and a ledger record. Give the
/// name of a Rollback, also of one that is deleted, or of one ledger record (operations -t rollback).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # The undo was a mistake: put everything back
  kubectl rollback redo undo-contractors --reason 'they stay after all'

  # Put back what the first attempt undid
  kubectl rollback redo undo-contractors-3c3b70b4-1")]
pub struct Redo {
    /// Name of the Rollback, or of a ledger record
    #[arg(value_name = "ROLLBACK", add = names::rollbacks())]
    name: String,
    /// Name of the Rollback that is created; without it redo-<random>
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// Why; it is kept in the Rollback
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Ticket; it is kept in the Rollback
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    #[command(flatten)]
    manner: Manner,
}

pub(super) async fn run(
    verb: Redo,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let names = ledgers(&session, plain_name(&verb.name)).await?;
    screen.note(&format!("Puts back what {} says: {}", count_of(&names), names.join(", ")));
    let operations = Operations { names, select: None };
    let held = verb.manner.asks(screen);
    let (reason, ticket) = (verb.reason, verb.ticket);
    let spec = RollbackSpec { reason, ticket, suspend: held, ..plan::spec(operations) };
    let created = plan::create(&session, verb.new_name.as_deref(), "redo-", spec).await?;
    let name = created.name_any();
    screen.note(&format!("rollback {name} created in namespace {}", session.namespace));
    carry_out(&verb.manner, &session, screen, created, held).await
}

fn count_of(names: &[String]) -> String {
    count(i32::try_from(names.len()).unwrap_or(i32::MAX), "ledger record")
}

/// Names of the ledger records to undo.
async fn ledgers(session: &Session, name: &str) -> Result<Vec<String>, CliError> {
    let doing = format!("read operation record {name}");
    match session.raw(&doing, session.records().get(name)).await? {
        Ok(record) => return of_one(&record).map(|name| vec![name]),
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(CliError::request(&doing, &error)),
    }
    let criteria = Criteria { types: vec![super::criteria::Type::Rollback], ..Criteria::default() };
    let all = list(session, &session.records(), &criteria, &Filter::default(), None).await?;
    of_rollback(name, &session.namespace, &all)
}

/// The ledger itself, if it can be redone.
fn of_one(record: &OperationRecord) -> Result<String, CliError> {
    let name = record.name_any();
    if record.spec.operation_type != OperationType::Rollback {
        return Err(CliError::failed(format!(
            "cannot redo {name}: it is the record of an operation of type {}, not of an undo; to \
             undo it: kubectl rollback apply {name}",
            record.spec.operation_type
        )));
    }
    if !wrote(record) {
        return Err(CliError::failed(format!("cannot redo {name}: {}", nothing_known(&[record]))));
    }
    Ok(name)
}

/// The ledgers of all attempts of one Rollback that changed something and were not put back.
fn of_rollback(
    name: &str,
    namespace: &str,
    all: &[OperationRecord],
) -> Result<Vec<String>, CliError> {
    let of_it = all.iter().filter(|record| {
        let by = record.spec.rollback.as_ref().map(|ledger| &ledger.by);
        by.is_some_and(|by| by.name == name && by.namespace == namespace)
    });
    let mut found: Vec<&OperationRecord> = of_it.collect();
    if found.is_empty() {
        return Err(CliError::new(
            Exit::NotFound,
            format!(
                "cannot redo {name}: no ledger record of it is in namespace {namespace}; see what \
                 was undone: kubectl rollback operations --type rollback -n {namespace}"
            ),
        ));
    }
    let why = nothing_known(&found);
    found.retain(|record| wrote(record) && !is_rolled_back(record));
    if found.is_empty() {
        return Err(CliError::failed(format!("cannot redo {name}: {why}")));
    }
    let uid = |record: &&OperationRecord| {
        record.spec.rollback.as_ref().map(|ledger| ledger.by.uid.clone())
    };
    if found.iter().any(|record| uid(record) != uid(&found[0])) {
        let names: Vec<String> = found.iter().map(|record| record.name_any()).collect();
        return Err(CliError::usage(format!(
            "several Rollbacks were called {name}; name the ledger record to put back: {}",
            names.join(", ")
        )));
    }
    Ok(found.iter().map(|record| record.name_any()).collect())
}

/// Why ledgers are not put back of which none is known to have left a change.
fn nothing_known(ledgers: &[&OperationRecord]) -> String {
    let open = ledgers.iter().filter(|record| !is_rolled_back(record));
    let keys = open.filter_map(|record| record.spec.rollback.as_ref()).flat_map(|it| &it.keys);
    let unknown = keys.filter(|it| it.outcome == LedgerOutcome::Unknown);
    let unknown = unknown.map(|keys| keys.accounts.len().max(1)).sum::<usize>();
    if unknown > 0 {
        return format!(
            "nothing is known to be changed that is not put back, but what became of {} could not \
             be found out: look in AWS, or undo the operations anew, which compares with what is \
             there now",
            count(i32::try_from(unknown).unwrap_or(i32::MAX), "key")
        );
    }
    if ledgers.iter().any(|record| wrote(record)) {
        return "what it changed was put back already".to_owned();
    }
    "it changed nothing, so there is nothing to put back".to_owned()
}

/// Whether an attempt changed anything.
fn wrote(record: &OperationRecord) -> bool {
    let ledger = record.spec.rollback.as_ref();
    ledger.is_some_and(|it| it.keys.iter().any(|keys| keys.outcome == LedgerOutcome::Verified))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    fn all() -> Vec<OperationRecord> {
        vec![
            fixtures::ledger("undo-a-2", "undo", "a", "Verified"),
            fixtures::ledger("undo-a-1", "undo", "a", "Verified"),
            fixtures::ledger("undo-a-3", "undo", "a", "Failed"),
            fixtures::ledger("other-b-1", "other", "b", "Failed"),
        ]
    }

    #[test]
    fn all_attempts_that_changed_something_are_put_back() {
        let found = of_rollback("undo", "access", &all()).unwrap();
        assert_eq!(found, ["undo-a-2", "undo-a-1"]);
        let none = of_rollback("other", "access", &all()).unwrap_err();
        assert!(none.message.contains("it changed nothing"), "{none}");
        let unknown = [fixtures::ledger("undo-a-1", "undo", "a", "Unknown")];
        let none = of_rollback("undo", "access", &unknown).unwrap_err();
        assert!(none.message.contains("what became of 1 key could not be found out"), "{none}");
        assert_eq!(
            of_one(&unknown[0]).unwrap_err().message,
            none.message.replace("undo:", "undo-a-1:")
        );
        assert_eq!(of_rollback("nosuch", "access", &all()).unwrap_err().exit, Exit::NotFound);
        assert_eq!(of_rollback("undo", "elsewhere", &all()).unwrap_err().exit, Exit::NotFound);
    }

    #[test]
    fn a_name_that_two_rollbacks_had_is_asked_about() {
        let mut records = all();
        records.push(fixtures::ledger("undo-c-1", "undo", "c", "Verified"));
        let refused = of_rollback("undo", "access", &records).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(refused.message.ends_with("undo-a-2, undo-a-1, undo-c-1"), "{refused}");
    }

    #[test]
    fn one_record_is_redone_only_if_it_is_a_ledger_that_changed_something() {
        assert_eq!(of_one(&all()[0]).unwrap(), "undo-a-2");
        assert!(of_one(&all()[2]).unwrap_err().message.contains("changed nothing"));
        let refused = of_one(&fixtures::record()).unwrap_err();
        assert!(refused.message.contains("kubectl rollback apply assign-2abdc948"), "{refused}");
    }
}
