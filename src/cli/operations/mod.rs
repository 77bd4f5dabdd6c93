//! `operations`: finds what was changed, by whom, when and where.

mod filter;
mod rows;

use clap::{Args, ValueEnum};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use self::filter::Filter;
use self::rows::{HEADERS, WIDE_HEADERS, row};
use super::error::CliError;
use super::exit::Exit;
use super::output::{Output, documents};
use super::screen::{Screen, Tone};
use super::session::{Connection, Session};
use super::table::{Cell, csv, table};
use super::times::{self, When};
use crate::api::{GROUP, OperationRecord};
use crate::model::{AccountId, OperationType};

/// Objects that one answer of the API server holds at most.
const PAGE: u32 = 500;

/// List recorded operations, newest first
#[derive(Debug, Args)]
#[command(
    visible_alias = "ops",
    after_help = "\
Examples:
  # What was changed in the last two hours
  kubectl rollback operations --since 2h

  # What John was given in one account and still has not lost
  kubectl rollback operations --principal john --account 061836611202 --type assign --open

  # Undo everything that one person did today
  kubectl rollback apply $(kubectl rollback operations --actor alice --since 1d -o name)"
)]
pub(super) struct Operations {
    /// Only operations of this type; may be repeated
    #[arg(short = 't', long = "type", value_name = "TYPE", value_enum)]
    types: Vec<Type>,
    /// Only operations of this actor: a part of the name
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
    /// Only operations on this user or group: the id or a part of the name
    #[arg(short, long, value_name = "TEXT")]
    principal: Option<String>,
    /// Only operations with this permission set: the ARN, its end, or a part of the name
    #[arg(short = 's', long, value_name = "TEXT")]
    permission_set: Option<String>,
    /// Only operations in this account
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// Only operations of the instance with this name
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Only operations that this tool recorded, such as awsideman
    #[arg(long, value_name = "TOOL")]
    source: Option<String>,
    /// Only operations since then: a time, or so long ago (2h, 3d)
    #[arg(long, value_name = "TIME", value_parser = times::parse_when)]
    since: Option<When>,
    /// Only operations until then
    #[arg(long, value_name = "TIME", value_parser = times::parse_when)]
    until: Option<When>,
    /// Only operations that are rolled back
    #[arg(long, conflicts_with = "open")]
    rolled_back: bool,
    /// Only operations that are not, or not wholly, rolled back
    #[arg(long)]
    open: bool,
    /// Show at most so many, the newest
    #[arg(short, long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv", "name"]))]
    output: Output,
}

/// Types of operations as they are typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Type {
    Assign,
    Revoke,
    Copy,
    Clone,
    Rollback,
}

impl From<Type> for OperationType {
    fn from(kind: Type) -> Self {
        match kind {
            Type::Assign => Self::Assign,
            Type::Revoke => Self::Revoke,
            Type::Copy => Self::CopyAssignments,
            Type::Clone => Self::ClonePermissionSet,
            Type::Rollback => Self::Rollback,
        }
    }
}

pub(super) async fn run(
    verb: &Operations,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let session = Session::connect(connection).await?;
    let api = if connection.all_namespaces {
        Api::all(session.client.clone())
    } else {
        session.records()
    };
    let found = find(verb, &session, &api).await?;
    if found.is_empty() {
        let place = if connection.all_namespaces {
            "any namespace".to_owned()
        } else {
            format!("namespace {}", session.namespace)
        };
        screen.note(&format!("No operations found in {place} that fit."));
        if matches!(verb.output, Output::Table | Output::Wide) {
            return Ok(Exit::Done);
        }
    }
    screen.print(&render(&found, verb.output, connection.all_namespaces, &session, screen)?)?;
    Ok(Exit::Done)
}

/// Lists page by page, keeps what fits, and sorts it: newest first.
async fn find(
    verb: &Operations,
    session: &Session,
    api: &Api<OperationRecord>,
) -> Result<Vec<OperationRecord>, CliError> {
    let now = session.clock.now();
    let filter = Filter {
        types: verb.types.iter().map(|kind| (*kind).into()).collect(),
        actor: verb.actor.as_deref().map(str::to_lowercase),
        principal: verb.principal.as_deref().map(str::to_lowercase),
        permission_set: verb.permission_set.as_deref().map(str::to_lowercase),
        account: verb.account.clone(),
        source: verb.source.clone(),
        since: verb.since.map(|when| when.at(now)),
        until: verb.until.map(|when| when.at(now)),
        rolled_back: match (verb.rolled_back, verb.open) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
    };
    let mut selectors = Vec::new();
    if let [kind] = filter.types.as_slice() {
        selectors.push(format!("spec.type={kind}"));
    }
    if let Some(instance) = &verb.instance {
        selectors.push(format!("spec.instance={instance}"));
    }
    let mut parameters = ListParams::default().limit(PAGE);
    if !selectors.is_empty() {
        parameters = parameters.fields(&selectors.join(","));
    }
    let mut found = Vec::new();
    let mut restarts = 0;
    loop {
        let page = match session.raw("list the operations", api.list(&parameters)).await? {
            Ok(page) => page,
            // The list changed so much in between that its rest cannot be given any more.
            Err(kube::Error::Api(status)) if status.code == 410 && restarts < 3 => {
                restarts += 1;
                found.clear();
                parameters.continue_token = None;
                continue;
            }
            Err(error) => return Err(CliError::request("list the operations", &error)),
        };
        found.extend(page.items.into_iter().filter(|record| filter.fits(record)).map(slim));
        parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if let Some(limit) = verb.limit
            && found.len() > limit.saturating_mul(2).max(PAGE as usize)
        {
            newest_first(&mut found);
            found.truncate(limit);
        }
        if parameters.continue_token.is_none() {
            break;
        }
    }
    newest_first(&mut found);
    found.truncate(verb.limit.unwrap_or(usize::MAX));
    Ok(found)
}

fn newest_first(found: &mut [OperationRecord]) {
    found.sort_by(|a, b| {
        let name = |record: &OperationRecord| (record.namespace(), record.name_any());
        b.spec.occurred_at.cmp(&a.spec.occurred_at).then_with(|| name(a).cmp(&name(b)))
    });
}

/// Without what the API server keeps about each field.
fn slim(mut record: OperationRecord) -> OperationRecord {
    record.metadata.managed_fields = None;
    record
}

fn render(
    found: &[OperationRecord],
    output: Output,
    with_namespace: bool,
    session: &Session,
    screen: Screen,
) -> Result<String, CliError> {
    let wide = output != Output::Table;
    let rows = |paint_times: bool| -> Vec<Vec<Cell>> {
        let now = paint_times.then(|| session.clock.now());
        found.iter().map(|record| row(record, with_namespace, wide, now)).collect()
    };
    let mut headers = Vec::new();
    if with_namespace {
        headers.push("NAMESPACE");
    }
    headers.extend(HEADERS);
    if wide {
        headers.extend(WIDE_HEADERS);
    }
    match output {
        Output::Table | Output::Wide => Ok(table(&headers, rows(true), screen.out)),
        Output::Csv => Ok(csv(&headers, &rows(false))),
        Output::Name => {
            let name = |record: &OperationRecord| reference(&record.name_any()) + "\n";
            Ok(found.iter().map(name).collect())
        }
        Output::Json | Output::Yaml => documents(found, output),
    }
}

/// A record as kubectl names it.
pub(super) fn reference(name: &str) -> String {
    format!("operationrecord.{GROUP}/{name}")
}

/// The name of a record, also when it was given as `operationrecord.identitycenter.dev/name`.
pub(super) fn plain_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

/// Tone of a state that is as it should be, or not yet.
const fn rolled_back_tone(rolled_back: bool) -> Tone {
    if rolled_back { Tone::Faint } else { Tone::Plain }
}
