//! Writes of all but the status.

use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use rollback_operator::api::{FINALIZER, Rollback};
use rollback_operator::cluster::rollbacks;
use serde_json::{Value, json};

use crate::cluster::Kind;
use crate::objects::{create, generation, is_about, refusal, rollback, typed, version};
use crate::server::Server;

pub async fn merge(api: &Api<DynamicObject>, name: &str, patch: Value) -> DynamicObject {
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
}

/// A first write. A real server stores the default status only with the first write after the
/// creation, which therefore is a new version even when it changes nothing.
async fn label(api: &Api<DynamicObject>, name: &str) -> DynamicObject {
    merge(api, name, json!({"metadata": {"labels": {"written": "once"}}})).await
}

pub async fn finalizers_are_set_on_the_version_that_was_read(server: &Server) {
    let api = server.api(Kind::Rollback);
    let before = create(&api, &rollback("undo")).await;
    let looked_at: Rollback = typed(&before);
    let after = rollbacks::set_finalizer(&server.client, &looked_at, true).await.unwrap();
    assert_eq!(after.metadata.finalizers, Some(vec![FINALIZER.to_owned()]));
    let found = api.get("undo").await.unwrap();
    assert_eq!(found.metadata.resource_version, after.metadata.resource_version);
    assert!(version(&found) > version(&before));
    assert_eq!(generation(&found), 1);
    assert_eq!(found.data, before.data);

    let late = rollbacks::set_finalizer(&server.client, &looked_at, true).await;
    is_about(&refusal(late), 409, "Conflict", Kind::Rollback, "undo");
    let removed = rollbacks::set_finalizer(&server.client, &after, false).await.unwrap();
    assert!(!rollbacks::has_finalizer(&removed));
    let found = api.get("undo").await.unwrap();
    assert_eq!(found.metadata.finalizers, None);
    assert_eq!(found.metadata.resource_version, removed.metadata.resource_version);
}

pub async fn a_change_of_the_spec_is_a_new_generation(server: &Server) {
    let api = server.api(Kind::Rollback);
    let first = create(&api, &rollback("undo")).await;
    let labelled = merge(&api, "undo", json!({"metadata": {"labels": {"team": "payments"}}})).await;
    assert_eq!(generation(&labelled), 1);
    assert!(version(&labelled) > version(&first));
    let changed = merge(&api, "undo", json!({"spec": {"suspend": true}})).await;
    assert_eq!(generation(&changed), 2);
    assert_eq!(changed.data["spec"]["suspend"], true);
    assert_eq!(changed.data["spec"]["operations"], first.data["spec"]["operations"]);

    let mut wanted = changed.clone();
    wanted.data["spec"]["suspend"] = json!(false);
    wanted.data["status"] = json!({"phase": "Failed"});
    let given = std::mem::take(&mut wanted.metadata);
    wanted.metadata.name.clone_from(&given.name);
    wanted.metadata.resource_version.clone_from(&given.resource_version);
    wanted.metadata.generation = Some(9);
    let replaced = api.replace("undo", &PostParams::default(), &wanted).await.unwrap();
    assert_eq!(generation(&replaced), 3);
    assert_eq!(replaced.metadata.uid, given.uid);
    assert_eq!(replaced.metadata.creation_timestamp, given.creation_timestamp);
    assert_eq!(replaced.metadata.namespace, given.namespace);
    assert_eq!(replaced.metadata.labels, None);
    assert_eq!(replaced.data["status"], first.data["status"]);
    let late = api.replace("undo", &PostParams::default(), &wanted).await;
    is_about(&refusal(late), 409, "Conflict", Kind::Rollback, "undo");
}

pub async fn a_status_is_not_written_with_the_rest(server: &Server) {
    let api = server.api(Kind::Rollback);
    create(&api, &rollback("undo")).await;
    let before = label(&api, "undo").await;
    let after = merge(&api, "undo", json!({"status": {"phase": "Failed"}})).await;
    assert_eq!(after, before);
    let both = json!({"metadata": {"labels": {"a": "b"}}, "status": {"phase": "Failed"}});
    let after = merge(&api, "undo", both).await;
    assert_eq!(after.data, before.data);
    assert_eq!(after.labels()["a"], "b");
}

pub async fn a_field_that_is_removed_gets_its_default(server: &Server) {
    let api = server.api(Kind::Rollback);
    create(&api, &rollback("undo")).await;
    let changed = merge(&api, "undo", json!({"spec": {"suspend": true}})).await;
    assert_eq!((generation(&changed), &changed.data["spec"]["suspend"]), (2, &json!(true)));
    let removed = merge(&api, "undo", json!({"spec": {"suspend": null}})).await;
    assert_eq!((generation(&removed), &removed.data["spec"]["suspend"]), (3, &json!(false)));
    let again = merge(&api, "undo", json!({"spec": {"suspend": null}})).await;
    assert_eq!(again, removed);
}

pub async fn the_same_again_changes_nothing(server: &Server) {
    let api = server.api(Kind::Rollback);
    create(&api, &rollback("undo")).await;
    let before = label(&api, "undo").await;
    for patch in [
        json!({}),
        json!({"spec": {"suspend": false}}),
        json!({"metadata": {"resourceVersion": before.metadata.resource_version, "finalizers": []}}),
        json!({"metadata": {"labels": {"written": "once"}}}),
        json!({"metadata": {"annotations": {"absent": null}}}),
    ] {
        assert_eq!(merge(&api, "undo", patch.clone()).await, before, "{patch}");
    }
    let replaced = api.replace("undo", &PostParams::default(), &before).await.unwrap();
    assert_eq!(replaced, before);
}
