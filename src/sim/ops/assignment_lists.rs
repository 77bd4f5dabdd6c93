//! `ListAccountAssignments` and `ListAccountAssignmentsForPrincipal`.

use serde_json::json;

use super::assignments::principal;
use super::pager;
use crate::model::AccountId;
use crate::sim::operation::Answer;
use crate::sim::scope::Scope;

/// Who is assigned with one permission set in one account.
pub(in crate::sim) fn of_place(scope: &mut Scope<'_>) -> Answer {
    let account: AccountId = scope.input.required_id("AccountId", AccountId::PATTERN)?;
    let place = (account, scope.permission_set_arn()?);
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let rows = scope.instance.assignments.seen_at(&place, scope.now).into_iter();
    let page = pager.page(rows.map(|principal| (principal.to_string(), principal)))?;
    Ok(page.reply("AccountAssignments", |principal| {
        json!({
            "AccountId": place.0,
            "PermissionSetArn": place.1,
            "PrincipalType": principal.kind,
            "PrincipalId": principal.id,
        })
    }))
}

/// Where a principal has access. For a user that includes access through groups: each row says
/// whose assignment it is.
pub(in crate::sim) fn of_principal(scope: &mut Scope<'_>) -> Answer {
    let asked = principal(scope.input)?;
    let account: Option<AccountId> = match scope.input.object("Filter")? {
        Some(filter) => filter.id("AccountId", AccountId::PATTERN)?,
        None => None,
    };
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let through = scope.instance.directory.access_through(&asked);
    let assignments = &scope.instance.assignments;
    let now = scope.now;
    let rows = through
        .iter()
        .flat_map(|principal| {
            assignments.seen_of(principal, now).into_iter().map(move |place| (place, principal))
        })
        .filter(|((at, _), _)| account.as_ref().is_none_or(|account| account == at))
        .map(|(place, principal)| {
            (format!("{} {} {principal}", place.0, place.1), (place, principal))
        });
    Ok(pager.page(rows)?.reply("AccountAssignments", |((account, set), principal)| {
        json!({
            "AccountId": account,
            "PermissionSetArn": set,
            "PrincipalType": principal.kind,
            "PrincipalId": principal.id,
        })
    }))
}
