//! What a person sees with kubectl.

use serde_json::json;

use super::{DIGEST, INSTANCE, PRINCIPAL, Place, SET, TIME, object};

/// The cells of the line that begins with this name, below the header.
fn table(text: &str, name: &str) -> (Vec<String>, String) {
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let line = lines.find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    (header, line)
}

#[test]
fn a_rollback_shows_where_it_is() {
    let place = Place::new();
    place.create(&object(
        "Rollback",
        "undo",
        json!({"operations": {"names": ["assign-2abdc948"]}}),
    ));
    let status = json!({"status": {
        "observedGeneration": 1, "phase": "Executing", "attempt": 1,
        "summary": "7 of 9 done", "operation": "assign-2abdc948", "operationType": "Assign",
        "progress": {"total": 9, "done": 7, "failed": 0, "skipped": 0, "inFlight": 2, "percent": 77,
            "display": "7/9", "shards": ["vvvvvvvrr"]},
        "plan": {"digest": DIGEST, "createdAt": TIME, "policy": "Always", "grade": "Exact",
            "actions": 9, "kept": 0, "blocked": 0, "shards": ["s"], "approvedBy": "jane",
            "estimate": {"seconds": 3.5, "calls": 20}},
        "conditions": [{"type": "Ready", "status": "False", "reason": "Executing", "message": "7 of 9 done",
            "observedGeneration": 1, "lastTransitionTime": "2026-11-23T20:50:39Z"}],
    }});
    let status = status.to_string();
    place
        .kubectl(
            &["patch", "rb", "undo", "--subresource=status", "--type=merge", "-p", &status],
            "",
        )
        .succeeded();

    let (header, line) = table(&place.kubectl(&["get", "rb"], "").succeeded().stdout, "undo");
    assert_eq!(header, ["NAME", "OPERATION", "TYPE", "PHASE", "DONE", "GRADE", "READY", "AGE"]);
    for cell in ["assign-2abdc948", "Assign", "Executing", "7/9", "Exact", "False"] {
        assert!(line.contains(cell), "{cell} in: {line}");
    }
    let (header, line) =
        table(&place.kubectl(&["get", "rb", "-o", "wide"], "").succeeded().stdout, "undo");
    assert_eq!(header[8..], ["REASON", "APPROVER", "PLAN", "MESSAGE"]);
    for cell in ["jane", DIGEST, "7 of 9 done"] {
        assert!(line.contains(cell), "{cell} in: {line}");
    }
}

#[test]
fn short_names_and_the_category_find_every_kind() {
    let place = Place::new();
    place.create(&object("Rollback", "one", json!({"operations": {"names": ["a"]}})));
    place.create(&object(
        "OperationRecord",
        "two",
        json!({
            "instance": "main", "type": "Assign", "occurredAt": TIME, "actor": "john",
            "source": {"tool": "awsideman", "id": "x"},
            "changes": [{"effect": "Granted", "principal": {"type": "USER", "id": PRINCIPAL},
                "permissionSet": SET, "accounts": ["061836611202"]}],
        }),
    ));
    place.create(&object(
        "RollbackPlan",
        "three",
        json!({
            "rollback": "one", "rollbackUid": PRINCIPAL, "instanceArn": INSTANCE, "attempt": 1,
            "digest": DIGEST, "shard": 0, "items": [],
        }),
    ));
    let instance = format!("instance-of-{}", place.namespace);
    place.create(&object(
        "IdentityCenterInstance",
        &instance,
        json!({"instanceArn": INSTANCE, "region": "eu-central-1"}),
    ));
    let all = place.kubectl(&["get", "identitycenter", "-o", "name"], "").succeeded().stdout;
    for name in [
        "rollback.identitycenter.dev/one",
        "operationrecord.identitycenter.dev/two",
        "rollbackplan.identitycenter.dev/three",
        &format!("identitycenterinstance.identitycenter.dev/{instance}"),
    ] {
        assert!(all.lines().any(|line| line == name), "{name} in: {all}");
    }
    for (short, columns) in [
        ("rb", &["NAME", "OPERATION"][..]),
        ("oprec", &["NAME", "TYPE", "OCCURRED", "ACTOR", "ROLLED-BACK", "AGE"]),
        ("rbp", &["NAME", "ROLLBACK", "ATTEMPT", "SHARD", "AGE"]),
        ("idc", &["NAME", "REGION", "READY", "IN-FLIGHT", "SLOTS", "AGE"]),
    ] {
        let (header, _) = table(&place.kubectl(&["get", short], "").succeeded().stdout, "");
        assert_eq!(header[..columns.len()], *columns, "{short}");
    }
}

#[test]
fn explain_tells_what_a_field_is_for() {
    let place = Place::new();
    for (field, texts) in [
        (
            "rollback.spec.operations",
            &["Which operations to undo", "names\t<[]string>", "OperationRecords"][..],
        ),
        ("rollback.spec", &["onDrift", "enum: Skip, Fail", "-required-", "Prevents"][..3]),
        ("rollback.status.progress.shards", &["The journal"]),
        ("oprec.spec.changes.before", &["What was there before"]),
        ("idc.spec.policy.approval", &["Whose approval a plan needs"]),
        ("rbp.spec.items", &["The items, in the order of execution"]),
    ] {
        let text = place.kubectl(&["explain", field], "").succeeded().stdout;
        // kubectl breaks lines as it likes.
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in texts {
            let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(&part), "{field}: '{part}' in:\n{text}");
        }
    }
}
