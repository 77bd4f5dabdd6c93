//! The operations that are answered, and by what.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::AwsError;
use super::ops;
use super::scope::{Global, Scope};

/// What an operation answers.
pub(super) type Answer = Result<Value, AwsError>;

/// The service that an operation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    SsoAdmin,
    IdentityStore,
    Organizations,
    CloudTrail,
}

impl Service {
    const ALL: [Self; 4] =
        [Self::SsoAdmin, Self::IdentityStore, Self::Organizations, Self::CloudTrail];

    /// What comes before the last dot in `X-Amz-Target`.
    const fn target(self) -> &'static str {
        match self {
            Self::SsoAdmin => "SWBExternalService",
            Self::IdentityStore => "AWSIdentityStore",
            Self::Organizations => "AWSOrganizationsV20161128",
            Self::CloudTrail => "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
        }
    }

    /// What comes before the colon in an IAM action.
    pub const fn iam_prefix(self) -> &'static str {
        match self {
            Self::SsoAdmin => "sso",
            Self::IdentityStore => "identitystore",
            Self::Organizations => "organizations",
            Self::CloudTrail => "cloudtrail",
        }
    }
}

/// One operation.
pub(super) struct Operation {
    pub service: Service,
    pub name: &'static str,
    /// Whether it changes anything.
    pub writes: bool,
    pub handler: Handler,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What answers.
pub(super) enum Handler {
    /// Within one instance.
    Instance(fn(&mut Scope<'_>) -> Answer),
    /// Over all of them.
    Global(fn(&mut Global<'_>) -> Answer),
}

/// Finds the operation of an `X-Amz-Target` header.
pub(super) fn find(target: &str) -> Option<&'static Operation> {
    let (prefix, name) = target.rsplit_once('.')?;
    let service = Service::ALL.into_iter().find(|service| service.target() == prefix)?;
    OPERATIONS.iter().find(|operation| operation.service == service && operation.name == name)
}

/// The names of all operations, by the service's part of `X-Amz-Target`.
pub(super) fn names() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut names: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for operation in OPERATIONS {
        names.entry(operation.service.target()).or_default().push(operation.name);
    }
    names
}

/// Whether any service has an operation of this name.
pub(super) fn exists(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.name == name)
}

const fn read(
    service: Service,
    name: &'static str,
    run: fn(&mut Scope<'_>) -> Answer,
) -> Operation {
    Operation { service, name, writes: false, handler: Handler::Instance(run) }
}

const fn write(
    service: Service,
    name: &'static str,
    run: fn(&mut Scope<'_>) -> Answer,
) -> Operation {
    Operation { service, name, writes: true, handler: Handler::Instance(run) }
}

const fn global(
    service: Service,
    name: &'static str,
    run: fn(&mut Global<'_>) -> Answer,
) -> Operation {
    Operation { service, name, writes: false, handler: Handler::Global(run) }
}

use Service::{CloudTrail, IdentityStore, Organizations, SsoAdmin};
use ops::{
    assignment_lists, assignment_status, assignments, boundary, content, groups, instances,
    organization, permission_sets, provisioning, tags, trail, users,
};

#[rustfmt::skip]
static OPERATIONS: &[Operation] = &[
    write(SsoAdmin, "CreateAccountAssignment", assignments::create),
    write(SsoAdmin, "DeleteAccountAssignment", assignments::delete),
    read(SsoAdmin, "DescribeAccountAssignmentCreationStatus", assignment_status::describe_creation),
    read(SsoAdmin, "DescribeAccountAssignmentDeletionStatus", assignment_status::describe_deletion),
    read(SsoAdmin, "ListAccountAssignmentCreationStatus", assignment_status::list_creations),
    read(SsoAdmin, "ListAccountAssignmentDeletionStatus", assignment_status::list_deletions),
    read(SsoAdmin, "ListAccountAssignments", assignment_lists::of_place),
    read(SsoAdmin, "ListAccountAssignmentsForPrincipal", assignment_lists::of_principal),
    read(SsoAdmin, "ListPermissionSets", permission_sets::list),
    read(SsoAdmin, "DescribePermissionSet", permission_sets::describe),
    write(SsoAdmin, "CreatePermissionSet", permission_sets::create),
    write(SsoAdmin, "UpdatePermissionSet", permission_sets::update),
    write(SsoAdmin, "DeletePermissionSet", permission_sets::delete),
    write(SsoAdmin, "AttachManagedPolicyToPermissionSet", content::attach_managed),
    write(SsoAdmin, "DetachManagedPolicyFromPermissionSet", content::detach_managed),
    read(SsoAdmin, "ListManagedPoliciesInPermissionSet", content::list_managed),
    write(SsoAdmin, "AttachCustomerManagedPolicyReferenceToPermissionSet", content::attach_customer_managed),
    write(SsoAdmin, "DetachCustomerManagedPolicyReferenceFromPermissionSet", content::detach_customer_managed),
    read(SsoAdmin, "ListCustomerManagedPolicyReferencesInPermissionSet", content::list_customer_managed),
    write(SsoAdmin, "PutInlinePolicyToPermissionSet", content::put_inline),
    read(SsoAdmin, "GetInlinePolicyForPermissionSet", content::get_inline),
    write(SsoAdmin, "DeleteInlinePolicyFromPermissionSet", content::delete_inline),
    write(SsoAdmin, "PutPermissionsBoundaryToPermissionSet", boundary::put),
    read(SsoAdmin, "GetPermissionsBoundaryForPermissionSet", boundary::get),
    write(SsoAdmin, "DeletePermissionsBoundaryFromPermissionSet", boundary::delete),
    write(SsoAdmin, "TagResource", tags::tag),
    write(SsoAdmin, "UntagResource", tags::untag),
    read(SsoAdmin, "ListTagsForResource", tags::list),
    write(SsoAdmin, "ProvisionPermissionSet", provisioning::provision),
    read(SsoAdmin, "DescribePermissionSetProvisioningStatus", provisioning::describe_status),
    read(SsoAdmin, "ListPermissionSetProvisioningStatus", provisioning::list_status),
    read(SsoAdmin, "ListPermissionSetsProvisionedToAccount", provisioning::sets_in_account),
    read(SsoAdmin, "ListAccountsForProvisionedPermissionSet", provisioning::accounts_with_set),
    global(SsoAdmin, "ListInstances", instances::list),
    read(SsoAdmin, "DescribeInstance", instances::describe),
    read(IdentityStore, "DescribeUser", users::describe),
    read(IdentityStore, "ListUsers", users::list),
    read(IdentityStore, "GetUserId", users::find),
    write(IdentityStore, "DeleteUser", users::delete),
    read(IdentityStore, "DescribeGroup", groups::describe),
    read(IdentityStore, "ListGroups", groups::list),
    read(IdentityStore, "GetGroupId", groups::find),
    write(IdentityStore, "DeleteGroup", groups::delete),
    read(IdentityStore, "ListGroupMemberships", groups::memberships),
    read(IdentityStore, "ListGroupMembershipsForMember", groups::memberships_of_member),
    read(IdentityStore, "IsMemberInGroups", groups::is_member),
    write(IdentityStore, "CreateGroupMembership", groups::add_member),
    write(IdentityStore, "DeleteGroupMembership", groups::remove_member),
    global(Organizations, "ListAccounts", organization::list_accounts),
    global(Organizations, "DescribeAccount", organization::describe_account),
    global(Organizations, "DescribeOrganization", organization::describe),
    global(CloudTrail, "LookupEvents", trail::lookup),
];
