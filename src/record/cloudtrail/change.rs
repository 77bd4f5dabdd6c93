//! An event as a record.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::event::{Assignment, Event, NewSet};
use super::{Refused, TOOL};
use crate::api::OperationRecordSpec;
use crate::api::record::{Change, CreatedPermissionSet, NamedPrincipal, Precision, Source};
use crate::model::{
    AccountId, Before, Effect, InstanceArn, InvalidId, OperationType, PermissionSetArn,
    PermissionSetContent, PrincipalId, PrincipalType, RequestId,
};

/// The longest actor that a record takes.
const MAX_ACTOR: usize = 2048;
/// How long a session lasts where `CreatePermissionSet` does not say it
/// (<https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html>).
const DEFAULT_SESSION: &str = "PT1H";

/// The record of a change, the instance's name not filled in, and the instance that it belongs to.
pub fn decode(event: &Event, id: String) -> Result<(OperationRecordSpec, InstanceArn), Refused> {
    let mut spec = OperationRecordSpec {
        instance: String::new(),
        operation_type: OperationType::Assign,
        occurred_at: time(&event.event_time)?,
        started_at: None,
        // CloudTrail's times are whole seconds.
        occurred_at_precision: Precision::Second,
        actor: event
            .user_identity
            .as_ref()
            .and_then(|identity| identity.actor())
            .map(|actor| actor.chars().take(MAX_ACTOR).collect()),
        source: Source { tool: TOOL.to_owned(), id },
        changes: Vec::new(),
        created_permission_set: None,
        failed: Vec::new(),
        reason: None,
        ticket: None,
        recorded_by: None,
        rollback: None,
    };
    let instance = match event.event_name.as_str() {
        "CreatePermissionSet" => {
            let (created, instance) = created(event)?;
            spec.operation_type = OperationType::ClonePermissionSet;
            spec.created_permission_set = Some(created);
            instance
        }
        name => {
            let deleted = name == "DeleteAccountAssignment";
            let effect = if deleted { Effect::Revoked } else { Effect::Granted };
            let (change, instance) = change(event, effect)?;
            let kind = if deleted { OperationType::Revoke } else { OperationType::Assign };
            spec.operation_type = kind;
            spec.changes.push(change);
            instance
        }
    };
    Ok((spec, instance))
}

/// One assignment that was accepted. What was there before, an event does not tell: a call that
/// makes what is there already is accepted as well.
fn change(event: &Event, effect: Effect) -> Result<(Change, InstanceArn), Refused> {
    let asked: Assignment = parameters(event)?;
    if asked.target_type != "AWS_ACCOUNT" {
        return Err(value("targetType", &asked.target_type, "AWS_ACCOUNT"));
    }
    let kind = match asked.principal_type.as_str() {
        "USER" => PrincipalType::User,
        "GROUP" => PrincipalType::Group,
        other => return Err(value("principalType", other, "USER or GROUP")),
    };
    let permission_set: PermissionSetArn = id("permissionSetArn", &asked.permission_set_arn)?;
    let instance = instance(&asked.instance_arn, &permission_set)?;
    let principal: PrincipalId = id("principalId", &asked.principal_id)?;
    let account: AccountId = id("targetId", &asked.target_id)?;
    let change = Change {
        effect,
        principal: NamedPrincipal { kind, id: principal, name: None },
        permission_set,
        permission_set_name: None,
        accounts: vec![account],
        before: Before::Unknown,
        request_id: request_id(event),
    };
    Ok((change, instance))
}

/// The permission set that was created, with the content that this call alone gave it. What was
/// attached afterwards are other calls, and makes it another content than the recorded one.
fn created(event: &Event) -> Result<(CreatedPermissionSet, InstanceArn), Refused> {
    let asked: NewSet = parameters(event)?;
    let arn = event.response_elements.pointer("/permissionSet/permissionSetArn");
    let arn = arn.and_then(Value::as_str).unwrap_or_default();
    let arn: PermissionSetArn = id("responseElements.permissionSet.permissionSetArn", arn)?;
    let instance = instance(&asked.instance_arn, &arn)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if asked.name.is_empty() || asked.name.len() > 32 || !asked.name.chars().all(fits) {
        return Err(value("name", &asked.name, "the name of a permission set"));
    }
    let mut tags: Vec<String> = asked.tags.unwrap_or_default().iter().map(tag).collect();
    tags.sort();
    let content = PermissionSetContent {
        description: asked.description,
        session_duration: Some(asked.session_duration.unwrap_or_else(|| DEFAULT_SESSION.into())),
        relay_state: asked.relay_state,
        tags,
        ..PermissionSetContent::default()
    };
    let created = CreatedPermissionSet {
        arn,
        name: asked.name,
        source: None,
        content_digest: None,
        content: fits_a_record(&content).then_some(content),
        replaces: None,
    };
    Ok((created, instance))
}

fn tag(tag: &super::event::Tag) -> String {
    format!("{}={}", tag.key, tag.value)
}

/// Whether the content is within what AWS allows, and told at all: `CloudTrail` hides what may be
/// confidential.
fn fits_a_record(content: &PermissionSetContent) -> bool {
    let short = |text: &Option<String>, most: usize| {
        text.as_ref().is_none_or(|text| {
            text.chars().count() <= most && !text.starts_with("HIDDEN_DUE_TO_SECURITY_REASONS")
        })
    };
    short(&content.description, 700)
        && short(&content.session_duration, 100)
        && short(&content.relay_state, 240)
        && content.tags.len() <= 75
        && content.tags.iter().all(|tag| tag.chars().count() <= 400)
}

/// AWS's handle of the asynchronous request: from the answer, else the id of the call, which was the
/// same wherever it could be compared.
fn request_id(event: &Event) -> Option<RequestId> {
    ["accountAssignmentCreationStatus", "accountAssignmentDeletionStatus"]
        .iter()
        .find_map(|status| event.response_elements.get(*status)?.get("requestId")?.as_str())
        .or(event.request_id.as_deref())?
        .parse()
        .ok()
}

/// Whether the answer itself says that the request failed.
pub fn failed(event: &Event) -> bool {
    let statuses = event.response_elements.as_object().into_iter().flatten();
    event.error_code.as_deref().is_some_and(|code| !code.is_empty())
        || statuses
            .filter(|(name, _)| name.starts_with("accountAssignment"))
            .any(|(_, status)| status.get("status").and_then(Value::as_str) == Some("FAILED"))
}

fn parameters<T: DeserializeOwned + Default>(event: &Event) -> Result<T, Refused> {
    match &event.request_parameters {
        Value::Object(_) => serde_json::from_value(event.request_parameters.clone())
            .map_err(|error| Refused::Parameters(error.to_string())),
        _ => Err(Refused::Parameters("they are not there".to_owned())),
    }
}

fn instance(asked: &str, set: &PermissionSetArn) -> Result<InstanceArn, Refused> {
    let asked: InstanceArn = id("instanceArn", asked)?;
    let of_set = set.instance();
    if asked == of_set { Ok(asked) } else { Err(Refused::TwoInstances { asked, of_set }) }
}

fn id<T: std::str::FromStr<Err = InvalidId>>(
    field: &'static str,
    text: &str,
) -> Result<T, Refused> {
    text.parse().map_err(|source| Refused::Id { field, source })
}

fn value(field: &'static str, found: &str, expected: &'static str) -> Refused {
    Refused::Value { field, found: found.chars().take(100).collect(), expected }
}

fn time(text: &str) -> Result<Timestamp, Refused> {
    let time = text.parse::<Timestamp>().ok().filter(|time| {
        // Kubernetes takes RFC 3339, which has four digits for the year.
        (1970..=9998).contains(&time.to_zoned(TimeZone::UTC).year())
    });
    time.ok_or_else(|| Refused::NotATime(text.chars().take(100).collect()))
}
