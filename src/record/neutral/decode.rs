//! One operation of the neutral form as a record.

use jiff::tz::TimeZone;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::api::OperationRecordSpec;
use crate::api::record::Precision;
use crate::model::{Effect, InstanceArn, OperationType, PermissionSetArn};
use crate::record::awsideman::when;
use crate::record::names;

/// Members of a record that another cluster fills in by itself.
pub const OF_THE_CLUSTER: [&str; 2] = ["instance", "recordedBy"];

/// Why an operation is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no object, or a member has another shape.
    #[error("it is not an operation: {0}; docs/schemas/operation.json describes one")]
    Shape(String),
    /// A member that nobody knows.
    #[error("it has a member that is not known: {0}; take it out, or write it as it is meant")]
    Unknown(String),
    /// Its id cannot be a name.
    #[error(
        "source.id {0:?} cannot be written into a name: use letters, digits, '.', '-' and '_', at most 200"
    )]
    Id(String),
    /// The tool cannot be a label.
    #[error(
        "source.tool {0:?} is no name of a tool: use letters, digits, '.', '-' and '_' between letters \
         or digits, at most 63"
    )]
    Tool(String),
    /// Its time cannot be understood.
    #[error("{0}")]
    Time(String),
    /// The undo of a Rollback is written by the operator alone.
    #[error("it is the ledger of a Rollback, which only the operator of its own cluster writes")]
    Ledger,
    /// No permission set says to which instance it belongs.
    #[error(
        "it changes nothing: neither changes, nor failed, nor createdPermissionSet names a permission set"
    )]
    Nothing,
    /// Permission sets of two instances.
    #[error("its permission sets belong to two instances, {0} and {1}: write two operations")]
    TwoInstances(InstanceArn, InstanceArn),
    /// The same id again, with other content.
    #[error("another operation with this id says something else: {0}; give them different ids")]
    Contradiction(String),
}

/// Reads an operation.
pub fn decode(
    mut item: Value,
    zone: Option<&TimeZone>,
) -> Result<(OperationRecordSpec, InstanceArn), Refused> {
    let Some(object) = item.as_object_mut() else {
        return Err(Refused::Shape("it is no object".to_owned()));
    };
    for field in OF_THE_CLUSTER {
        object.remove(field);
    }
    if object.get("type").and_then(Value::as_str) == Some(OperationType::Rollback.as_str())
        || object.contains_key("rollback")
    {
        return Err(Refused::Ledger);
    }
    // The name is known once the instance is.
    object.insert("instance".to_owned(), Value::from("unknown"));
    if let Some(precision) = read_time(object, "occurredAt", zone)? {
        let said = object.entry("occurredAtPrecision").or_insert(Value::Null);
        if said.is_null() {
            *said = serde_json::to_value(precision).unwrap_or_default();
        }
    }
    read_time(object, "startedAt", zone)?;
    let spec = OperationRecordSpec::deserialize(&item)
        .map_err(|error| Refused::Shape(error.to_string()))?;
    let known = serde_json::to_value(&spec).unwrap_or_default();
    if let Some(member) = unknown(&item, &known, "") {
        return Err(Refused::Unknown(member));
    }
    if spec.started_at.is_some_and(|started| started > spec.occurred_at) {
        return Err(Refused::Shape("startedAt is later than occurredAt".to_owned()));
    }
    contradicts_its_type(&spec).map_or(Ok(()), |why| Err(Refused::Shape(why)))?;
    if !names::is_operation_id(&spec.source.id) {
        return Err(Refused::Id(spec.source.id.chars().take(100).collect()));
    }
    if !names::is_tool(&spec.source.tool) {
        return Err(Refused::Tool(spec.source.tool.chars().take(100).collect()));
    }
    let instance = instance(&spec)?;
    Ok((spec, instance))
}

/// Writes a time as the API server takes it, if it is there.
fn read_time(
    object: &mut Map<String, Value>,
    field: &str,
    zone: Option<&TimeZone>,
) -> Result<Option<Precision>, Refused> {
    let Some(text) = object.get(field).and_then(Value::as_str) else { return Ok(None) };
    let (time, precision) =
        when::read(text, zone).map_err(|error| Refused::Time(error.to_string()))?;
    object.insert(field.to_owned(), Value::from(time.to_string()));
    Ok(Some(precision))
}

/// What an operation of its type never does, if it says that it did so: whoever looks for it by its
/// type would undo the opposite.
fn contradicts_its_type(spec: &OperationRecordSpec) -> Option<String> {
    let other = match spec.operation_type {
        OperationType::Assign | OperationType::CopyAssignments => Effect::Revoked,
        OperationType::Revoke => Effect::Granted,
        _ => return None,
    };
    let changes = spec.changes.iter().map(|change| change.effect);
    let changes = changes.enumerate().map(|(at, effect)| ("changes", at, effect));
    let failed = spec.failed.iter().map(|failed| failed.effect);
    let mut all = changes.chain(failed.enumerate().map(|(at, effect)| ("failed", at, effect)));
    let (list, at, effect) = all.find(|(_, _, effect)| *effect == other)?;
    let kind = spec.operation_type.as_str();
    Some(format!("its type is {kind}, and the effect of {list}[{at}] is {effect:?}"))
}

/// The first member of `found` that is not among what was understood of it. What is empty or null
/// says nothing.
fn unknown(found: &Value, known: &Value, path: &str) -> Option<String> {
    match (found, known) {
        (Value::Object(found), known) => found.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match known.get(name) {
                Some(known) => unknown(value, known, &path),
                None if is_empty(value) => None,
                None => Some(path),
            }
        }),
        (Value::Array(found), Value::Array(known)) => {
            let mut pairs = found.iter().zip(known).enumerate();
            pairs.find_map(|(at, (found, known))| unknown(found, known, &format!("{path}[{at}]")))
        }
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// The one instance that all permission sets belong to.
fn instance(spec: &OperationRecordSpec) -> Result<InstanceArn, Refused> {
    let created = spec.created_permission_set.iter();
    let created = created.flat_map(|set| std::iter::once(&set.arn).chain(&set.source));
    let changes = spec.changes.iter().map(|change| &change.permission_set);
    let failed = spec.failed.iter().map(|failed| &failed.permission_set);
    let mut all = changes.chain(failed).chain(created).map(PermissionSetArn::instance);
    let first = all.next().ok_or(Refused::Nothing)?;
    match all.find(|instance| *instance != first) {
        Some(other) => Err(Refused::TwoInstances(first, other)),
        None => Ok(first),
    }
}
