"""Instances, the identity store, Organizations and STS."""

import json

import botocore.exceptions
import pytest
from conftest import (
    BARE, CLOSED, EMPTY, FIRST, INSTANCE, MANAGEMENT, NOBODY, ONE, OTHER_INSTANCE, SECOND, STORE,
    TEAM, code_of, key,
)

MISSING = "ResourceNotFoundException"
NO_STORE = "d-9999999999"


def test_each_region_has_its_own_instance(simulator, sso):
    (instance,) = sso.list_instances()["Instances"]
    assert (instance["InstanceArn"], instance["IdentityStoreId"]) == (INSTANCE, STORE)
    (other,) = simulator.client("sso-admin", region="us-east-1").list_instances()["Instances"]
    assert other["InstanceArn"] == OTHER_INSTANCE
    assert simulator.client("sso-admin", region="eu-north-1").list_instances()["Instances"] == []
    assert sso.describe_instance(InstanceArn=INSTANCE)["OwnerAccountId"] == MANAGEMENT
    assert code_of(sso.list_instances, NextToken="00") == "ValidationException"


def test_an_instance_of_another_region_is_not_found(simulator, sso):
    # DescribeInstance models no ResourceNotFoundException.
    assert code_of(sso.describe_instance, InstanceArn=OTHER_INSTANCE) == "AccessDeniedException"
    assert code_of(sso.list_permission_sets, InstanceArn=OTHER_INSTANCE) == MISSING
    there = simulator.client("sso-admin", region="us-east-1")
    assert there.list_permission_sets(InstanceArn=OTHER_INSTANCE)["PermissionSets"] == []


def test_users(store):
    first = store.describe_user(IdentityStoreId=STORE, UserId=FIRST)
    assert (first["UserName"], first["UserStatus"]) == ("first", "ENABLED")
    assert store.describe_user(IdentityStoreId=STORE, UserId=SECOND)["UserStatus"] == "DISABLED"
    with pytest.raises(store.exceptions.ResourceNotFoundException) as caught:
        store.describe_user(IdentityStoreId=STORE, UserId=NOBODY)
    assert caught.value.response["ResourceType"] == "USER"
    assert caught.value.response["ResourceId"] == NOBODY
    pages = store.get_paginator("list_users").paginate(IdentityStoreId=STORE, PaginationConfig={"PageSize": 1})
    assert {user["UserId"] for page in pages for user in page["Users"]} == {FIRST, SECOND}
    named = [{"AttributePath": "UserName", "AttributeValue": "second"}]
    (second,) = store.list_users(IdentityStoreId=STORE, Filters=named)["Users"]
    assert second["UserId"] == SECOND
    assert code_of(store.list_users, IdentityStoreId=NO_STORE) == MISSING


@pytest.mark.parametrize(
    "identifier",
    [
        {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "first"}},
        {"UniqueAttribute": {"AttributePath": "emails.value", "AttributeValue": "first@example.com"}},
        {"ExternalId": {"Issuer": "https://idp.example.com", "Id": "1"}},
    ],
)
def test_a_user_is_found_by_what_is_unique(store, identifier):
    assert store.get_user_id(IdentityStoreId=STORE, AlternateIdentifier=identifier)["UserId"] == FIRST


def test_a_user_is_not_found_by_anything_else(store):
    nobody = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "nobody"}}
    assert code_of(store.get_user_id, IdentityStoreId=STORE, AlternateIdentifier=nobody) == MISSING
    wrong = {"UniqueAttribute": {"AttributePath": "title", "AttributeValue": "x"}}
    assert code_of(store.get_user_id, IdentityStoreId=STORE, AlternateIdentifier=wrong) == "ValidationException"


def test_groups(store):
    assert store.describe_group(IdentityStoreId=STORE, GroupId=TEAM)["DisplayName"] == "Team"
    assert code_of(store.describe_group, IdentityStoreId=STORE, GroupId=NOBODY) == MISSING
    pages = store.get_paginator("list_groups").paginate(IdentityStoreId=STORE)
    assert {group["GroupId"] for page in pages for group in page["Groups"]} == {TEAM, EMPTY}
    by_name = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": "Empty"}}
    assert store.get_group_id(IdentityStoreId=STORE, AlternateIdentifier=by_name)["GroupId"] == EMPTY
    by_id = {"ExternalId": {"Issuer": "https://idp.example.com", "Id": "team"}}
    assert store.get_group_id(IdentityStoreId=STORE, AlternateIdentifier=by_id)["GroupId"] == TEAM
    gone = {"ExternalId": {"Issuer": "https://idp.example.com", "Id": "gone"}}
    assert code_of(store.get_group_id, IdentityStoreId=STORE, AlternateIdentifier=gone) == MISSING
    assert code_of(store.list_groups, IdentityStoreId=NO_STORE) == MISSING


def test_memberships(store):
    pages = store.get_paginator("list_group_memberships").paginate(IdentityStoreId=STORE, GroupId=TEAM)
    members = {row["MemberId"]["UserId"] for page in pages for row in page["GroupMemberships"]}
    assert members == {FIRST, SECOND}
    made = store.create_group_membership(IdentityStoreId=STORE, GroupId=EMPTY, MemberId={"UserId": FIRST})
    twice = code_of(
        store.create_group_membership, IdentityStoreId=STORE, GroupId=EMPTY, MemberId={"UserId": FIRST}
    )
    assert twice == "ConflictException"
    pages = store.get_paginator("list_group_memberships_for_member").paginate(
        IdentityStoreId=STORE, MemberId={"UserId": FIRST}
    )
    groups = {row["GroupId"] for page in pages for row in page["GroupMemberships"]}
    assert groups == {TEAM, EMPTY}
    store.delete_group_membership(IdentityStoreId=STORE, MembershipId=made["MembershipId"])
    again = code_of(store.delete_group_membership, IdentityStoreId=STORE, MembershipId=made["MembershipId"])
    assert again == MISSING
    results = store.is_member_in_groups(
        IdentityStoreId=STORE, MemberId={"UserId": FIRST}, GroupIds=[TEAM, EMPTY]
    )["Results"]
    assert [row["MembershipExists"] for row in results] == [True, False]
    assert code_of(store.list_group_memberships, IdentityStoreId=STORE, GroupId=NOBODY) == MISSING
    member = {"MemberId": {"UserId": NOBODY}}
    assert code_of(store.list_group_memberships_for_member, IdentityStoreId=STORE, **member) == MISSING
    assert code_of(
        store.is_member_in_groups, IdentityStoreId=NO_STORE, MemberId={"UserId": FIRST}, GroupIds=[TEAM]
    ) == MISSING


def test_what_is_deleted_stays_assigned(sso, store):
    store.delete_user(IdentityStoreId=STORE, UserId=FIRST)
    assert code_of(store.describe_user, IdentityStoreId=STORE, UserId=FIRST) == MISSING
    store.delete_group(IdentityStoreId=STORE, GroupId=TEAM)
    assert code_of(store.describe_group, IdentityStoreId=STORE, GroupId=TEAM) == MISSING
    rows = sso.list_account_assignments(InstanceArn=INSTANCE, AccountId=ONE, PermissionSetArn=BARE)
    assert [row["PrincipalId"] for row in rows["AccountAssignments"]] == [TEAM]
    assert code_of(store.delete_user, IdentityStoreId=NO_STORE, UserId=FIRST) == MISSING
    assert code_of(store.delete_group, IdentityStoreId=NO_STORE, GroupId=TEAM) == MISSING


def test_organizations(simulator, organizations):
    pages = organizations.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 2})
    accounts = {account["Id"]: account for page in pages for account in page["Accounts"]}
    assert len(accounts) == 5 and accounts[CLOSED]["Status"] == "SUSPENDED"
    assert organizations.describe_account(AccountId=ONE)["Account"]["Name"] == "one"
    unknown = code_of(organizations.describe_account, AccountId="999999999999")
    assert unknown == "AccountNotFoundException"
    organization = organizations.describe_organization()["Organization"]
    assert organization["MasterAccountId"] == MANAGEMENT
    limited = simulator.client("organizations", key="LIMITED")
    assert code_of(limited.list_accounts) == "AccessDeniedException"


def test_a_change_leaves_an_event(simulator, sso):
    simulator.post("/_sim/settings", "latency: {trail: 0s}")
    trail = simulator.client("cloudtrail")
    sso.create_account_assignment(**key())
    simulator.wait(1)
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "CreateAccountAssignment"}]
    (event,) = trail.lookup_events(LookupAttributes=by_name, MaxResults=50)["Events"]
    assert event["EventSource"] == "sso.amazonaws.com"
    assert json.loads(event["CloudTrailEvent"])["requestParameters"]["permissionSetArn"] == BARE
    simulator.wait(1)
    assert code_of(trail.lookup_events, NextToken="x") == "InvalidNextTokenException"


def test_rights(simulator, sso):
    delegate = simulator.client("sso-admin", key="DELEGATE")
    assert len(delegate.list_permission_sets(InstanceArn=INSTANCE)["PermissionSets"]) == 2
    to_management = key(MANAGEMENT, kind="GROUP", principal=TEAM)
    with pytest.raises(delegate.exceptions.AccessDeniedException) as caught:
        delegate.delete_account_assignment(**to_management)
    assert "explicit deny in a resource-based policy" in caught.value.response["Error"]["Message"]
    on = {"InstanceArn": INSTANCE, "PermissionSetArn": BARE}
    assert code_of(delegate.update_permission_set, **on) == "AccessDeniedException"
    assert sso.update_permission_set(**on)["ResponseMetadata"]["HTTPStatusCode"] == 200
    stranger = simulator.client("sso-admin", key="STRANGER")
    assert stranger.list_instances()["Instances"] == []
    assert code_of(stranger.describe_instance, InstanceArn=INSTANCE) == "AccessDeniedException"
    limited = simulator.client("sso-admin", key="LIMITED")
    assert code_of(limited.create_account_assignment, **key()) == "AccessDeniedException"


def test_an_assumed_role_calls_as_itself(simulator):
    sts = simulator.client("sts")
    assert sts.get_caller_identity()["Account"] == MANAGEMENT
    role = {"RoleArn": "arn:aws:iam::111111111111:role/rollback-operator", "RoleSessionName": "suite"}
    credentials = sts.assume_role(**role, ExternalId="contract")["Credentials"]
    assumed = simulator.client("sts", key=credentials["AccessKeyId"])
    assert assumed.get_caller_identity()["Arn"] == (
        "arn:aws:sts::111111111111:assumed-role/rollback-operator/suite"
    )
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        sts.assume_role(**role, ExternalId="wrong")
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
