//! The permissions boundary of a permission set.

use serde_json::json;

use super::{content, shapes};
use crate::sim::error::AwsError;
use crate::sim::operation::Answer;
use crate::sim::permission_set::Boundary;
use crate::sim::scope::Scope;

pub(in crate::sim) fn put(scope: &mut Scope<'_>) -> Answer {
    let boundary = scope.input.required_object("PermissionsBoundary")?;
    let reference = boundary.object("CustomerManagedPolicyReference")?;
    let managed = boundary.text("ManagedPolicyArn")?;
    let boundary = match (reference, managed) {
        (Some(reference), None) => {
            Boundary::CustomerManagedPolicy(shapes::policy_reference(reference)?)
        }
        (None, Some(_)) => Boundary::ManagedPolicyArn(shapes::managed_policy(boundary)?),
        _ => {
            return Err(AwsError::validation(
                "PermissionsBoundary must hold either a ManagedPolicyArn or a CustomerManagedPolicyReference",
            ));
        }
    };
    content::change(scope, |content| {
        let changed = content.boundary.as_ref() != Some(&boundary);
        content.boundary = Some(boundary);
        Ok(changed)
    })
}

pub(in crate::sim) fn get(scope: &mut Scope<'_>) -> Answer {
    let set = scope.permission_set()?;
    let boundary = match &set.content.boundary {
        Some(Boundary::ManagedPolicyArn(arn)) => json!({"ManagedPolicyArn": arn}),
        Some(Boundary::CustomerManagedPolicy(policy)) => json!({
            "CustomerManagedPolicyReference": {"Name": policy.name, "Path": policy.path},
        }),
        None => {
            return Err(AwsError::not_found(format!(
                "Could not find Permissions Boundary for PermissionSet {}",
                set.arn.short_id()
            )));
        }
    };
    Ok(json!({"PermissionsBoundary": boundary}))
}

pub(in crate::sim) fn delete(scope: &mut Scope<'_>) -> Answer {
    content::change(scope, |content| Ok(content.boundary.take().is_some()))
}
