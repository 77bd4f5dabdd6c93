"""Turns the simulator's state (JSON on standard input) into sorted lines that can be compared."""

import json
import sys

state = json.load(sys.stdin)
names = {account["id"]: account["name"] for account in state["accounts"]}
lines = set()
for instance in state["instances"]:
    for a in instance["permissionSets"]:
        policies = " ".join(a.get("managedPolicies", []))
        lines.add(f"permission set {a['name']:15} {a.get('sessionDuration', '-'):5} {policies}".rstrip())
    for a in instance["assignments"]:
        principal = f"USER {a['user']}" if a.get("user") else f"GROUP {a['group']}"
        for account in a["accounts"]:
            lines.add(f"assignment     {a['permissionSet']:15} {principal:21} {names.get(account, account)}")
print("\n".join(sorted(lines)))
