//! `retry`: tries again what a Rollback left open.

use clap::Args;
use serde_json::json;

use super::approve::change;
use super::carry_out::carry_out;
use super::completion::names;
use super::error::CliError;
use super::exit::Exit;
use super::manner::Manner;
use super::reference;
use super::screen::{Screen, one_line};
use super::session::{Connection, Session};
use super::watch::{apply_again, leaving};
use crate::api::condition::{ConditionType, is_true};
use crate::api::{Phase, Rollback};

/// Try again what a Rollback left open
///
/// Begins another attempt: with its own plan, made from what AWS holds now, its own approval and its
/// own ledger record. What is undone already is not undone again. Then it goes on as apply does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Look at the plan for the rest, approve it, follow it
  kubectl rollback retry undo-contractors

  # Only ask for it; somebody else looks at the plan and approves
  kubectl rollback retry undo-contractors --wait=false")]
pub struct Retry {
    /// Name of the Rollback
    #[arg(value_name = "ROLLBACK", add = names::rollbacks(), value_parser = reference::rollback)]
    name: String,
    #[command(flatten)]
    manner: Manner,
}

pub(super) async fn run(
    verb: Retry,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let name = &verb.name;
    let before = session.rollback(name).await?.spec;
    let attempt = before.attempt.saturating_add(1);
    // What somebody else suspended is not for this command to let go on.
    let held = verb.manner.asks(screen) && !before.suspend;
    let mut spec = json!({"attempt": attempt});
    if held {
        spec["suspend"] = json!(true);
    }
    let doing = format!("try rollback {name} again");
    let against = |rollback: &Rollback| {
        // Somebody else may have asked for the same attempt since: once is enough.
        let asked = rollback.spec.attempt >= attempt;
        if asked { Some(asked_already(rollback)) } else { nothing_to_retry(rollback) }
    };
    change(&session, &doing, name, &spec, against).await?;
    screen.note(&format!("rollback {name}: attempt {attempt} begins with a plan of its own"));
    let rollback = session.rollback(name).await.map_err(|mut error| {
        if held {
            let resume =
                format!("; attempt {attempt} is suspended: kubectl rollback resume {name} ");
            error.message = [&error.message, &resume, &session.place].map(String::as_str).concat();
        }
        error
    })?;
    carry_out(&verb.manner, &session, screen, rollback, held).await
}

fn asked_already(rollback: &Rollback) -> String {
    format!("attempt {} was asked for already; watch shows it", rollback.spec.attempt)
}

/// Why there is nothing to try again, if so.
fn nothing_to_retry(rollback: &Rollback) -> Option<String> {
    if let Some(why) = leaving(rollback) {
        return Some(why);
    }
    let status = rollback.status.as_ref()?;
    let another = format!("to undo what is open, create another: {}", apply_again(rollback));
    if rollback.spec.cancel {
        return Some(format!("it was cancelled, which cannot be taken back; {another}"));
    }
    if rollback.spec.approval.as_ref().is_some_and(|approval| approval.reject) {
        return Some(format!("its plan was rejected, which cannot be taken back; {another}"));
    }
    if status.attempt < rollback.spec.attempt {
        return Some(asked_already(rollback));
    }
    match status.phase {
        Phase::PartiallySucceeded | Phase::Failed => None,
        Phase::Pending if is_true(&status.conditions, ConditionType::Stalled) => None,
        Phase::Succeeded | Phase::AlreadyRolledBack => {
            Some(format!("nothing is open: it is {} ({})", status.phase, one_line(&status.summary)))
        }
        phase => Some(format!("it is not over: it is {phase} ({})", one_line(&status.summary))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Reason;
    use crate::api::rollback::Approval;
    use crate::cli::fixtures;

    #[test]
    fn only_what_ended_with_open_keys_is_tried_again() {
        for phase in Phase::ALL {
            let why = nothing_to_retry(&fixtures::rollback(phase));
            let open = matches!(phase, Phase::PartiallySucceeded | Phase::Failed);
            assert_eq!(why.is_none(), open, "{phase}: {why:?}");
        }
        let mut stalled = fixtures::rollback(Phase::Pending);
        fixtures::condition(&mut stalled, ConditionType::Stalled, true, Reason::NothingSelected);
        assert_eq!(nothing_to_retry(&stalled), None);
    }

    #[test]
    fn what_was_ended_by_a_person_is_not_tried_again() {
        let mut cancelled = fixtures::rollback(Phase::Failed);
        cancelled.spec.cancel = true;
        let why = nothing_to_retry(&cancelled).unwrap();
        assert!(why.ends_with("kubectl rollback apply assign-2abdc948 -n access"), "{why}");
        let mut rejected = fixtures::rollback(Phase::Failed);
        rejected.spec.approval = Some(Approval { reject: true, ..Approval::default() });
        assert!(nothing_to_retry(&rejected).unwrap().contains("rejected"));
        let mut twice = fixtures::rollback(Phase::Failed);
        twice.spec.attempt = 2;
        assert!(nothing_to_retry(&twice).unwrap().contains("attempt 2 was asked for already"));
    }
}
