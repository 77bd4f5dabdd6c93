//! Provisioning: which sets are in which accounts, and bringing them up to date.

use serde_json::json;

use super::assignment_status;
use super::assignments::{begin, status, status_member};
use super::pager;
use crate::model::AccountId;
use crate::sim::error::AwsError;
use crate::sim::operation::Answer;
use crate::sim::requests::{Kind, Subject};
use crate::sim::scope::Scope;

const LATEST: &str = "LATEST_PERMISSION_SET_PROVISIONED";
const NOT_LATEST: &str = "LATEST_PERMISSION_SET_NOT_PROVISIONED";

pub(in crate::sim) fn provision(scope: &mut Scope<'_>) -> Answer {
    let set = scope.permission_set_arn()?;
    let target: Option<AccountId> = scope.input.id("TargetId", AccountId::PATTERN)?;
    let types = ["AWS_ACCOUNT", "ALL_PROVISIONED_ACCOUNTS"];
    let account = match (scope.input.required_word("TargetType", &types)?, target) {
        ("AWS_ACCOUNT", Some(account)) => {
            scope.refuse_delegate(Some(&account))?;
            if !scope.organization.accounts.contains_key(&account) {
                let text = format!("Could not find Account with id {account}");
                return Err(AwsError::not_found(text));
            }
            Some(account)
        }
        ("AWS_ACCOUNT", None) => return Err(AwsError::missing("TargetId")),
        _ => None,
    };
    scope.refuse_delegate_for(&set)?;
    let limit = scope.settings.limits.provision_requests;
    if limit != 0 && scope.instance.requests.outstanding(Kind::Provision) >= limit {
        scope.counters.throttles.provisioning += 1;
        return Err(AwsError::too_many_outstanding());
    }
    let latency = &scope.settings.latency.provision;
    let subject = Subject::Provisioning(set, account);
    let request = begin(scope, Kind::Provision, subject, latency)?;
    Ok(json!({ status_member(Kind::Provision): status(&request) }))
}

pub(in crate::sim) fn describe_status(scope: &mut Scope<'_>) -> Answer {
    assignment_status::describe(scope, Kind::Provision, "ProvisionPermissionSetRequestId")
}

pub(in crate::sim) fn list_status(scope: &mut Scope<'_>) -> Answer {
    assignment_status::list(scope, Kind::Provision, "PermissionSetsProvisioningStatus")
}

pub(in crate::sim) fn sets_in_account(scope: &mut Scope<'_>) -> Answer {
    let account: AccountId = scope.input.required_id("AccountId", AccountId::PATTERN)?;
    let wanted = scope.input.word("ProvisioningStatus", &[LATEST, NOT_LATEST])?;
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let sets = &scope.instance.sets;
    let rows = scope
        .instance
        .provisioned
        .iter()
        .filter(|((at, set), provisioned)| {
            let current = sets.get(set).is_some_and(|set| set.version == provisioned.version);
            *at == account && wanted.is_none_or(|wanted| (wanted == LATEST) == current)
        })
        .map(|((_, set), _)| (set.to_string(), set));
    Ok(pager.page(rows)?.reply("PermissionSets", |set| json!(set)))
}

pub(in crate::sim) fn accounts_with_set(scope: &mut Scope<'_>) -> Answer {
    let arn = scope.permission_set_arn()?;
    let wanted = scope.input.word("ProvisioningStatus", &[LATEST, NOT_LATEST])?;
    let version = scope.permission_set()?.version;
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let rows = scope
        .instance
        .provisioned
        .iter()
        .filter(|((_, set), provisioned)| {
            let current = provisioned.version == version;
            *set == arn && wanted.is_none_or(|wanted| (wanted == LATEST) == current)
        })
        .map(|((account, _), _)| (account.to_string(), account));
    Ok(pager.page(rows)?.reply("AccountIds", |account| json!(account)))
}
