//! `apply`: undoes operations: the plan first, then the question, then the progress.

use clap::{ArgGroup, Args, ValueEnum};
use kube::ResourceExt as _;

use super::carry_out::carry_out;
use super::completion::names;
use super::criteria::Criteria;
use super::error::CliError;
use super::exit::Exit;
use super::manner::Manner;
use super::screen::Screen;
use super::session::{Connection, Session};
use super::{plan, selection};
use crate::api::rollback::{OnDrift, OnFailure, Priority, RollbackSpec};

/// Undo operations: show the plan, ask, execute, follow
///
/// Creates a Rollback and shows its plan. If the plan waits for an approval and you say yes (or
/// gave --yes), exactly this plan is approved by its digest. Then the progress is shown until
/// every change was read back from AWS. Ctrl-C leaves the Rollback running.
///
/// On a terminal nothing is sent before you say yes, under every policy: the Rollback is created
/// suspended, and no cancels it. With --yes, with --wait=false and where nobody can be asked, a plan
/// that needs no approval (policy Never, or `WhenNotExact` and exact) is executed as soon as it is made.
#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("what").arg("operations").args(Criteria::IDS).required(true).multiple(true)
))]
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
    /// Names of the operations to undo; without any, on a terminal, they are picked from a list
    #[arg(value_name = "OPERATION", add = names::operations(), conflicts_with = "criteria")]
    operations: Vec<String>,
    /// Name of the Rollback; without it undo-<random>
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Why; it is kept in the Rollback
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Ticket; it is kept in the Rollback
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// What to do about what changed since the plan was made
    #[arg(long, value_name = "WHAT", value_enum, default_value = "skip")]
    on_drift: Drift,
    /// What to do with the rest after an action failed
    #[arg(long, value_name = "WHAT", value_enum, default_value = "continue")]
    on_failure: Failure,
    /// Go first where Rollbacks share AWS's quota
    #[arg(long)]
    emergency: bool,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    criteria: Criteria,
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

pub(super) async fn run(
    verb: Apply,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let Some(operations) =
        selection::operations(&verb.operations, &verb.criteria, &session, screen).await?
    else {
        return Ok(Exit::Interrupted);
    };
    let held = verb.manner.asks(screen);
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
        suspend: held,
        ..plan::spec(operations)
    };
    let created = plan::create(&session, verb.name.as_deref(), "undo-", spec).await?;
    let name = created.name_any();
    screen.note(&format!("rollback {name} created in namespace {}", session.namespace));
    carry_out(&verb.manner, &session, screen, created, held).await
}
