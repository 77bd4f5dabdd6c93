//! The reasons that AWS gives for asynchronous failures, in its words.
//!
//! Collected from issue threads of terraform-provider-aws, sso-elevator, aws-sso-util and others;
//! the text for the role quota is IAM's own, put into the form of the others.

use serde::{Deserialize, Serialize};

use super::requests::Subject;
use crate::model::{AccountId, AssignmentKey, IdentityStoreId, InstanceArn, Principal};

/// A kind of failure that a fault script can name instead of writing its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// The assignment to delete does not exist.
    AssignmentMissing,
    /// The user or group was not found.
    PrincipalMissing,
    /// A customer managed policy does not exist in the account.
    PolicyMissing,
    /// IAM refused the caller in the management account.
    AccessDeniedByIam,
    /// The account is suspended or not ready yet.
    AccountNotReady,
    /// Something broke inside.
    InternalError,
    /// The account has as many roles as it may.
    RoleQuota,
}

impl FailureKind {
    /// The text for a request. What has no sense for it is an internal error.
    pub(super) fn text(self, subject: &Subject, store: &IdentityStoreId, caller: &str) -> String {
        let account = match subject {
            Subject::Assignment(key) => Some(&key.account),
            Subject::Provisioning(_, account) => account.as_ref(),
        };
        match (self, subject, account) {
            (Self::AssignmentMissing, Subject::Assignment(key), _) => assignment_missing(key),
            (Self::PrincipalMissing, Subject::Assignment(key), _) => {
                principal_missing(&key.principal, store)
            }
            (Self::PolicyMissing, ..) => policy_missing("BoundaryPolicy"),
            (Self::AccessDeniedByIam, ..) => access_denied_by_iam(caller),
            (Self::AccountNotReady, _, Some(account)) => account_not_ready(account),
            (Self::RoleQuota, ..) => ROLE_QUOTA.to_owned(),
            _ => INTERNAL_ERROR.to_owned(),
        }
    }
}

const INTERNAL_ERROR: &str = "An unexpected internal service exception was encountered";
const ROLE_QUOTA: &str =
    "Received a 409 status error: Cannot exceed quota for RolesPerAccount: 1000";

pub(super) fn assignment_missing(key: &AssignmentKey) -> String {
    let instance: InstanceArn = key.permission_set.instance();
    let container = instance.as_str().rsplit('/').next().unwrap_or_default();
    format!(
        "Received a 404 status error: EntitlementItem doesn't exist with the given entitlement key \
         EntitlementKey{{accessorId={}, resourceId={}, auxiliaryResourceId={}, containerId={container}}}",
        key.principal.id,
        key.account,
        key.permission_set.short_id(),
    )
}

pub(super) fn principal_missing(principal: &Principal, store: &IdentityStoreId) -> String {
    format!(
        "Received a 404 status error: the {} assignee {} was not found in directory {store}",
        principal.kind, principal.id
    )
}

pub(super) fn policy_missing(name: &str) -> String {
    format!("Received a 404 status error: Not supported policy {name}.")
}

pub(super) fn access_denied_by_iam(caller: &str) -> String {
    format!(
        "Received a 403 status error: Access denied by IAM. Please check your policy, or wait for \
         role propagation to complete. IAM Error: User: {caller} is not authorized to perform: \
         iam:CreateRole"
    )
}

pub(super) fn account_not_ready(account: &AccountId) -> String {
    format!(
        "AWS SSO is unable to complete your request at this time. Obtaining permissions to manage \
         your AWS account '{account}' is taking longer than usual. Please try again in a few minutes."
    )
}
