"""An incident: a build agent changes access of all kinds, in the midst of what people do.

incident.py SIMULATOR DIRECTORY  changes the simulator's world and writes into the directory
  records.json   an OperationRecord of each of the operations
  window         when the incident began and ended
  expected.json  the state as if the agent had done nothing then: a plain replay of the others
"""

import copy
import json
import pathlib
import random
import sys
import urllib.request
from datetime import datetime, timedelta, timezone

simulator, directory = sys.argv[1], pathlib.Path(sys.argv[2])
draw = random.Random(7)


def ask(path, body=None, target=None):
    headers = {"content-type": "application/x-amz-json-1.1" if target else "application/json"}
    if target:
        headers["x-amz-target"] = f"SWBExternalService.{target}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(simulator + path, data, headers)
    return urllib.request.urlopen(request, timeout=10).read()


state = json.loads(ask("/_sim/state?view=access&format=json"))
instance = state["instances"][0]
arns = {it["name"]: it["arn"] for it in instance["permissionSets"]}
people = {("USER", it["userName"]): it["id"] for it in instance["users"]}
people |= {("GROUP", it["displayName"]): it["id"] for it in instance["groups"]}
principals = [("USER", "john.doe"), ("USER", "jane.smith"), ("GROUP", "DevTeam"), ("GROUP", "Auditors")]
accounts = [account["id"] for account in state["accounts"] if account["name"] != "management"]
content = {"description": "Look, but change nothing", "sessionDuration": "PT4H",
           "managedPolicies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}
# A key: permission set, principal, account.
start = {(row["permissionSet"], ("USER", row["user"]) if row.get("user") else ("GROUP", row["group"]), account)
         for row in instance["assignments"] for account in row["accounts"]}


def clone(name):
    made = json.loads(ask("/", {"InstanceArn": instance["arn"], "Name": name, "Description": content["description"],
                                "SessionDuration": content["sessionDuration"]}, "CreatePermissionSet"))
    arns[name] = made["PermissionSet"]["PermissionSetArn"]
    for policy in content["managedPolicies"]:
        ask("/", {"InstanceArn": instance["arn"], "PermissionSetArn": arns[name], "ManagedPolicyArn": policy},
            "AttachManagedPolicyToPermissionSet")


def apply(operation, held):
    (held.difference_update if operation["type"] == "Revoke" else held.update)(operation["keys"])


def record(number, operation):
    changes = []
    for key in operation["keys"]:
        permission_set, (kind, name), account = key
        changes.append({
            "effect": "Revoked" if operation["type"] == "Revoke" else "Granted",
            "permissionSet": arns[permission_set], "permissionSetName": permission_set,
            "principal": {"type": kind, "id": people[kind, name], "name": name}, "accounts": [account],
            "before": "Present" if key in operation["there"] else "Absent",
        })
    spec = {"instance": "demo", "type": operation["type"], "actor": operation["actor"],
            "occurredAt": operation["at"], "source": {"tool": "demo", "id": str(number)}, "changes": changes}
    if operation["clone"]:
        spec["createdPermissionSet"] = {"arn": arns[operation["clone"]], "name": operation["clone"],
                                        "source": arns["ReadOnlyAccess"], "content": content}
    return {"apiVersion": "identitycenter.dev/v1alpha1", "kind": "OperationRecord",
            "metadata": {"name": f"incident-{number:02}"}, "spec": spec}


kinds = ["Assign", "Revoke", "Assign", "CopyAssignments", "Revoke",
         "Assign", "ClonePermissionSet", "Assign", "CopyAssignments", "Revoke"]
began = datetime.now(timezone.utc)
held, operations, clones = set(start), [], []
for number in range(80):
    incident = 10 <= number < 70 and number % 3 < 2
    done = sum(it["incident"] for it in operations)
    kind = kinds[done % len(kinds)] if incident else draw.choice(["Assign", "Revoke"])
    # Nobody else uses the agent's clones, so that they can be deleted.
    permission_set = draw.choice(["ReadOnlyAccess", "Billing"] + (clones if incident else []))
    principal, first = draw.choice(principals), draw.randrange(len(accounts) - 2)
    keys = [(permission_set, principal, account) for account in accounts[first:first + 3]]
    if kind == "CopyAssignments":
        source = draw.choice(principals)
        copied = [it for it in sorted(held) if it[1] == source and it[0] != "AdminAccess"]
        keys = [(it[0], principal, it[2]) for it in draw.sample(copied, min(5, len(copied)))] or keys
    name = f"Emergency-{number}" if kind == "ClonePermissionSet" else None
    if name:
        clone(name)
        clones.append(name)
        keys = []
    at = (began + timedelta(milliseconds=20 * number)).isoformat().replace("+00:00", "Z")
    actor = "build-agent" if incident or number % 3 == 0 else draw.choice(["identity-team", "platform-team"])
    operation = {"type": kind, "actor": actor, "incident": incident, "keys": keys, "clone": name, "at": at,
                 "there": {key for key in keys if key in held}}
    apply(operation, held)
    operations.append(operation)


def rows(keys):
    return [{"permissionSet": permission_set, kind.lower(): name, "accounts": [account]}
            for permission_set, (kind, name), account in sorted(keys)]


ask("/_sim/changes", {"grant": rows(held - start), "revoke": rows(start - held)})
expected = copy.deepcopy(state)
as_if = set(start)
for operation in operations:
    if not operation["incident"]:
        apply(operation, as_if)
expected["instances"][0]["assignments"] = rows(as_if)
items = [record(number, operation) for number, operation in enumerate(operations)]
window = [it["at"] for it in operations if it["incident"]]
(directory / "records.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
(directory / "window").write_text(f"{window[0]} {window[-1]}\n")
(directory / "expected.json").write_text(json.dumps(expected))
