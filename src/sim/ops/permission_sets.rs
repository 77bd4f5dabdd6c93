//! Permission sets themselves: list, describe, create, update, delete.

use serde_json::{Value, json};

use super::{pager, shapes, tags};
use crate::model::PermissionSetArn;
use crate::sim::error::AwsError;
use crate::sim::operation::Answer;
use crate::sim::permission_set::{Content, DEFAULT_SESSION_DURATION, PermissionSet};
use crate::sim::scope::Scope;
use crate::sim::time::{epoch_seconds, later};

pub(in crate::sim) fn list(scope: &mut Scope<'_>) -> Answer {
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let arns = scope.instance.listed_sets.seen(scope.now);
    let page = pager.page(arns.map(|arn| (arn.to_string(), arn)))?;
    Ok(page.reply("PermissionSets", |arn| json!(arn)))
}

pub(in crate::sim) fn describe(scope: &mut Scope<'_>) -> Answer {
    Ok(json!({"PermissionSet": description(scope.permission_set()?)}))
}

fn description(set: &PermissionSet) -> Value {
    let mut description = json!({
        "Name": set.name,
        "PermissionSetArn": set.arn,
        "CreatedDate": epoch_seconds(set.created),
        "SessionDuration": set.session_duration,
    });
    if let Some(text) = &set.description {
        description["Description"] = json!(text);
    }
    if let Some(text) = &set.relay_state {
        description["RelayState"] = json!(text);
    }
    description
}

pub(in crate::sim) fn create(scope: &mut Scope<'_>) -> Answer {
    let input = scope.input;
    let name = shapes::set_name(input)?;
    let tags = tags::tags(input)?;
    let session_duration =
        shapes::session_duration(input)?.unwrap_or_else(|| DEFAULT_SESSION_DURATION.to_owned());
    if scope.instance.sets.values().any(|set| set.name == name) {
        return Err(AwsError::conflict(format!("PermissionSet with name {name} already exists")));
    }
    if scope.instance.sets.len() >= scope.settings.limits.permission_sets {
        return Err(AwsError::quota("You have exceeded the number of permission sets allowed"));
    }
    let partition = scope.instance.arn.partition().to_owned();
    let instance = scope.instance.id().to_owned();
    let text =
        format!("arn:{partition}:sso:::permissionSet/{instance}/ps-{}", scope.random.hex(16));
    let arn: PermissionSetArn =
        text.parse().map_err(|_| AwsError::new("InternalServerException", "no ARN"))?;
    let set = PermissionSet {
        arn: arn.clone(),
        name,
        description: shapes::description(input)?,
        session_duration,
        relay_state: shapes::relay_state(input)?,
        created: scope.now,
        content: Content::default(),
        tags,
        version: 0,
    };
    let reply = json!({"PermissionSet": description(&set)});
    show(scope, &arn, true);
    scope.instance.sets.insert(arn, set);
    Ok(reply)
}

/// Puts a set into the list or takes it out, to be seen when the lag is over.
fn show(scope: &mut Scope<'_>, arn: &PermissionSetArn, present: bool) {
    let seen = later(scope.now, scope.random.up_to(scope.settings.lag.0));
    scope.instance.listed_sets.set(arn, present, scope.now, seen);
    scope.counters.accept(arn.as_str());
    scope.counters.effect(arn.as_str());
}

/// What is left out stays, but for the relay state: that is cleared.
pub(in crate::sim) fn update(scope: &mut Scope<'_>) -> Answer {
    let description = shapes::description(scope.input)?;
    let session_duration = shapes::session_duration(scope.input)?;
    let relay_state = shapes::relay_state(scope.input)?;
    let set = scope.changed_permission_set()?;
    set.description = description.or(set.description.take());
    set.session_duration = session_duration.unwrap_or(std::mem::take(&mut set.session_duration));
    set.relay_state = relay_state;
    set.version += 1;
    Ok(json!({}))
}

pub(in crate::sim) fn delete(scope: &mut Scope<'_>) -> Answer {
    let arn = scope.permission_set_arn()?;
    scope.refuse_delegate_for(&arn)?;
    let instance = &scope.instance;
    let provisioned = instance.provisioned.keys().any(|(_, set)| *set == arn);
    if provisioned || instance.assignments.any_of(&arn) || instance.requests.any_running_of(&arn) {
        scope.counters.conflicts += 1;
        return Err(AwsError::conflict(
            "Could not delete because PermissionSet has ApplicationProfile associated with it",
        ));
    }
    show(scope, &arn, false);
    scope.instance.sets.remove(&arn);
    Ok(json!({}))
}
