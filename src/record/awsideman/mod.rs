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
mod names;
mod operation;
mod refused;
mod scan;
mod when;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

pub use directory::{DirectoryError, read_directory};
pub use refused::Refused;

use self::operation::{Decoded, decode, id_of};
use super::report::{ImportedRecord, Origin, Refusal, Repair, Report, Tear};
use crate::api::GROUP;
use crate::model::InstanceArn;

/// The name of the tool in `spec.source.tool`.
pub const TOOL: &str = "awsideman";

/// One file of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFile {
    /// Path relative to the directory that was read.
    pub name: String,
    /// Its content, decompressed.
    pub bytes: Vec<u8>,
}

/// Which instances operations may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instances {
    /// This one alone.
    One {
        /// Name of the `IdentityCenterInstance`.
        name: String,
        /// Its ARN.
        arn: InstanceArn,
    },
    /// Any of these, by ARN.
    Known(BTreeMap<InstanceArn, String>),
}

impl Instances {
    fn name_of(&self, found: &InstanceArn) -> Result<String, Refused> {
        match self {
            Self::One { name, arn } if arn == found => Ok(name.clone()),
            Self::One { name, arn } => Err(Refused::OtherInstance {
                found: found.clone(),
                name: name.clone(),
                expected: arn.clone(),
            }),
            Self::Known(known) => {
                known.get(found).cloned().ok_or_else(|| Refused::UnknownInstance(found.clone()))
            }
        }
    }
}

/// Reads the operations of some files.
///
/// The result depends on the files' content and on the arguments alone, and what a record says on
/// its operation alone: a store that grew gives the records that it gave before. `zone` is the zone of times
/// that were written without one.
#[must_use]
pub fn read(files: &[StoreFile], instances: &Instances, zone: Option<&TimeZone>) -> Report {
    let mut report = Report::default();
    let mut operations = BTreeMap::<String, Vec<(Origin, Result<Decoded, Refused>)>>::new();
    for file in files {
        let scan = scan::scan(&file.bytes);
        report.tears.extend(scan.damages.into_iter().map(|damage| Tear {
            file: file.name.clone(),
            position: damage.position,
            what: damage.what,
        }));
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
    report.records.sort_by(|a, b| {
        (a.spec.occurred_at, &a.spec.source).cmp(&(b.spec.occurred_at, &b.spec.source))
    });
    keep_names_apart(&mut report.records);
    report.repairs.sort();
    report.refusals.sort();
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
        full_name: names::full(spec.operation_type, &id),
        labels: BTreeMap::from([
            (label("tool"), TOOL.to_owned()),
            (label("type"), spec.operation_type.as_str().to_owned()),
        ]),
        annotations,
        spec,
        origin,
    }
}

/// Where two operations would get one short name, both get their full ones.
fn keep_names_apart(records: &mut [ImportedRecord]) {
    let mut count = BTreeMap::<String, usize>::new();
    for record in records.iter() {
        *count.entry(record.name.clone()).or_default() += 1;
    }
    for record in records {
        if count.get(&record.name).is_some_and(|count| *count > 1) {
            record.name.clone_from(&record.full_name);
        }
    }
}
