//! Which records a Rollback is about, and whether the instance lets it undo them.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::ResourceExt;

use super::context::Context;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use super::related::related;
use super::{by_criteria, found_before};
use crate::api::condition::{ConditionType, is_true};
use crate::api::rollback_status::RollbackStatus;
use crate::api::{OperationRecord, Reason, Rollback};
use crate::cluster::instances;
use crate::cluster::records::{self, Named};
use crate::plan::{self, Record, Replacements, Touched};

/// Why planning cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It may go away by itself or by what somebody applies: it is waited for.
    Wait(Reason, String),
    /// It will not go away: the Rollback is over.
    Refuse(Reason, String),
}

/// The records that are undone, and where.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The instance that they belong to.
    pub instance: Arc<InstanceHandle>,
    /// The records, each once.
    pub selected: Vec<Record>,
}

/// Why there is no selection.
#[derive(Debug)]
pub enum Stop {
    /// Something stands in the way.
    Obstacle(Obstacle),
    /// It could not be found out.
    Error(Error),
}

impl Stop {
    /// It is waited for.
    #[must_use]
    pub const fn wait(reason: Reason, message: String) -> Self {
        Self::Obstacle(Obstacle::Wait(reason, message))
    }

    /// The Rollback is over.
    #[must_use]
    pub const fn refuse(reason: Reason, message: String) -> Self {
        Self::Obstacle(Obstacle::Refuse(reason, message))
    }
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Finds the records and their instance: those that the spec names, or those that its criteria
/// found once, which `status` names from then on.
pub async fn selection(
    context: &Context,
    rollback: &Rollback,
    status: &RollbackStatus,
) -> Result<Result<Selection, Obstacle>, Error> {
    let found = match &rollback.spec.operations.select {
        None => named(context, rollback).await,
        Some(select) if status.record_refs.is_empty() => {
            by_criteria::find(context, rollback, select).await
        }
        Some(_) => found_before::find(context, rollback, status).await,
    };
    match found {
        Ok(selection) => Ok(Ok(selection)),
        Err(Stop::Obstacle(obstacle)) => Ok(Err(obstacle)),
        Err(Stop::Error(error)) => Err(error),
    }
}

async fn named(context: &Context, rollback: &Rollback) -> Result<Selection, Stop> {
    let namespace = rollback.namespace().unwrap_or_default();
    let mut selected: Vec<Record> = Vec::new();
    let mut names = BTreeSet::new();
    for name in rollback.spec.operations.names.iter().filter(|name| names.insert(*name)) {
        match records::get(&context.client, &namespace, name).await? {
            Named::Found(record) => selected.push(as_record(*record)),
            Named::Missing => {
                let message = format!(
                    "waits for OperationRecord {name} in namespace {namespace}: it does not exist; import it, or delete this Rollback and create one with the right name"
                );
                return Err(Stop::wait(Reason::RecordNotFound, message));
            }
            Named::Invalid(why) => {
                return Err(Stop::wait(Reason::RecordInvalid, cannot_be_read(name, &why)));
            }
        }
    }
    let Some(first) = selected.first() else {
        let message = "spec.operations names no record".to_owned();
        return Err(Stop::refuse(Reason::NothingSelected, message));
    };
    let instance = first.spec.instance.clone();
    if let Some(other) = selected.iter().find(|record| record.spec.instance != instance) {
        let message = format!(
            "the records belong to different instances ({instance} and {}): create one Rollback for each",
            other.spec.instance
        );
        return Err(Stop::refuse(Reason::InstancesDiffer, message));
    }
    let instance = usable_instance(context, &namespace, &instance).await?;
    Ok(Selection { instance, selected })
}

/// An instance that is ready and allows the namespace.
pub async fn usable_instance(
    context: &Context,
    namespace: &str,
    instance: &str,
) -> Result<Arc<InstanceHandle>, Stop> {
    let found = match instances::get(&context.client, instance).await? {
        instances::Named::Found(found) => found,
        instances::Named::Missing => {
            let message = format!(
                "waits for IdentityCenterInstance {instance}: it does not exist; create it"
            );
            return Err(Stop::wait(Reason::InstanceNotFound, message));
        }
        instances::Named::Invalid(why) => {
            let message = format!(
                "IdentityCenterInstance {instance} cannot be read: {why}; delete it and create it again"
            );
            return Err(Stop::wait(Reason::InstanceNotReady, message));
        }
    };
    let usable = found
        .status
        .as_ref()
        .is_some_and(|status| is_true(&status.conditions, ConditionType::Ready));
    let handle =
        context.instances.get(instance).filter(|handle| usable && *handle.spec() == found.spec);
    let Some(handle) = handle else {
        let message = format!(
            "waits for IdentityCenterInstance {instance} to be ready; see kubectl get idc {instance} -o wide"
        );
        return Err(Stop::wait(Reason::InstanceNotReady, message));
    };
    if !handle.spec().allowed_namespaces.iter().any(|allowed| allowed == namespace) {
        let message = format!(
            "IdentityCenterInstance {instance} does not allow namespace {namespace}: add it to spec.allowedNamespaces"
        );
        return Err(Stop::wait(Reason::NamespaceNotAllowed, message));
    }
    Ok(handle)
}

/// What is said about a record that this version cannot read.
#[must_use]
pub fn cannot_be_read(name: &str, why: &str) -> String {
    format!("OperationRecord {name} cannot be read: {why}; delete it and import it again")
}

/// Everything that undoing what was selected is about.
pub struct Matter {
    /// What has to be read in AWS.
    pub touched: Touched,
    /// Every record of the instance, in all its namespaces, that touches one of its keys; the
    /// selected ones included.
    pub records: Vec<Record>,
    /// Records that this version cannot read.
    pub unreadable: Vec<String>,
}

/// Gathers what undoing the selection is about. A permission set that was deleted and created again
/// goes by several names, which only its ledgers tell: with each that is found, others may be.
pub async fn matter(context: &Context, selection: &Selection) -> Result<Matter, Error> {
    let selected: Vec<&Record> = selection.selected.iter().collect();
    let mut replacements = Replacements::of(selected.iter().copied());
    loop {
        let touched = plan::touched(&selected, &replacements);
        let names = replacements.all_names(&touched.keys);
        let (records, unreadable) = related(context, &selection.instance, &names).await?;
        let found = Replacements::of(records.iter().chain(selected.iter().copied()));
        if found == replacements {
            return Ok(Matter { touched, records, unreadable });
        }
        replacements = found;
    }
}

/// A record as planning sees it.
#[must_use]
pub fn as_record(record: OperationRecord) -> Record {
    Record {
        namespace: record.namespace().unwrap_or_default(),
        name: record.name_any(),
        created: record.creation_timestamp().map(|time| time.0),
        digest: plan::record_digest(&record.spec),
        spec: record.spec,
    }
}
