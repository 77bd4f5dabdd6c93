//! What an error of the Kubernetes API means for the caller.
//!
//! Observed on kube-apiserver 1.36: while it starts it answers 404 in plain text for every path of
//! a custom resource; an object above etcd's limit comes back as a 500 with etcd's own words, a
//! larger one as a gRPC `ResourceExhausted` in a 500, a still larger one as 413; and a stopped etcd
//! makes writes end in 500 and reads in 504.

use std::time::Duration;

use kube::Error;
use kube::core::Status;
use kube::core::response::reason;

use crate::api::size;
use crate::model::class::Limit;
use crate::model::{BlockedReason, Class, FailureReason};

/// What to do about an error.
///
/// A missing object is for [`is_not_found`] and an existing one for [`is_already_exists`]; here
/// they are [`Class::Retry`] and [`Class::Conflict`], because whoever did not expect them has an
/// old view of the world.
#[must_use]
pub fn classify(error: &Error) -> Class {
    match error {
        Error::Api(status) => classify_status(status),
        // What cannot be built or encoded today cannot be tomorrow.
        Error::BuildRequest(_) | Error::HttpError(_) => {
            Class::Terminal(FailureReason::InvalidRequest)
        }
        // Lost connections, time-outs, credentials that are being renewed, torn bodies.
        _ => Class::Retry,
    }
}

/// Whether an object is larger than what the API server or etcd takes.
#[must_use]
pub fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::Api(status) if size::is_too_large(status))
}

fn classify_status(status: &Status) -> Class {
    if size::is_too_large(status) {
        return Class::Terminal(FailureReason::InvalidRequest);
    }
    match status.code {
        400 | 405 | 406 | 415 | 422 => Class::Terminal(FailureReason::InvalidRequest),
        // A terminating namespace is a 403, too; it refuses creations and nothing else.
        403 => Class::Blocked(BlockedReason::AccessDenied),
        409 => Class::Conflict,
        429 => Class::Throttled { after: retry_after(status), limit: Limit::Rate },
        // 401 while a token is rotated, 404, 410 and every 5xx.
        _ => Class::Retry,
    }
}

/// Whether the API server says that the object is not there.
///
/// A 404 without the reason `NotFound` comes from a server that does not know the kind (yet), or
/// from a proxy, and must not be taken for a deletion.
#[must_use]
pub fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Api(status)
        if status.code == 404 && status.reason == reason::NOT_FOUND && status.details.is_some())
}

/// Whether an object of that name exists already.
#[must_use]
pub fn is_already_exists(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.is_already_exists())
}

/// Whether the namespace is being deleted, so that nothing can be created in it any more.
#[must_use]
pub fn is_namespace_terminating(error: &Error) -> bool {
    // The cause is `NamespaceTerminatingCause` of k8s.io/api/core/v1.
    matches!(error, Error::Api(status)
    if status.code == 403
        && status.details.as_ref().is_some_and(|details| {
            details.causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
        }))
}

fn retry_after(status: &Status) -> Duration {
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    Duration::from_secs(u64::from(seconds))
}

#[cfg(test)]
mod tests {
    use kube::core::response::{StatusCause, StatusDetails};

    use super::*;

    fn details() -> StatusDetails {
        StatusDetails {
            name: "undo".into(),
            group: "identitycenter.dev".into(),
            kind: "rollbacks".into(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        }
    }

    fn status(code: u16, message: &str, reason: &str) -> Status {
        Status::failure(message, reason).with_code(code)
    }

    fn class(status: Status) -> Class {
        classify(&Error::Api(status.boxed()))
    }

    #[test]
    fn each_answer_has_its_class() {
        let terminal = Class::Terminal(FailureReason::InvalidRequest);
        for (code, message, reason, expected) in [
            (409, "the object has been modified", "Conflict", Class::Conflict),
            (500, "etcdserver: request is too large", "", terminal.clone()),
            (
                500,
                "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2097999 vs. 2097152)",
                "",
                terminal.clone(),
            ),
            (
                413,
                "Request entity too large: limit is 3145728",
                "RequestEntityTooLarge",
                terminal.clone(),
            ),
            (422, "spec.operations: Invalid value", "Invalid", terminal.clone()),
            (400, "the body is not valid JSON", "BadRequest", terminal),
            (404, "404 page not found", "Failed to parse error data", Class::Retry),
            (401, "Unauthorized", "Unauthorized", Class::Retry),
            (
                403,
                "rollbacks is forbidden",
                "Forbidden",
                Class::Blocked(BlockedReason::AccessDenied),
            ),
            (410, "too old resource version", "Expired", Class::Retry),
            (
                500,
                "keepalive ping failed to receive ACK within timeout",
                "InternalError",
                Class::Retry,
            ),
            (503, "apiserver is shutting down", "ServiceUnavailable", Class::Retry),
            (504, "Timeout: request did not complete", "Timeout", Class::Retry),
        ] {
            assert_eq!(class(status(code, message, reason)), expected, "{code} {message}");
        }
    }

    #[test]
    fn throttling_says_how_long() {
        let throttled =
            |seconds| Class::Throttled { after: Duration::from_secs(seconds), limit: Limit::Rate };
        let too_many = status(429, "too many requests", "TooManyRequests");
        assert_eq!(class(too_many.clone()), throttled(0));
        let with_details =
            too_many.with_details(StatusDetails { retry_after_seconds: 7, ..details() });
        assert_eq!(class(with_details), throttled(7));
    }

    #[test]
    fn only_a_proper_404_is_a_deletion() {
        let found_missing = |status: Status| is_not_found(&Error::Api(status.boxed()));
        assert!(found_missing(status(404, "gone", "NotFound").with_details(details())));
        assert!(!found_missing(status(404, "404 page not found", "Failed to parse error data")));
        assert!(!found_missing(status(404, "the server could not find the resource", "NotFound")));
        assert!(!found_missing(status(410, "gone", "Gone").with_details(details())));
    }

    #[test]
    fn a_terminating_namespace_and_an_existing_object_are_told_apart() {
        let cause = StatusCause {
            reason: "NamespaceTerminating".into(),
            message: "namespace access is being terminated".into(),
            field: "metadata.namespace".into(),
        };
        let refused = status(403, "is being terminated", "Forbidden")
            .with_details(StatusDetails { causes: vec![cause], ..details() });
        let refused = Error::Api(refused.boxed());
        assert!(is_namespace_terminating(&refused));
        let forbidden = status(403, "forbidden", "Forbidden").with_details(details());
        assert!(!is_namespace_terminating(&Error::Api(forbidden.boxed())));
        let exists = Error::Api(status(409, "exists", "AlreadyExists").boxed());
        assert!(is_already_exists(&exists));
        assert_eq!(classify(&exists), Class::Conflict);
    }

    #[test]
    fn errors_without_an_answer_are_tried_again() {
        let lost = Error::Service(std::io::Error::other("connection reset").into());
        assert_eq!(classify(&lost), Class::Retry);
    }
}
