//! What becomes of an object that is created.

use jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Resource as _, ResourceExt as _};
use rollback_operator::api::{
    FIELD_MANAGER, OperationRecordSpec, Rollback, RollbackPlanSpec, RollbackStatus,
};
use rollback_operator::cluster::records::LedgerWrite;
use rollback_operator::cluster::{instances, is_already_exists, plans, records, rollbacks};
use serde_json::json;

use crate::cluster::Kind;
use crate::objects::{
    create, generation, instance, is_about, name, one_account, record, refusal, rollback, shard,
    typed, uid, version,
};
use crate::server::Server;

pub async fn a_new_object_has_what_the_server_gives_it(server: &Server) {
    let rollbacks = server.api(Kind::Rollback);
    let mut wanted = rollback("undo");
    wanted.data["status"] = json!({"phase": "Succeeded", "summary": "done"});
    let created = create(&rollbacks, &wanted).await;
    assert_eq!(uid(&created).len(), 36);
    assert_eq!(generation(&created), 1);
    assert!(version(&created) > 0);
    let at = created.metadata.creation_timestamp.clone().unwrap().0;
    assert_eq!(at, Timestamp::from_second(at.as_second()).unwrap(), "whole seconds");
    assert_eq!(created.metadata.namespace.as_deref(), Some(server.namespace.as_str()));
    let types = created.types.clone().unwrap();
    assert_eq!(
        (types.api_version.as_str(), types.kind.as_str()),
        ("identitycenter.dev/v1alpha1", "Rollback")
    );
    assert_eq!(
        created.data["spec"],
        json!({
            "operations": {"names": ["assign"]},
            "mode": "Apply", "onDrift": "Skip", "onFailure": "Continue", "priority": "Normal",
            "suspend": false, "cancel": false, "attempt": 1,
        })
    );
    let unobserved = json!({"observedGeneration": -1, "phase": "Pending", "attempt": 0});
    assert_eq!(created.data["status"], unobserved, "what was sent is dropped");
    assert_eq!(rollbacks.get("undo").await.unwrap(), created);

    let second = create(&rollbacks, &rollback("again")).await;
    assert_ne!(uid(&second), uid(&created));
    assert!(version(&second) > version(&created));
}

pub async fn an_instance_is_in_no_namespace(server: &Server) {
    let api = server.api(Kind::Instance);
    let created = create(&api, &instance(&server.own_name())).await;
    assert_eq!(created.metadata.namespace, None);
    assert_eq!(
        created.data["spec"]["limits"],
        json!({"requestsPerSecond": 18, "outstandingRequests": 10})
    );
    assert_eq!(created.data["spec"]["policy"], json!({"approval": "Always"}));
    assert_eq!(created.data["spec"]["allowedNamespaces"], json!([]));
    assert_eq!(created.data["status"], json!({"observedGeneration": -1}));
    assert_eq!(api.get(&server.own_name()).await.unwrap(), created);
    let listed = instances::list(&server.client).await.unwrap();
    assert!(listed.iter().any(|instance| instance.uid().as_ref() == Some(&uid(&created))));
}

pub async fn a_status_without_a_default_stays_away(server: &Server) {
    let records = server.api(Kind::Record);
    let mut wanted = record("assign", "main", &one_account());
    wanted.data["status"] = json!({"rolledBackBy": ["undo"]});
    let created = create(&records, &wanted).await;
    assert_eq!(created.data.get("status"), None);
    assert_eq!(created.data["spec"]["occurredAtPrecision"], "Microsecond");
    assert_eq!(created.data["spec"]["changes"][0]["before"], "Unknown", "defaults inside of lists");
    assert_eq!(create(&server.api(Kind::Plan), &shard("shard")).await.data.get("status"), None);
}

pub async fn a_name_is_taken_once(server: &Server) {
    for (kind, object) in [
        (Kind::Rollback, rollback("one")),
        (Kind::Plan, shard("one")),
        (Kind::Record, record("one", "main", &one_account())),
        (Kind::Instance, instance(&server.own_name())),
    ] {
        let api = server.api(kind);
        let created = create(&api, &object).await;
        let answer = api.create(&PostParams::default(), &object).await;
        assert!(is_already_exists(answer.as_ref().unwrap_err()));
        let status = refusal(answer);
        is_about(&status, 409, "AlreadyExists", kind, &name(&object));
        let (plural, name) = (kind.plural(), name(&object));
        let message = format!("{plural}.identitycenter.dev \"{name}\" already exists");
        assert_eq!(status.message, message);
        assert_eq!(api.get(&name).await.unwrap(), created);
    }
    let other = server.within(Kind::Rollback, &server.another_namespace());
    create(&other, &rollback("one")).await;
}

pub async fn a_name_that_is_used_again_is_another_object(server: &Server) {
    let api = server.api(Kind::Rollback);
    let first = create(&api, &rollback("undo")).await;
    let full = json!({"phase": "Planning", "summary": "ours"});
    let full: RollbackStatus = serde_json::from_value(full).unwrap();
    rollbacks::write_status(&server.client, &typed(&first), &full).await.unwrap();
    api.delete("undo", &DeleteParams::default()).await.unwrap();
    let second = create(&api, &rollback("undo")).await;
    assert_ne!(uid(&second), uid(&first));
    assert!(version(&second) > version(&first));
    assert_eq!(generation(&second), 1);
    // What was applied to the first is no part of the second.
    let foreign = Patch::Merge(json!({"status": {"summary": "theirs"}}));
    let second = api.patch_status("undo", &PatchParams::default(), &foreign).await.unwrap();
    let less = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
        "metadata": {"name": "undo", "resourceVersion": second.metadata.resource_version},
        "status": {"phase": "Planning"},
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let after = api.patch_status("undo", &parameters, &Patch::Apply(less)).await.unwrap();
    assert_eq!(after.data["status"]["summary"], "theirs");
}

pub async fn a_ledger_record_is_written_once(server: &Server) {
    let spec = |source: &str| -> OperationRecordSpec {
        let mut spec = record("ledger", "main", &one_account()).data["spec"].clone();
        spec["source"]["id"] = json!(source);
        serde_json::from_value(spec).unwrap()
    };
    let mut uids = Vec::new();
    for _ in 0..2 {
        let write = records::write_ledger(&server.client, &server.namespace, "ledger", spec("a"));
        let LedgerWrite::Written(record) = write.await.unwrap() else { panic!("not written") };
        uids.push(record.metadata.uid.unwrap());
    }
    assert_eq!(uids[0], uids[1]);
    let write = records::write_ledger(&server.client, &server.namespace, "ledger", spec("b"));
    assert!(matches!(write.await.unwrap(), LedgerWrite::NameTaken));
    // One that bears its source and is no ledger does not stand in its place.
    let mut ledger = record("ledger", "main", &one_account()).data["spec"].clone();
    ledger["source"]["id"] = json!("a");
    ledger["type"] = json!("Rollback");
    ledger["changes"] = json!([]);
    ledger["rollback"] = json!({
        "by": {"namespace": server.namespace, "name": "undo", "uid": "1"}, "attempt": 1,
        "outcome": "Succeeded", "undone": [], "finishedAt": "2026-01-01T00:00:00Z",
    });
    let ledger = serde_json::from_value(ledger).unwrap();
    let write = records::write_ledger(&server.client, &server.namespace, "ledger", ledger);
    assert!(matches!(write.await.unwrap(), LedgerWrite::NameTaken));
    let found = server.api(Kind::Record).get("ledger").await.unwrap();
    assert_eq!(found.labels()["identitycenter.dev/type"], "Assign");
}

pub async fn shards_are_written_once(server: &Server) {
    let owner: Rollback = typed(&create(&server.api(Kind::Rollback), &rollback("undo")).await);
    let spec: RollbackPlanSpec =
        serde_json::from_value(shard("shard").data["spec"].clone()).unwrap();
    let shards = vec![spec.clone(), spec];
    let names = plans::create(&server.client, &owner, shards.clone()).await.unwrap();
    assert_eq!(names.len(), 2);
    let found = server.api(Kind::Plan).get(&names[1]).await.unwrap();
    assert_eq!(found.owner_references(), [owner.owner_ref(&()).unwrap()]);
    assert_eq!(plans::create(&server.client, &owner, shards).await.unwrap(), names);
    assert_eq!(server.api(Kind::Plan).get(&names[1]).await.unwrap(), found);
}
