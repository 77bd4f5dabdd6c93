"""Assignments: from the call to the status to the lists."""

import botocore.exceptions
import pytest
from conftest import (
    BARE, CLOSED, FIRST, GONE, INSTANCE, MANAGEMENT, NOBODY, ONE, READ, TEAM, TWO, code_of, key,
)


def created(sso, request_id):
    answer = sso.describe_account_assignment_creation_status(
        InstanceArn=INSTANCE, AccountAssignmentCreationRequestId=request_id
    )
    return answer["AccountAssignmentCreationStatus"]


def deleted(sso, request_id):
    answer = sso.describe_account_assignment_deletion_status(
        InstanceArn=INSTANCE, AccountAssignmentDeletionRequestId=request_id
    )
    return answer["AccountAssignmentDeletionStatus"]


def listed(sso, account, permission_set):
    pages = sso.get_paginator("list_account_assignments").paginate(
        InstanceArn=INSTANCE, AccountId=account, PermissionSetArn=permission_set
    )
    return [row["PrincipalId"] for page in pages for row in page["AccountAssignments"]]


def test_a_grant_and_its_end(simulator, sso):
    begun = sso.create_account_assignment(**key())["AccountAssignmentCreationStatus"]
    assert begun["Status"] == "IN_PROGRESS"
    assert (begun["TargetId"], begun["PrincipalId"]) == (TWO, FIRST)
    assert listed(sso, TWO, BARE) == [TEAM]
    simulator.wait(11)
    assert created(sso, begun["RequestId"])["Status"] == "SUCCEEDED"
    assert listed(sso, TWO, BARE) == [TEAM, FIRST]
    begun = sso.delete_account_assignment(**key())["AccountAssignmentDeletionStatus"]
    simulator.wait(11)
    ended = deleted(sso, begun["RequestId"])
    assert ended["Status"] == "SUCCEEDED" and "FailureReason" not in ended
    assert listed(sso, TWO, BARE) == [TEAM]


def test_twice_is_no_error_and_absent_is_one_later(simulator, sso):
    redundant = sso.create_account_assignment(**key(ONE, READ))["AccountAssignmentCreationStatus"]
    absent = sso.delete_account_assignment(**key())["AccountAssignmentDeletionStatus"]
    simulator.wait(11)
    assert created(sso, redundant["RequestId"])["Status"] == "SUCCEEDED"
    assert listed(sso, ONE, READ).count(FIRST) == 1
    failed = deleted(sso, absent["RequestId"])
    assert failed["Status"] == "FAILED"
    assert failed["FailureReason"].startswith(
        "Received a 404 status error: EntitlementItem doesn't exist with the given entitlement key"
    )


def test_what_fails_later_says_why(simulator, sso):
    closed = sso.create_account_assignment(**key(CLOSED))["AccountAssignmentCreationStatus"]
    nobody = sso.create_account_assignment(**key(principal=NOBODY))["AccountAssignmentCreationStatus"]
    simulator.wait(11)
    assert "taking longer than usual" in created(sso, closed["RequestId"])["FailureReason"]
    assert f"the USER assignee {NOBODY} was not found" in created(sso, nobody["RequestId"])["FailureReason"]
    lacking = sso.create_account_assignment(**key(TWO, READ))["AccountAssignmentCreationStatus"]
    simulator.wait(11)
    assert "Not supported policy" in created(sso, lacking["RequestId"])["FailureReason"]


def test_statuses_are_listed_and_filtered(simulator, sso):
    first = sso.create_account_assignment(**key())["AccountAssignmentCreationStatus"]["RequestId"]
    simulator.wait(11)
    second = sso.create_account_assignment(**key(ONE))["AccountAssignmentCreationStatus"]["RequestId"]
    rows = sso.list_account_assignment_creation_status(InstanceArn=INSTANCE)
    ids = [row["RequestId"] for row in rows["AccountAssignmentsCreationStatus"]]
    assert ids == [second, first]
    running = sso.list_account_assignment_creation_status(
        InstanceArn=INSTANCE, Filter={"Status": "IN_PROGRESS"}
    )
    assert [row["RequestId"] for row in running["AccountAssignmentsCreationStatus"]] == [second]
    page = sso.list_account_assignment_creation_status(InstanceArn=INSTANCE, MaxResults=1)
    assert page["NextToken"]
    gone = sso.delete_account_assignment(**key())["AccountAssignmentDeletionStatus"]["RequestId"]
    rows = sso.list_account_assignment_deletion_status(InstanceArn=INSTANCE)
    assert [row["RequestId"] for row in rows["AccountAssignmentsDeletionStatus"]] == [gone]


def test_a_principal_is_listed_with_its_groups(sso):
    paginator = sso.get_paginator("list_account_assignments_for_principal")
    pages = paginator.paginate(
        InstanceArn=INSTANCE, PrincipalId=FIRST, PrincipalType="USER", PaginationConfig={"PageSize": 2}
    )
    rows = [row for page in pages for row in page["AccountAssignments"]]
    assert {(row["PrincipalType"], row["PrincipalId"]) for row in rows} == {("USER", FIRST), ("GROUP", TEAM)}
    assert len(rows) == 5
    filtered = sso.list_account_assignments_for_principal(
        InstanceArn=INSTANCE, PrincipalId=TEAM, PrincipalType="GROUP", Filter={"AccountId": MANAGEMENT}
    )
    assert [row["AccountId"] for row in filtered["AccountAssignments"]] == [MANAGEMENT]


def test_one_change_at_a_time_in_an_account(simulator, sso):
    simulator.post("/_sim/settings", "latency: {create: 1h}")
    sso.create_account_assignment(**key())
    with pytest.raises(sso.exceptions.ConflictException) as caught:
        sso.delete_account_assignment(**key(kind="GROUP", principal=TEAM))
    assert caught.value.response["Error"]["Message"] == "There is a conflicting operation in process."


def test_both_throttles_have_their_own_words(simulator, sso):
    simulator.post("/_sim/settings", "limits: {outstandingRequests: 1}\nlatency: {create: 1h}")
    sso.create_account_assignment(**key())
    with pytest.raises(sso.exceptions.ThrottlingException) as caught:
        sso.create_account_assignment(**key(ONE))
    message = caught.value.response["Error"]["Message"]
    assert message == "There are too many requests processing. Please try again later."
    simulator.post("/_sim/settings", "limits: {requestsPerSecond: 1}")
    with pytest.raises(sso.exceptions.ThrottlingException) as caught:
        for _ in range(50):
            sso.list_permission_sets(InstanceArn=INSTANCE)
    assert caught.value.response["Error"]["Message"] == "Rate exceeded"
    throttles = simulator.get("/_sim/counters")["throttles"]
    assert throttles["rate"] == 1 and throttles["outstanding"] == 1


def test_what_does_not_exist_is_refused(sso):
    missing = "ResourceNotFoundException"
    assert code_of(sso.create_account_assignment, **key(permission_set=GONE)) == missing
    assert code_of(sso.delete_account_assignment, **key(permission_set=GONE)) == missing
    unknown = "00000000-0000-4000-8000-000000000000"
    for call, member in (
        (sso.describe_account_assignment_creation_status, "AccountAssignmentCreationRequestId"),
        (sso.describe_account_assignment_deletion_status, "AccountAssignmentDeletionRequestId"),
    ):
        assert code_of(call, **{"InstanceArn": INSTANCE, member: unknown}) == missing
    other = INSTANCE.replace("0123", "9999")
    for call in (sso.list_account_assignment_creation_status, sso.list_account_assignment_deletion_status):
        assert code_of(call, InstanceArn=other) == missing
    assert code_of(
        sso.list_account_assignments, InstanceArn=INSTANCE, AccountId=ONE, PermissionSetArn=GONE
    ) == missing


def test_what_does_not_fit_is_refused(sso):
    invalid = "ValidationException"
    assert code_of(sso.create_account_assignment, **key(principal="first")) == invalid
    assert code_of(sso.create_account_assignment, **{**key(), "TargetType": "AWS_OU"}) == invalid
    assert code_of(
        sso.list_account_assignments_for_principal,
        InstanceArn=INSTANCE, PrincipalId=FIRST, PrincipalType="ROBOT",
    ) == invalid
    token = sso.list_permission_sets(InstanceArn=INSTANCE, MaxResults=1)["NextToken"]
    assert code_of(
        sso.list_account_assignment_creation_status, InstanceArn=INSTANCE, NextToken=token
    ) == invalid


def test_a_lost_reply_is_a_lost_connection_and_a_retry_finds_the_account_busy(simulator):
    simulator.post(
        "/_sim/faults",
        "faults: [{match: {operations: [CreateAccountAssignment]}, count: 1, do: {loseReply: true}}]",
    )
    simulator.post("/_sim/settings", "latency: {create: 1h}")
    once = simulator.client("sso-admin")
    with pytest.raises(botocore.exceptions.HTTPClientError):
        once.create_account_assignment(**key())
    retrying = simulator.client("sso-admin", retries=2)
    assert code_of(retrying.create_account_assignment, **key()) == "ConflictException"
    accepted = simulator.get("/_sim/counters")["accepted"]
    assert list(accepted.values()) == [1]


def test_an_injected_error_is_retried_by_boto3_itself(simulator):
    simulator.post(
        "/_sim/faults", "faults: [{count: 2, do: {error: {code: InternalServerException, message: broken}}}]"
    )
    patient = simulator.client("sso-admin", retries=3)
    patient.list_permission_sets(InstanceArn=INSTANCE)
    calls = simulator.get("/_sim/counters")["calls"]["ListPermissionSets"]
    assert calls == {"total": 3, "errors": {"InternalServerException": 2}}
