//! The neutral form: operations as any tool can write them, and as `export` prints them.
//!
//! An operation is what `spec` of an `OperationRecord` says, without the name of the instance, which
//! the permission sets tell: the same instance may have another name in another cluster. A file is a
//! list, an object with the list `operations`, or one operation a line. `docs/import.md` describes
//! the fields, `docs/schemas/operation.json` their shape.

mod decode;
mod form;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;

pub use self::decode::Refused;
use self::decode::decode;
use self::form::FORM;
use super::files::SourceFile;
use super::instances::Instances;
use super::names;
use super::report::{ImportedRecord, Origin, Refusal, Repair, Report};
use super::scan::scan;
use crate::api::record::Source;
use crate::api::{GROUP, OperationRecordSpec};
use crate::model::InstanceArn;

/// What was read so far.
#[derive(Debug, Default)]
pub struct Operations {
    taken: BTreeMap<Source, Vec<(Origin, OperationRecordSpec, InstanceArn)>>,
    report: Report,
}

/// An operation as `export` prints it.
#[must_use]
pub fn written(spec: &OperationRecordSpec) -> Value {
    let mut value = serde_json::to_value(spec).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        for field in decode::OF_THE_CLUSTER {
            object.remove(field);
        }
    }
    value
}

impl Operations {
    /// Reads the operations of one file. Times without a zone need `zone`.
    pub fn add(&mut self, file: &SourceFile, zone: Option<&TimeZone>) {
        let damages = scan(&FORM, &file.bytes, |position, item| {
            let origin = Origin { file: file.name.clone(), position };
            let id = item["source"]["id"].as_str().map(|id| id.chars().take(253).collect());
            match decode(item, zone) {
                Ok((spec, instance)) => {
                    let copies = self.taken.entry(spec.source.clone()).or_default();
                    copies.push((origin, spec, instance));
                }
                Err(refused) => {
                    let reason = refused.to_string();
                    self.report.refusals.push(Refusal { origin, operation: id, reason });
                }
            }
        });
        self.report.tears.extend(file.tears(damages));
    }

    /// The records of all files. They depend on the files' content and on `instances` alone.
    #[must_use]
    pub fn report(self, instances: &Instances) -> Report {
        let Self { taken, mut report } = self;
        for (source, mut copies) in taken {
            let count = copies.len();
            let (origin, mut spec, instance) = copies.swap_remove(0);
            let operation = source.id.clone();
            if let Some((other, ..)) = copies.iter().find(|(_, other, _)| *other != spec) {
                let reason = Refused::Contradiction(other.to_string()).to_string();
                report.refusals.push(Refusal { origin, operation: Some(operation), reason });
                continue;
            }
            spec.instance = match instances.name_of(&instance) {
                Ok(name) => name,
                Err(error) => {
                    let reason = error.to_string();
                    report.refusals.push(Refusal { origin, operation: Some(operation), reason });
                    continue;
                }
            };
            if count > 1 {
                let what = format!("it stands there {count} times; taken once");
                report.repairs.push(Repair { origin: origin.clone(), operation, what });
            }
            report.records.push(record(origin, spec));
        }
        report.put_in_order();
        report
    }
}

fn record(origin: Origin, spec: OperationRecordSpec) -> ImportedRecord {
    let label = |name: &str| format!("{GROUP}/{name}");
    let (kind, id) = (spec.operation_type, spec.source.id.as_str());
    ImportedRecord {
        name: names::short(kind, id),
        short_name: names::short(kind, id),
        full_name: names::full(kind, &spec.source.tool, id),
        labels: BTreeMap::from([
            (label("tool"), spec.source.tool.clone()),
            (label("type"), kind.as_str().to_owned()),
        ]),
        annotations: BTreeMap::new(),
        spec,
        origin,
    }
}
