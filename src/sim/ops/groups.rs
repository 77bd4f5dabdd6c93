//! The groups of an identity store, and who is in them.

use serde_json::{Value, json};

use super::pager;
use super::users::{Alternate, alternate, external_ids, filter, has_external_id, id, not_found};
use crate::model::{IdentityStoreId, PrincipalId};
use crate::sim::directory::{Directory, Group};
use crate::sim::error::AwsError;
use crate::sim::input::Input;
use crate::sim::operation::Answer;
use crate::sim::scope::Scope;

fn description(directory: &Directory, id: &PrincipalId, group: &Group) -> Value {
    let mut description = json!({
        "IdentityStoreId": directory.id,
        "GroupId": id,
        "GroupArn": format!("arn:aws:identitystore:::group/{id}"),
        "Revision": "1",
        "DisplayName": group.display_name,
    });
    if let Some(text) = &group.description {
        description["Description"] = json!(text);
    }
    if !group.external_ids.is_empty() {
        description["ExternalIds"] = external_ids(&group.external_ids);
    }
    description
}

pub(in crate::sim) fn describe(scope: &mut Scope<'_>) -> Answer {
    let id = id(scope.input, "GroupId")?;
    let directory = &scope.instance.directory;
    let group = directory.groups.get(&id).ok_or_else(|| not_found("GROUP", Some(&id)))?;
    Ok(description(directory, &id, group))
}

pub(in crate::sim) fn list(scope: &mut Scope<'_>) -> Answer {
    let name = filter(scope.input, "DisplayName")?;
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let directory = &scope.instance.directory;
    let rows = directory
        .groups
        .iter()
        .filter(|(_, group)| name.is_none_or(|name| group.display_name == name))
        .map(|(id, group)| (id.to_string(), (id, group)));
    Ok(pager.page(rows)?.reply("Groups", |(id, group)| description(directory, id, group)))
}

pub(in crate::sim) fn find(scope: &mut Scope<'_>) -> Answer {
    let wanted = alternate(scope.input)?;
    if let Alternate::Attribute { path, .. } = wanted
        && path != "displayName"
    {
        return Err(AwsError::validation(format!(
            "The attribute path {path} is not unique for groups"
        )));
    }
    let directory = &scope.instance.directory;
    let found = directory.groups.iter().find(|(_, group)| match wanted {
        Alternate::External { issuer, id } => has_external_id(&group.external_ids, issuer, id),
        Alternate::Attribute { value, .. } => group.display_name == value,
    });
    let (id, _) = found.ok_or_else(|| not_found("GROUP", None))?;
    Ok(json!({
        "IdentityStoreId": directory.id,
        "GroupId": id,
        "GroupArn": format!("arn:aws:identitystore:::group/{id}"),
    }))
}

/// Deletes a group. Its assignments stay: AWS keeps listing them.
pub(in crate::sim) fn delete(scope: &mut Scope<'_>) -> Answer {
    let id = id(scope.input, "GroupId")?;
    scope.instance.directory.groups.remove(&id);
    Ok(json!({}))
}

fn membership(
    store: &IdentityStoreId,
    membership: &PrincipalId,
    group: &PrincipalId,
    user: &PrincipalId,
) -> Value {
    json!({
        "IdentityStoreId": store,
        "MembershipId": membership,
        "MembershipArn": format!("arn:aws:identitystore:::membership/{membership}"),
        "GroupId": group,
        "MemberId": {"UserId": user},
    })
}

fn member(input: Input<'_>) -> Result<PrincipalId, AwsError> {
    id(input.required_object("MemberId")?, "UserId")
}

pub(in crate::sim) fn memberships(scope: &mut Scope<'_>) -> Answer {
    let id = id(scope.input, "GroupId")?;
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let directory = &scope.instance.directory;
    let group = directory.groups.get(&id).ok_or_else(|| not_found("GROUP", Some(&id)))?;
    let rows = group.members.iter().map(|(user, at)| (user.to_string(), (user, at)));
    Ok(pager
        .page(rows)?
        .reply("GroupMemberships", |(user, at)| membership(&directory.id, at, &id, user)))
}

pub(in crate::sim) fn memberships_of_member(scope: &mut Scope<'_>) -> Answer {
    let user = member(scope.input)?;
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let directory = &scope.instance.directory;
    if !directory.users.contains_key(&user) {
        return Err(not_found("USER", Some(&user)));
    }
    let rows = directory.groups.iter().filter_map(|(group, members)| {
        Some((group.to_string(), (group, members.members.get(&user)?)))
    });
    Ok(pager
        .page(rows)?
        .reply("GroupMemberships", |(group, at)| membership(&directory.id, at, group, &user)))
}

pub(in crate::sim) fn is_member(scope: &mut Scope<'_>) -> Answer {
    let user = member(scope.input)?;
    let groups = scope.input.list("GroupIds")?.ok_or_else(|| AwsError::missing("GroupIds"))?;
    if groups.is_empty() || groups.len() > 100 {
        return Err(AwsError::constraint("GroupIds", "[…]", "Member must have 1 to 100 elements"));
    }
    let directory = &scope.instance.directory;
    let mut results = Vec::new();
    for group in groups {
        let asked = serde_json::Map::from_iter([("GroupId".to_owned(), group.clone())]);
        let group = id(Input(&asked), "GroupId")?;
        let members = directory.groups.get(&group).map(|group| &group.members);
        results.push(json!({
            "GroupId": group,
            "MemberId": {"UserId": user},
            "MembershipExists": members.is_some_and(|members| members.contains_key(&user)),
        }));
    }
    Ok(json!({"Results": results}))
}

pub(in crate::sim) fn add_member(scope: &mut Scope<'_>) -> Answer {
    let id = id(scope.input, "GroupId")?;
    let user = member(scope.input)?;
    let directory = &mut scope.instance.directory;
    if !directory.users.contains_key(&user) {
        return Err(not_found("USER", Some(&user)));
    }
    let group = directory.groups.get_mut(&id).ok_or_else(|| not_found("GROUP", Some(&id)))?;
    if group.members.contains_key(&user) {
        return Err(AwsError::conflict("Member and Group relationship already exists."));
    }
    let made: PrincipalId = scope
        .random
        .uuid()
        .parse()
        .map_err(|_| AwsError::new("InternalServerException", "no membership id"))?;
    let answer = json!({
        "IdentityStoreId": directory.id,
        "MembershipId": made,
        "MembershipArn": format!("arn:aws:identitystore:::membership/{made}"),
    });
    group.members.insert(user, made);
    Ok(answer)
}

pub(in crate::sim) fn remove_member(scope: &mut Scope<'_>) -> Answer {
    let gone = id(scope.input, "MembershipId")?;
    let mut found = false;
    for group in scope.instance.directory.groups.values_mut() {
        group.members.retain(|_, at| {
            found |= *at == gone;
            *at != gone
        });
    }
    if found { Ok(json!({})) } else { Err(not_found("GROUP_MEMBERSHIP", Some(&gone))) }
}
