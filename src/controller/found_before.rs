//! The records that a selection found at the first plan, and no others: found again by their
//! identity, wherever they are now.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::ResourceExt;

use super::by_criteria::AT_ONCE;
use super::context::Context;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use super::select::{Selection, Stop, as_record, usable_instance};
use crate::api::record::{RecordRef, Source};
use crate::api::rollback_status::RollbackStatus;
use crate::api::{Reason, Rollback};
use crate::cluster::records::{self, Named};
use crate::plan::Record;

/// Finds the records that the status names. One that is gone is waited for; one that says something
/// else now is refused.
pub async fn find(
    context: &Context,
    rollback: &Rollback,
    status: &RollbackStatus,
) -> Result<Selection, Stop> {
    let namespace = rollback.namespace().unwrap_or_default();
    let instance = status.instance.as_deref().unwrap_or_default();
    let instance = usable_instance(context, &namespace, instance).await?;
    let mut found = under_their_names(context, &namespace, &status.record_refs).await?;
    let missing: BTreeSet<&Source> = status
        .record_refs
        .iter()
        .map(|wanted| &wanted.source)
        .filter(|source| !found.contains_key(source))
        .collect();
    if !missing.is_empty() {
        elsewhere(context, &instance, &missing, &mut found).await?;
    }
    let mut selected = Vec::with_capacity(status.record_refs.len());
    for wanted in &status.record_refs {
        let RecordRef { name, source: Source { tool, id }, digest } = wanted;
        let Some(record) = found.remove(&wanted.source) else {
            let message = format!(
                "waits for the record {id} of {tool}: OperationRecord {name}, which was selected, does not exist any more; import it again, or delete this Rollback"
            );
            return Err(Stop::wait(Reason::RecordNotFound, message));
        };
        if record.digest != *digest {
            let message = format!(
                "the record {id} of {tool}, which was selected, says something else now (OperationRecord {}/{}): create another Rollback to select anew",
                record.namespace, record.name
            );
            return Err(Stop::refuse(Reason::RecordChanged, message));
        }
        selected.push(record);
    }
    Ok(Selection { instance, selected })
}

/// Those that are where they were.
async fn under_their_names(
    context: &Context,
    namespace: &str,
    wanted: &[RecordRef],
) -> Result<BTreeMap<Source, Record>, Error> {
    let read = stream::iter(wanted.to_vec()).map(|wanted| async move {
        let found = records::get(&context.client, namespace, &wanted.name).await?;
        Ok::<_, Error>(match found {
            // The name may be another record's by now.
            Named::Found(record) if record.spec.source == wanted.source => {
                Some((wanted.source, as_record(*record)))
            }
            Named::Found(_) | Named::Missing | Named::Invalid(_) => None,
        })
    });
    let read: Vec<Option<(Source, Record)>> = read.buffered(AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// Those that were deleted and imported again: under any name, in any namespace of the instance.
async fn elsewhere(
    context: &Context,
    instance: &InstanceHandle,
    missing: &BTreeSet<&Source>,
    found: &mut BTreeMap<Source, Record>,
) -> Result<(), Error> {
    for namespace in &instance.spec().allowed_namespaces {
        let (records, _unreadable) =
            records::list(&context.client, namespace, &instance.name, |record| {
                missing.contains(&record.spec.source)
            })
            .await?;
        for record in records {
            found.entry(record.spec.source.clone()).or_insert_with(|| as_record(record));
        }
    }
    Ok(())
}
