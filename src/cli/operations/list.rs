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
    in_order(filter)?;
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
            Err(kube::Error::Api(status)) if status.code == 400 && criteria.selector.is_some() => {
                return Err(CliError::usage(format!(
                    "--selector: the API server does not take it: {}; write it as key=value, \
                     key!=value, key or 'key in (a,b)', several with commas",
                    status.message
                )));
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

/// A time range that nothing can lie in was meant otherwise.
fn in_order(filter: &Filter) -> Result<(), CliError> {
    match (filter.since, filter.until) {
        (Some(since), Some(until)) if since > until => Err(CliError::usage(format!(
            "--from {since:.0} is after --to {until:.0}: nothing lies between; exchange them"
        ))),
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn a_time_range_ends_after_it_begins() {
        let at = |second| Timestamp::from_second(second).ok();
        let range = |since, until| in_order(&Filter { since, until, ..Filter::default() });
        for (since, until) in [(at(1), at(1)), (at(1), at(2)), (at(2), None), (None, at(1))] {
            assert_eq!(range(since, until), Ok(()));
        }
        let refused = range(at(2), at(1)).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert_eq!(
            refused.message,
            "--from 1970-01-01T00:00:02Z is after --to 1970-01-01T00:00:01Z: nothing lies between; exchange them"
        );
    }
}
