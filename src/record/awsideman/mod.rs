//! Reading the stores of awsideman, a command line tool for IAM Identity Center.
//!
//! It keeps assignments and revocations in `profiles/<profile>/operations.json`, copies and clones
//! in the `operations.json` above; files that grew large are set aside as
//! `operations_<time>.json`, and its compressing store writes `operations.json.gz`. What these
//! files say is taken for what it is, the tool's own account: `rolled_back` is set even when
//! nothing was undone, so it is kept as an annotation and not believed; `success` means that AWS
//! took the request, not that it ended well; and nothing says what was there before.

mod changes;
mod directory;
mod fields;
mod operation;
mod refused;
mod scan;
pub(in crate::record) mod when;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

pub use directory::{DirectoryError, read_directory};
pub use refused::Refused;

use self::operation::{Decoded, decode, id_of};
use super::files::SourceFile;
use super::instances::Instances;
use super::names;
use super::report::{ImportedRecord, Origin, Refusal, Repair, Report};
use crate::api::GROUP;

/// The name of the tool in `spec.source.tool`.
pub const TOOL: &str = "awsideman";

/// Reads the operations of some files.
///
/// The result depends on the files' content and on the arguments alone, and what a record says on
/// its operation alone: a store that grew gives the records that it gave before. `zone` is the zone of times
/// that were written without one.
#[must_use]
pub fn read(files: &[SourceFile], instances: &Instances, zone: Option<&TimeZone>) -> Report {
    let mut report = Report::default();
    let mut operations = BTreeMap::<String, Vec<(Origin, Result<Decoded, Refused>)>>::new();
    for file in files {
        let scan = scan::scan(&file.bytes);
        report.tears.extend(file.tears(scan.damages));
        for (position, value) in scan.elements {
            let origin = Origin { file: file.name.clone(), position };
            let decoded = decode(&value, zone);
            match id_of(&value) {
                Some(id) => operations.entry(id).or_default().push((origin, decoded)),
                None => report.refusals.push(Refusal {
                    origin,
                    operation: None,
                    reason: match decoded {
                        Ok(_) => Refused::Missing { field: "operation_id" }.to_string(),
                        Err(refused) => refused.to_string(),
                    },
                }),
            }
        }
    }
    for (id, copies) in operations {
        let first = copies.first().map(|(origin, _)| origin.clone());
        match one_of(copies, &mut report.repairs).and_then(|(origin, mut decoded)| {
            decoded.spec.instance = instances.name_of(&decoded.instance)?;
            Ok((origin, decoded))
        }) {
            Ok((origin, decoded)) => {
                report.records.push(record(origin, decoded, &mut report.repairs));
            }
            Err(refused) => report.refusals.extend(first.map(|origin| Refusal {
                origin,
                operation: Some(id),
                reason: refused.to_string(),
            })),
        }
    }
    report.put_in_order();
    report
}

/// The one operation behind its copies: awsideman appends a copy when it marks it as rolled back.
fn one_of(
    copies: Vec<(Origin, Result<Decoded, Refused>)>,
    repairs: &mut Vec<Repair>,
) -> Result<(Origin, Decoded), Refused> {
    let count = copies.len();
    let mut taken: Option<(Origin, Decoded)> = None;
    let mut refused = None;
    for (origin, decoded) in copies {
        match (decoded, &mut taken) {
            (Ok(decoded), None) => taken = Some((origin, decoded)),
            (Ok(decoded), Some((_, first))) => {
                if decoded.spec != first.spec {
                    return Err(Refused::Contradiction(origin.to_string()));
                }
                first.rolled_back |= decoded.rolled_back;
                first.rollback_operation =
                    first.rollback_operation.take().or(decoded.rollback_operation);
            }
            (Err(error), _) => refused = refused.or(Some(error)),
        }
    }
    match (taken, refused) {
        (Some((origin, decoded)), refused) => {
            if count > 1 {
                let what = match refused {
                    Some(refused) => {
                        format!(
                            "recorded {count} times, one copy cannot be used ({refused}); taken once"
                        )
                    }
                    None => format!("recorded {count} times; taken once"),
                };
                let operation = decoded.spec.source.id.clone();
                repairs.push(Repair { origin: origin.clone(), operation, what });
            }
            Ok((origin, decoded))
        }
        (None, Some(refused)) => Err(refused),
        (None, None) => Err(Refused::Missing { field: "operation_id" }),
    }
}

fn record(origin: Origin, decoded: Decoded, repairs: &mut Vec<Repair>) -> ImportedRecord {
    let Decoded { mut spec, request_id, rolled_back, rollback_operation, profile, .. } = decoded;
    let id = spec.source.id.clone();
    repairs.extend(decoded.repairs.into_iter().map(|what| Repair {
        origin: origin.clone(),
        operation: id.clone(),
        what,
    }));
    if let [change] = spec.changes.as_mut_slice() {
        change.request_id = request_id;
    }
    let label = |name: &str| format!("{GROUP}/{name}");
    let mut annotations = BTreeMap::from([(label("awsideman-file"), origin.file.clone())]);
    if rolled_back {
        annotations.insert(label("awsideman-rolled-back"), "true".to_owned());
    }
    if let Some(rollback) = rollback_operation {
        annotations.insert(label("awsideman-rollback-operation"), rollback);
    }
    if let Some(profile) = profile {
        annotations.insert(label("awsideman-profile"), profile);
    }
    ImportedRecord {
        name: names::short(spec.operation_type, &id),
        short_name: names::short(spec.operation_type, &id),
        full_name: names::full(spec.operation_type, TOOL, &id),
        labels: BTreeMap::from([
            (label("tool"), TOOL.to_owned()),
            (label("type"), spec.operation_type.as_str().to_owned()),
        ]),
        annotations,
        spec,
        origin,
    }
}
