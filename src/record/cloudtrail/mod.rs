//! Reading the events that `CloudTrail` wrote about IAM Identity Center.
//!
//! `CreateAccountAssignment`, `DeleteAccountAssignment` and `CreatePermissionSet` become a record
//! each. An event says that AWS took a request, never how it ended and never what was there before:
//! `before` is `Unknown`, and a plan that rests on it is graded `Assumed`. An event may come late or
//! several times; its id is the record's identity, so reading it again gives the same record.

mod change;
mod directory;
mod event;
mod form;
mod refused;

use std::collections::BTreeMap;

use serde_json::Value;

pub use directory::find_files;
pub use refused::Refused;

use self::event::{Event, unwrap};
pub(in crate::record) use self::form::FORM;
use super::files::SourceFile;
use super::instances::Instances;
use super::names;
use super::report::{ImportedRecord, Origin, Refusal, Repair, Report};
use super::scan::scan;
use crate::api::{GROUP, OperationRecordSpec};
use crate::model::InstanceArn;

/// The name of the tool in `spec.source.tool`.
pub const TOOL: &str = "cloudtrail";

/// How the operator names itself to AWS, as the SDK writes it into the user agent.
const OPERATOR: &str = "app/rollback-operator";
/// The calls that can be undone.
const CALLS: [&str; 3] =
    ["CreateAccountAssignment", "DeleteAccountAssignment", "CreatePermissionSet"];

/// What was read so far. A trail may be large, so files are read one by one and dropped.
#[derive(Debug, Default)]
pub struct Trail {
    taken: BTreeMap<String, Vec<Taken>>,
    report: Report,
}

#[derive(Debug)]
struct Taken {
    origin: Origin,
    decoded: Result<(OperationRecordSpec, InstanceArn), Refused>,
    annotations: BTreeMap<String, String>,
}

impl Trail {
    /// Reads the events of one file.
    pub fn add(&mut self, file: &SourceFile) {
        let damages = scan(&FORM, &file.bytes, |position, element| {
            self.element(Origin { file: file.name.clone(), position }, element);
        });
        self.report.tears.extend(file.tears(damages));
    }

    fn element(&mut self, origin: Origin, element: Value) {
        let event = match unwrap(element) {
            Ok(event) => event,
            Err(reason) => {
                let reason = Refused::Shape(reason).to_string();
                self.report.refusals.push(Refusal { origin, operation: None, reason });
                return;
            }
        };
        if let Some(what) = left_out(&event) {
            *self.report.left_out.entry(what).or_default() += 1;
            return;
        }
        let id = event.shared_event_id.as_ref().or(event.event_id.as_ref());
        let Some(id) = id.filter(|id| names::is_operation_id(id)) else {
            let reason = Refused::EventId.to_string();
            self.report.refusals.push(Refusal { origin, operation: None, reason });
            return;
        };
        let decoded = change::decode(&event, id.clone());
        let annotations = annotations(&event, &origin);
        let copies = self.taken.entry(id.clone()).or_default();
        copies.push(Taken { origin, decoded, annotations });
    }

    /// The records of all files. They depend on the files' content and on `instances` alone.
    #[must_use]
    pub fn report(self, instances: &Instances) -> Report {
        let Self { taken, mut report } = self;
        for (id, copies) in taken {
            let count = copies.len();
            let first = copies.first().map(|copy| copy.origin.clone());
            let one = one_of(copies).and_then(|mut one| {
                one.1.instance = instances.name_of(&one.2)?;
                Ok(one)
            });
            match one {
                Ok((origin, spec, _, annotations)) => {
                    if count > 1 {
                        let what = format!("delivered {count} times; taken once");
                        let operation = id.clone();
                        report.repairs.push(Repair { origin: origin.clone(), operation, what });
                    }
                    report.records.push(record(&id, origin, spec, annotations));
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
}

/// Why an event is no operation to undo, if it is none.
fn left_out(event: &Event) -> Option<&'static str> {
    let identity_center = event.event_source == "sso.amazonaws.com";
    if !identity_center || !CALLS.contains(&event.event_name.as_str()) {
        let changes = identity_center && event.read_only == Some(false);
        return Some(if changes {
            "other changes of Identity Center, which cannot be imported"
        } else {
            "events about other things"
        });
    }
    if change::failed(event) {
        return Some("calls that AWS refused");
    }
    let by_operator = event.user_agent.as_deref().is_some_and(|agent| {
        agent.split_whitespace().any(|part| part.trim_matches(['[', ']']) == OPERATOR)
    });
    by_operator.then_some("calls of the operator itself, which its ledgers record")
}

type One = (Origin, OperationRecordSpec, InstanceArn, BTreeMap<String, String>);

/// The one event behind its copies.
fn one_of(copies: Vec<Taken>) -> Result<One, Refused> {
    let mut taken: Option<One> = None;
    let mut refused = None;
    for Taken { origin, decoded, annotations } in copies {
        match (decoded, &taken) {
            (Ok((spec, instance)), None) => taken = Some((origin, spec, instance, annotations)),
            (Ok((spec, _)), Some(first)) if spec != first.1 => {
                return Err(Refused::Contradiction(origin.to_string()));
            }
            (Ok(_), Some(_)) => {}
            (Err(error), _) => refused = refused.or(Some(error)),
        }
    }
    match (taken, refused) {
        (Some(taken), _) => Ok(taken),
        (None, refused) => Err(refused.unwrap_or(Refused::EventId)),
    }
}

fn label(name: &str) -> String {
    format!("{GROUP}/{name}")
}

fn annotations(event: &Event, origin: &Origin) -> BTreeMap<String, String> {
    let on_behalf_of = event.user_identity.as_ref().and_then(|it| it.on_behalf_of.as_ref());
    [
        ("cloudtrail-file", Some(origin.file.as_str())),
        ("cloudtrail-account", event.recipient_account_id.as_deref()),
        ("cloudtrail-user-agent", event.user_agent.as_deref()),
        ("cloudtrail-on-behalf-of", on_behalf_of.and_then(|it| it.user_id.as_deref())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((label(name), value?.chars().take(1024).collect())))
    .collect()
}

fn record(
    id: &str,
    origin: Origin,
    spec: OperationRecordSpec,
    annotations: BTreeMap<String, String>,
) -> ImportedRecord {
    ImportedRecord {
        name: names::short(spec.operation_type, id),
        short_name: names::short(spec.operation_type, id),
        full_name: names::full(spec.operation_type, TOOL, id),
        labels: BTreeMap::from([
            (label("tool"), TOOL.to_owned()),
            (label("type"), spec.operation_type.as_str().to_owned()),
        ]),
        annotations,
        spec,
        origin,
    }
}
