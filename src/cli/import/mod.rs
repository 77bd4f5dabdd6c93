//! `import`: turns what other tools recorded into `OperationRecord`s.

mod create;
mod summary;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use kube::api::ListParams;

use self::summary::Summary;
use super::error::CliError;
use super::exit::Exit;
use super::operations::reference;
use super::output::{Output, documents};
use super::screen::Screen;
use super::session::{Connection, Session};
use super::times;
use crate::api::OperationRecord;
use crate::model::InstanceArn;
use crate::record::awsideman::{self, DirectoryError, Instances};
use crate::record::{ImportedRecord, Report};

/// Import recorded operations from other tools
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # See what would be imported, without writing anything
  kubectl rollback import awsideman ~/.awsideman/operations --dry-run

  # Import into the namespace access
  kubectl rollback import awsideman ~/.awsideman/operations -n access")]
pub struct Import {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    Awsideman(Awsideman),
}

/// Import the operations that awsideman recorded
///
/// Reads operations.json and profiles/<profile>/operations.json, also those that were set aside
/// (operations_<time>.json) or compressed (.gz), whole or damaged. Every operation gets the same
/// name every time, so importing again changes nothing. An operation that cannot be trusted is
/// refused with its reason, and the rest is imported (exit code 3).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Import everything; instances are found by their ARN
  kubectl rollback import awsideman ~/.awsideman/operations

  # Only one profile, only for one instance; see the objects first
  kubectl rollback import awsideman ~/.awsideman/operations --profile prod --instance main --dry-run

  # The store of one person, who is named as the actor of what is in it
  kubectl rollback import awsideman ~alice/.awsideman/operations --actor alice

  # Without a cluster: write the objects to a file for Git
  kubectl rollback import awsideman DIR --dry-run --instance main \\
    --instance-arn arn:aws:sso:::instance/ssoins-0123456789abcdef > records.yaml")]
struct Awsideman {
    /// Directory of awsideman's store, or one of its files
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Take only operations of the instance with this name
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// ARN of that instance, so that the cluster need not be asked for it
    #[arg(long, value_name = "ARN", requires = "instance")]
    instance_arn: Option<InstanceArn>,
    /// Read only this profile's store, beside the one that all profiles share; may be repeated
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Who did what a store does not say who did: awsideman keeps no actor, but its store is in
    /// somebody's home directory
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    actor: Option<String>,
    /// Time zone of times that were recorded without one, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = times::parse_time_zone)]
    timezone: Option<TimeZone>,
    /// Print the objects and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the objects in this form and write nothing
    #[arg(short, long, value_name = "FORM", value_parser = Output::among(&["yaml", "json", "name"]))]
    output: Option<Output>,
}

pub(super) async fn run(
    verb: Import,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let Source::Awsideman(source) = verb.source;
    let files =
        awsideman::read_directory(&source.directory, &source.profiles).map_err(|error| {
            let exit = match &error {
                DirectoryError::NoStore { .. } | DirectoryError::NoProfile { .. } => Exit::NotFound,
                DirectoryError::Io { .. } | DirectoryError::TooLarge { .. } => Exit::Failed,
            };
            CliError::new(exit, error.to_string())
        })?;
    let only_print = source.dry_run || source.output.is_some();
    let (instances, session) = match (source.instance, source.instance_arn) {
        (Some(name), Some(arn)) => (Instances::One { name, arn }, None),
        (name, _) => {
            let session = Session::connect(connection).await?;
            (instances(&session, name).await?, Some(session))
        }
    };
    let mut report = awsideman::read(&files, &instances, source.timezone.as_ref());
    if let Some(actor) = &source.actor {
        report.name_actor(actor);
    }
    if only_print {
        let namespace = session.as_ref().map(|session| session.namespace.as_str());
        let namespace = namespace.or(connection.namespace.as_deref());
        print(&report, source.output.unwrap_or(Output::Yaml), namespace, screen)?;
        let summary = Summary { printed: report.records.len(), ..Summary::default() };
        return Ok(summary.tell(&report, screen));
    }
    let session = match session {
        Some(session) => session,
        None => Session::connect(connection).await?,
    };
    let summary = create::create_all(&session, &report.records, screen).await?;
    Ok(summary.tell(&report, screen))
}

/// The instances that operations may belong to.
async fn instances(session: &Session, name: Option<String>) -> Result<Instances, CliError> {
    let hint = |mut error: CliError| {
        error.message.push_str("; or give --instance with --instance-arn");
        error
    };
    if let Some(name) = name {
        let doing = format!("read instance {name}");
        let found = session.call(&doing, session.instances().get(&name)).await.map_err(hint)?;
        return Ok(Instances::One { name, arn: found.spec.instance_arn });
    }
    let parameters = ListParams::default();
    let api = session.instances();
    let found = session.call("list the instances", api.list(&parameters)).await.map_err(hint)?;
    let mut known = BTreeMap::new();
    for instance in found {
        let name = instance.metadata.name.unwrap_or_default();
        if let Some(other) = known.insert(instance.spec.instance_arn, name.clone()) {
            return Err(CliError::usage(format!(
                "the instances {other} and {name} have the same ARN; say which one with --instance"
            )));
        }
    }
    Ok(Instances::Known(known))
}

fn print(
    report: &Report,
    output: Output,
    namespace: Option<&str>,
    screen: Screen,
) -> Result<(), CliError> {
    let object = |record: &ImportedRecord| record.object(&record.name, namespace);
    let objects: Vec<OperationRecord> = report.records.iter().map(object).collect();
    if output == Output::Name {
        let names = report.records.iter().map(|record| reference(&record.name) + "\n");
        return screen.print(&names.collect::<String>());
    }
    if objects.is_empty() && output == Output::Yaml {
        return Ok(());
    }
    screen.print(&documents(&objects, output)?)
}
