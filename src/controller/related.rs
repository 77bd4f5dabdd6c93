//! Every record of an instance that says anything about some keys.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::by_criteria::AT_ONCE;
use super::context::Context;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use super::record_index::Found;
use super::select::as_record;
use crate::api::OperationRecord;
use crate::cluster::records::{self, Named};
use crate::model::Key;
use crate::plan::{self, Record};

/// So many records are read one by one; where there are more, all are listed.
const MOST: usize = 200;
/// How often, and how long apart, the index is given time to see what was created just now.
const LOOKS: usize = 3;
const APART: Duration = Duration::from_millis(50);
/// How long a first list of all records is waited for: what a plan would list is the same.
const FIRST_LIST: Duration = Duration::from_mins(1);

/// The records, and the names of those in the way that this version cannot read.
pub async fn related(
    context: &Context,
    instance: &InstanceHandle,
    keys: &BTreeSet<Key>,
) -> Result<(Vec<Record>, Vec<String>), Error> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for namespace in &instance.spec().allowed_namespaces {
        let (records, bad) = match indexed(context, namespace, &instance.name, keys).await? {
            Some(names) => read(context, namespace, names, keys).await?,
            None => {
                records::list(&context.client, namespace, &instance.name, |record| {
                    plan::touches(&record.spec, keys)
                })
                .await?
            }
        };
        found.extend(records.into_iter().map(as_record));
        unreadable.extend(bad.into_iter().map(|name| format!("{namespace}/{name}")));
    }
    Ok((found, unreadable))
}

/// The names that the index gives, if it has seen all that the API server has by now.
///
/// Records are created and deleted, never changed, and a watch tells of them in their order. So an
/// index that has seen as many as there are has seen all, unless its watch is behind by as many
/// deletions as creations; a watch that is behind is begun anew within a minute.
async fn indexed(
    context: &Context,
    namespace: &str,
    instance: &str,
    keys: &BTreeSet<Key>,
) -> Result<Option<Vec<String>>, Error> {
    let began = context.clock.now();
    while context.records.is_being_listed(namespace)
        && context.clock.now().duration_since(began).unsigned_abs() < FIRST_LIST
    {
        context.clock.sleep(APART).await;
    }
    for look in 0..LOOKS {
        if look > 0 {
            context.clock.sleep(APART).await;
        }
        if context.records.find(namespace, instance, keys).is_none() {
            return Ok(None);
        }
        let Some(count) = records::count(&context.client, namespace).await? else {
            return Ok(None);
        };
        match context.records.find(namespace, instance, keys) {
            Some(Found { names, of }) if of == count => {
                return Ok(Some(names).filter(|names| names.len() <= MOST));
            }
            _ => {}
        }
    }
    Ok(None)
}

async fn read(
    context: &Context,
    namespace: &str,
    names: Vec<String>,
    keys: &BTreeSet<Key>,
) -> Result<(Vec<OperationRecord>, Vec<String>), Error> {
    let read = stream::iter(names).map(|name| async move {
        let found = records::get(&context.client, namespace, &name).await?;
        Ok::<_, Error>((name, found))
    });
    let read: Vec<(String, Named)> = read.buffered(AT_ONCE).try_collect().await?;
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for (name, named) in read {
        match named {
            Named::Found(record) if plan::touches(&record.spec, keys) => found.push(*record),
            // Two keys with one hash, or deleted meanwhile.
            Named::Found(_) | Named::Missing => {}
            Named::Invalid(_) => unreadable.push(name),
        }
    }
    Ok((found, unreadable))
}
