//! The content of a permission set: what it lets people do.

use aws_sdk_ssoadmin::types::{CustomerManagedPolicyReference, PermissionsBoundary};

use super::call::{Answer, PAGE, Pages, found};
use super::client::Client;
use super::error::Error;
use crate::model::{PermissionSetArn, PermissionSetContent};

impl Client {
    /// What a permission set gives: policies and boundary, and nothing else of its content; none when
    /// it does not exist. Four calls and more.
    pub async fn permission_set_policies(
        &self,
        permission_set: &PermissionSetArn,
    ) -> Result<Option<PermissionSetContent>, Error> {
        let parts = async {
            Ok(PermissionSetContent {
                inline_policy: self.inline_policy(permission_set).await?,
                managed_policies: self.managed_policies(permission_set).await?,
                customer_managed_policies: self.customer_policies(permission_set).await?,
                permissions_boundary: self.boundary(permission_set).await?,
                ..PermissionSetContent::default()
            })
        };
        found(parts.await)
    }

    /// Name and content of a permission set; none when it does not exist. Six calls and more.
    pub async fn permission_set_content(
        &self,
        permission_set: &PermissionSetArn,
    ) -> Result<Option<(String, PermissionSetContent)>, Error> {
        let Some(facts) = self.describe_permission_set(permission_set).await? else {
            return Ok(None);
        };
        // Either finds nothing if it is deleted between two of the calls.
        let Some(policies) = self.permission_set_policies(permission_set).await? else {
            return Ok(None);
        };
        let Some(tags) = found(self.tags(permission_set).await)? else { return Ok(None) };
        let content = PermissionSetContent {
            description: facts.description,
            session_duration: facts.session_duration,
            relay_state: facts.relay_state,
            tags,
            ..policies
        };
        Ok(Some((facts.name, content)))
    }

    async fn inline_policy(&self, set: &PermissionSetArn) -> Result<Option<String>, Error> {
        let call = self
            .sso_admin()
            .get_inline_policy_for_permission_set()
            .instance_arn(self.arn())
            .permission_set_arn(set.as_str());
        let output = self.send("GetInlinePolicyForPermissionSet", call.send()).await?;
        // AWS writes none as an empty string.
        Ok(output.inline_policy.filter(|policy| !policy.is_empty()))
    }

    /// The AWS managed policies of a permission set, by ARN: all pages.
    pub async fn managed_policies(&self, set: &PermissionSetArn) -> Result<Vec<String>, Error> {
        const OPERATION: &str = "ListManagedPoliciesInPermissionSet";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut policies = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_managed_policies_in_permission_set()
                .instance_arn(self.arn())
                .permission_set_arn(set.as_str())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let rows =
                answer.required("AttachedManagedPolicies", page.attached_managed_policies)?;
            let count = rows.len();
            for policy in rows {
                policies.push(answer.required("Arn", policy.arn)?);
            }
            if !pages.has_next(page.next_token, count)? {
                policies.sort();
                return Ok(policies);
            }
        }
    }

    async fn customer_policies(&self, set: &PermissionSetArn) -> Result<Vec<String>, Error> {
        const OPERATION: &str = "ListCustomerManagedPolicyReferencesInPermissionSet";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut policies = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_customer_managed_policy_references_in_permission_set()
                .instance_arn(self.arn())
                .permission_set_arn(set.as_str())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let member = "CustomerManagedPolicyReferences";
            let references = answer.required(member, page.customer_managed_policy_references)?;
            let count = references.len();
            for reference in references {
                policies.push(path_and_name(answer, reference)?);
            }
            if !pages.has_next(page.next_token, count)? {
                policies.sort();
                return Ok(policies);
            }
        }
    }

    async fn boundary(&self, set: &PermissionSetArn) -> Result<Option<String>, Error> {
        const OPERATION: &str = "GetPermissionsBoundaryForPermissionSet";
        let call = self
            .sso_admin()
            .get_permissions_boundary_for_permission_set()
            .instance_arn(self.arn())
            .permission_set_arn(set.as_str());
        // A set without a boundary is answered with ResourceNotFoundException.
        let Some(output) = found(self.send(OPERATION, call.send()).await)? else { return Ok(None) };
        let answer = Answer(OPERATION);
        let boundary = answer.required("PermissionsBoundary", output.permissions_boundary)?;
        let reference = boundary.customer_managed_policy_reference;
        let reference = reference.map(|reference| path_and_name(answer, reference)).transpose()?;
        answer.required("ManagedPolicyArn", boundary.managed_policy_arn.or(reference)).map(Some)
    }

    /// The tags of a permission set as `key=value`, sorted: all pages.
    pub async fn tags(&self, set: &PermissionSetArn) -> Result<Vec<String>, Error> {
        const OPERATION: &str = "ListTagsForResource";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut tags = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_tags_for_resource()
                .instance_arn(self.arn())
                .resource_arn(set.as_str())
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let rows = answer.required("Tags", page.tags)?;
            let count = rows.len();
            for tag in rows {
                tags.push(format!("{}={}", answer.text("Key", tag.key)?, tag.value));
            }
            if !pages.has_next(page.next_token, count)? {
                tags.sort();
                return Ok(tags);
            }
        }
    }

    /// Gives a permission set the policies and the boundary of this content. What it has beside
    /// them stays; description, session, relay state and tags belong to its creation.
    pub async fn put_permission_set_content(
        &self,
        permission_set: &PermissionSetArn,
        content: &PermissionSetContent,
    ) -> Result<(), Error> {
        let set = permission_set.as_str();
        if let Some(policy) = &content.inline_policy {
            let call = self
                .sso_admin()
                .put_inline_policy_to_permission_set()
                .instance_arn(self.arn())
                .permission_set_arn(set)
                .inline_policy(policy);
            self.send("PutInlinePolicyToPermissionSet", call.send()).await?;
        }
        for policy in &content.managed_policies {
            let call = self
                .sso_admin()
                .attach_managed_policy_to_permission_set()
                .instance_arn(self.arn())
                .permission_set_arn(set)
                .managed_policy_arn(policy);
            self.send("AttachManagedPolicyToPermissionSet", call.send()).await?;
        }
        for policy in &content.customer_managed_policies {
            const OPERATION: &str = "AttachCustomerManagedPolicyReferenceToPermissionSet";
            let call = self
                .sso_admin()
                .attach_customer_managed_policy_reference_to_permission_set()
                .instance_arn(self.arn())
                .permission_set_arn(set)
                .customer_managed_policy_reference(reference(OPERATION, policy)?);
            self.send(OPERATION, call.send()).await?;
        }
        if let Some(policy) = &content.permissions_boundary {
            const OPERATION: &str = "PutPermissionsBoundaryToPermissionSet";
            let boundary = PermissionsBoundary::builder();
            let boundary = if policy.starts_with("arn:") {
                boundary.managed_policy_arn(policy)
            } else {
                boundary.customer_managed_policy_reference(reference(OPERATION, policy)?)
            };
            let call = self
                .sso_admin()
                .put_permissions_boundary_to_permission_set()
                .instance_arn(self.arn())
                .permission_set_arn(set)
                .permissions_boundary(boundary.build());
            self.send(OPERATION, call.send()).await?;
        }
        Ok(())
    }
}

/// `/team/` and `ReadLogs` as `/team/ReadLogs`; AWS's default path is `/`.
fn path_and_name(
    answer: Answer,
    reference: CustomerManagedPolicyReference,
) -> Result<String, Error> {
    let path = reference.path.as_deref().unwrap_or("/");
    Ok(format!("{path}{}", answer.text("Name", reference.name)?))
}

fn reference(
    operation: &'static str,
    policy: &str,
) -> Result<CustomerManagedPolicyReference, Error> {
    let bad = || Error::BadContent {
        operation,
        member: "customer managed policy",
        value: policy.to_owned(),
    };
    let (path, name) =
        policy.rsplit_once('/').filter(|(_, name)| !name.is_empty()).ok_or_else(bad)?;
    let reference = CustomerManagedPolicyReference::builder().path(format!("{path}/")).name(name);
    reference.build().map_err(|_| bad())
}
