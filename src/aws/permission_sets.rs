//! Permission sets: their existence, where they are, making and deleting them.

use aws_sdk_ssoadmin::types::Tag;

use super::call::{Answer, PAGE, Pages, found};
use super::client::Client;
use super::error::Error;
use crate::model::{AccountId, PermissionSetArn, PermissionSetContent};

/// What AWS says about a permission set itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSetFacts {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Longest session, as ISO 8601 writes it.
    pub session_duration: Option<String>,
    /// Where a sign-in leads.
    pub relay_state: Option<String>,
}

impl Client {
    /// A permission set; none when it does not exist.
    pub async fn describe_permission_set(
        &self,
        permission_set: &PermissionSetArn,
    ) -> Result<Option<PermissionSetFacts>, Error> {
        const OPERATION: &str = "DescribePermissionSet";
        let call = self
            .sso_admin()
            .describe_permission_set()
            .instance_arn(self.arn())
            .permission_set_arn(permission_set.as_str());
        let Some(output) = found(self.send(OPERATION, call.send()).await)? else { return Ok(None) };
        let answer = Answer(OPERATION);
        let set = answer.required("PermissionSet", output.permission_set)?;
        Ok(Some(PermissionSetFacts {
            name: answer.required("Name", set.name)?,
            description: set.description.filter(|text| !text.is_empty()),
            session_duration: set.session_duration,
            relay_state: set.relay_state.filter(|text| !text.is_empty()),
        }))
    }

    /// The accounts that a permission set is provisioned in, assigned or not: all pages.
    pub async fn accounts_with_permission_set(
        &self,
        permission_set: &PermissionSetArn,
    ) -> Result<Vec<AccountId>, Error> {
        const OPERATION: &str = "ListAccountsForProvisionedPermissionSet";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut accounts = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_accounts_for_provisioned_permission_set()
                .instance_arn(self.arn())
                .permission_set_arn(permission_set.as_str())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let rows = answer.required("AccountIds", page.account_ids)?;
            let count = rows.len();
            for account in rows {
                accounts.push(answer.id("AccountIds", Some(account))?);
            }
            if !pages.has_next(page.next_token, count)? {
                return Ok(accounts);
            }
        }
    }

    /// All permission sets of the instance: all pages.
    pub async fn list_permission_sets(&self) -> Result<Vec<PermissionSetArn>, Error> {
        const OPERATION: &str = "ListPermissionSets";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut sets = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_permission_sets()
                .instance_arn(self.arn())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let rows = answer.required("PermissionSets", page.permission_sets)?;
            let count = rows.len();
            for set in rows {
                sets.push(answer.id("PermissionSets", Some(set))?);
            }
            if !pages.has_next(page.next_token, count)? {
                return Ok(sets);
            }
        }
    }

    /// The permission sets that are provisioned in an account, assigned or not: all pages.
    pub async fn permission_sets_in_account(
        &self,
        account: &AccountId,
    ) -> Result<Vec<PermissionSetArn>, Error> {
        const OPERATION: &str = "ListPermissionSetsProvisionedToAccount";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut sets = Vec::new();
        loop {
            let call = self
                .sso_admin()
                .list_permission_sets_provisioned_to_account()
                .instance_arn(self.arn())
                .account_id(account.as_str())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            // Left out by AWS where the account has none.
            let rows = page.permission_sets.unwrap_or_default();
            let count = rows.len();
            for set in rows {
                sets.push(answer.id("PermissionSets", Some(set))?);
            }
            if !pages.has_next(page.next_token, count)? {
                return Ok(sets);
            }
        }
    }

    /// Deletes a permission set. AWS refuses with a conflict while it is assigned or still being
    /// removed somewhere.
    pub async fn delete_permission_set(
        &self,
        permission_set: &PermissionSetArn,
    ) -> Result<(), Error> {
        let call = self
            .sso_admin()
            .delete_permission_set()
            .instance_arn(self.arn())
            .permission_set_arn(permission_set.as_str());
        self.send("DeletePermissionSet", call.send()).await.map(drop)
    }

    /// Makes a permission set with all its content.
    ///
    /// These are several calls. After an error the set may exist with a part of its content;
    /// [`Client::put_permission_set_content`] completes it.
    pub async fn create_permission_set(
        &self,
        name: &str,
        content: &PermissionSetContent,
    ) -> Result<PermissionSetArn, Error> {
        const OPERATION: &str = "CreatePermissionSet";
        let tags = content.tags.iter().map(|tag| sdk_tag(OPERATION, tag));
        let tags = tags.collect::<Result<Vec<_>, _>>()?;
        let call = self
            .sso_admin()
            .create_permission_set()
            .instance_arn(self.arn())
            .name(name)
            .set_description(content.description.clone())
            .set_session_duration(content.session_duration.clone())
            .set_relay_state(content.relay_state.clone())
            .set_tags((!tags.is_empty()).then_some(tags));
        let output = self.send(OPERATION, call.send()).await?;
        let answer = Answer(OPERATION);
        let set = answer.required("PermissionSet", output.permission_set)?;
        let arn = answer.id("PermissionSetArn", set.permission_set_arn)?;
        self.put_permission_set_content(&arn, content).await?;
        Ok(arn)
    }
}

fn sdk_tag(operation: &'static str, tag: &str) -> Result<Tag, Error> {
    let bad = || Error::BadContent { operation, member: "tag", value: tag.to_owned() };
    let (key, value) = tag.split_once('=').ok_or_else(bad)?;
    Tag::builder().key(key).value(value).build().map_err(|_| bad())
}
