//! Plans, approvals, rejections and cancellations by hand, without an operator.

use super::*;

/// Says what the operator would say about a Rollback that waits.
pub fn plan_by_hand(place: &Place, name: &str, digest: &str, shard_digest: &str) {
    let uid = place.get("rollback", name)["metadata"]["uid"].clone();
    let shard = format!("{name}-plan");
    place.create(&json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "RollbackPlan",
        "metadata": {"name": shard},
        "spec": {
            "rollback": name, "rollbackUid": uid, "instanceArn": INSTANCE, "attempt": 1,
            "digest": shard_digest, "shard": 0,
            "items": [{
                "disposition": "Act", "action": "DeleteAssignment", "account": "061836611202",
                "principal": {"type": "USER", "id": "0f791059-3b41-4313-86da-59fa2cf217a7"},
                "permissionSet": "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j",
                "live": "Present", "grade": "Exact",
            }],
        },
    }));
    let status = json!({"status": {
        "observedGeneration": 1, "phase": "AwaitingApproval", "attempt": 1, "summary": "waits",
        "plan": {
            "digest": digest, "createdAt": "2026-11-23T21:00:00Z", "policy": "Always",
            "grade": "Exact", "actions": 1, "kept": 0, "blocked": 0, "givesAccess": false,
            "assumed": false, "shards": [shard], "estimate": {"seconds": 4.0, "calls": 3},
        },
    }});
    place.patch_status(name, &status);
}

#[test]
fn an_approval_names_the_plan_that_was_shown() {
    let place = Place::new();
    place.import(&samples()).done();
    let (digest, other) = (format!("sha256:{:064}", 1), format!("sha256:{:064}", 2));
    let ask = |name: &str| {
        place.plugin(&[
            "apply",
            "assign-2abdc948",
            "--name",
            name,
            "--wait=false",
            "--reason",
            "test",
            "-o",
            "name",
        ])
    };
    assert!(ask("undo").done().contains("rollback.identitycenter.dev/undo\n"));
    assert!(ask("undo").ended(1).contains("it exists already; choose another --name"));
    assert!(place.plugin(&["approve", "undo", "--yes"]).ended(1).contains("does not wait"));

    plan_by_hand(&place, "undo", &digest, &digest);
    let shown = place.plugin(&["plan", "--rollback", "undo", "--detailed-exitcode"]).ended(11);
    assert!(shown.contains("loses arn:aws:sso:::permissionSet/"), "{shown}");
    assert!(place.plugin(&["approve", "undo"]).ended(2).contains("no terminal to ask on"));
    let said = place.plugin(&["approve", "undo", "--yes", "--digest", &other]).ended(1);
    assert!(said.contains(&format!("is {digest}, not {other}")), "{said}");
    assert_eq!(place.get("rollback", "undo")["spec"]["approval"], Value::Null);
    let approve = ["approve", "undo", "--yes", "--digest", &digest, "--timeout"];
    place.unread(&[&approve[..], &["0s"]].concat()).done();
    // No operator runs, and so nobody says what the approval is worth.
    let said = place.plugin(&[&approve[..], &["1s"]].concat()).ended(124);
    assert!(said.contains("nobody has judged it yet"), "{said}");
    let approved = place.get("rollback", "undo");
    assert_eq!(approved["spec"]["approval"]["plan"], json!(digest));
    let managers =
        place.kubectl(&["get", "rollback", "undo", "-o", "yaml", "--show-managed-fields"]);
    assert!(managers.contains("manager: rollback-approver"), "{managers}");

    // A plan whose shards are not the ones that the status names is not approved.
    ask("forged").done();
    plan_by_hand(&place, "forged", &digest, &other);
    let said = place.plugin(&["approve", "forged", "--yes"]).ended(1);
    assert!(said.contains("is not the one that its status names"), "{said}");
    assert_eq!(place.get("rollback", "forged")["spec"]["approval"], Value::Null);

    place.plugin(&["reject", "forged"]).done();
    assert_eq!(place.get("rollback", "forged")["spec"]["approval"]["reject"], true);
    place.plugin(&["cancel", "undo"]).done();
    assert_eq!(place.get("rollback", "undo")["spec"]["cancel"], true);
}

#[test]
fn a_program_gets_the_object_however_the_wait_ends() {
    let place = Place::new();
    place.import(&samples()).done();
    let apply = |name: &str, more: &[&str]| {
        let apply = ["apply", "assign-2abdc948", "--name", name];
        place.plugin(&[apply.as_slice(), more].concat())
    };
    let said = apply("slow", &["--timeout", "1s", "-o", "json"]);
    assert_eq!(said.code, 124, "{}", said.stderr);
    let slow: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(slow["metadata"]["name"], "slow");
    assert_eq!(slow["metadata"]["managedFields"], Value::Null);
    let said = apply("slower", &["--timeout", "1s", "-o", "name"]);
    assert_eq!(said.code, 124, "{}", said.stderr);
    assert_eq!(said.stdout, "rollback.identitycenter.dev/slower\n");
    let said = apply("people", &["--timeout", "1s"]);
    assert_eq!((said.code, said.stdout.as_str()), (124, ""), "{}", said.stderr);

    // Nobody to ask.
    let digest = format!("sha256:{:064}", 1);
    let said = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| apply("waits", &["--timeout", "2m", "-o", "yaml"]));
        place.kubectl(&["wait", "--for=create", "--timeout=60s", "rollback/waits"]);
        plan_by_hand(&place, "waits", &digest, &digest);
        waiting.join().unwrap()
    });
    assert_eq!(said.code, 4, "{}", said.stderr);
    let waits: Value = serde_saphyr::from_str(&said.stdout).unwrap();
    assert_eq!(waits["status"]["phase"], "AwaitingApproval");
}

#[test]
fn what_has_begun_cannot_be_rejected_and_what_is_over_not_cancelled() {
    let place = Place::new();
    place.import(&samples()).done();
    for (name, phase, because) in [
        ("running", "Executing", "to end it: kubectl rollback cancel running -n "),
        ("over", "Succeeded", "it is over: Succeeded (said so)"),
    ] {
        place.plugin(&["apply", "assign-2abdc948", "--name", name, "--wait=false"]).done();
        let status = json!({"status": {
            "observedGeneration": 1, "phase": phase, "attempt": 1, "summary": "said so",
        }});
        place.patch_status(name, &status);
        let said = place.plugin(&["reject", name]).ended(1);
        assert!(said.contains(because), "{said}");
        assert!(!said.contains("nothing will be written"), "{said}");
        assert_eq!(place.get("rollback", name)["spec"]["approval"], Value::Null);
    }
    let said = place.plugin(&["cancel", "over"]).ended(1);
    assert!(said.contains("it is over: Succeeded (said so)"), "{said}");
    assert_eq!(place.get("rollback", "over")["spec"]["cancel"], false);
    let said = place.plugin(&["cancel", "running"]).done();
    assert!(said.contains("asked to end"), "{said}");
    assert_eq!(place.get("rollback", "running")["spec"]["cancel"], true);
}

#[test]
fn a_plan_that_does_not_come_leaves_no_object_behind() {
    let place = Place::new();
    place.import(&samples()).done();
    let said = place.plugin(&["plan", "nosuch", "--timeout", "1s"]).ended(5);
    assert!(said.contains("operation record nosuch does not exist"), "{said}");
    assert_eq!(place.kubectl(&["get", "rollbacks", "-o", "name"]), "");
    let said = place.plugin(&["plan", "assign-2abdc948", "--timeout", "1s"]).ended(124);
    assert!(said.contains("is the operator running"), "{said}");
    assert_eq!(place.kubectl(&["get", "rollbacks", "-o", "name"]), "");
    let said = place
        .plugin(&["plan", "assign-1c0be399", "--timeout", "1s", "--keep", "--name", "look"])
        .ended(124);
    assert!(said.contains("Kept as rollback look"), "{said}");
    assert_eq!(place.get("rollback", "look")["spec"]["mode"], "PlanOnly");
}
