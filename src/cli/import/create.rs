//! Creating imported records, so that doing it again changes nothing.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use kube::api::ListParams;

use super::summary::Summary;
use crate::api::OperationRecord;
use crate::cli::error::{CliError, is_conflict, is_missing, is_too_large};
use crate::cli::operations::reference;
use crate::cli::screen::Screen;
use crate::cli::session::{Session, create_parameters};
use crate::record::ImportedRecord;

/// Names that one answer of the API server holds at most.
const PAGE: u32 = 1000;
/// Requests under way at once: enough to hide the round trip, few enough for a busy API server.
const AT_ONCE: usize = 16;

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was created under this name.
    Created(String),
    /// It was there already, as it should be.
    Unchanged(String),
    /// Something else has its name, or it is there with other content.
    Different {
        /// The name.
        name: String,
        /// What is in the way.
        why: String,
    },
}

/// Creates all records. Stops at the first request that fails for another reason than the record.
pub async fn create_all(
    session: &Session,
    records: &[ImportedRecord],
    screen: Screen,
) -> Result<Summary, CliError> {
    let mut summary = Summary::default();
    let there = names(session).await?;
    let mut outcomes = stream::iter(records)
        .map(|record| create(session, record, there.as_ref()))
        .buffered(AT_ONCE);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(Outcome::Created(name)) => {
                summary.created += 1;
                screen.print(&format!("{} created\n", reference(&name)))?;
            }
            Ok(Outcome::Unchanged(name)) => {
                summary.unchanged += 1;
                screen.print(&format!("{} unchanged\n", reference(&name)))?;
            }
            Ok(Outcome::Different { name, why }) => summary.different.push((name, why)),
            Err(mut error) => {
                let done = summary.created + summary.unchanged;
                if done > 0 {
                    let rest = format!("; {done} were imported before, import again for the rest");
                    error.message.push_str(&rest);
                }
                return Err(error);
            }
        }
    }
    Ok(summary)
}

/// The names of the records that are there; none where they may not be listed.
async fn names(session: &Session) -> Result<Option<BTreeSet<String>>, CliError> {
    let (api, doing) = (session.records(), "list the operations");
    let mut parameters = ListParams::default().limit(PAGE);
    let mut names = BTreeSet::new();
    loop {
        let page = match session.raw(doing, api.list_metadata(&parameters)).await? {
            Ok(page) => page,
            // Without the list each record is looked for, which takes longer.
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 410) => return Ok(None),
            Err(error) => return Err(CliError::request(doing, &error)),
        };
        names.extend(page.items.into_iter().filter_map(|item| item.metadata.name));
        parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if parameters.continue_token.is_none() {
            return Ok(Some(names));
        }
    }
}

/// The name that a record has where others were imported together with it, or were not.
fn other_name(record: &ImportedRecord) -> &str {
    if record.name == record.short_name { &record.full_name } else { &record.short_name }
}

async fn create(
    session: &Session,
    record: &ImportedRecord,
    there: Option<&BTreeSet<String>>,
) -> Result<Outcome, CliError> {
    let api = session.records();
    let other = other_name(record);
    if there.is_none_or(|names| names.contains(other)) {
        // It may have been imported before, with others that wanted its short name or without.
        let doing = format!("read {}", reference(other));
        match session.raw(&doing, api.get(other)).await? {
            Ok(found) if is_same(&found, record) => return Ok(compare(&found, record)),
            Ok(_) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(CliError::request(&doing, &error)),
        }
    }
    let mut taken = None;
    for name in [&record.name, &record.full_name] {
        let doing = format!("create {} in namespace {}", reference(name), session.namespace);
        let object = record.object(name, None);
        match session.raw(&doing, api.create(&create_parameters(), &object)).await? {
            Ok(_) => return Ok(Outcome::Created(name.clone())),
            Err(error) if is_conflict(&error) => {}
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 413 | 422) => {
                let why = format!("the API server refuses it: {}", status.message);
                return Ok(Outcome::Different { name: name.clone(), why });
            }
            Err(error) if is_too_large(&error) => {
                let why = "etcd takes no object of this size: write it as several operations";
                return Ok(Outcome::Different { name: name.clone(), why: why.to_owned() });
            }
            Err(error) => return Err(CliError::request(&doing, &error)),
        }
        let doing = format!("read {}", reference(name));
        let found = session.call(&doing, api.get(name)).await?;
        if is_same(&found, record) {
            return Ok(compare(&found, record));
        }
        taken = Some(found);
    }
    let other = taken.map(|found| format!("{} {}", found.spec.source.tool, found.spec.source.id));
    let why = format!("its name is taken by the record of {}", other.unwrap_or_default());
    Ok(Outcome::Different { name: record.full_name.clone(), why })
}

fn is_same(found: &OperationRecord, record: &ImportedRecord) -> bool {
    found.spec.source == record.spec.source
}

/// Compares what is recorded; who recorded it is the API server's own stamp.
fn compare(found: &OperationRecord, record: &ImportedRecord) -> Outcome {
    let name = found.metadata.name.clone().unwrap_or_default();
    let mut spec = found.spec.clone();
    spec.recorded_by.clone_from(&record.spec.recorded_by);
    if spec == record.spec {
        Outcome::Unchanged(name)
    } else {
        let why = "a record of the same operation with other content is there, and records are never \
                   overwritten; compare it with --dry-run";
        Outcome::Different { name, why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    #[test]
    fn a_record_is_looked_for_under_the_name_that_it_does_not_get_now() {
        let mut record = fixtures::imported();
        record.name.clone_from(&record.short_name);
        assert_eq!(other_name(&record), record.full_name);
        record.name.clone_from(&record.full_name);
        assert_eq!(other_name(&record), record.short_name);
    }

    #[test]
    fn an_equal_record_is_unchanged_whoever_created_it() {
        let record = fixtures::imported();
        let mut found = record.object("assign-2abdc948", Some("access"));
        found.spec.recorded_by = Some("alice".to_owned());
        assert!(is_same(&found, &record));
        assert_eq!(compare(&found, &record), Outcome::Unchanged("assign-2abdc948".to_owned()));
        found.spec.changes.clear();
        assert!(matches!(compare(&found, &record), Outcome::Different { .. }));
        found.spec.source.id.push('x');
        assert!(!is_same(&found, &record));
    }
}
