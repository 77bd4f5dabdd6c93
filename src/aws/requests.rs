//! Asynchronous requests: what AWS says about them while they are at work and after.

use aws_sdk_ssoadmin::types::{
    AccountAssignmentOperationStatus, AccountAssignmentOperationStatusMetadata,
    OperationStatusFilter, StatusValues,
};
use jiff::Timestamp;

use super::assignments::model_type;
use super::call::{Answer, PAGE, Pages, found, timestamp};
use super::client::Client;
use super::error::Error;
use crate::model::{AssignmentKey, Principal, RequestId};

/// Which of AWS's two lists of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// `CreateAccountAssignment`.
    Create,
    /// `DeleteAccountAssignment`.
    Delete,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// At work.
    InProgress,
    /// Done.
    Succeeded,
    /// Failed; the reason says why.
    Failed,
}

/// What AWS says about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOutcome {
    /// How far it has come.
    pub state: RequestState,
    /// Why it failed, in AWS's words; [`failure_class`](super::failure_class) reads them.
    pub failure_reason: Option<String>,
    /// What it is about; none where AWS leaves it out or names something of another shape.
    pub key: Option<AssignmentKey>,
    /// When AWS took it on.
    pub created_at: Option<Timestamp>,
}

/// One row of a list of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSummary {
    /// The request.
    pub request_id: RequestId,
    /// How far it has come.
    pub state: RequestState,
    /// When AWS took it on.
    pub created_at: Option<Timestamp>,
}

impl Client {
    /// What became of a request; none when AWS does not know it (any more). How long AWS
    /// remembers is not documented.
    pub async fn describe_request(
        &self,
        direction: Direction,
        request_id: &RequestId,
    ) -> Result<Option<RequestOutcome>, Error> {
        let (sso_admin, arn, id) = (self.sso_admin(), self.arn(), request_id.as_str());
        let (answer, member, status) = match direction {
            Direction::Create => {
                const OPERATION: &str = "DescribeAccountAssignmentCreationStatus";
                let call = sso_admin
                    .describe_account_assignment_creation_status()
                    .instance_arn(arn)
                    .account_assignment_creation_request_id(id);
                let output = found(self.send(OPERATION, call.send()).await)?;
                let status = output.map(|output| output.account_assignment_creation_status);
                (Answer(OPERATION), "AccountAssignmentCreationStatus", status)
            }
            Direction::Delete => {
                const OPERATION: &str = "DescribeAccountAssignmentDeletionStatus";
                let call = sso_admin
                    .describe_account_assignment_deletion_status()
                    .instance_arn(arn)
                    .account_assignment_deletion_request_id(id);
                let output = found(self.send(OPERATION, call.send()).await)?;
                let status = output.map(|output| output.account_assignment_deletion_status);
                (Answer(OPERATION), "AccountAssignmentDeletionStatus", status)
            }
        };
        let Some(status) = status else { return Ok(None) };
        let status = answer.required(member, status)?;
        Ok(Some(RequestOutcome {
            state: state(answer, status.status.clone())?,
            key: key(&status),
            created_at: status.created_date.and_then(timestamp),
            failure_reason: status.failure_reason,
        }))
    }

    /// Requests in one state or in all: all pages, or as many as hold `limit` rows. AWS documents
    /// no order.
    pub async fn list_requests(
        &self,
        direction: Direction,
        filter: Option<RequestState>,
        limit: Option<usize>,
    ) -> Result<Vec<RequestSummary>, Error> {
        let operation = match direction {
            Direction::Create => "ListAccountAssignmentCreationStatus",
            Direction::Delete => "ListAccountAssignmentDeletionStatus",
        };
        let (answer, mut pages) = (Answer(operation), Pages::of(operation));
        let limit = limit.unwrap_or(usize::MAX);
        let size = i32::try_from(limit).unwrap_or(PAGE).clamp(1, PAGE);
        let mut requests = Vec::new();
        loop {
            let (rows, token) = self.page(direction, filter, size, &pages).await?;
            let count = rows.len();
            for row in rows {
                requests.push(RequestSummary {
                    request_id: answer.id("RequestId", row.request_id)?,
                    state: state(answer, row.status)?,
                    created_at: row.created_date.and_then(timestamp),
                });
            }
            if requests.len() >= limit || !pages.has_next(token, count)? {
                requests.truncate(limit);
                return Ok(requests);
            }
        }
    }

    async fn page(
        &self,
        direction: Direction,
        filter: Option<RequestState>,
        size: i32,
        pages: &Pages,
    ) -> Result<(Vec<AccountAssignmentOperationStatusMetadata>, Option<String>), Error> {
        let (sso_admin, arn) = (self.sso_admin(), self.arn());
        let filter =
            filter.map(|state| OperationStatusFilter::builder().status(sdk_state(state)).build());
        match direction {
            Direction::Create => {
                const OPERATION: &str = "ListAccountAssignmentCreationStatus";
                let call = sso_admin
                    .list_account_assignment_creation_status()
                    .instance_arn(arn)
                    .set_filter(filter)
                    .max_results(size)
                    .set_next_token(pages.token());
                let page = self.send(OPERATION, call.send()).await?;
                let rows = page.account_assignments_creation_status;
                let member = "AccountAssignmentsCreationStatus";
                Ok((Answer(OPERATION).required(member, rows)?, page.next_token))
            }
            Direction::Delete => {
                const OPERATION: &str = "ListAccountAssignmentDeletionStatus";
                let call = sso_admin
                    .list_account_assignment_deletion_status()
                    .instance_arn(arn)
                    .set_filter(filter)
                    .max_results(size)
                    .set_next_token(pages.token());
                let page = self.send(OPERATION, call.send()).await?;
                let rows = page.account_assignments_deletion_status;
                let member = "AccountAssignmentsDeletionStatus";
                Ok((Answer(OPERATION).required(member, rows)?, page.next_token))
            }
        }
    }
}

fn state(answer: Answer, status: Option<StatusValues>) -> Result<RequestState, Error> {
    match answer.required("Status", status)? {
        StatusValues::InProgress => Ok(RequestState::InProgress),
        StatusValues::Succeeded => Ok(RequestState::Succeeded),
        StatusValues::Failed => Ok(RequestState::Failed),
        other => Err(answer.unknown("Status", other.as_str())),
    }
}

const fn sdk_state(state: RequestState) -> StatusValues {
    match state {
        RequestState::InProgress => StatusValues::InProgress,
        RequestState::Succeeded => StatusValues::Succeeded,
        RequestState::Failed => StatusValues::Failed,
    }
}

/// A request about something that has none of our shapes is none of ours.
fn key(status: &AccountAssignmentOperationStatus) -> Option<AssignmentKey> {
    Some(AssignmentKey {
        account: status.target_id.as_ref()?.parse().ok()?,
        permission_set: status.permission_set_arn.as_ref()?.parse().ok()?,
        principal: Principal {
            kind: model_type(status.principal_type.as_ref()?)?,
            id: status.principal_id.as_ref()?.parse().ok()?,
        },
    })
}
