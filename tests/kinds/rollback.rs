//! `Rollback`.

use serde_json::{Value, json};

use super::{DIGEST, Place, object, with};

fn spec() -> Value {
    json!({"operations": {"names": ["assign-2abdc948"]}})
}

#[test]
fn the_shortest_spec_is_taken_with_defaults_and_an_unobserved_status() {
    let place = Place::new();
    let created = place.create(&object("Rollback", "shortest", spec()));
    assert_eq!(
        created["spec"],
        json!({
            "operations": {"names": ["assign-2abdc948"]},
            "mode": "Apply",
            "onDrift": "Skip",
            "onFailure": "Continue",
            "priority": "Normal",
            "suspend": false,
            "cancel": false,
            "attempt": 1,
        })
    );
    assert_eq!(
        created["status"],
        json!({"observedGeneration": -1, "phase": "Pending", "attempt": 0})
    );
    let full = with(
        &spec(),
        json!({
            "mode": "PlanOnly", "onDrift": "Fail", "onFailure": "Stop", "priority": "Emergency",
            "approval": {"plan": DIGEST, "reject": false},
            "notBefore": "2026-11-24T00:00:00Z", "deadline": "2026-11-25T00:00:00.5+01:00",
            "suspend": true, "cancel": false, "attempt": 2,
            "verification": {"settle": "1m30s"}, "reason": "a mistake", "ticket": "OPS-1",
        }),
    );
    place.create(&object("Rollback", "full", full));
    let select = json!({"operations": {"select": {
        "instance": "main", "labels": "team in (a, b),!done", "types": ["Assign", "Rollback"],
        "actor": "someone", "principal": "0f791059-3b41-4313-86da-59fa2cf217a7",
        "permissionSet": "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j",
        "accounts": ["061836611202"], "from": "2026-11-24T00:00:00Z",
        "to": "2026-11-24T02:00:00.5+01:00", "last": 1000,
    }}});
    place.create(&object("Rollback", "selecting", select));
}

#[test]
fn bad_specs_are_refused_with_what_to_do() {
    let place = Place::new();
    for (changes, because) in [
        (json!({"operations": null}), "spec.operations: Required value"),
        (json!({"operations": {"names": null}}), "operations says nothing to undo"),
        (json!({"operations": {"names": []}}), "operations says nothing to undo"),
        (json!({"operations": {"names": [""]}}), "should be at least 1 chars long"),
        (
            json!({"operations": {"names": vec!["a"; 1001]}}),
            "Too many: 1001: must have at most 1000 items",
        ),
        (
            json!({"operations": {"select": {"actor": "someone"}, "names": ["a"]}}),
            "operations takes either names or select, not both",
        ),
        (json!({"operations": {"names": null, "select": {}}}), "select needs a criterion"),
        (
            json!({"operations": {"names": null, "select": {"types": [], "accounts": []}}}),
            "select needs a criterion",
        ),
        (
            json!({"operations": {"names": null, "select": {"instance": "main"}}}),
            "select needs a criterion",
        ),
        (
            json!({"operations": {"names": null, "select": {"labels": " "}}}),
            "select.labels in body should match",
        ),
        (
            json!({"operations": {"names": null, "select": {"actor": ""}}}),
            "select.actor in body should match",
        ),
        (
            json!({"operations": {"names": null, "select": {"last": 0}}}),
            "select.last in body should be greater than or equal to 1",
        ),
        (
            json!({"operations": {"names": null, "select": {"last": 1001}}}),
            "select.last in body should be less than or equal to 1000",
        ),
        (
            json!({"operations": {"names": null, "select": {"types": ["Grant"]}}}),
            "Unsupported value: \"Grant\"",
        ),
        (
            json!({"operations": {"names": null, "select": {
                "from": "2026-11-24T00:00:01Z", "to": "2026-11-24T01:00:00+01:00",
            }}}),
            "select.from is after select.to",
        ),
        (
            json!({"mode": "Try"}),
            "Unsupported value: \"Try\": supported values: \"Apply\", \"PlanOnly\"",
        ),
        (json!({"onDrift": "Ask"}), "supported values: \"Skip\", \"Fail\""),
        (json!({"onFailure": "Ask"}), "supported values: \"Continue\", \"Stop\""),
        (json!({"priority": "High"}), "supported values: \"Normal\", \"Emergency\""),
        (json!({"approval": {"plan": "sha256:12"}}), "spec.approval.plan in body should match"),
        (json!({"ttlAfterFinished": "a day"}), "spec.ttlAfterFinished in body should match"),
        (json!({"attempt": 0}), "spec.attempt in body should be greater than or equal to 1"),
        (json!({"notBefore": "tomorrow"}), "spec.notBefore in body must be of type date-time"),
        (json!({"deadline": "24h"}), "spec.deadline in body must be of type date-time"),
        (
            json!({"verification": {"settle": "soon"}}),
            "spec.verification.settle in body should match",
        ),
        (
            json!({"verification": {"settle": "30m2h"}}),
            "spec.verification.settle in body should match",
        ),
        (
            json!({"verification": {"settle": "1h1h"}}),
            "spec.verification.settle in body should match",
        ),
        (
            json!({"verification": {"settle": "1000000h"}}),
            "spec.verification.settle in body should match",
        ),
        (
            json!({"verification": {"settle": ""}}),
            "spec.verification.settle in body should be at least 2 chars long",
        ),
        (json!({"ticket": "T".repeat(257)}), "Too long: may not be more than 256"),
        (json!({"operation": "assign-2abdc948"}), "unknown field \"spec.operation\""),
    ] {
        let spec = with(&spec(), changes);
        place.try_create(&object("Rollback", "bad", spec)).refused(because);
    }
}

#[test]
fn only_what_steers_a_running_undo_may_be_changed() {
    let place = Place::new();
    let base = with(
        &spec(),
        json!({"verification": {"settle": "2s"}, "reason": "a mistake", "ticket": "OPS-1"}),
    );
    place.create(&object("Rollback", "running", base.clone()));
    for changes in [
        json!({"approval": {"plan": DIGEST}}),
        json!({"approval": {"reject": true}}),
        json!({"suspend": true}),
        json!({"cancel": true}),
        json!({"attempt": 2}),
        json!({"priority": "Emergency"}),
        json!({"notBefore": "2026-11-24T00:00:00Z"}),
        json!({"deadline": "2026-11-24T00:00:00Z"}),
        json!({"ttlAfterFinished": "24h"}),
    ] {
        place.try_replace(&object("Rollback", "running", with(&base, changes))).succeeded();
    }
    for (changes, because) in [
        (
            json!({"operations": {"names": ["another"]}}),
            "operations cannot be changed: create another Rollback",
        ),
        (
            json!({"operations": {"names": ["assign-2abdc948", "b"]}}),
            "operations cannot be changed",
        ),
        (json!({"onDrift": "Fail"}), "onDrift cannot be changed: create another Rollback"),
        (json!({"onFailure": "Stop"}), "onFailure cannot be changed: create another Rollback"),
        (json!({"mode": "PlanOnly"}), "mode can only be changed from PlanOnly to Apply"),
        (json!({"verification": {"settle": "9s"}}), "verification cannot be changed"),
        (json!({"verification": null}), "verification cannot be changed"),
        (json!({"reason": "another"}), "reason cannot be changed: it is part of the account"),
        (json!({"reason": null}), "reason cannot be changed"),
        (json!({"ticket": "OPS-2"}), "ticket cannot be changed: it is part of the account"),
        (json!({"ticket": null}), "ticket cannot be changed"),
    ] {
        place.try_replace(&object("Rollback", "running", with(&base, changes))).refused(because);
    }
    // What was left out at first may not be given later either.
    place.create(&object("Rollback", "bare", spec()));
    for (changes, because) in [
        (json!({"verification": {"settle": "2s"}}), "verification cannot be changed"),
        (json!({"reason": "late"}), "reason cannot be changed"),
        (json!({"ticket": "late"}), "ticket cannot be changed"),
    ] {
        place.try_replace(&object("Rollback", "bare", with(&spec(), changes))).refused(because);
    }
}

#[test]
fn mode_attempt_and_cancel_go_one_way() {
    let place = Place::new();
    let dry = with(&spec(), json!({"mode": "PlanOnly", "attempt": 3, "cancel": true}));
    place.create(&object("Rollback", "dry", dry.clone()));
    let replace = |changes| place.try_replace(&object("Rollback", "dry", with(&dry, changes)));
    replace(json!({"mode": "Apply"})).succeeded();
    replace(json!({"attempt": 4})).succeeded();
    replace(json!({"attempt": 2})).refused("attempt can only be raised");
    replace(json!({"attempt": null})).refused("attempt can only be raised");
    replace(json!({"cancel": false}))
        .refused("cancel cannot be taken back: create another Rollback");
    replace(json!({"cancel": null})).refused("cancel cannot be taken back");
}

#[test]
fn a_status_can_hold_ten_thousand_actions() {
    let place = Place::new();
    place.create(&object("Rollback", "large", spec()));
    let shards = vec![".".repeat(1000); 10];
    let status = json!({"status": {
        "observedGeneration": 1, "phase": "Executing", "attempt": 1,
        "progress": {"total": 10000, "done": 0, "failed": 0, "skipped": 0, "inFlight": 0, "percent": 0, "shards": shards},
    }});
    let patch = ["patch", "rollback", "large", "--subresource=status", "--type=merge", "-p"];
    place.kubectl(&[&patch[..], &[&status.to_string()]].concat(), "").succeeded();
    let over = json!({"status": {"progress": {"shards": vec!["."; 21]}}});
    place
        .kubectl(&[&patch[..], &[&over.to_string()]].concat(), "")
        .refused("must have at most 20 items");
    // The spec does not change by way of the status, nor the other way round.
    let both = json!({"spec": {"suspend": true}, "status": {"summary": "said"}});
    place.kubectl(&[&patch[..], &[&both.to_string()]].concat(), "").succeeded();
    let seen = place.control_plane.get(&["rollback", "large", "--namespace", &place.namespace]);
    assert_eq!(seen["spec"]["suspend"], json!(false));
    assert_eq!(seen["status"]["summary"], json!("said"));
}
