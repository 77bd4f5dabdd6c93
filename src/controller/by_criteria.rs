//! Which records fit `spec.operations.select`. Asked once: what was found is in the status from
//! then on.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::ResourceExt;

use super::context::Context;
use super::error::Error;
use super::select::{Matter, Selection, Stop, as_record, cannot_be_read, matter, usable_instance};
use crate::api::record::Source;
use crate::api::rollback::Select;
use crate::api::{OperationRecord, Reason, Rollback};
use crate::cluster::records::{self, Named};
use crate::plan::{self, Criteria, Record, Undone};

/// Records that one Rollback can undo; its status and its ledger name each of them.
const MOST: usize = 1000;
/// Records that are looked at together at the least where only the newest are asked for.
const TOGETHER: usize = 100;
/// Records that are read at once.
pub const AT_ONCE: usize = 16;

/// What is kept of a record that fits until it is known which are undone.
struct Candidate {
    name: String,
    instance: String,
    at: Timestamp,
    source: Source,
}

/// Finds the records that fit and are not rolled back. Where all that fits is rolled back, that is
/// what is found, so that the Rollback can say so.
pub async fn find(
    context: &Context,
    rollback: &Rollback,
    select: &Select,
) -> Result<Selection, Stop> {
    let namespace = rollback.namespace().unwrap_or_default();
    let candidates = candidates(context, rollback, select).await?;
    let Some(first) = candidates.first() else {
        let message = format!(
            "no OperationRecord in namespace {namespace} fits spec.operations.select: see what there is with kubectl rollback operations -n {namespace}, and create a Rollback with other criteria; if the records were not imported yet, raise spec.attempt when they are"
        );
        return Err(Stop::refuse(Reason::NothingSelected, message));
    };
    if let Some(other) = candidates.iter().find(|other| other.instance != first.instance) {
        let message = format!(
            "records of different instances fit ({} and {}): create one Rollback for each, with its name in select.instance",
            first.instance, other.instance
        );
        return Err(Stop::refuse(Reason::InstancesDiffer, message));
    }
    let instance = usable_instance(context, &namespace, &first.instance).await?;
    let last = select.last.and_then(|last| usize::try_from(last).ok());
    let together = last.map_or(MOST, |last| last.clamp(TOGETHER, MOST));
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for some in candidates.chunks(together) {
        let fitting = bodies(context, &namespace, some).await?;
        let selection = Selection { instance: instance.clone(), selected: fitting };
        let Matter { records, .. } = matter(context, &selection).await?;
        let undone = undone(&records);
        for record in selection.selected {
            let over = undone.contains(&record.spec.source)
                && plan::undone(&records, std::slice::from_ref(&record)) != Undone::NotAll;
            if over { closed.push(record) } else { open.push(record) }
        }
        if open.len() >= last.unwrap_or(MOST + 1) {
            break;
        }
        closed.truncate(MOST);
    }
    if let Some(last) = last {
        open.truncate(last);
        closed.truncate(last);
    }
    if open.len() > MOST {
        let message = format!(
            "more than {MOST} records fit and are not rolled back, and one Rollback can undo {MOST}: create several with narrower criteria, such as a shorter time from select.from to select.to, or with select.last"
        );
        return Err(Stop::refuse(Reason::TooManySelected, message));
    }
    let selected = if open.is_empty() { closed } else { open };
    Ok(Selection { instance, selected })
}

/// Every record that fits, each source once, the newest first.
async fn candidates(
    context: &Context,
    rollback: &Rollback,
    select: &Select,
) -> Result<Vec<Candidate>, Stop> {
    let created = rollback.metadata.creation_timestamp.as_ref();
    let criteria = Criteria::new(select, created.map_or(Timestamp::MAX, |created| created.0));
    let namespace = rollback.namespace().unwrap_or_default();
    let labels = select.labels.as_deref();
    let mut found = Vec::new();
    let listed = records::visit_labelled(&context.client, &namespace, labels, |record| {
        if criteria.fits(&record.spec) {
            found.push(Candidate::of(record));
        }
    });
    match listed.await {
        Ok(()) => {}
        Err(kube::Error::Api(refused)) if refused.code == 400 && labels.is_some() => {
            let message = format!(
                "spec.operations.select.labels is no label selector: {}; create another Rollback with one such as team=payments,env in (prod, stage)",
                refused.message
            );
            return Err(Stop::refuse(Reason::SelectorInvalid, message));
        }
        Err(error) => return Err(error.into()),
    }
    found.sort_by(|a, b| (b.at, &a.source, &a.name).cmp(&(a.at, &b.source, &b.name)));
    let mut sources = BTreeSet::new();
    found.retain(|candidate| sources.insert(candidate.source.clone()));
    Ok(found)
}

impl Candidate {
    fn of(record: OperationRecord) -> Self {
        Self {
            name: record.name_any(),
            instance: record.spec.instance,
            at: record.spec.occurred_at,
            source: record.spec.source,
        }
    }
}

async fn bodies(
    context: &Context,
    namespace: &str,
    candidates: &[Candidate],
) -> Result<Vec<Record>, Stop> {
    let names: Vec<String> = candidates.iter().map(|candidate| candidate.name.clone()).collect();
    let read = stream::iter(names).map(|name| async move {
        let found = records::get(&context.client, namespace, &name).await?;
        Ok::<_, Error>((name, found))
    });
    let read: Vec<(String, Named)> = read.buffered(AT_ONCE).try_collect().await?;
    let mut bodies = Vec::with_capacity(read.len());
    for (name, found) in read {
        match found {
            Named::Found(record) => bodies.push(as_record(*record)),
            // Deleted since it was listed: it is not selected.
            Named::Missing => {}
            Named::Invalid(why) => {
                return Err(Stop::wait(Reason::RecordInvalid, cannot_be_read(&name, &why)));
            }
        }
    }
    Ok(bodies)
}

/// Sources of all records that some ledger says something about.
fn undone(records: &[Record]) -> BTreeSet<Source> {
    let ledgers = records.iter().filter_map(|record| record.spec.rollback.as_ref());
    ledgers.flat_map(|ledger| &ledger.undone).map(|undone| undone.source.clone()).collect()
}
