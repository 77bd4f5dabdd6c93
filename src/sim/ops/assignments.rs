//! `CreateAccountAssignment` and `DeleteAccountAssignment`.

use serde_json::{Value, json};

use crate::model::{
    AccountId, AssignmentKey, PermissionSetArn, Principal, PrincipalId, PrincipalType,
};
use crate::sim::advance::key_text;
use crate::sim::agenda::Event;
use crate::sim::error::AwsError;
use crate::sim::input::Input;
use crate::sim::operation::Answer;
use crate::sim::requests::{AsyncRequest, Kind, Status, Subject};
use crate::sim::scope::Scope;
use crate::sim::settings::Latency;
use crate::sim::time::{epoch_seconds, later};

pub(in crate::sim) fn create(scope: &mut Scope<'_>) -> Answer {
    begin_assignment(scope, Kind::Create)
}

pub(in crate::sim) fn delete(scope: &mut Scope<'_>) -> Answer {
    begin_assignment(scope, Kind::Delete)
}

fn begin_assignment(scope: &mut Scope<'_>, kind: Kind) -> Answer {
    let input = scope.input;
    let account: AccountId = input.required_id("TargetId", AccountId::PATTERN)?;
    input.required_word("TargetType", &["AWS_ACCOUNT"])?;
    let _: PermissionSetArn = input.required_id("PermissionSetArn", PermissionSetArn::PATTERN)?;
    let principal = principal(input)?;
    scope.refuse_delegate(Some(&account))?;
    let permission_set = scope.permission_set_arn()?;
    if !scope.organization.accounts.contains_key(&account) {
        return Err(AwsError::not_found(format!("Could not find Account with id {account}")));
    }
    let key = AssignmentKey { account, permission_set, principal };
    let limits = &scope.settings.limits;
    let requests = &scope.instance.requests;
    let outstanding = if limits.separate_pools {
        requests.outstanding(kind)
    } else {
        requests.outstanding(Kind::Create) + requests.outstanding(Kind::Delete)
    };
    if limits.outstanding_requests != 0 && outstanding >= limits.outstanding_requests {
        scope.counters.throttles.outstanding += 1;
        return Err(AwsError::too_many_outstanding());
    }
    let latency = match kind {
        Kind::Delete => &scope.settings.latency.delete,
        _ => &scope.settings.latency.create,
    };
    let request = begin(scope, kind, Subject::Assignment(key.clone()), latency)?;
    scope.counters.accept(&key_text(&key));
    let requests = &scope.instance.requests;
    let outstanding = requests.outstanding(Kind::Create) + requests.outstanding(Kind::Delete);
    scope.counters.peak_outstanding = scope.counters.peak_outstanding.max(outstanding);
    Ok(json!({ status_member(kind): status(&request) }))
}

/// The principal that a request names.
pub(in crate::sim) fn principal(input: Input<'_>) -> Result<Principal, AwsError> {
    let kind = match input.required_word("PrincipalType", &["USER", "GROUP"])? {
        "GROUP" => PrincipalType::Group,
        _ => PrincipalType::User,
    };
    let id: PrincipalId = input.required_id("PrincipalId", PrincipalId::PATTERN)?;
    Ok(Principal { kind, id })
}

/// Begins an asynchronous request unless something else is at work on the same thing.
pub(in crate::sim) fn begin(
    scope: &mut Scope<'_>,
    kind: Kind,
    subject: Subject,
    latency: &Latency,
) -> Result<AsyncRequest, AwsError> {
    let limits = &scope.settings.limits;
    if scope.instance.requests.is_busy(&subject, limits.conflict_scope) {
        scope.counters.conflicts += 1;
        return Err(AwsError::busy());
    }
    let Ok(id) = scope.request_id.parse() else {
        return Err(AwsError::new("InternalServerException", "no request id"));
    };
    let request = AsyncRequest {
        id,
        kind,
        subject,
        created: scope.now,
        status: Status::InProgress,
        ended: None,
        outcome: None,
        failure: scope.injected.failure.clone(),
        caller: scope.caller.arn.clone(),
        iam_in_management_account: scope.caller.iam_in_management_account,
    };
    let latency = scope.injected.latency.as_ref().unwrap_or(latency);
    let applied = later(scope.now, scope.random.latency(latency));
    let ended = later(applied, scope.injected.status_delay);
    let arn = &scope.instance.arn;
    scope.agenda.add(applied, Event::Apply(arn.clone(), kind, request.id.clone()));
    scope.agenda.add(ended, Event::End(arn.clone(), kind, request.id.clone()));
    scope.instance.requests.start(request.clone(), limits.conflict_scope);
    Ok(request)
}

/// The member that holds the status in a reply.
pub(in crate::sim) fn status_member(kind: Kind) -> &'static str {
    match kind {
        Kind::Create => "AccountAssignmentCreationStatus",
        Kind::Delete => "AccountAssignmentDeletionStatus",
        Kind::Provision => "PermissionSetProvisioningStatus",
    }
}

/// A status in full.
pub(in crate::sim) fn status(request: &AsyncRequest) -> Value {
    let mut status = json!({
        "Status": request.status.as_str(),
        "RequestId": request.id,
        "CreatedDate": epoch_seconds(request.created),
        "PermissionSetArn": request.subject.permission_set(),
    });
    match &request.subject {
        Subject::Assignment(key) => {
            status["TargetId"] = json!(key.account);
            status["TargetType"] = json!("AWS_ACCOUNT");
            status["PrincipalType"] = json!(key.principal.kind);
            status["PrincipalId"] = json!(key.principal.id);
        }
        Subject::Provisioning(_, Some(account)) => status["AccountId"] = json!(account),
        Subject::Provisioning(_, None) => {}
    }
    if let Status::Failed(reason) = &request.status {
        status["FailureReason"] = json!(reason);
    }
    status
}
