//! What to do about AWS's refusals: one place that knows its codes and messages.

use super::reply::ErrorReply;
use super::requests::Direction;
use crate::model::class::Limit;
use crate::model::{BlockedReason, Class, FailureReason};

/// Codes that mean too many requests. The SDKs' own list
/// (`aws-runtime`, `retries/classifiers.rs`), and HTTP 429.
const THROTTLING: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Codes about the caller's signature or credentials. New credentials come by themselves or with
/// the pod's mend; the action itself was not judged.
const CREDENTIALS: [&str; 10] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The limit that a throttling reply is about; none for any other reply.
///
/// Identity Center has one code for two limits and tells them apart by message: `Rate exceeded`
/// and `There are too many requests processing. Please try again later.`
pub(super) fn throttled_limit(reply: &ErrorReply) -> Option<Limit> {
    if reply.status != 429 && !THROTTLING.contains(&reply.code.as_str()) {
        return None;
    }
    let message = reply.message.to_ascii_lowercase();
    let outstanding = message.contains("too many requests") && message.contains("process");
    Some(if outstanding { Limit::Outstanding } else { Limit::Rate })
}

/// What to do about a refusal.
pub(super) fn class(reply: &ErrorReply) -> Class {
    if let Some(limit) = throttled_limit(reply) {
        return Class::Throttled { after: reply.retry_after, limit };
    }
    let message = reply.message.as_str();
    match reply.code.as_str() {
        // Trying again never makes a taken name free.
        "ConflictException" if message.contains("already exists") => {
            Class::Terminal(FailureReason::InvalidRequest)
        }
        "ConflictException" | "ConcurrentModificationException" => Class::Conflict,
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedException" => {
            Class::Blocked(denied(message))
        }
        "ServiceQuotaExceededException" => Class::Blocked(BlockedReason::QuotaExceeded),
        "ResourceNotFoundException" => missing(message),
        code if CREDENTIALS.contains(&code) => Class::Retry,
        // Not a word of AWS: a proxy, a load balancer, half a reply.
        "" | "RequestTimeout" | "RequestTimeoutException" => Class::Retry,
        _ if reply.status >= 500 => Class::Retry,
        _ => Class::Terminal(FailureReason::InvalidRequest),
    }
}

/// A delegated administrator is kept out of the management account by a policy of the account
/// resource: `… is not authorized to perform: sso:DeleteAccountAssignment on resource:
/// arn:aws:sso:::account/111122223333 with an explicit deny in a resource-based policy`.
fn denied(message: &str) -> BlockedReason {
    let account = message.contains(":sso:::account/");
    if account && message.contains("explicit deny in a resource-based policy") {
        BlockedReason::ManagementAccount
    } else {
        BlockedReason::AccessDenied
    }
}

fn missing(message: &str) -> Class {
    let message = message.to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if names(&["permissionset", "permission set"]) {
        Class::Blocked(BlockedReason::PermissionSetMissing)
    } else if names(&["principal", "assignee", "user", "group"]) {
        Class::Blocked(BlockedReason::PrincipalMissing)
    } else if names(&["account"]) {
        Class::Blocked(BlockedReason::AccountUnavailable)
    } else {
        Class::Terminal(FailureReason::InvalidRequest)
    }
}

/// What to do about a request that AWS accepted and then reported as failed; none when the reason
/// says that what was to be removed was not there, so that the goal is met.
///
/// The reason is free text; these are the ones that users of the API have met. A bare `404` says
/// too little: both a missing assignment and a missing principal begin with it.
#[must_use]
pub fn failure_class(direction: Direction, reason: &str) -> Option<Class> {
    let names = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if direction == Direction::Delete && names(&["EntitlementItem doesn't exist"]) {
        return None;
    }
    Some(if names(&["was not found in directory"]) {
        Class::Blocked(BlockedReason::PrincipalMissing)
    } else if names(&["Access denied by IAM", "Received a 403 status error"]) {
        Class::Blocked(BlockedReason::AccessDenied)
    } else if names(&["Cannot exceed quota"]) {
        Class::Blocked(BlockedReason::QuotaExceeded)
    } else if names(&[
        "taking longer than usual",
        "internal service exception",
        "Rate exceeded",
        "Received a 429 status error",
        "Received a 5",
    ]) {
        Class::Retry
    } else {
        Class::Terminal(FailureReason::AsynchronousFailure)
    })
}

#[cfg(test)]
mod tests;
