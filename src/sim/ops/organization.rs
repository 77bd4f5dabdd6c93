//! AWS Organizations: accounts and the organization itself.

use serde_json::{Value, json};

use crate::model::AccountId;
use crate::sim::error::AwsError;
use crate::sim::operation::Answer;
use crate::sim::organization::{Account, Organization};
use crate::sim::page::Pager;
use crate::sim::scope::Global;
use crate::sim::time::epoch_seconds;

pub(in crate::sim) fn list_accounts(global: &mut Global<'_>) -> Answer {
    let Global { operation, input, .. } = *global;
    let world = &mut *global.world;
    let paging = &world.settings.paging;
    let pager = Pager { operation, input, paging, random: &mut world.random, limit: 20 };
    let organization = &world.organization;
    let page = pager
        .page(organization.accounts.iter().map(|(id, account)| (id.to_string(), (id, account))));
    Ok(page
        .map_err(input_error)?
        .reply("Accounts", |(id, account)| describe_one(organization, id, account)))
}

pub(in crate::sim) fn describe_account(global: &mut Global<'_>) -> Answer {
    let id: AccountId =
        global.input.required_id("AccountId", AccountId::PATTERN).map_err(input_error)?;
    let organization = &global.world.organization;
    let account = organization.accounts.get(&id).ok_or_else(|| {
        AwsError::new("AccountNotFoundException", "You specified an account that doesn't exist.")
    })?;
    Ok(json!({"Account": describe_one(organization, &id, account)}))
}

#[expect(clippy::unnecessary_wraps, reason = "all operations have one signature")]
pub(in crate::sim) fn describe(global: &mut Global<'_>) -> Answer {
    let organization = &global.world.organization;
    let Organization { id, partition, management, accounts } = organization;
    let email = accounts.get(management).map(|account| account.email.as_str());
    Ok(json!({"Organization": {
        "Id": id,
        "Arn": format!("arn:{partition}:organizations::{management}:organization/{id}"),
        "FeatureSet": "ALL",
        "MasterAccountArn": organization.account_arn(management),
        "MasterAccountId": management,
        "MasterAccountEmail": email,
        "AvailablePolicyTypes": [],
    }}))
}

fn describe_one(organization: &Organization, id: &AccountId, account: &Account) -> Value {
    json!({
        "Id": id,
        "Arn": organization.account_arn(id),
        "Email": account.email,
        "Name": account.name,
        "Status": account.status.as_str(),
        "State": account.status.as_str(),
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": epoch_seconds(account.joined),
    })
}

/// Organizations has its own name for what does not satisfy the model.
fn input_error(error: AwsError) -> AwsError {
    AwsError { code: "InvalidInputException".to_owned(), ..error }
}
