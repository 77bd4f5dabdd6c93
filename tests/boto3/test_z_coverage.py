"""Runs last: the conversation was whole."""

import boto3
import pytest
import shapes
from conftest import SEEN


def test_every_operation_was_answered_and_every_one_that_can_refuse_refused(simulator, request):
    if len(request.session.items) < 30:
        pytest.skip("only a part of the suite runs")
    operations = simulator.get("/_sim/operations")
    assert sum(map(len, operations.values())) >= 50
    never_refuses = {"DescribeOrganization"}
    lacking = []
    for target, names in operations.items():
        for name in names:
            outcomes = SEEN.get((target, name), set())
            if "ok" not in outcomes:
                lacking.append(f"{name} never answered")
            if not outcomes - {"ok"} and name not in never_refuses:
                lacking.append(f"{name} never refused")
    assert not lacking, "\n".join(lacking)


def test_the_check_itself_finds_what_is_wrong():
    model = boto3.client("sso-admin", region_name="eu-west-1").meta.service_model
    shape = model.operation_model("CreateAccountAssignment").output_shape
    member = "AccountAssignmentCreationStatus"

    def found(**status):
        return shapes.problems(shape, {member: status})

    assert not found(Status="FAILED", CreatedDate=1.7e9)
    assert found(Status="DONE") and found(TargetId="12") and found(CreatedDate="2026-01-01")
    assert found(RequestId="X" * 36) and found(Extra=1) and found(FailureReason=None)
    listing = model.operation_model("ListAccountAssignments").output_shape
    assert shapes.problems(listing, {"AccountAssignments": {}})
    tags = model.operation_model("ListTagsForResource").output_shape
    assert shapes.problems(tags, {"Tags": [{"Key": "k"}]}) == ["$.Tags[0].Value: required and not there"]
    operation = model.operation_model("ListInstances")
    unknown = {"__type": "ResourceNotFoundException", "message": "x"}
    assert list(shapes.error_problems(operation, 400, unknown))
    assert list(shapes.error_problems(operation, 500, {"__type": "ThrottlingException", "message": "x"}))
