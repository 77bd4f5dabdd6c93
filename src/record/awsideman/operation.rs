//! One recorded operation, decoded.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::changes::{Outcome, of_copied_tuples, of_one_principal};
use super::fields::{Fields, TEXT};
use super::{Refused, TOOL, when};
use crate::api::OperationRecordSpec;
use crate::api::record::{CreatedPermissionSet, Source};
use crate::model::{Effect, InstanceArn, OperationType, PermissionSetArn, RequestId};
use crate::record::names;

/// What one element of a store says.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The record, its instance's name not filled in.
    pub spec: OperationRecordSpec,
    /// The instance that all its permission sets belong to.
    pub instance: InstanceArn,
    /// AWS's id of the request, if the operation was one request.
    pub request_id: Option<RequestId>,
    /// Whether awsideman took it for rolled back. It also does so when nothing was undone.
    pub rolled_back: bool,
    /// Id of awsideman's rollback.
    pub rollback_operation: Option<String>,
    /// AWS profile that awsideman was used with.
    pub profile: Option<String>,
    /// What was mended: clauses.
    pub repairs: Vec<String>,
}

/// The id of an element, if it has one that can be shown.
pub fn id_of(value: &Value) -> Option<String> {
    let id = value.get("operation_id")?.as_str()?;
    Some(id.chars().take(200).collect())
}

/// Decodes one element of a store.
pub fn decode(value: &Value, zone: Option<&TimeZone>) -> Result<Decoded, Refused> {
    let fields = Fields::of(value, "the operation")?;
    let id = fields.text("operation_id")?;
    if !names::is_operation_id(id) {
        return Err(Refused::OperationId(id.chars().take(100).collect()));
    }
    let mut repairs = Vec::new();
    let operation_type = operation_type(fields, &mut repairs)?;
    let (occurred_at, occurred_at_precision) = when::read(fields.text("timestamp")?, zone)?;
    let mut created_permission_set = None;
    let outcome = match operation_type {
        OperationType::Assign => of_one_principal(fields, Effect::Granted)?,
        OperationType::Revoke => of_one_principal(fields, Effect::Revoked)?,
        OperationType::CopyAssignments => of_copied_tuples(fields)?,
        OperationType::ClonePermissionSet | OperationType::Rollback => {
            created_permission_set = Some(clone(fields)?);
            Outcome::default()
        }
    };
    repairs.extend(outcome.repairs);
    let metadata = fields.object("metadata");
    let spec = OperationRecordSpec {
        instance: String::new(),
        operation_type,
        occurred_at,
        started_at: outcome.duration.and_then(|duration| occurred_at.checked_sub(duration).ok()),
        occurred_at_precision,
        actor: metadata.and_then(|metadata| metadata.words("user", TEXT)),
        source: Source { tool: TOOL.to_owned(), id: id.to_owned() },
        changes: outcome.changes,
        created_permission_set,
        failed: outcome.failed,
        reason: None,
        ticket: None,
        recorded_by: None,
        rollback: None,
    };
    Ok(Decoded {
        instance: instance(&spec)?,
        request_id: metadata.and_then(|metadata| request_id(metadata, &spec, &mut repairs)),
        rolled_back: fields.is_true("rolled_back"),
        rollback_operation: fields.words("rollback_operation_id", TEXT),
        profile: metadata.and_then(|metadata| metadata.words("profile", TEXT)),
        spec,
        repairs,
    })
}

fn operation_type(fields: Fields<'_>, repairs: &mut Vec<String>) -> Result<OperationType, Refused> {
    if !fields.has("operation_type") {
        // Before 0.1.2 awsideman wrote clones without their type.
        if fields.has("target_permission_set_arn") {
            repairs.push("operation_type is missing; its other members say clone".to_owned());
            return Ok(OperationType::ClonePermissionSet);
        }
        return Err(Refused::Missing { field: "operation_type" });
    }
    match fields.text("operation_type")? {
        "assign" => Ok(OperationType::Assign),
        "revoke" => Ok(OperationType::Revoke),
        "copy_assignments" => Ok(OperationType::CopyAssignments),
        "clone_permission_set" => Ok(OperationType::ClonePermissionSet),
        other => Err(Refused::UnknownType(other.chars().take(100).collect())),
    }
}

/// The set that a clone made. awsideman keeps names of policies but not what they said, so the
/// content stays unknown.
fn clone(fields: Fields<'_>) -> Result<CreatedPermissionSet, Refused> {
    let name = fields.text("target_permission_set_name")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
        let field = "target_permission_set_name";
        return Err(Refused::Shape { field, expected: "the name of a permission set" });
    }
    Ok(CreatedPermissionSet {
        arn: fields.id("target_permission_set_arn")?,
        name: name.to_owned(),
        source: if fields.has("source_permission_set_arn") {
            Some(fields.id("source_permission_set_arn")?)
        } else {
            None
        },
        content_digest: None,
        content: None,
        replaces: None,
    })
}

/// The one instance that all permission sets of the operation belong to.
fn instance(spec: &OperationRecordSpec) -> Result<InstanceArn, Refused> {
    let created = spec.created_permission_set.iter();
    let mut instances = spec
        .changes
        .iter()
        .map(|change| &change.permission_set)
        .chain(created.flat_map(|set| std::iter::once(&set.arn).chain(&set.source)))
        .map(PermissionSetArn::instance);
    let first = instances.next().ok_or(Refused::Missing { field: "permission set" })?;
    match instances.find(|instance| *instance != first) {
        Some(other) => Err(Refused::TwoInstances(first, other)),
        None => Ok(first),
    }
}

/// The request id, where one request was all of it.
fn request_id(
    metadata: Fields<'_>,
    spec: &OperationRecordSpec,
    repairs: &mut Vec<String>,
) -> Option<RequestId> {
    let text = metadata.words("request_id", TEXT)?;
    let single = matches!(spec.changes.as_slice(), [change] if change.accounts.len() == 1);
    match text.parse() {
        Ok(id) if single && spec.failed.is_empty() => Some(id),
        Ok(_) => None,
        Err(error) => {
            repairs.push(format!("the request id is left out: {error}"));
            None
        }
    }
}
