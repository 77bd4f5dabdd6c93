//! What becomes of an object that is created.

use jiff::Timestamp;
use kube::api::PostParams;
use rollback_operator::cluster::is_already_exists;
use serde_json::json;

use crate::cluster::Kind;
use crate::objects::{
    create, generation, instance, is_about, name, one_account, record, refusal, rollback, shard,
    uid, version,
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
    let instances = server.api(Kind::Instance);
    let created = create(&instances, &instance(&server.own_name())).await;
    assert_eq!(created.metadata.namespace, None);
    assert_eq!(
        created.data["spec"]["limits"],
        json!({"requestsPerSecond": 18, "outstandingRequests": 10})
    );
    assert_eq!(created.data["spec"]["policy"], json!({"approval": "Always"}));
    assert_eq!(created.data["spec"]["allowedNamespaces"], json!([]));
    assert_eq!(created.data["status"], json!({"observedGeneration": -1}));
    assert_eq!(instances.get(&server.own_name()).await.unwrap(), created);
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
    let rollbacks = server.api(Kind::Rollback);
    let first = create(&rollbacks, &rollback("undo")).await;
    rollbacks.delete("undo", &kube::api::DeleteParams::default()).await.unwrap();
    let second = create(&rollbacks, &rollback("undo")).await;
    assert_ne!(uid(&second), uid(&first));
    assert!(version(&second) > version(&first));
    assert_eq!(generation(&second), 1);
}
