//! Which operation a request on the wire is, and whether it changes anything.
//!
//! Read from the request itself and not from who sends it, so that no caller can forget to say
//! that it writes: what is not known to be a read is a change.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name as AWS spells it, `Credentials` for requests that fetch credentials, and `Other`
    /// for an operation that is not in the list below. Safe as a metric label.
    pub name: &'static str,
    /// The service, as the first half of `X-Amz-Target` names it; empty for credentials.
    pub service: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Change,
    Credentials,
}

const SERVICES: [&str; 3] = ["SWBExternalService", "AWSIdentityStore", "AWSOrganizationsV20161128"];

/// Every operation that the adapter sends.
const NAMES: [&str; 31] = [
    "AttachCustomerManagedPolicyReferenceToPermissionSet",
    "AttachManagedPolicyToPermissionSet",
    "CreateAccountAssignment",
    "CreatePermissionSet",
    "DeleteAccountAssignment",
    "DeletePermissionSet",
    "DescribeAccount",
    "DescribeAccountAssignmentCreationStatus",
    "DescribeAccountAssignmentDeletionStatus",
    "DescribeGroup",
    "DescribeInstance",
    "DescribePermissionSet",
    "DescribeUser",
    "GetGroupId",
    "GetInlinePolicyForPermissionSet",
    "GetPermissionsBoundaryForPermissionSet",
    "GetUserId",
    "ListAccountAssignmentCreationStatus",
    "ListAccountAssignmentDeletionStatus",
    "ListAccountAssignments",
    "ListAccountAssignmentsForPrincipal",
    "ListAccounts",
    "ListAccountsForProvisionedPermissionSet",
    "ListCustomerManagedPolicyReferencesInPermissionSet",
    "ListGroupMemberships",
    "ListManagedPoliciesInPermissionSet",
    "ListPermissionSets",
    "ListPermissionSetsProvisionedToAccount",
    "ListTagsForResource",
    "PutInlinePolicyToPermissionSet",
    "PutPermissionsBoundaryToPermissionSet",
];

/// Actions of STS, which speaks the query protocol and counts against no quota of the instance.
const STS_ACTIONS: [&str; 3] = ["AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"];

impl Operation {
    /// Reads a request of the JSON protocol (`X-Amz-Target: SWBExternalService.ListInstances`);
    /// all others fetch credentials: STS, the instance metadata service, the pod identity agent.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        match request.headers().get("x-amz-target") {
            Some(target) => Self::of_target(target),
            None => Self::of_credentials(request.body().bytes().unwrap_or_default()),
        }
    }

    fn of_target(target: &str) -> Self {
        let (service, name) = target.rsplit_once('.').unwrap_or(("", target));
        let is_read = ["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb));
        Self {
            name: known(&NAMES, name).unwrap_or("Other"),
            service: known(&SERVICES, service).unwrap_or("Other"),
            kind: if is_read { Kind::Read } else { Kind::Change },
        }
    }

    fn of_credentials(body: &[u8]) -> Self {
        let body = std::str::from_utf8(body).unwrap_or_default();
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        Self {
            name: action.and_then(|action| known(&STS_ACTIONS, action)).unwrap_or("Credentials"),
            service: "",
            kind: Kind::Credentials,
        }
    }

    /// Whether it changes anything in AWS.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self.kind, Kind::Change)
    }

    /// Whether it counts against the instance's quota. Fetching credentials does not, and it must
    /// not wait in a queue that the request behind it is in.
    #[must_use]
    pub const fn takes_quota(self) -> bool {
        !matches!(self.kind, Kind::Credentials)
    }
}

fn known(names: &'static [&'static str], name: &str) -> Option<&'static str> {
    names.iter().find(|known| **known == name).copied()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn what_is_not_known_to_read_is_a_change() {
        let list = Operation::of_target("SWBExternalService.ListAccountAssignments");
        assert_eq!((list.name, list.service), ("ListAccountAssignments", "SWBExternalService"));
        assert!(!list.changes() && list.takes_quota());
        for target in [
            "SWBExternalService.CreateAccountAssignment",
            "SWBExternalService.Frobnicate",
            "",
            "x.",
        ] {
            assert!(Operation::of_target(target).changes(), "{target}");
        }
        assert_eq!(Operation::of_target("SWBExternalService.Frobnicate").name, "Other");
    }

    #[test]
    fn credentials_neither_change_nor_count() {
        let mut request = HttpRequest::new(SdkBody::from("Action=GetCallerIdentity&Version=1"));
        request.set_method("POST").unwrap();
        let operation = Operation::of(&request);
        assert_eq!(operation.name, "GetCallerIdentity");
        assert!(!operation.changes() && !operation.takes_quota());
        assert_eq!(Operation::of(&HttpRequest::empty()).name, "Credentials");
    }
}
