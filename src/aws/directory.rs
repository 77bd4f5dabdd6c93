//! Who and what there is: the instance, its principals, the organisation's accounts, ourselves.

use std::collections::BTreeMap;

use aws_sdk_identitystore::types::UserStatus;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};
use aws_sdk_ssoadmin::types::InstanceStatus as SdkStatus;

use super::call::{Answer, Pages, found};
use super::client::Client;
use super::error::Error;
use crate::model::{AccountId, IdentityStoreId, Principal, PrincipalType};

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

    /// The account that our credentials belong to.
    pub async fn caller_account(&self) -> Result<AccountId, Error> {
        const OPERATION: &str = "GetCallerIdentity";
        let call = self.sts().get_caller_identity();
        let output = self.send(OPERATION, call.send()).await?;
        Answer(OPERATION).id("Account", output.account)
    }
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
