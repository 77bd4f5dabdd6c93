//! Which records a Rollback names, and whether the instance lets it undo them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use super::context::Context;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use crate::api::condition::{ConditionType, is_true};
use crate::api::{OperationRecord, Reason, Rollback};
use crate::cluster::instances;
use crate::cluster::records::{self, Named};
use crate::model::Key;
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
    /// The named records, in the order of their names in the spec.
    pub selected: Vec<Record>,
    /// When the oldest of their objects was created.
    pub oldest: Option<Timestamp>,
    /// One of them that does not say who recorded it.
    pub unstamped: Option<String>,
}

/// Finds the named records and their instance.
pub async fn selection(
    context: &Context,
    rollback: &Rollback,
) -> Result<Result<Selection, Obstacle>, Error> {
    let namespace = rollback.namespace().unwrap_or_default();
    let mut selected: Vec<Record> = Vec::new();
    let mut names = BTreeSet::new();
    let (mut oldest, mut unstamped) = (None, None);
    for name in rollback.spec.operations.names.iter().filter(|name| names.insert(*name)) {
        match records::get(&context.client, &namespace, name).await? {
            Named::Found(record) => {
                let created = record.creation_timestamp().map(|time| time.0);
                oldest = oldest.into_iter().chain(created).min();
                if record.spec.recorded_by.is_none() {
                    unstamped = Some(record.name_any());
                }
                selected.push(as_record(*record));
            }
            Named::Missing => {
                let message = format!(
                    "waits for OperationRecord {name} in namespace {namespace}: it does not exist; import it, or delete this Rollback and create one with the right name"
                );
                return Ok(Err(Obstacle::Wait(Reason::RecordNotFound, message)));
            }
            Named::Invalid(why) => {
                let message = format!(
                    "OperationRecord {name} cannot be read: {why}; delete it and import it again"
                );
                return Ok(Err(Obstacle::Wait(Reason::RecordInvalid, message)));
            }
        }
    }
    let Some(first) = selected.first() else {
        let message = "spec.operations names no record".to_owned();
        return Ok(Err(Obstacle::Refuse(Reason::NothingSelected, message)));
    };
    let instance = first.spec.instance.clone();
    if let Some(other) = selected.iter().find(|record| record.spec.instance != instance) {
        let message = format!(
            "the records belong to different instances ({instance} and {}): create one Rollback for each",
            other.spec.instance
        );
        return Ok(Err(Obstacle::Refuse(Reason::InstancesDiffer, message)));
    }
    let found = match instances::get(&context.client, &instance).await? {
        instances::Named::Found(found) => found,
        instances::Named::Missing => {
            let message = format!(
                "waits for IdentityCenterInstance {instance}: it does not exist; create it"
            );
            return Ok(Err(Obstacle::Wait(Reason::InstanceNotFound, message)));
        }
        instances::Named::Invalid(why) => {
            let message = format!(
                "IdentityCenterInstance {instance} cannot be read: {why}; delete it and create it again"
            );
            return Ok(Err(Obstacle::Wait(Reason::InstanceNotReady, message)));
        }
    };
    let usable = found
        .status
        .as_ref()
        .is_some_and(|status| is_true(&status.conditions, ConditionType::Ready));
    let handle =
        context.instances.get(&instance).filter(|handle| usable && *handle.spec() == found.spec);
    let Some(handle) = handle else {
        let message = format!(
            "waits for IdentityCenterInstance {instance} to be ready; see kubectl get idc {instance} -o wide"
        );
        return Ok(Err(Obstacle::Wait(Reason::InstanceNotReady, message)));
    };
    if !handle.spec().allowed_namespaces.contains(&namespace) {
        let message = format!(
            "IdentityCenterInstance {instance} does not allow namespace {namespace}: add it to spec.allowedNamespaces"
        );
        return Ok(Err(Obstacle::Wait(Reason::NamespaceNotAllowed, message)));
    }
    Ok(Ok(Selection { instance: handle, selected, oldest, unstamped }))
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
        let (records, unreadable) = related(context, selection, &names).await?;
        let found = Replacements::of(records.iter().chain(selected.iter().copied()));
        if found == replacements {
            return Ok(Matter { touched, records, unreadable });
        }
        replacements = found;
    }
}

async fn related(
    context: &Context,
    selection: &Selection,
    keys: &BTreeSet<Key>,
) -> Result<(Vec<Record>, Vec<String>), Error> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for namespace in &selection.instance.spec().allowed_namespaces {
        let (records, bad) =
            records::list(&context.client, namespace, &selection.instance.name, |record| {
                plan::touches(&record.spec, keys)
            })
            .await?;
        found.extend(records.into_iter().map(as_record));
        unreadable.extend(bad.into_iter().map(|name| format!("{namespace}/{name}")));
    }
    Ok((found, unreadable))
}

fn as_record(record: OperationRecord) -> Record {
    Record {
        namespace: record.namespace().unwrap_or_default(),
        name: record.name_any(),
        digest: plan::record_digest(&record.spec),
        spec: record.spec,
    }
}
