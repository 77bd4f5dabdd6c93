//! The tags of permission sets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{pager, shapes};
use crate::model::{InstanceArn, PermissionSetArn};
use crate::sim::error::AwsError;
use crate::sim::input::Input;
use crate::sim::operation::Answer;
use crate::sim::permission_set::PermissionSet;
use crate::sim::scope::Scope;

const MOST: usize = 75;

/// The instance that a tagged resource belongs to.
pub(in crate::sim) fn instance_of(resource: &str) -> Result<InstanceArn, AwsError> {
    if let Ok(set) = resource.parse::<PermissionSetArn>() {
        return Ok(set.instance());
    }
    resource.parse().map_err(|_| {
        AwsError::constraint(
            "ResourceArn",
            resource,
            "Member must be the ARN of an instance or of a permission set",
        )
    })
}

/// The tags that a request brings.
pub(super) fn tags(input: Input<'_>) -> Result<BTreeMap<String, String>, AwsError> {
    let list = input.list("Tags")?.unwrap_or_default();
    if list.len() > MOST {
        let text = format!("Member must have length less than or equal to {MOST}");
        return Err(AwsError::constraint("Tags", "[…]", &text));
    }
    let pair = |tag: &Value| {
        let tag = tag.as_object().ok_or_else(|| AwsError::missing("Tags"))?;
        let tag = Input(tag);
        let key = shapes::tag_key(tag.required_text("Key")?)?;
        Ok((key, shapes::tag_value(tag.required_text("Value")?)?))
    };
    list.iter().map(pair).collect()
}

fn tagged<'s>(scope: &'s mut Scope<'_>) -> Result<&'s mut PermissionSet, AwsError> {
    let arn: PermissionSetArn =
        scope.input.required_id("ResourceArn", PermissionSetArn::PATTERN)?;
    scope.instance.sets.get_mut(&arn).ok_or_else(|| {
        AwsError::not_found(format!("Could not find PermissionSet with id {}", arn.short_id()))
    })
}

pub(in crate::sim) fn tag(scope: &mut Scope<'_>) -> Answer {
    let tags = tags(scope.input)?;
    let set = tagged(scope)?;
    let mut all = set.tags.clone();
    all.extend(tags);
    if all.len() > MOST {
        return Err(AwsError::quota(format!("A permission set has at most {MOST} tags")));
    }
    set.tags = all;
    Ok(json!({}))
}

pub(in crate::sim) fn untag(scope: &mut Scope<'_>) -> Answer {
    let keys = scope.input.list("TagKeys")?.ok_or_else(|| AwsError::missing("TagKeys"))?;
    let set = tagged(scope)?;
    set.tags.retain(|key, _| !keys.iter().any(|gone| gone.as_str() == Some(key)));
    Ok(json!({}))
}

pub(in crate::sim) fn list(scope: &mut Scope<'_>) -> Answer {
    let tags = tagged(scope)?.tags.clone();
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let page = pager.page(tags.into_iter().map(|(key, value)| (key.clone(), (key, value))))?;
    Ok(page.reply("Tags", |(key, value)| json!({"Key": key, "Value": value})))
}
