//! Records as the API server lists them, page by page.

use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::filter::Filter;
use crate::api::OperationRecord;
use crate::cli::criteria::Criteria;
use crate::cli::error::CliError;
use crate::cli::session::Session;

/// Objects that one answer of the API server holds at most.
const PAGE: u32 = 500;

/// Every record that fits, the newest first; of many the first `limit`.
pub async fn list(
    session: &Session,
    api: &Api<OperationRecord>,
    criteria: &Criteria,
    filter: &Filter,
    limit: Option<usize>,
) -> Result<Vec<OperationRecord>, CliError> {
    let mut parameters = ListParams::default().limit(PAGE);
    if let Some(selector) = criteria.field_selector() {
        parameters = parameters.fields(&selector);
    }
    if let Some(selector) = &criteria.selector {
        parameters = parameters.labels(selector);
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
        if let Some(limit) = limit
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
    found.truncate(limit.unwrap_or(usize::MAX));
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
