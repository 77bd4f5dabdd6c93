//! `plan`: shows what an undo would do, and does none of it.

pub(super) mod diff;
mod document;
pub(super) mod groups;
mod rows;
pub(super) mod view;

use std::time::Duration;

use clap::{ArgGroup, Args};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Preconditions};

use self::document::PlanDocument;
use super::completion::names;
use super::criteria::Criteria;
use super::error::{CliError, is_conflict, is_missing};
use super::exit::Exit;
use super::follow::{Event, Follow};
use super::output::{Output, document};
use super::screen::{Screen, Tone, one_line};
use super::session::{Connection, Session, create_parameters};
use super::watch::reference;
use super::{reference as given, selection, shards, times};
use crate::api::condition::{ConditionType, is_true};
use crate::api::rollback::{Mode, OnDrift, OnFailure, Operations, Priority, RollbackSpec};
use crate::api::{Phase, Rollback};
use crate::model::Grade;

/// Show what undoing operations would do, and do none of it
///
/// Creates a Rollback that only plans, waits for its plan, shows it and deletes the Rollback
/// again. With --keep it stays, and can later be switched to mode Apply.
///
/// -o json is stable and described by docs/schemas/plan.json. With --detailed-exitcode: 10 nothing to
/// do, 11 exact, 12 less than exact, 13 something is blocked, whatever else the plan does.
#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("what")
        .args(["operations", "rollback"])
        .args(Criteria::IDS)
        .required(true)
        .multiple(true)
))]
#[command(after_help = "\
Examples:
  # What would undoing this operation do
  kubectl rollback plan assign-2abdc948

  # What would undoing all that one person did in two hours of this morning do
  kubectl rollback plan --actor alice --from 2026-11-23T08:00 --to 2026-11-23T10:00

  # Decide in a script: 10 nothing to do, 11 exact, 12 less than exact, 13 something blocked
  kubectl rollback plan assign-2abdc948 --detailed-exitcode -o json > plan.json

  # A line for each key that changes
  kubectl rollback plan assign-2abdc948 --diff

  # Show the plan of a Rollback that waits for its approval, with every account
  kubectl rollback plan --rollback undo-contractors -o wide")]
pub struct Plan {
    /// Names of the operations to undo; without any, on a terminal, they are picked from a list
    #[arg(value_name = "OPERATION", add = names::operations(), conflicts_with = "criteria")]
    operations: Vec<String>,
    /// Show the plan of this Rollback, once it has one; nothing is created
    #[arg(long, value_name = "NAME", add = names::rollbacks(), value_parser = given::rollback, conflicts_with_all = ["operations", "criteria", "name", "keep"])]
    rollback: Option<String>,
    /// Name of the Rollback that is created; without it plan-<random>
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Keep the Rollback
    #[arg(long)]
    keep: bool,
    /// Exit with 10 (nothing to do), 11 (exact), 12 (less than exact) or 13 (something blocked)
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show a line for each key: `-` what goes, `+` what comes, `!` what cannot be done
    #[arg(long)]
    diff: bool,
    /// How long to wait for the plan
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = times::parse_duration)]
    timeout: Duration,
    /// Form of the output; wide names every account
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv", "name"]))]
    output: Output,
    #[command(flatten)]
    criteria: Criteria,
}

pub(super) async fn run(
    verb: Plan,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let stays = verb.keep || verb.rollback.is_some();
    if verb.output == Output::Name && !stays {
        return Err(CliError::usage(
            "-o name names the Rollback, which is deleted again: give --keep, or --rollback",
        ));
    }
    if verb.diff && !matches!(verb.output, Output::Table | Output::Wide) {
        return Err(CliError::usage("--diff is for people: give it without -o, or with -o wide"));
    }
    let session = Session::connect(connection).await?;
    if let Some(name) = &verb.rollback {
        let rollback = session.rollback(name).await?;
        if rollback.status.as_ref().is_some_and(|status| status.plan.is_some()) {
            return show(&verb, &session, screen, &rollback).await;
        }
        return watch(&verb, &session, screen, &rollback).await;
    }
    let Some(operations) =
        selection::operations(&verb.operations, &verb.criteria, &session, screen).await?
    else {
        return Ok(Exit::Interrupted);
    };
    let spec = RollbackSpec { mode: Mode::PlanOnly, ..spec(operations) };
    let created = create(&session, verb.name.as_deref(), "plan-", spec).await?;
    let outcome = watch(&verb, &session, screen, &created).await;
    if verb.keep {
        let name = created.name_any();
        screen.note(&format!(
            "Kept as rollback {name}. To go on with it: kubectl patch rollback {name} -n {} --type \
             merge -p '{{\"spec\":{{\"mode\":\"Apply\"}}}}'",
            session.namespace
        ));
    } else {
        let deleted = delete(&session, &created).await;
        return outcome.and_then(|exit| deleted.map(|()| exit));
    }
    outcome
}

/// What to undo, all else as it is by default.
pub(super) fn spec(operations: Operations) -> RollbackSpec {
    RollbackSpec {
        operations,
        mode: Mode::default(),
        approval: None,
        on_drift: OnDrift::default(),
        on_failure: OnFailure::default(),
        priority: Priority::default(),
        not_before: None,
        deadline: None,
        suspend: false,
        cancel: false,
        attempt: 1,
        verification: None,
        ttl_after_finished: None,
        reason: None,
        ticket: None,
        requested_by: None,
        changed_by: None,
    }
}

/// Creates a Rollback under its name, or under one that the API server makes up.
pub(super) async fn create(
    session: &Session,
    name: Option<&str>,
    prefix: &str,
    spec: RollbackSpec,
) -> Result<Rollback, CliError> {
    for record in &spec.operations.names {
        ensure_there(session, record).await?;
    }
    let mut rollback = Rollback::new(name.unwrap_or_default(), spec);
    if name.is_none() {
        rollback.metadata.name = None;
        rollback.metadata.generate_name = Some(prefix.to_owned());
    }
    let shown =
        name.map_or_else(|| format!("a rollback {prefix}…"), |name| format!("rollback {name}"));
    let doing = format!("create {shown} in namespace {}", session.namespace);
    match session.raw(&doing, session.rollbacks().create(&create_parameters(), &rollback)).await? {
        Ok(created) => Ok(created),
        Err(error) if is_conflict(&error) => {
            let name = name.unwrap_or(prefix);
            Err(CliError::failed(format!(
                "cannot {doing}: it exists already; choose another --name, or see how it stands: \
                 kubectl rollback status {name} -n {}",
                session.namespace
            )))
        }
        Err(error) => Err(CliError::request(&doing, &error)),
    }
}

/// A record that does not exist would be waited for, which is right for `GitOps` and not for a
/// person who mistyped its name. Whoever may not read records leaves it to the operator.
async fn ensure_there(session: &Session, record: &str) -> Result<(), CliError> {
    let doing = format!("read operation record {record}");
    match session.raw(&doing, session.records().get_metadata(record)).await? {
        Err(kube::Error::Api(status)) if status.code == 404 => Err(CliError::new(
            Exit::NotFound,
            format!(
                "operation record {record} does not exist in namespace {0}; see what there is: \
                 kubectl rollback operations -n {0}",
                session.namespace
            ),
        )),
        Ok(_) | Err(kube::Error::Api(_)) => Ok(()),
        Err(error) => Err(CliError::request(&doing, &error)),
    }
}

async fn watch(
    verb: &Plan,
    session: &Session,
    screen: Screen,
    created: &Rollback,
) -> Result<Exit, CliError> {
    let name = created.name_any();
    let mut follow = Follow::new(session, &name, verb.timeout);
    let mut told = String::new();
    let mut last = None;
    loop {
        match follow.next().await? {
            Event::Seen(rollback) if is_planned(&rollback) => {
                return show(verb, session, screen, &rollback).await;
            }
            Event::Seen(rollback) => {
                let summary = rollback.status.map(|status| status.summary).unwrap_or_default();
                if !summary.is_empty() && summary != told {
                    screen.note_in(Tone::Faint, &one_line(&summary));
                    told.clone_from(&summary);
                }
                last = Some(summary).filter(|summary| !summary.is_empty());
            }
            Event::Notice(text) => screen.note_in(Tone::Warning, &text),
            Event::Gone => {
                let message = format!("rollback {name} was deleted before it had a plan");
                return Err(CliError::new(Exit::NotFound, message));
            }
            Event::TimedOut => {
                let nobody =
                    "nobody has looked at it; is the operator running and watching this namespace?";
                let last = last.map_or_else(|| nobody.to_owned(), |last| one_line(&last));
                return Err(CliError::new(Exit::TimedOut, format!("no plan in time: {last}")));
            }
            Event::Interrupted => return Ok(Exit::Interrupted),
        }
    }
}

/// Whether the operator has said all that it will say about a plan.
fn is_planned(rollback: &Rollback) -> bool {
    let Some(status) = &rollback.status else { return false };
    let current = Some(status.observed_generation) >= rollback.metadata.generation;
    current
        && (matches!(status.phase, Phase::Planned | Phase::AwaitingApproval)
            || status.phase.is_terminal()
            || is_true(&status.conditions, ConditionType::Stalled))
}

async fn show(
    verb: &Plan,
    session: &Session,
    screen: Screen,
    rollback: &Rollback,
) -> Result<Exit, CliError> {
    let Some(status) = &rollback.status else {
        return Err(CliError::failed(format!("rollback {} has no plan yet", rollback.name_any())));
    };
    let items =
        if status.plan.is_some() { shards::read(session, rollback).await? } else { Vec::new() };
    let text = match verb.output {
        Output::Json | Output::Yaml => {
            let name = rollback.name_any();
            let plan = PlanDocument::new(&session.namespace, name, rollback, status, &items);
            document(&plan, verb.output)?
        }
        Output::Csv => rows::comma_separated(&items),
        Output::Name => reference(rollback) + "\n",
        form if verb.diff => diff::render(rollback, &items, form == Output::Wide, screen.out),
        form => view::render(rollback, &items, form == Output::Wide, screen.out),
    };
    screen.print_in(verb.output, &text)?;
    Ok(if verb.detailed_exitcode {
        detailed(rollback)
    } else if status.plan.is_some() {
        Exit::Done
    } else {
        Exit::of(rollback)
    })
}

/// What scripts branch on.
fn detailed(rollback: &Rollback) -> Exit {
    let Some(status) = &rollback.status else { return Exit::Failed };
    match &status.plan {
        Some(plan) if plan.blocked > 0 => Exit::Blocked,
        Some(plan) if plan.actions == 0 => Exit::NothingToDo,
        Some(plan) if plan.grade == Grade::Exact => Exit::Exact,
        Some(_) => Exit::LessThanExact,
        None if status.phase == Phase::AlreadyRolledBack => Exit::NothingToDo,
        None => Exit::of(rollback),
    }
}

async fn delete(session: &Session, created: &Rollback) -> Result<(), CliError> {
    let name = created.name_any();
    let doing = format!("delete rollback {name} again");
    let parameters = DeleteParams {
        preconditions: Some(Preconditions {
            uid: created.metadata.uid.clone(),
            resource_version: None,
        }),
        ..DeleteParams::background()
    };
    match session.raw(&doing, session.rollbacks().delete(&name, &parameters)).await? {
        Ok(_) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(CliError::request(&doing, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::plan_status::PlanStatus;
    use crate::cli::fixtures;

    #[test]
    fn scripts_can_tell_plans_apart() {
        let exit = |change: fn(&mut PlanStatus)| {
            let mut rollback = fixtures::rollback(Phase::Planned);
            change(rollback.status.as_mut().unwrap().plan.as_mut().unwrap());
            detailed(&rollback)
        };
        assert_eq!(exit(|plan| plan.blocked = 0), Exit::LessThanExact);
        assert_eq!(exit(|plan| (plan.blocked, plan.grade) = (0, Grade::Exact)), Exit::Exact);
        assert_eq!(exit(|plan| plan.blocked = 1), Exit::Blocked);
        assert_eq!(exit(|plan| (plan.blocked, plan.actions) = (0, 0)), Exit::NothingToDo);
        let mut done = fixtures::rollback(Phase::AlreadyRolledBack);
        done.status.as_mut().unwrap().plan = None;
        assert_eq!(detailed(&done), Exit::NothingToDo);
    }

    #[test]
    fn a_plan_counts_when_it_is_about_the_present_spec() {
        let mut rollback = fixtures::rollback(Phase::Planned);
        assert!(is_planned(&rollback));
        rollback.metadata.generation = Some(7);
        assert!(!is_planned(&rollback));
        assert!(!is_planned(&fixtures::rollback(Phase::Planning)));
        assert!(is_planned(&fixtures::rollback(Phase::Failed)));
    }
}
