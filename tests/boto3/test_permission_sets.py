"""Permission sets: life, content, tags, provisioning."""

import pytest
from conftest import BARE, GONE, INSTANCE, MANAGEMENT, ONE, READ, TWO, code_of

ON_READ = {"InstanceArn": INSTANCE, "PermissionSetArn": READ}
ON_BARE = {"InstanceArn": INSTANCE, "PermissionSetArn": BARE}
ON_GONE = {"InstanceArn": INSTANCE, "PermissionSetArn": GONE}
MISSING = "ResourceNotFoundException"


def test_list_and_describe(sso):
    pages = sso.get_paginator("list_permission_sets").paginate(
        InstanceArn=INSTANCE, PaginationConfig={"PageSize": 1}
    )
    assert [arn for page in pages for arn in page["PermissionSets"]] == [READ, BARE]
    read = sso.describe_permission_set(**ON_READ)["PermissionSet"]
    assert (read["Name"], read["SessionDuration"]) == ("Read", "PT4H")
    bare = sso.describe_permission_set(**ON_BARE)["PermissionSet"]
    assert bare["SessionDuration"] == "PT1H" and "RelayState" not in bare and "Description" not in bare
    assert code_of(sso.describe_permission_set, **ON_GONE) == MISSING
    assert code_of(sso.list_permission_sets, InstanceArn=INSTANCE.replace("0", "9")) == MISSING


def test_create_update_delete(sso):
    made = sso.create_permission_set(
        InstanceArn=INSTANCE, Name="New", Description="d", RelayState="https://a",
        SessionDuration="PT2H", Tags=[{"Key": "k", "Value": ""}],
    )["PermissionSet"]
    on_made = {"InstanceArn": INSTANCE, "PermissionSetArn": made["PermissionSetArn"]}
    assert sso.update_permission_set(**on_made, Description="e").get("PermissionSet") is None
    after = sso.describe_permission_set(**on_made)["PermissionSet"]
    assert (after["Description"], after["SessionDuration"]) == ("e", "PT2H")
    assert "RelayState" not in after
    sso.delete_permission_set(**on_made)
    assert code_of(sso.delete_permission_set, **on_made) == MISSING
    assert code_of(sso.update_permission_set, **ON_GONE) == MISSING
    with pytest.raises(sso.exceptions.ConflictException) as caught:
        sso.create_permission_set(InstanceArn=INSTANCE, Name="Read")
    assert caught.value.response["Error"]["Message"] == "PermissionSet with name Read already exists"
    assert code_of(sso.create_permission_set, InstanceArn=INSTANCE, Name="a b") == "ValidationException"
    with pytest.raises(sso.exceptions.ConflictException) as caught:
        sso.delete_permission_set(**ON_READ)
    assert "ApplicationProfile" in caught.value.response["Error"]["Message"]


def test_quotas_are_errors_of_their_own(simulator, sso):
    simulator.post("/_sim/settings", "limits: {permissionSets: 2, managedPolicies: 0}")
    with pytest.raises(sso.exceptions.ServiceQuotaExceededException):
        sso.create_permission_set(InstanceArn=INSTANCE, Name="Third")
    with pytest.raises(sso.exceptions.ServiceQuotaExceededException):
        sso.attach_managed_policy_to_permission_set(**ON_BARE, ManagedPolicyArn="arn:aws:iam::aws:policy/X")


def test_managed_policies(sso):
    policies = sso.get_paginator("list_managed_policies_in_permission_set").paginate(**ON_READ)
    names = {policy["Name"] for page in policies for policy in page["AttachedManagedPolicies"]}
    assert names == {"ReadOnlyAccess", "Billing"}
    policy = {"ManagedPolicyArn": "arn:aws:iam::aws:policy/job-function/Billing"}
    sso.detach_managed_policy_from_permission_set(**ON_READ, **policy)
    assert code_of(sso.detach_managed_policy_from_permission_set, **ON_READ, **policy) == MISSING
    sso.attach_managed_policy_to_permission_set(**ON_READ, **policy)
    twice = code_of(sso.attach_managed_policy_to_permission_set, **ON_READ, **policy)
    assert twice == "ConflictException"
    assert code_of(sso.list_managed_policies_in_permission_set, **ON_GONE) == MISSING
    wrong = {"ManagedPolicyArn": "arn:aws:iam::111111111111:policy/Own"}
    assert code_of(sso.attach_managed_policy_to_permission_set, **ON_READ, **wrong) == "ValidationException"


def test_customer_managed_policies(sso):
    pages = sso.get_paginator("list_customer_managed_policy_references_in_permission_set").paginate(**ON_READ)
    references = [row for page in pages for row in page["CustomerManagedPolicyReferences"]]
    assert {"Name": "Deep", "Path": "/a/b/"} in references and len(references) == 2
    deep = {"CustomerManagedPolicyReference": {"Name": "Deep", "Path": "/a/b/"}}
    sso.detach_customer_managed_policy_reference_from_permission_set(**ON_READ, **deep)
    detach = sso.detach_customer_managed_policy_reference_from_permission_set
    assert code_of(detach, **ON_READ, **deep) == MISSING
    sso.attach_customer_managed_policy_reference_to_permission_set(**ON_READ, **deep)
    attach = sso.attach_customer_managed_policy_reference_to_permission_set
    assert code_of(attach, **ON_READ, **deep) == "ConflictException"
    assert code_of(sso.list_customer_managed_policy_references_in_permission_set, **ON_GONE) == MISSING


def test_inline_policy(sso):
    assert sso.get_inline_policy_for_permission_set(**ON_BARE)["InlinePolicy"] == ""
    document = '{"Version": "2012-10-17", "Statement": []}'
    sso.put_inline_policy_to_permission_set(**ON_BARE, InlinePolicy=document)
    assert sso.get_inline_policy_for_permission_set(**ON_BARE)["InlinePolicy"] == document
    sso.delete_inline_policy_from_permission_set(**ON_BARE)
    assert sso.get_inline_policy_for_permission_set(**ON_BARE)["InlinePolicy"] == ""
    put = sso.put_inline_policy_to_permission_set
    assert code_of(put, **ON_BARE, InlinePolicy="allow all") == "ValidationException"
    assert code_of(sso.get_inline_policy_for_permission_set, **ON_GONE) == MISSING
    assert code_of(sso.delete_inline_policy_from_permission_set, **ON_GONE) == MISSING


def test_permissions_boundary(sso):
    read = sso.get_permissions_boundary_for_permission_set(**ON_READ)["PermissionsBoundary"]
    assert read == {"ManagedPolicyArn": "arn:aws:iam::aws:policy/PowerUserAccess"}
    own = {"CustomerManagedPolicyReference": {"Name": "Guard", "Path": "/"}}
    sso.put_permissions_boundary_to_permission_set(**ON_READ, PermissionsBoundary=own)
    assert sso.get_permissions_boundary_for_permission_set(**ON_READ)["PermissionsBoundary"] == own
    sso.delete_permissions_boundary_from_permission_set(**ON_READ)
    assert code_of(sso.get_permissions_boundary_for_permission_set, **ON_READ) == MISSING
    assert code_of(sso.delete_permissions_boundary_from_permission_set, **ON_GONE) == MISSING
    put = sso.put_permissions_boundary_to_permission_set
    assert code_of(put, **ON_READ, PermissionsBoundary={}) == "ValidationException"


def test_tags(sso):
    on = {"ResourceArn": READ}
    sso.tag_resource(InstanceArn=INSTANCE, **on, Tags=[{"Key": "cost", "Value": "1"}])
    sso.untag_resource(**on, TagKeys=["team"])
    pages = sso.get_paginator("list_tags_for_resource").paginate(**on)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    assert tags == {"stage": "test", "cost": "1"}
    assert code_of(sso.list_tags_for_resource, ResourceArn=GONE) == MISSING
    assert code_of(sso.tag_resource, ResourceArn=GONE, Tags=[]) == MISSING
    assert code_of(sso.untag_resource, ResourceArn=GONE, TagKeys=["a"]) == MISSING


def test_provisioning(simulator, sso):
    sso.put_inline_policy_to_permission_set(**ON_BARE, InlinePolicy="{}")
    outdated = {"ProvisioningStatus": "LATEST_PERMISSION_SET_NOT_PROVISIONED"}
    pages = sso.get_paginator("list_accounts_for_provisioned_permission_set").paginate(**ON_BARE, **outdated)
    assert [account for page in pages for account in page["AccountIds"]] == [MANAGEMENT, ONE, TWO]
    begun = sso.provision_permission_set(**ON_BARE, TargetType="AWS_ACCOUNT", TargetId=ONE)
    request_id = begun["PermissionSetProvisioningStatus"]["RequestId"]
    again = code_of(sso.provision_permission_set, **ON_BARE, TargetType="ALL_PROVISIONED_ACCOUNTS")
    assert again == "ConflictException"
    simulator.wait(11)
    status = sso.describe_permission_set_provisioning_status(
        InstanceArn=INSTANCE, ProvisionPermissionSetRequestId=request_id
    )["PermissionSetProvisioningStatus"]
    assert (status["Status"], status["AccountId"]) == ("SUCCEEDED", ONE)
    pages = sso.get_paginator("list_permission_set_provisioning_status").paginate(
        InstanceArn=INSTANCE, Filter={"Status": "SUCCEEDED"}
    )
    rows = [row for page in pages for row in page["PermissionSetsProvisioningStatus"]]
    assert [row["RequestId"] for row in rows] == [request_id]
    everywhere = sso.provision_permission_set(**ON_BARE, TargetType="ALL_PROVISIONED_ACCOUNTS")
    assert "AccountId" not in everywhere["PermissionSetProvisioningStatus"]
    simulator.wait(11)
    assert sso.list_accounts_for_provisioned_permission_set(**ON_BARE, **outdated)["AccountIds"] == []
    pages = sso.get_paginator("list_permission_sets_provisioned_to_account").paginate(
        InstanceArn=INSTANCE, AccountId=ONE, PaginationConfig={"PageSize": 1}
    )
    assert [arn for page in pages for arn in page["PermissionSets"]] == [READ, BARE]


def test_provisioning_errors(sso):
    to_account = {"TargetType": "AWS_ACCOUNT"}
    assert code_of(sso.provision_permission_set, **ON_READ, **to_account) == "ValidationException"
    assert code_of(sso.provision_permission_set, **ON_GONE, **to_account, TargetId=ONE) == MISSING
    assert code_of(sso.list_accounts_for_provisioned_permission_set, **ON_GONE) == MISSING
    unknown = "00000000-0000-4000-8000-000000000000"
    describe = sso.describe_permission_set_provisioning_status
    assert code_of(describe, InstanceArn=INSTANCE, ProvisionPermissionSetRequestId=unknown) == MISSING
    other = INSTANCE.replace("0123", "9999")
    assert code_of(sso.list_permission_set_provisioning_status, InstanceArn=other) == MISSING
    in_account = sso.list_permission_sets_provisioned_to_account
    assert code_of(in_account, InstanceArn=other, AccountId=ONE) == MISSING
