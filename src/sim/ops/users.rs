//! The users of an identity store.

use serde_json::{Map, Value, json};

use super::pager;
use crate::model::PrincipalId;
use crate::sim::directory::{Directory, ExternalId, User, UserStatus};
use crate::sim::error::AwsError;
use crate::sim::input::Input;
use crate::sim::operation::Answer;
use crate::sim::scope::Scope;

/// The id of a user or group, given bare or at the end of an ARN.
pub(super) fn id(input: Input<'_>, member: &str) -> Result<PrincipalId, AwsError> {
    let text = input.required_text(member)?;
    let bare = match text.strip_prefix("arn:") {
        Some(arn) => arn.rsplit('/').next().unwrap_or_default(),
        None => text,
    };
    let bare = Map::from_iter([(member.to_owned(), Value::from(bare))]);
    Input(&bare).required_id(member, PrincipalId::PATTERN)
}

pub(super) fn not_found(kind: &str, id: Option<&PrincipalId>) -> AwsError {
    let error = AwsError::not_found(format!("{kind} not found.")).with("ResourceType", kind);
    match id {
        Some(id) => error.with("ResourceId", id.as_str()),
        None => error,
    }
}

pub(super) fn external_ids(ids: &[ExternalId]) -> Value {
    ids.iter().map(|id| json!({"Issuer": id.issuer, "Id": id.id})).collect()
}

fn description(directory: &Directory, id: &PrincipalId, user: &User) -> Value {
    let mut description = json!({
        "IdentityStoreId": directory.id,
        "UserId": id,
        "UserArn": format!("arn:aws:identitystore:::user/{id}"),
        "Revision": "1",
        "UserName": user.name,
        "UserStatus": match user.status {
            UserStatus::Enabled => "ENABLED",
            UserStatus::Disabled => "DISABLED",
        },
    });
    if let Some(name) = &user.display_name {
        description["DisplayName"] = json!(name);
    }
    if let Some(email) = &user.email {
        description["Emails"] = json!([{"Value": email, "Type": "work", "Primary": true}]);
    }
    if !user.external_ids.is_empty() {
        description["ExternalIds"] = external_ids(&user.external_ids);
    }
    description
}

pub(in crate::sim) fn describe(scope: &mut Scope<'_>) -> Answer {
    let id = id(scope.input, "UserId")?;
    let directory = &scope.instance.directory;
    let user = directory.users.get(&id).ok_or_else(|| not_found("USER", Some(&id)))?;
    Ok(description(directory, &id, user))
}

pub(in crate::sim) fn list(scope: &mut Scope<'_>) -> Answer {
    let name = filter(scope.input, "UserName")?;
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let directory = &scope.instance.directory;
    let rows = directory
        .users
        .iter()
        .filter(|(_, user)| name.is_none_or(|name| user.name == name))
        .map(|(id, user)| (id.to_string(), (id, user)));
    Ok(pager.page(rows)?.reply("Users", |(id, user)| description(directory, id, user)))
}

/// The value that a list is filtered by: one filter at most, by one attribute.
pub(super) fn filter<'a>(input: Input<'a>, path: &str) -> Result<Option<&'a str>, AwsError> {
    let filters = input.list("Filters")?.unwrap_or_default();
    let [filter] = filters else {
        return match filters {
            [] => Ok(None),
            _ => Err(AwsError::validation("Only one filter is supported")),
        };
    };
    let filter = Input(filter.as_object().ok_or_else(|| AwsError::missing("Filters"))?);
    let asked = filter.required_text("AttributePath")?;
    if asked != path {
        return Err(AwsError::validation(format!(
            "Filtering by {asked} is not supported: use {path}"
        )));
    }
    filter.required_text("AttributeValue").map(Some)
}

/// What a user or group is looked up by.
pub(super) enum Alternate<'a> {
    External { issuer: &'a str, id: &'a str },
    Attribute { path: &'a str, value: &'a str },
}

pub(super) fn alternate(input: Input<'_>) -> Result<Alternate<'_>, AwsError> {
    let identifier = input.required_object("AlternateIdentifier")?;
    match (identifier.object("ExternalId")?, identifier.object("UniqueAttribute")?) {
        (Some(external), None) => Ok(Alternate::External {
            issuer: external.required_text("Issuer")?,
            id: external.required_text("Id")?,
        }),
        (None, Some(attribute)) => Ok(Alternate::Attribute {
            path: attribute.required_text("AttributePath")?,
            value: attribute.required_text("AttributeValue")?,
        }),
        _ => Err(AwsError::validation(
            "AlternateIdentifier must hold either an ExternalId or a UniqueAttribute",
        )),
    }
}

pub(super) fn has_external_id(ids: &[ExternalId], issuer: &str, id: &str) -> bool {
    ids.iter().any(|external| external.issuer == issuer && external.id == id)
}

pub(in crate::sim) fn find(scope: &mut Scope<'_>) -> Answer {
    let wanted = alternate(scope.input)?;
    if let Alternate::Attribute { path, .. } = wanted
        && !["userName", "emails.value"].contains(&path)
    {
        return Err(AwsError::validation(format!(
            "The attribute path {path} is not unique for users"
        )));
    }
    let directory = &scope.instance.directory;
    let found = directory.users.iter().find(|(_, user)| match wanted {
        Alternate::External { issuer, id } => has_external_id(&user.external_ids, issuer, id),
        Alternate::Attribute { path: "userName", value } => user.name == value,
        Alternate::Attribute { value, .. } => user.email.as_deref() == Some(value),
    });
    let (id, _) = found.ok_or_else(|| not_found("USER", None))?;
    Ok(json!({
        "IdentityStoreId": directory.id,
        "UserId": id,
        "UserArn": format!("arn:aws:identitystore:::user/{id}"),
    }))
}

/// Deletes a user and its memberships. Its assignments stay: AWS keeps listing them.
pub(in crate::sim) fn delete(scope: &mut Scope<'_>) -> Answer {
    let id = id(scope.input, "UserId")?;
    let directory = &mut scope.instance.directory;
    directory.users.remove(&id);
    for group in directory.groups.values_mut() {
        group.members.remove(&id);
    }
    Ok(json!({}))
}
