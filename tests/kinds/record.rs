//! `OperationRecord` and `RollbackPlan`.

use serde_json::{Value, json};

use super::{DIGEST, INSTANCE, PRINCIPAL, Place, SET, TIME, object, with};

fn change() -> Value {
    json!({
        "effect": "Granted",
        "principal": {"type": "USER", "id": PRINCIPAL, "name": "john.doe"},
        "permissionSet": SET,
        "accounts": ["061836611202"],
    })
}

fn assign() -> Value {
    json!({
        "instance": "main",
        "type": "Assign",
        "occurredAt": TIME,
        "source": {"tool": "awsideman", "id": "2abdc948-e85d-486a-8d50-37afbf1855ff"},
        "changes": [change()],
    })
}

fn clone() -> Value {
    with(
        &assign(),
        json!({
            "type": "ClonePermissionSet",
            "changes": null,
            "createdPermissionSet": {"arn": SET, "name": "ReadOnlyClone", "contentDigest": DIGEST,
                "content": {"inlinePolicy": "{}", "managedPolicies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}},
        }),
    )
}

fn ledger() -> Value {
    with(
        &assign(),
        json!({
            "type": "Rollback",
            "changes": null,
            "source": {"tool": "rollback-operator", "id": "x"},
            "rollback": {
                "by": {"namespace": "access", "name": "undo", "uid": PRINCIPAL},
                "attempt": 1, "outcome": "Succeeded", "digest": DIGEST, "finishedAt": TIME,
                "undone": [{"name": "assign-2abdc948", "digest": DIGEST, "source": {"tool": "awsideman", "id": "y"}}],
            },
        }),
    )
}

#[test]
fn each_type_of_record_is_taken() {
    let place = Place::new();
    for (name, spec) in [
        ("assign", assign()),
        ("revoke", with(&assign(), json!({"type": "Revoke"}))),
        ("copy", with(&assign(), json!({"type": "CopyAssignments"}))),
        ("clone", clone()),
        ("ledger", ledger()),
    ] {
        let created = place.create(&object("OperationRecord", name, spec));
        assert_eq!(created["spec"]["occurredAtPrecision"], json!("Microsecond"), "{name}");
    }
    let created = place.control_plane.get(&["oprec", "assign", "--namespace", &place.namespace]);
    assert_eq!(created["spec"]["changes"][0]["before"], json!("Unknown"));
    assert_eq!(created["spec"]["occurredAt"], json!(TIME), "nothing is rounded");
    let found =
        place.kubectl(&["get", "oprec", "-o", "name", "--field-selector", "spec.type=Revoke"], "");
    assert_eq!(found.succeeded().stdout, "operationrecord.identitycenter.dev/revoke\n");
}

#[test]
fn a_record_cannot_be_changed() {
    let place = Place::new();
    place.create(&object("OperationRecord", "assign", assign()));
    let because =
        "an OperationRecord cannot be changed: it is the account of something that happened";
    for changes in [
        json!({"reason": "late"}),
        json!({"instance": "other"}),
        json!({"changes": [with(&change(), json!({"accounts": ["061836611203"]}))]}),
        json!({"changes": [with(&change(), json!({"before": "Absent"}))]}),
    ] {
        place
            .try_replace(&object("OperationRecord", "assign", with(&assign(), changes)))
            .refused(because);
    }
    // Importing twice changes nothing, and labels are free.
    place.try_replace(&object("OperationRecord", "assign", assign())).succeeded();
    place.kubectl(&["label", "oprec", "assign", "team=payments"], "").succeeded();
}

#[test]
fn members_that_do_not_fit_the_type_are_refused() {
    let place = Place::new();
    for (spec, because) in [
        (
            with(&ledger(), json!({"rollback": null})),
            "rollback is set exactly in records of type Rollback",
        ),
        (
            with(&ledger(), json!({"type": "Assign", "changes": [change()]})),
            "rollback is set exactly in records",
        ),
        (
            with(&clone(), json!({"createdPermissionSet": null})),
            "a ClonePermissionSet record names createdPermissionSet",
        ),
        (
            with(&clone(), json!({"type": "Assign", "changes": [change()]})),
            "createdPermissionSet belongs to ClonePermissionSet only",
        ),
        (
            with(&assign(), json!({"changes": []})),
            "a record of this type names at least one change",
        ),
        (
            with(&assign(), json!({"changes": null})),
            "a record of this type names at least one change",
        ),
        (with(&assign(), json!({"type": "Revoke", "changes": []})), "names at least one change"),
        (
            with(&assign(), json!({"type": "CopyAssignments", "changes": []})),
            "names at least one change",
        ),
        (
            with(&assign(), json!({"type": "Delete"})),
            "supported values: \"Assign\", \"Revoke\", \"CopyAssignments\"",
        ),
        (with(&assign(), json!({"source": null})), "spec.source: Required value"),
        (
            with(&assign(), json!({"source": {"tool": ""}})),
            "spec.source.tool in body should be at least 1 chars long",
        ),
        (
            with(&assign(), json!({"occurredAt": "yesterday"})),
            "spec.occurredAt in body must be of type date-time",
        ),
        (
            with(&assign(), json!({"startedAt": "2999-01-01T00:00:00Z"})),
            "startedAt is not later than occurredAt",
        ),
        (
            with(&assign(), json!({"startedAt": "yesterday"})),
            "spec.startedAt in body must be of type date-time",
        ),
        (
            with(&assign(), json!({"instance": ""})),
            "spec.instance in body should be at least 1 chars long",
        ),
    ] {
        place.try_create(&object("OperationRecord", "bad", spec)).refused(because);
    }
}

#[test]
fn ids_and_arns_must_fit_and_any_partition_may() {
    let place = Place::new();
    let record = |changes| with(&assign(), json!({"changes": [with(&change(), changes)]}));
    for partition in ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"] {
        let set = SET.replace("arn:aws:", &format!("arn:{partition}:"));
        place
            .try_create(&object("OperationRecord", "good", record(json!({"permissionSet": set}))))
            .succeeded();
    }
    for id in [PRINCIPAL, "926703446b-0f791059-3b41-4313-86da-59fa2cf217a7"] {
        let spec = record(json!({"principal": {"type": "GROUP", "id": id}}));
        place.try_create(&object("OperationRecord", "good", spec)).succeeded();
    }
    for (changes, because) in [
        (json!({"accounts": ["61836611202"]}), "changes[0].accounts[0] in body should match"),
        (json!({"accounts": ["0618366112021"]}), "accounts[0]"),
        (json!({"accounts": ["06183661120a"]}), "accounts[0] in body should match"),
        (json!({"accounts": ["061836611202\n"]}), "accounts[0]"),
        (json!({"accounts": []}), "should have at least 1 items"),
        (json!({"accounts": null}), "changes[0].accounts: Required value"),
        (json!({"permissionSet": INSTANCE}), "changes[0].permissionSet in body should match"),
        (
            json!({"permissionSet": SET.replace("aws", "azure")}),
            "permissionSet in body should match",
        ),
        (json!({"permissionSet": format!("{SET}x")}), "permissionSet in body should match"),
        (json!({"permissionSet": "ReadOnlyAccess"}), "permissionSet in body should match"),
        (json!({"principal": {"id": "john.doe"}}), "changes[0].principal.id in body should match"),
        (json!({"principal": {"type": "ROLE"}}), "supported values: \"USER\", \"GROUP\""),
        (json!({"effect": "Changed"}), "supported values: \"Granted\", \"Revoked\""),
        (json!({"before": "Maybe"}), "supported values: \"Absent\", \"Present\", \"Unknown\""),
        (json!({"requestId": "1"}), "changes[0].requestId in body should match"),
    ] {
        place.try_create(&object("OperationRecord", "bad", record(changes))).refused(because);
    }
}

#[test]
fn a_record_of_the_largest_organisation_fits() {
    let place = Place::new();
    let accounts = |count: u64| {
        (0..count).map(|n| format!("{:012}", 100_000_000_000 + n * 97)).collect::<Vec<_>>()
    };
    let record = |count| {
        with(&assign(), json!({"changes": [with(&change(), json!({"accounts": accounts(count)}))]}))
    };
    let large = object("OperationRecord", "large", record(7000));
    let size = large.to_string().len();
    assert!(size < 120_000, "{size} bytes");
    place.create(&large);
    // The rule of immutability costs more on a large object than on a small one.
    place.try_replace(&large).succeeded();
    place
        .try_create(&object("OperationRecord", "over", record(10_001)))
        .refused("must have at most 10000 items");
}

#[test]
fn a_plan_cannot_be_changed_but_for_its_status() {
    let place = Place::new();
    let item = json!({
        "disposition": "Act", "action": "DeleteAssignment", "account": "061836611202",
        "principal": {"type": "USER", "id": PRINCIPAL}, "permissionSet": SET,
        "live": "Present", "grade": "Exact",
    });
    let items = |count| std::iter::repeat_n(item.clone(), count).collect::<Vec<_>>();
    let spec = json!({
        "rollback": "undo", "rollbackUid": PRINCIPAL, "instanceArn": INSTANCE, "attempt": 1,
        "digest": DIGEST, "shard": 0, "items": items(1000),
    });
    place.create(&object("RollbackPlan", "shard", spec.clone()));
    let because = "a plan cannot be changed: what is executed is what was approved";
    for changes in [json!({"items": items(999)}), json!({"attempt": 2}), json!({"items": []})] {
        place.try_replace(&object("RollbackPlan", "shard", with(&spec, changes))).refused(because);
    }
    place
        .try_create(&object("RollbackPlan", "over", with(&spec, json!({"items": items(1001)}))))
        .refused("must have at most 1000 items");
    let status = json!({"status": {"actions": [{"item": 0, "attempts": 1, "requestId": PRINCIPAL, "requestedAt": TIME}]}});
    let status = status.to_string();
    place
        .kubectl(
            &["patch", "rbp", "shard", "--subresource=status", "--type=merge", "-p", &status],
            "",
        )
        .succeeded();
}
