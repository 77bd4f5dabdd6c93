//! Assignments: give, take, list.

use aws_sdk_ssoadmin::types::{
    AccountAssignmentOperationStatus, ListAccountAssignmentsFilter, PrincipalType as SdkType,
    StatusValues, TargetType,
};

use super::call::{Answer, PAGE, Pages};
use super::client::Client;
use super::error::Error;
use crate::model::{
    AccountId, AssignmentKey, PermissionSetArn, Principal, PrincipalType, RequestId,
};

/// AWS took on a request; what becomes of it is known later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// AWS's handle of the request.
    pub request_id: RequestId,
    /// Whether it is still at work. AWS always says so; other software may be done at once.
    pub in_progress: bool,
}

/// One way in which a principal has access.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Access {
    /// To which account.
    pub account: AccountId,
    /// With which permission set.
    pub permission_set: PermissionSetArn,
    /// Who holds the assignment: the principal itself, or a group that it is a member of.
    pub through: Principal,
}

impl Client {
    /// Asks AWS to make an assignment. One that is there already is no error: AWS accepts it.
    pub async fn create_assignment(&self, key: &AssignmentKey) -> Result<Accepted, Error> {
        const OPERATION: &str = "CreateAccountAssignment";
        let call = self
            .sso_admin()
            .create_account_assignment()
            .instance_arn(self.arn())
            .target_id(key.account.as_str())
            .target_type(TargetType::AwsAccount)
            .permission_set_arn(key.permission_set.as_str())
            .principal_type(sdk_type(key.principal.kind))
            .principal_id(key.principal.id.as_str());
        let output = self.send(OPERATION, call.send()).await?;
        accepted(
            Answer(OPERATION),
            "AccountAssignmentCreationStatus",
            output.account_assignment_creation_status,
        )
    }

    /// Asks AWS to remove an assignment. One that is not there is accepted and fails later.
    pub async fn delete_assignment(&self, key: &AssignmentKey) -> Result<Accepted, Error> {
        const OPERATION: &str = "DeleteAccountAssignment";
        let call = self
            .sso_admin()
            .delete_account_assignment()
            .instance_arn(self.arn())
            .target_id(key.account.as_str())
            .target_type(TargetType::AwsAccount)
            .permission_set_arn(key.permission_set.as_str())
            .principal_type(sdk_type(key.principal.kind))
            .principal_id(key.principal.id.as_str());
        let output = self.send(OPERATION, call.send()).await?;
        accepted(
            Answer(OPERATION),
            "AccountAssignmentDeletionStatus",
            output.account_assignment_deletion_status,
        )
    }

    /// Who is assigned to an account with a permission set: all pages.
    pub async fn list_assignments(
        &self,
        account: &AccountId,
        permission_set: &PermissionSetArn,
    ) -> Result<Vec<Principal>, Error> {
        const OPERATION: &str = "ListAccountAssignments";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut principals = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_account_assignments()
                .instance_arn(self.arn())
                .account_id(account.as_str())
                .permission_set_arn(permission_set.as_str())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let rows = answer.required("AccountAssignments", page.account_assignments)?;
            let count = rows.len();
            for row in rows {
                principals.push(principal(answer, row.principal_type, row.principal_id)?);
            }
            if !pages.has_next(page.next_token, count)? {
                return Ok(principals);
            }
        }
    }

    /// What a principal is assigned to directly, in one account or in all: all pages.
    ///
    /// AWS mixes in what a user has through groups; those rows name the group and are left out.
    pub async fn list_assignments_for_principal(
        &self,
        principal: &Principal,
        account: Option<&AccountId>,
    ) -> Result<Vec<(AccountId, PermissionSetArn)>, Error> {
        let access = self.list_access(principal, account).await?;
        Ok(access
            .into_iter()
            .filter(|access| access.through == *principal)
            .map(|access| (access.account, access.permission_set))
            .collect())
    }

    /// All access of a principal, in one account or in all, also through groups: all pages.
    pub async fn list_access(
        &self,
        principal: &Principal,
        account: Option<&AccountId>,
    ) -> Result<Vec<Access>, Error> {
        const OPERATION: &str = "ListAccountAssignmentsForPrincipal";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let filter =
            account.map(|a| ListAccountAssignmentsFilter::builder().account_id(a.as_str()).build());
        let mut access = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_account_assignments_for_principal()
                .instance_arn(self.arn())
                .principal_id(principal.id.as_str())
                .principal_type(sdk_type(principal.kind))
                .set_filter(filter.clone())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let rows = answer.required("AccountAssignments", page.account_assignments)?;
            let count = rows.len();
            for row in rows {
                access.push(Access {
                    account: answer.id("AccountId", row.account_id)?,
                    permission_set: answer.id("PermissionSetArn", row.permission_set_arn)?,
                    through: self::principal(answer, row.principal_type, row.principal_id)?,
                });
            }
            if !pages.has_next(page.next_token, count)? {
                return Ok(access);
            }
        }
    }
}

fn accepted(
    answer: Answer,
    member: &'static str,
    status: Option<AccountAssignmentOperationStatus>,
) -> Result<Accepted, Error> {
    let status = answer.required(member, status)?;
    Ok(Accepted {
        request_id: answer.id("RequestId", status.request_id)?,
        // Failed counts as at work: its reason is asked for like that of any other.
        in_progress: status.status != Some(StatusValues::Succeeded),
    })
}

fn principal(
    answer: Answer,
    kind: Option<SdkType>,
    id: Option<String>,
) -> Result<Principal, Error> {
    let kind = answer.required("PrincipalType", kind)?;
    let kind = model_type(&kind).ok_or_else(|| answer.unknown("PrincipalType", kind.as_str()))?;
    Ok(Principal { kind, id: answer.id("PrincipalId", id)? })
}

pub(super) const fn sdk_type(kind: PrincipalType) -> SdkType {
    match kind {
        PrincipalType::User => SdkType::User,
        PrincipalType::Group => SdkType::Group,
    }
}

pub(super) fn model_type(kind: &SdkType) -> Option<PrincipalType> {
    match kind {
        SdkType::User => Some(PrincipalType::User),
        SdkType::Group => Some(PrincipalType::Group),
        _ => None,
    }
}
