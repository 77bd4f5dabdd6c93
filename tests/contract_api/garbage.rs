//! What becomes of objects whose owners are deleted.

use kube::ResourceExt as _;
use kube::api::DeleteParams;
use rollback_operator::api::{FINALIZER, OperationRecord};
use rollback_operator::cluster::{is_not_found, plans};
use serde_json::{Value, json};

use crate::cluster::Kind;
use crate::objects::{
    create, name, one_account, record, rollback, shard, typed, uid, version, with_metadata,
};
use crate::server::Server;

/// One check for all, because a real garbage collector takes half a minute to learn of new kinds.
pub async fn what_nobody_owns_is_deleted(server: &Server) {
    let (rollbacks, shards) = (server.api(Kind::Rollback), server.api(Kind::Plan));
    let undo = create(&rollbacks, &rollback("undo")).await;
    let other = create(&rollbacks, &rollback("other")).await;
    let ledger = create(&server.api(Kind::Record), &record("ledger", "main", &one_account())).await;
    let owner = |owner: &kube::api::DynamicObject| {
        json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
            "name": name(owner), "uid": uid(owner), "controller": true, "blockOwnerDeletion": true,
        })
    };
    let mut second = owner(&other);
    second["controller"] = json!(false);
    for (name, metadata) in [
        ("owned", json!({"ownerReferences": [owner(&undo)]})),
        ("handed-over", json!({"ownerReferences": [owner(&undo)]})),
        ("shared", json!({"ownerReferences": [owner(&undo), second]})),
        ("held", json!({"ownerReferences": [owner(&undo)], "finalizers": [FINALIZER]})),
        ("free", json!({})),
    ] {
        create(&shards, &with_metadata(shard(name), &metadata)).await;
    }
    let ledger: OperationRecord = typed(&ledger);
    plans::hand_over(&server.client, &["handed-over".to_owned(), "gone".to_owned()], &ledger)
        .await
        .unwrap();
    let handed_over = shards.get("handed-over").await.unwrap();
    let owners: Vec<&str> =
        handed_over.owner_references().iter().map(|owner| owner.uid.as_str()).collect();
    assert_eq!(owners, [ledger.uid().unwrap()]);
    let shared = shards.get("shared").await.unwrap();

    rollbacks.delete("undo", &DeleteParams::default()).await.unwrap();
    server
        .eventually("the shard of nobody to go", async || {
            is_not_found(shards.get("owned").await.as_ref().err()?).then_some(())
        })
        .await;
    let left = server
        .eventually("the owner that is gone to be taken out", async || {
            let now = shards.get("shared").await.unwrap();
            (now.owner_references().len() == 1).then_some(now)
        })
        .await;
    assert_eq!(left.owner_references()[0].uid, uid(&other));
    assert!(version(&left) > version(&shared));
    let held = server
        .eventually("the shard with a finalizer to be deleted", async || {
            let now = shards.get("held").await.unwrap();
            now.metadata.deletion_timestamp.is_some().then_some(now)
        })
        .await;
    assert_eq!(held.finalizers(), [FINALIZER]);
    assert_eq!(shards.get("handed-over").await.unwrap(), handed_over);
    assert!(shards.get("free").await.is_ok());

    rollbacks.delete("other", &DeleteParams::default()).await.unwrap();
    server
        .eventually("the shard that lost both owners to go", async || {
            is_not_found(shards.get("shared").await.as_ref().err()?).then_some(())
        })
        .await;
    let none: Value = json!(shards.get("free").await.unwrap().metadata.owner_references);
    assert_eq!(none, Value::Null);
}
