//! Writes of the status, as the operator does them.

use kube::api::{Patch, PatchParams};
use rollback_operator::api::plan::RollbackPlanStatus;
use rollback_operator::api::{
    FIELD_MANAGER, IdentityCenterInstance, OperationRecord, Rollback, RollbackStatus,
};
use rollback_operator::cluster::{instances, plans, records, rollbacks};
use serde_json::{Value, json};

use crate::cluster::Kind;
use crate::objects::{
    TIME, create, generation, instance, is_about, one_account, record, refusal, rollback, shard,
    typed, version,
};
use crate::server::Server;

/// Applies this as the whole status of a Rollback, at the version that it has.
async fn apply(server: &Server, rollback: &Rollback, status: &Value) -> Rollback {
    let status = serde_json::from_value(status.clone()).unwrap();
    rollbacks::write_status(&server.client, rollback, &status).await.unwrap()
}

async fn new_rollback(server: &Server) -> Rollback {
    typed(&create(&server.api(Kind::Rollback), &rollback("undo")).await)
}

/// The status as it is stored.
async fn stored(server: &Server) -> Value {
    server.api(Kind::Rollback).get("undo").await.unwrap().data["status"].clone()
}

fn condition(kind: &str, status: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": "Planning", "message": "",
        "lastTransitionTime": "2026-11-23T20:50:39Z",
    })
}

pub async fn a_status_is_applied_apart_from_the_rest(server: &Server) {
    let api = server.api(Kind::Rollback);
    let before = create(&api, &rollback("undo")).await;
    let body = json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "Rollback",
        "metadata": {
            "name": "undo",
            "resourceVersion": before.metadata.resource_version,
            "labels": {"a": "b"},
        },
        "spec": {"operations": {"names": ["another"]}, "attempt": 7},
        "status": {"phase": "Planning", "observedGeneration": 1},
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let after = api.patch_status("undo", &parameters, &Patch::Apply(body)).await.unwrap();
    assert_eq!(
        after.data["status"],
        json!({"phase": "Planning", "observedGeneration": 1, "attempt": 0})
    );
    assert_eq!(after.data["spec"], before.data["spec"]);
    assert_eq!(after.metadata.labels, None);
    assert_eq!(generation(&after), 1);
    assert!(version(&after) > version(&before));
    assert_eq!(api.get("undo").await.unwrap(), after);
}

pub async fn a_status_of_an_old_version_is_refused(server: &Server) {
    let first = new_rollback(server).await;
    let second = apply(server, &first, &json!({"phase": "Planning"})).await;
    let late = serde_json::from_value(json!({"phase": "Failed"})).unwrap();
    let answer = rollbacks::write_status(&server.client, &first, &late).await;
    is_about(&refusal(answer), 409, "Conflict", Kind::Rollback, "undo");
    let found = rollbacks::get(&server.client, &server.namespace, "undo").await.unwrap().unwrap();
    assert_eq!(json!(found), json!(second));
}

pub async fn fields_that_are_left_out_go(server: &Server) {
    let api = server.api(Kind::Rollback);
    let rollback = new_rollback(server).await;
    let progress = json!({
        "total": 2, "done": 0, "failed": 0, "skipped": 0, "inFlight": 2, "percent": 0,
        "display": "0/2", "shards": ["shard-0"],
    });
    let full = json!({
        "phase": "Executing", "observedGeneration": 1, "attempt": 1, "instance": "main",
        "summary": "2 actions", "progress": progress, "timing": {"planningAt": TIME, "throttled": 3},
    });
    let rollback = apply(server, &rollback, &full).await;
    // Something that another one wrote stays when it is not applied.
    let foreign = json!({"status": {"operation": "assign"}});
    api.patch_status("undo", &PatchParams::default(), &Patch::Merge(foreign)).await.unwrap();
    let rollback_now: Rollback = typed(&api.get("undo").await.unwrap());
    assert_ne!(rollback_now.metadata.resource_version, rollback.metadata.resource_version);

    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let less = json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "Rollback",
        "metadata": {"name": "undo", "resourceVersion": rollback_now.metadata.resource_version},
        "status": {"observedGeneration": 1, "attempt": 1, "timing": {"planningAt": TIME}},
    });
    let after = api.patch_status("undo", &parameters, &Patch::Apply(less)).await.unwrap();
    assert_eq!(
        after.data["status"],
        json!({
            "observedGeneration": 1, "attempt": 1, "operation": "assign", "phase": "Pending",
            "timing": {
                "planningAt": TIME, "throttled": 0, "awsRequests": 0, "conflicts": 0, "provisioned": 0,
                "changes": 0, "polls": 0, "reads": 0, "retried": 0,
            },
        })
    );
    assert_eq!(stored(server).await, after.data["status"]);
}

pub async fn conditions_are_what_was_applied_last(server: &Server) {
    let rollback = new_rollback(server).await;
    let first = json!([condition("Ready", "False"), condition("Reconciling", "True")]);
    let rollback =
        apply(server, &rollback, &json!({"phase": "Planning", "conditions": first})).await;
    assert_eq!(stored(server).await["conditions"], first);
    let second = json!([condition("Stalled", "False"), condition("Ready", "True")]);
    apply(server, &rollback, &json!({"phase": "Planning", "conditions": second})).await;
    assert_eq!(stored(server).await["conditions"], second);
}

pub async fn the_same_status_again_changes_nothing(server: &Server) {
    let status = json!({"phase": "Planning", "conditions": [condition("Ready", "False")]});
    let first = apply(server, &new_rollback(server).await, &status).await;
    let second = apply(server, &first, &status).await;
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    assert_eq!(json!(second), json!(first));
}

pub async fn the_status_of_a_record_is_merged(server: &Server) {
    let api = server.api(Kind::Record);
    let before = create(&api, &record("assign", "main", &one_account())).await;
    let looked_at: OperationRecord = typed(&before);
    let status = |value| serde_json::from_value(value).unwrap();
    let first =
        status(json!({"rolledBackBy": ["undo"], "conditions": [condition("RolledBack", "True")]}));
    records::write_status(&server.client, &looked_at, &first).await.unwrap();
    let after = api.get("assign").await.unwrap();
    assert_eq!(after.data["status"]["rolledBackBy"], json!(["undo"]));
    assert_eq!(after.data["spec"], before.data["spec"]);
    assert_eq!(generation(&after), 1);
    assert!(version(&after) > version(&before));

    let late = records::write_status(&server.client, &looked_at, &first).await;
    is_about(&refusal(late), 409, "Conflict", Kind::Record, "assign");

    records::write_status(&server.client, &typed(&after), &first).await.unwrap();
    assert_eq!(api.get("assign").await.unwrap(), after, "the same again changes nothing");

    let removal = json!({"status": {"rolledBackBy": null}});
    let removed =
        api.patch_status("assign", &PatchParams::default(), &Patch::Merge(removal)).await.unwrap();
    assert_eq!(removed.data["status"].get("rolledBackBy"), None);
    assert_eq!(removed.data["status"]["conditions"], after.data["status"]["conditions"]);
}

pub async fn the_status_of_a_shard_needs_no_version(server: &Server) {
    let api = server.api(Kind::Plan);
    create(&api, &shard("shard")).await;
    let mut versions = Vec::new();
    for actions in
        [json!([{"item": 0, "attempts": 1}, {"item": 1}]), json!([{"item": 0, "attempts": 2}])]
    {
        let status: RollbackPlanStatus =
            serde_json::from_value(json!({"actions": actions})).unwrap();
        for _ in 0..2 {
            plans::write_status(&server.client, &server.namespace, "shard", &status).await.unwrap();
            versions.push(version(&api.get("shard").await.unwrap()));
        }
    }
    assert_eq!(versions[0], versions[1]);
    assert_eq!(versions[2], versions[3]);
    assert!(versions[0] < versions[2]);
    let found = api.get("shard").await.unwrap();
    assert_eq!(found.data["status"], json!({"actions": [{"item": 0, "attempts": 2}]}));
}

pub async fn nothing_else_is_written_with_a_status(server: &Server) {
    let api = server.api(Kind::Plan);
    let before = create(&api, &shard("shard")).await;
    let parameters = PatchParams::default();
    let labels = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    assert_eq!(api.patch_status("shard", &parameters, &labels).await.unwrap(), before);
    let actions = Patch::Merge(json!({"status": {"actions": [{"item": 0}]}, "spec": {"shard": 9}}));
    let after = api.patch_status("shard", &parameters, &actions).await.unwrap();
    assert_eq!(after.data["status"], json!({"actions": [{"item": 0, "attempts": 0}]}));
    assert_eq!(after.data["spec"], before.data["spec"]);
    let none = Patch::Merge(json!({"status": null}));
    let after = api.patch_status("shard", &parameters, &none).await.unwrap();
    assert_eq!(after.data.get("status"), None);
}

pub async fn of_many_writers_one_wins(server: &Server) {
    let looked_at = new_rollback(server).await;
    let statuses: Vec<RollbackStatus> = (1..=8)
        .map(|n| serde_json::from_value(json!({"phase": "Planning", "attempt": n})).unwrap())
        .collect();
    let writes = statuses.iter().map(|it| rollbacks::write_status(&server.client, &looked_at, it));
    let (won, lost): (Vec<_>, Vec<_>) =
        futures::future::join_all(writes).await.into_iter().partition(Result::is_ok);
    for answer in lost {
        is_about(&refusal(answer), 409, "Conflict", Kind::Rollback, "undo");
    }
    let [Ok(won)] = won.as_slice() else { panic!("{won:?}") };
    assert_eq!(stored(server).await["attempt"], json!(won.status.as_ref().unwrap().attempt));
}

pub async fn the_status_of_an_instance_is_applied(server: &Server) {
    let api = server.api(Kind::Instance);
    let name = server.own_name();
    let looked_at: IdentityCenterInstance = typed(&create(&api, &instance(&name)).await);
    let status = json!({
        "observedGeneration": 1,
        "ownerAccount": "061836611202",
        "quota": {"requestsPerSecond": 17.5, "slots": 10},
    });
    let status = serde_json::from_value(status).unwrap();
    instances::write_status(&server.client, &looked_at, &status).await.unwrap();
    let after = api.get(&name).await.unwrap();
    assert_eq!(after.data["status"]["ownerAccount"], "061836611202");
    assert_eq!(after.data["status"]["quota"]["requestsPerSecond"], json!(17.5));
    assert_eq!(generation(&after), 1);
    let late = instances::write_status(&server.client, &looked_at, &status).await;
    is_about(&refusal(late), 409, "Conflict", Kind::Instance, &name);
}
