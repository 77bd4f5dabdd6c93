//! Deleting a permission set: only while it is what the plan says that it is.

use crate::aws;
use crate::model::{PermissionSetArn, PermissionSetContent};
use crate::plan::content_digest;

/// What asking for the deletion of a permission set came to.
pub enum Asked {
    /// AWS answered.
    Answer(Result<(), aws::Error>),
    /// Somebody changed the set since the plan was made: nothing was sent.
    Changed,
    /// What it is made of could not be read: nothing was sent.
    Unread(aws::Error),
}

/// Deletes a permission set that is still made of `planned`. Assignments that the plan removes first
/// may take hours, and AWS cannot be told to delete only what was approved.
pub async fn delete(
    aws: &aws::Client,
    set: &PermissionSetArn,
    planned: Option<&PermissionSetContent>,
) -> Asked {
    if let Some(planned) = planned {
        match aws.permission_set_content(set).await {
            Ok(Some((_, live))) if content_digest(&live) != content_digest(planned) => {
                return Asked::Changed;
            }
            // One that is gone is AWS's to answer for.
            Ok(_) => {}
            Err(error) => return Asked::Unread(error),
        }
    }
    Asked::Answer(aws.delete_permission_set(set).await)
}
