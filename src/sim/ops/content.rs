//! The policies of a permission set. Each change counts only once the set is provisioned again.

use serde_json::json;

use super::{pager, shapes};
use crate::sim::error::AwsError;
use crate::sim::operation::Answer;
use crate::sim::permission_set::Content;
use crate::sim::scope::Scope;

pub(in crate::sim) fn attach_managed(scope: &mut Scope<'_>) -> Answer {
    let arn = shapes::managed_policy(scope.input)?;
    let limit = scope.settings.limits.managed_policies;
    change(scope, |content| {
        if content.managed.contains(&arn) {
            return Err(AwsError::conflict(format!("Policy {arn} is already attached")));
        }
        within(limit, content)?;
        Ok(content.managed.insert(arn))
    })
}

pub(in crate::sim) fn detach_managed(scope: &mut Scope<'_>) -> Answer {
    let arn = shapes::managed_policy(scope.input)?;
    change(
        scope,
        |content| {
            if content.managed.remove(&arn) { Ok(true) } else { Err(not_attached(&arn)) }
        },
    )
}

pub(in crate::sim) fn list_managed(scope: &mut Scope<'_>) -> Answer {
    let policies = scope.permission_set()?.content.managed.clone();
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let page = pager.page(policies.into_iter().map(|arn| (arn.clone(), arn)))?;
    Ok(page.reply(
        "AttachedManagedPolicies",
        |arn| json!({"Name": arn.rsplit('/').next(), "Arn": arn}),
    ))
}

pub(in crate::sim) fn attach_customer_managed(scope: &mut Scope<'_>) -> Answer {
    let reference = scope.input.required_object("CustomerManagedPolicyReference")?;
    let reference = shapes::policy_reference(reference)?;
    let limit = scope.settings.limits.managed_policies;
    change(scope, |content| {
        if content.customer_managed.contains(&reference) {
            let name = &reference.name;
            return Err(AwsError::conflict(format!("Policy {name} is already attached")));
        }
        within(limit, content)?;
        Ok(content.customer_managed.insert(reference))
    })
}

pub(in crate::sim) fn detach_customer_managed(scope: &mut Scope<'_>) -> Answer {
    let reference = scope.input.required_object("CustomerManagedPolicyReference")?;
    let reference = shapes::policy_reference(reference)?;
    change(scope, |content| {
        let removed = content.customer_managed.remove(&reference);
        if removed { Ok(true) } else { Err(not_attached(&reference.name)) }
    })
}

pub(in crate::sim) fn list_customer_managed(scope: &mut Scope<'_>) -> Answer {
    let policies = scope.permission_set()?.content.customer_managed.clone();
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let rows =
        policies.into_iter().map(|policy| (format!("{}{}", policy.path, policy.name), policy));
    Ok(pager.page(rows)?.reply(
        "CustomerManagedPolicyReferences",
        |policy| json!({"Name": policy.name, "Path": policy.path}),
    ))
}

pub(in crate::sim) fn put_inline(scope: &mut Scope<'_>) -> Answer {
    let policy = shapes::inline_policy(scope.input)?;
    change(scope, |content| {
        let changed = content.inline.as_ref() != Some(&policy);
        content.inline = Some(policy);
        Ok(changed)
    })
}

/// An empty text when there is no inline policy.
pub(in crate::sim) fn get_inline(scope: &mut Scope<'_>) -> Answer {
    let inline = scope.permission_set()?.content.inline.clone();
    Ok(json!({"InlinePolicy": inline.unwrap_or_default()}))
}

pub(in crate::sim) fn delete_inline(scope: &mut Scope<'_>) -> Answer {
    change(scope, |content| Ok(content.inline.take().is_some()))
}

/// Changes the content of the set that the request names.
pub(super) fn change(
    scope: &mut Scope<'_>,
    edit: impl FnOnce(&mut Content) -> Result<bool, AwsError>,
) -> Answer {
    let set = scope.changed_permission_set()?;
    if edit(&mut set.content)? {
        set.version += 1;
        let key = format!("{} content", set.arn);
        scope.counters.effect(&key);
    }
    Ok(json!({}))
}

fn within(limit: usize, content: &Content) -> Result<(), AwsError> {
    if content.managed.len() + content.customer_managed.len() < limit {
        return Ok(());
    }
    Err(AwsError::quota(format!(
        "You have exceeded the number of managed policies in a permission set: {limit}"
    )))
}

fn not_attached(policy: &str) -> AwsError {
    AwsError::not_found(format!("Policy {policy} is not attached to the permission set"))
}
