//! Operation records in the cluster: reading them for a plan, writing the ledger.

use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::core::DeserializeGuard;
use kube::{Client, ResourceExt};
use serde_json::json;

use super::classify::classify;
use super::{is_namespace_terminating, is_not_found};
use crate::api::record::OperationRecordStatus;
use crate::api::{FIELD_MANAGER, OperationRecord, OperationRecordSpec};
use crate::model::Class;

/// Records are listed in pages of so many.
const PAGE: u32 = 500;

/// What a name stands for.
#[derive(Debug)]
pub enum Named {
    /// A record.
    Found(Box<OperationRecord>),
    /// No such object.
    Missing,
    /// An object that this version cannot read, and why.
    Invalid(String),
}

/// Reads one record.
pub async fn get(client: &Client, namespace: &str, name: &str) -> Result<Named, kube::Error> {
    let api: Api<DeserializeGuard<OperationRecord>> = Api::namespaced(client.clone(), namespace);
    match api.get(name).await {
        Ok(DeserializeGuard(Ok(record))) => Ok(Named::Found(Box::new(record))),
        Ok(DeserializeGuard(Err(error))) => Ok(Named::Invalid(error.error)),
        Err(error) if is_not_found(&error) => Ok(Named::Missing),
        Err(error) => Err(error),
    }
}

/// Every record of an instance in one namespace for which `wanted` says yes. Records that this
/// version cannot read are named in the second list.
pub async fn list(
    client: &Client,
    namespace: &str,
    instance: &str,
    wanted: impl Fn(&OperationRecord) -> bool,
) -> Result<(Vec<OperationRecord>, Vec<String>), kube::Error> {
    let parameters = ListParams::default().fields(&format!("spec.instance={instance}"));
    let mut found = Vec::new();
    let unreadable = visit(client, namespace, parameters, |record| {
        if wanted(&record) {
            found.push(record);
        }
    })
    .await?;
    Ok((found, unreadable))
}

/// How many records there are in a namespace, of all instances; none if the API server does not say.
pub async fn count(client: &Client, namespace: &str) -> Result<Option<usize>, kube::Error> {
    let api: Api<OperationRecord> = Api::namespaced(client.clone(), namespace);
    let page = api.list_metadata(&ListParams::default().limit(1)).await?;
    let is_last = page.metadata.continue_.as_ref().is_none_or(String::is_empty);
    let more = match page.metadata.remaining_item_count {
        Some(more) => usize::try_from(more).ok(),
        None => is_last.then_some(0),
    };
    Ok(more.map(|more| page.items.len() + more))
}

/// Shows every record of one namespace that bears these labels, page by page, so that the caller
/// keeps no more of them than it needs. A selector that is none is refused by the API server with
/// status 400.
pub async fn visit_labelled(
    client: &Client,
    namespace: &str,
    labels: Option<&str>,
    visit_one: impl FnMut(OperationRecord),
) -> Result<(), kube::Error> {
    let parameters = match labels {
        Some(labels) => ListParams::default().labels(labels),
        None => ListParams::default(),
    };
    visit(client, namespace, parameters, visit_one).await.map(|_unreadable| ())
}

/// Lists page by page; gives the names of records that this version cannot read.
async fn visit(
    client: &Client,
    namespace: &str,
    parameters: ListParams,
    mut visit_one: impl FnMut(OperationRecord),
) -> Result<Vec<String>, kube::Error> {
    let api: Api<DeserializeGuard<OperationRecord>> = Api::namespaced(client.clone(), namespace);
    let mut parameters = parameters.limit(PAGE);
    let mut unreadable = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        for guarded in page.items {
            match guarded.0 {
                Ok(record) => visit_one(record),
                Err(error) => unreadable.push(error.metadata.name.unwrap_or_default()),
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(unreadable),
        }
    }
}

/// What came of writing a ledger record.
#[derive(Debug)]
pub enum LedgerWrite {
    /// It is there, now or since before a restart.
    Written(Box<OperationRecord>),
    /// The namespace is being deleted and takes nothing new.
    NamespaceTerminating,
    /// Another record has the name.
    NameTaken,
    /// The API server refuses it, and will again until somebody changes something: a right that the
    /// operator lacks, an admission policy, a size.
    Refused(String),
}

/// Writes a ledger record. Its name holds the Rollback's uid and attempt, so one that is there
/// already was written by us before a restart, and stands.
pub async fn write_ledger(
    client: &Client,
    namespace: &str,
    name: &str,
    spec: OperationRecordSpec,
) -> Result<LedgerWrite, kube::Error> {
    let api: Api<OperationRecord> = Api::namespaced(client.clone(), namespace);
    let mut record = OperationRecord::new(name, spec);
    record.metadata.labels = Some(
        [
            ("identitycenter.dev/tool".to_owned(), record.spec.source.tool.clone()),
            ("identitycenter.dev/type".to_owned(), record.spec.operation_type.as_str().to_owned()),
        ]
        .into_iter()
        .collect(),
    );
    let parameters =
        PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match api.create(&parameters, &record).await {
        Ok(record) => Ok(LedgerWrite::Written(Box::new(record))),
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let found = api.get(name).await?;
            Ok(if is_of_one_attempt(&found.spec, &record.spec) {
                LedgerWrite::Written(Box::new(found))
            } else {
                LedgerWrite::NameTaken
            })
        }
        Err(error) if is_namespace_terminating(&error) => Ok(LedgerWrite::NamespaceTerminating),
        Err(error) if matches!(classify(&error), Class::Terminal(_) | Class::Blocked(_)) => {
            Ok(LedgerWrite::Refused(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Whether both are the ledger of one attempt of one Rollback. Anybody may give a record of another
/// type the source of a ledger.
fn is_of_one_attempt(found: &OperationRecordSpec, wanted: &OperationRecordSpec) -> bool {
    let attempt = |spec: &OperationRecordSpec| {
        spec.rollback.as_ref().map(|ledger| (ledger.by.clone(), ledger.attempt))
    };
    found.source == wanted.source && attempt(found) == attempt(wanted)
}

/// Writes the view of what was undone onto a record, if it is still the one that was looked at.
pub async fn write_status(
    client: &Client,
    record: &OperationRecord,
    status: &OperationRecordStatus,
) -> Result<(), kube::Error> {
    let api: Api<OperationRecord> =
        Api::namespaced(client.clone(), &record.namespace().unwrap_or_default());
    let body =
        json!({"metadata": {"resourceVersion": record.resource_version()}, "status": status});
    let parameters =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    api.patch_status(&record.name_any(), &parameters, &Patch::Merge(body)).await?;
    Ok(())
}
