//! Records as the API server lists them, page by page.

use std::cmp::Reverse;

use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::filter::Filter;
use crate::api::OperationRecord;
use crate::api::record::Source;
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
    list_as(session, api, criteria, filter, limit, |record| record).await
}

/// As [`list`], with what is kept of each record: of a hundred thousand, what is shown is a tenth.
pub async fn list_as<T>(
    session: &Session,
    api: &Api<OperationRecord>,
    criteria: &Criteria,
    filter: &Filter,
    limit: Option<usize>,
    keep: impl Fn(OperationRecord) -> T,
) -> Result<Vec<T>, CliError> {
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
        let fitting = page.items.into_iter().filter(|record| filter.fits(record)).map(slim);
        found.extend(fitting.map(|record| (Place::of(&record), keep(record))));
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
    Ok(found.into_iter().map(|(_, kept)| kept).collect())
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

/// Where a record stands in a list: the newest first. Of the same time it is as the operator takes
/// them when it is asked for the last so many.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    occurred_at: Reverse<Timestamp>,
    source: Source,
    namespace: Option<String>,
    name: String,
}

impl Place {
    fn of(record: &OperationRecord) -> Self {
        Self {
            occurred_at: Reverse(record.spec.occurred_at),
            source: record.spec.source.clone(),
            namespace: record.namespace(),
            name: record.name_any(),
        }
    }
}

fn newest_first<T>(found: &mut [(Place, T)]) {
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
}

/// Without what the API server keeps about each field.
fn slim(mut record: OperationRecord) -> OperationRecord {
    record.metadata.managed_fields = None;
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::fixtures;

    #[test]
    fn of_the_same_time_the_first_is_the_one_that_an_undo_of_the_last_takes() {
        let mut records = [fixtures::record(), fixtures::record(), fixtures::record()];
        let named = [("b", "1"), ("a", "2"), ("c", "0")];
        for (record, (name, source)) in records.iter_mut().zip(named) {
            record.metadata.name = Some(name.to_owned());
            record.spec.source.id = source.to_owned();
        }
        records[2].spec.occurred_at = Timestamp::UNIX_EPOCH;
        let mut found = records.map(|record| (Place::of(&record), record.name_any()));
        newest_first(&mut found);
        assert_eq!(found.map(|(_, name)| name), ["b", "a", "c"]);
    }

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
