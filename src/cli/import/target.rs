//! What every import does with the records that its source gave.

use std::collections::BTreeMap;

use clap::Args;
use kube::api::ListParams;

use super::create;
use super::summary::Summary;
use crate::api::OperationRecord;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::operations::reference;
use crate::cli::output::{Output, documents};
use crate::cli::screen::{Screen, print_raw};
use crate::cli::session::{Connection, Session};
use crate::model::InstanceArn;
use crate::record::{ImportedRecord, Instances, Report};

/// Where records go, and of which instance.
#[derive(Debug, Args)]
pub struct Target {
    /// Take only operations of the instance with this name
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// ARN of that instance, so that the cluster need not be asked for it
    #[arg(long, value_name = "ARN", requires = "instance")]
    instance_arn: Option<InstanceArn>,
    /// Print the objects and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the objects in this form and write nothing
    #[arg(short, long, value_name = "FORM", value_parser = Output::among(&["yaml", "json", "name"]))]
    output: Option<Output>,
}

impl Target {
    /// Reads what the source holds, given the instances, and creates or prints the records.
    pub async fn take(
        self,
        connection: &Connection,
        screen: Screen,
        read: impl FnOnce(&Instances) -> Result<Report, CliError>,
    ) -> Result<Exit, CliError> {
        let only_print = self.dry_run || self.output.is_some();
        let (instances, session) = match (self.instance, self.instance_arn) {
            (Some(name), Some(arn)) => (Instances::One { name, arn }, None),
            (name, _) => {
                let session = Session::connect(connection).await?;
                (instances(&session, name).await?, Some(session))
            }
        };
        let report = read(&instances)?;
        if only_print {
            let namespace = session.as_ref().map(|session| session.namespace.as_str());
            let namespace = namespace.or(connection.namespace.as_deref());
            print(&report, self.output.unwrap_or(Output::Yaml), namespace)?;
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

fn print(report: &Report, output: Output, namespace: Option<&str>) -> Result<(), CliError> {
    let object = |record: &ImportedRecord| record.object(&record.name, namespace);
    let objects: Vec<OperationRecord> = report.records.iter().map(object).collect();
    if output == Output::Name {
        let names = report.records.iter().map(|record| reference(&record.name) + "\n");
        return print_raw(&names.collect::<String>());
    }
    if objects.is_empty() && output == Output::Yaml {
        return Ok(());
    }
    print_raw(&documents(&objects, output)?)
}
