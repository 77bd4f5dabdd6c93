//! Who and what there is: the instance, its principals, the organisation's accounts, ourselves.

use std::collections::BTreeMap;

use aws_sdk_identitystore::types::{AlternateIdentifier, MemberId, UniqueAttribute, UserStatus};
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};
use aws_sdk_ssoadmin::types::InstanceStatus as SdkStatus;
use aws_smithy_types::Document;

use super::call::{Answer, PAGE, Pages, found};
use super::client::Client;
use super::error::Error;
use crate::model::{AccountId, IdentityStoreId, Principal, PrincipalId, PrincipalType};

/// What AWS says about the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFacts {
    /// Its identity store.
    pub identity_store_id: IdentityStoreId,
    /// The account that owns it.
    pub owner_account: Option<AccountId>,
    /// Whether it can be used.
    pub status: InstanceStatus,
}

/// Whether an instance can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceStatus {
    /// It can.
    Active,
    /// It is being made or deleted, or its making failed: AWS's word for it.
    Other(String),
}

/// Whose requests ours are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account that our credentials belong to.
    pub account: AccountId,
    /// The permission set whose role we work with, if our credentials come from Identity Center.
    pub permission_set_name: Option<String>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalFacts {
    /// User name, or display name of a group.
    pub name: Option<String>,
    /// False for a user who was disabled.
    pub enabled: bool,
}

/// An account of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its name.
    pub name: Option<String>,
    /// False when it is suspended, closed or being closed.
    pub active: bool,
}

impl Client {
    /// The instance.
    pub async fn describe_instance(&self) -> Result<InstanceFacts, Error> {
        const OPERATION: &str = "DescribeInstance";
        let call = self.sso_admin().describe_instance().instance_arn(self.arn());
        let output = self.send(OPERATION, call.send()).await?;
        let answer = Answer(OPERATION);
        let owner = output.owner_account_id;
        Ok(InstanceFacts {
            identity_store_id: answer.id("IdentityStoreId", output.identity_store_id)?,
            owner_account: owner.map(|id| answer.id("OwnerAccountId", Some(id))).transpose()?,
            status: match answer.required("Status", output.status)? {
                SdkStatus::Active => InstanceStatus::Active,
                other => InstanceStatus::Other(other.as_str().to_owned()),
            },
        })
    }

    /// A user or group; none when it does not exist.
    pub async fn describe_principal(
        &self,
        store: &IdentityStoreId,
        principal: &Principal,
    ) -> Result<Option<PrincipalFacts>, Error> {
        let outcome = match principal.kind {
            PrincipalType::User => self.describe_user(store, principal).await,
            PrincipalType::Group => self.describe_group(store, principal).await,
        };
        match outcome {
            // A store that is not there says nothing about the principal.
            Err(error) if error.names_resource("IDENTITY_STORE") => Err(error),
            outcome => found(outcome),
        }
    }

    /// The user of a user name, or the group of a display name; none when there is none.
    pub async fn principal_named(
        &self,
        store: &IdentityStoreId,
        kind: PrincipalType,
        name: &str,
    ) -> Result<Option<PrincipalId>, Error> {
        let (operation, path) = match kind {
            PrincipalType::User => ("GetUserId", "userName"),
            PrincipalType::Group => ("GetGroupId", "displayName"),
        };
        let attribute = UniqueAttribute::builder()
            .attribute_path(path)
            .attribute_value(Document::String(name.to_owned()))
            .build()
            .map_err(|_| Error::BadContent { operation, member: "name", value: name.to_owned() })?;
        let wanted = AlternateIdentifier::UniqueAttribute(attribute);
        let (store, client) = (store.as_str(), self.identity_store());
        let outcome = match kind {
            PrincipalType::User => {
                let call = client.get_user_id().identity_store_id(store);
                let call = call.alternate_identifier(wanted);
                self.send(operation, call.send()).await.map(|output| output.user_id)
            }
            PrincipalType::Group => {
                let call = client.get_group_id().identity_store_id(store);
                let call = call.alternate_identifier(wanted);
                self.send(operation, call.send()).await.map(|output| output.group_id)
            }
        };
        let id = match outcome {
            Err(error) if error.names_resource("IDENTITY_STORE") => return Err(error),
            outcome => found(outcome)?,
        };
        id.map(|id| Answer(operation).id("Id", Some(id))).transpose()
    }

    async fn describe_user(
        &self,
        store: &IdentityStoreId,
        principal: &Principal,
    ) -> Result<PrincipalFacts, Error> {
        let call = self
            .identity_store()
            .describe_user()
            .identity_store_id(store.as_str())
            .user_id(principal.id.as_str());
        let user = self.send("DescribeUser", call.send()).await?;
        Answer("DescribeUser").text("UserId", user.user_id)?;
        let enabled = user.user_status != Some(UserStatus::Disabled);
        Ok(PrincipalFacts { name: user.user_name, enabled })
    }

    async fn describe_group(
        &self,
        store: &IdentityStoreId,
        principal: &Principal,
    ) -> Result<PrincipalFacts, Error> {
        let call = self
            .identity_store()
            .describe_group()
            .identity_store_id(store.as_str())
            .group_id(principal.id.as_str());
        let group = self.send("DescribeGroup", call.send()).await?;
        Answer("DescribeGroup").text("GroupId", group.group_id)?;
        Ok(PrincipalFacts { name: group.display_name, enabled: true })
    }

    /// An account of the organisation; none when it is not in it. Whoever may not ask gets an
    /// error for which [`Error::is_access_denied`] holds, and can go on without.
    pub async fn describe_account(
        &self,
        account: &AccountId,
    ) -> Result<Option<AccountFacts>, Error> {
        const OPERATION: &str = "DescribeAccount";
        let call = self.organizations().describe_account().account_id(account.as_str());
        let Some(output) = found(self.send(OPERATION, call.send()).await)? else { return Ok(None) };
        let account = Answer(OPERATION).required("Account", output.account)?;
        facts_of(OPERATION, account).map(Some)
    }

    /// Accounts of the organisation: as many pages of 20 as `pages_at_most`, so what is not among
    /// them may exist all the same.
    pub async fn list_accounts(
        &self,
        pages_at_most: usize,
    ) -> Result<BTreeMap<AccountId, AccountFacts>, Error> {
        const OPERATION: &str = "ListAccounts";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut accounts = BTreeMap::new();
        for _ in 0..pages_at_most {
            let call = self.organizations().list_accounts().set_next_token(pages.token());
            let page = self.send(OPERATION, call.send()).await?;
            let rows = answer.required("Accounts", page.accounts)?;
            let count = rows.len();
            for mut row in rows {
                accounts.insert(answer.id("Id", row.id.take())?, facts_of(OPERATION, row)?);
            }
            if !pages.has_next(page.next_token, count)? {
                break;
            }
        }
        Ok(accounts)
    }

    /// The users in a group: all pages; none when the group does not exist.
    pub async fn group_members(
        &self,
        store: &IdentityStoreId,
        group: &PrincipalId,
    ) -> Result<Option<Vec<PrincipalId>>, Error> {
        const OPERATION: &str = "ListGroupMemberships";
        let (answer, mut pages) = (Answer(OPERATION), Pages::of(OPERATION));
        let mut members = Vec::new();
        loop {
            let call = self
                .identity_store()
                .list_group_memberships()
                .identity_store_id(store.as_str())
                .group_id(group.as_str())
                .max_results(PAGE)
                .set_next_token(pages.token());
            let page = match self.send(OPERATION, call.send()).await {
                Err(error) if error.names_resource("IDENTITY_STORE") => return Err(error),
                outcome => found(outcome)?,
            };
            let Some(page) = page else { return Ok(None) };
            let count = page.group_memberships.len();
            for membership in page.group_memberships {
                // A member of a kind that this version does not know is no user.
                if let Some(MemberId::UserId(user)) = membership.member_id {
                    members.push(answer.id("UserId", Some(user))?);
                }
            }
            if !pages.has_next(page.next_token, count)? {
                return Ok(Some(members));
            }
        }
    }

    /// Whose requests ours are.
    pub async fn caller(&self) -> Result<Caller, Error> {
        const OPERATION: &str = "GetCallerIdentity";
        let call = self.sts().get_caller_identity();
        let output = self.send(OPERATION, call.send()).await?;
        Ok(Caller {
            account: Answer(OPERATION).id("Account", output.account)?,
            permission_set_name: output.arn.as_deref().and_then(reserved_permission_set),
        })
    }
}

/// The permission set that a session's role was made for. AWS names such roles
/// `AWSReservedSSO_<permission set>_<suffix>`
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
fn reserved_permission_set(arn: &str) -> Option<String> {
    let role = arn.split_once(":assumed-role/")?.1.split('/').next()?;
    let (name, _suffix) = role.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')?;
    Some(name.to_owned())
}

fn facts_of(operation: &'static str, account: Account) -> Result<AccountFacts, Error> {
    // `State` is the newer of the two and says more; either may be missing.
    let active = match (&account.state, &account.status) {
        (Some(state), _) => *state == AccountState::Active,
        (None, Some(status)) => *status == AccountStatus::Active,
        (None, None) => return Err(Error::MissingMember { operation, member: "Status" }),
    };
    Ok(AccountFacts { name: account.name, active })
}

#[cfg(test)]
mod tests {
    use super::reserved_permission_set;

    #[test]
    fn a_role_of_identity_center_names_its_permission_set() {
        let name = |role: &str| {
            reserved_permission_set(&format!("arn:aws:sts::111111111111:assumed-role/{role}/alice"))
        };
        assert_eq!(name("AWSReservedSSO_Ops_Admin_0123456789abcdef"), Some("Ops_Admin".to_owned()));
        assert_eq!(name("rollback-operator"), None);
        assert_eq!(reserved_permission_set("arn:aws:iam::111111111111:user/alice"), None);
    }
}
