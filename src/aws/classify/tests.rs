use std::time::Duration;

use super::*;

fn reply(status: u16, code: &str, message: &str) -> ErrorReply {
    ErrorReply { status, code: code.into(), message: message.into(), ..ErrorReply::default() }
}

fn class_of(status: u16, code: &str, message: &str) -> Class {
    class(&reply(status, code, message))
}

#[test]
fn the_two_limits_are_told_apart_by_message() {
    let limit = |message| throttled_limit(&reply(400, "ThrottlingException", message));
    assert_eq!(limit("Rate exceeded"), Some(Limit::Rate));
    assert_eq!(
        limit("There are too many requests processing. Please try again later."),
        Some(Limit::Outstanding)
    );
    assert_eq!(limit(""), Some(Limit::Rate));
    assert_eq!(throttled_limit(&reply(429, "", "")), Some(Limit::Rate));
    assert_eq!(throttled_limit(&reply(400, "ConflictException", "Rate exceeded")), None);
    let mut patient = reply(400, "ThrottlingException", "Rate exceeded");
    patient.retry_after = Duration::from_secs(4);
    assert_eq!(
        class(&patient),
        Class::Throttled { after: Duration::from_secs(4), limit: Limit::Rate }
    );
}

#[test]
fn refusals_of_the_service() {
    let busy = "There is a conflicting operation in process.";
    assert_eq!(class_of(400, "ConflictException", busy), Class::Conflict);
    let taken = "PermissionSet with name X already exists";
    let invalid = Class::Terminal(FailureReason::InvalidRequest);
    assert_eq!(class_of(400, "ConflictException", taken), invalid);
    assert_eq!(class_of(400, "ValidationException", "bad"), invalid);
    assert_eq!(class_of(400, "SomethingNew", "?"), invalid);
    assert_eq!(
        class_of(400, "ServiceQuotaExceededException", "no"),
        Class::Blocked(BlockedReason::QuotaExceeded)
    );
}

#[test]
fn a_delegated_administrator_at_the_management_account() {
    let denied = "User: arn:aws:sts::222222222222:assumed-role/x/y is not authorized to perform: \
                  sso:DeleteAccountAssignment on resource: arn:aws:sso:::account/111111111111 \
                  with an explicit deny in a resource-based policy";
    assert_eq!(
        class_of(400, "AccessDeniedException", denied),
        Class::Blocked(BlockedReason::ManagementAccount)
    );
    for other in [
        "User: x is not authorized to perform: sso:DeleteAccountAssignment on resource: \
         arn:aws:sso:::account/111111111111 because no identity-based policy allows it",
        "",
    ] {
        assert_eq!(
            class_of(400, "AccessDeniedException", other),
            Class::Blocked(BlockedReason::AccessDenied)
        );
    }
}

#[test]
fn what_is_not_there_is_named() {
    let missing = |message| class_of(400, "ResourceNotFoundException", message);
    assert_eq!(
        missing("Could not find PermissionSet with id ps-1"),
        Class::Blocked(BlockedReason::PermissionSetMissing)
    );
    assert_eq!(missing("USER not found."), Class::Blocked(BlockedReason::PrincipalMissing));
    assert_eq!(
        missing("Could not find Account with id 1"),
        Class::Blocked(BlockedReason::AccountUnavailable)
    );
    assert_eq!(
        missing("Could not find Instance with id ssoins-1"),
        Class::Terminal(FailureReason::InvalidRequest)
    );
}

#[test]
fn what_says_nothing_about_the_action_is_tried_again() {
    for (status, code) in [
        (500, "InternalServerException"),
        (503, "ServiceUnavailable"),
        (502, ""),
        (403, ""),
        (400, "ExpiredTokenException"),
        (403, "InvalidSignatureException"),
        (400, "UnrecognizedClientException"),
    ] {
        assert_eq!(class_of(status, code, ""), Class::Retry, "{status} {code}");
    }
}

#[test]
fn every_known_reason_of_an_asynchronous_failure() {
    let gone = "Received a 404 status error: EntitlementItem doesn't exist with the given \
                entitlement key EntitlementKey{accessorId=a}";
    assert_eq!(failure_class(Direction::Delete, gone), None);
    assert_eq!(
        failure_class(Direction::Create, gone),
        Some(Class::Terminal(FailureReason::AsynchronousFailure))
    );
    let unknown_user =
        "Received a 404 status error: the USER assignee u was not found in directory d-1";
    let policy = "Received a 404 status error: Not supported policy TeamPolicy.";
    let iam = "Received a 403 status error: Access denied by IAM. Please check your policy, or \
               wait for role propagation to complete.";
    let slow = "AWS SSO is unable to complete your request at this time. Obtaining permissions \
                to manage your AWS account '1' is taking longer than usual.";
    let internal = "An unexpected internal service exception was encountered";
    for direction in [Direction::Create, Direction::Delete] {
        let class = |reason| failure_class(direction, reason).unwrap();
        assert_eq!(class(unknown_user), Class::Blocked(BlockedReason::PrincipalMissing));
        assert_eq!(class(policy), Class::Terminal(FailureReason::AsynchronousFailure));
        assert_eq!(class(iam), Class::Blocked(BlockedReason::AccessDenied));
        assert_eq!(class(slow), Class::Retry);
        assert_eq!(class(internal), Class::Retry);
        assert_eq!(class("Received a 503 status error: busy"), Class::Retry);
        assert_eq!(
            class("Received a 409 status error: Cannot exceed quota for RolesPerAccount: 1000"),
            Class::Blocked(BlockedReason::QuotaExceeded)
        );
        assert_eq!(class(""), Class::Terminal(FailureReason::AsynchronousFailure));
    }
}
