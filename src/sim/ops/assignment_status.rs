//! The statuses of asynchronous requests: one in full by its id, or many in brief.

use serde_json::json;

use super::assignments::{status, status_member};
use super::pager;
use crate::model::RequestId;
use crate::sim::error::AwsError;
use crate::sim::operation::Answer;
use crate::sim::requests::{Kind, Status};
use crate::sim::scope::Scope;
use crate::sim::time::{epoch_seconds, later};

pub(in crate::sim) fn describe_creation(scope: &mut Scope<'_>) -> Answer {
    describe(scope, Kind::Create, "AccountAssignmentCreationRequestId")
}

pub(in crate::sim) fn describe_deletion(scope: &mut Scope<'_>) -> Answer {
    describe(scope, Kind::Delete, "AccountAssignmentDeletionRequestId")
}

pub(in crate::sim) fn list_creations(scope: &mut Scope<'_>) -> Answer {
    list(scope, Kind::Create, "AccountAssignmentsCreationStatus")
}

pub(in crate::sim) fn list_deletions(scope: &mut Scope<'_>) -> Answer {
    list(scope, Kind::Delete, "AccountAssignmentsDeletionStatus")
}

/// One status with all that is known of the request.
pub(super) fn describe(scope: &mut Scope<'_>, kind: Kind, member: &str) -> Answer {
    let id: RequestId = scope.input.required_id(member, RequestId::PATTERN)?;
    let request = scope.instance.requests.get(kind, &id).ok_or_else(|| {
        AwsError::not_found(format!("Could not find request status with id {id}"))
    })?;
    Ok(json!({ status_member(kind): status(request) }))
}

/// All statuses, newest first, with id and time alone.
pub(super) fn list(scope: &mut Scope<'_>, kind: Kind, member: &str) -> Answer {
    let wanted = match scope.input.object("Filter")? {
        Some(filter) => filter.word("Status", &Status::WORDS)?,
        None => None,
    };
    let pager = pager(scope.operation, scope.input, scope.settings, scope.random);
    let all = &scope.instance.requests;
    let requests: Vec<_> = match wanted {
        Some("IN_PROGRESS") => all.running(kind).collect(),
        _ => all.of_kind(kind).collect(),
    };
    let requests = requests
        .into_iter()
        .filter(|request| later(request.created, scope.settings.request_lag.0) <= scope.now)
        .filter(|request| wanted.is_none_or(|wanted| request.status.as_str() == wanted))
        .map(|request| {
            let age = i64::MAX - request.created.as_microsecond();
            (format!("{age:020} {}", request.id), request)
        });
    Ok(pager.page(requests)?.reply(member, |request| {
        json!({
            "Status": request.status.as_str(),
            "RequestId": request.id,
            "CreatedDate": epoch_seconds(request.created),
        })
    }))
}
