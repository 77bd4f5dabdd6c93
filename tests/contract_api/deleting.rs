//! Deletions, with finalizers and without.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use rollback_operator::api::{FINALIZER, Rollback};
use rollback_operator::cluster::{is_not_found, rollbacks};
use serde_json::json;

use crate::cluster::Kind;
use crate::objects::{create, generation, refusal, rollback, typed, uid, version, with_metadata};
use crate::server::Server;
use crate::writing::merge;

const OTHER: &str = "example.com/other";

async fn create_with_finalizers(api: &Api<DynamicObject>, finalizers: &[&str]) -> DynamicObject {
    let wanted = with_metadata(rollback("undo"), &json!({"finalizers": finalizers}));
    create(api, &wanted).await
}

pub async fn without_finalizers_it_is_gone(server: &Server) {
    let api = server.api(Kind::Rollback);
    let created = create(&api, &rollback("undo")).await;
    let answer = api.delete("undo", &DeleteParams::default()).await.unwrap();
    let status = answer.right().expect("an answer that says that it is done");
    let details = status.details.unwrap();
    assert_eq!(
        (details.name, details.kind, details.uid),
        ("undo".to_owned(), "rollbacks".to_owned(), uid(&created))
    );
    assert!(is_not_found(&api.get("undo").await.unwrap_err()));
    let found = rollbacks::get(&server.client, &server.namespace, "undo").await.unwrap();
    assert!(found.is_none());
}

pub async fn with_finalizers_it_stays_until_the_last_is_removed(server: &Server) {
    let api = server.api(Kind::Rollback);
    let created = create_with_finalizers(&api, &[OTHER, FINALIZER]).await;
    assert_eq!(generation(&created), 1);
    let answer = api.delete("undo", &DeleteParams::default()).await.unwrap();
    let dying = answer.left().expect("the object as it is now");
    assert!(dying.metadata.deletion_timestamp.is_some());
    assert_eq!(generation(&dying), 2);
    assert!(version(&dying) > version(&created));
    assert_eq!(api.get("undo").await.unwrap(), dying);

    let again = api.delete("undo", &DeleteParams::default()).await.unwrap();
    assert_eq!(again.left().unwrap(), dying, "once is enough");

    let looked_at: Rollback = typed(&dying);
    let status = serde_json::from_value(json!({"phase": "Cancelled"})).unwrap();
    let written = rollbacks::write_status(&server.client, &looked_at, &status).await.unwrap();
    assert!(written.metadata.deletion_timestamp.is_some());

    let without_ours = rollbacks::set_finalizer(&server.client, &written, false).await.unwrap();
    assert_eq!(without_ours.metadata.finalizers, Some(vec![OTHER.to_owned()]));
    assert_eq!(without_ours.metadata.generation, Some(2));
    assert!(api.get("undo").await.is_ok());
    let last = merge(&api, "undo", json!({"metadata": {"finalizers": []}})).await;
    assert_eq!(last.metadata.finalizers, None);
    assert_eq!(uid(&last), uid(&created));
    assert!(is_not_found(&api.get("undo").await.unwrap_err()));

    let late = rollbacks::write_status(&server.client, &without_ours, &status).await;
    assert!(is_not_found(&late.unwrap_err()));
    let late = rollbacks::set_finalizer(&server.client, &looked_at, false).await;
    assert!(is_not_found(&late.unwrap_err()));
}

pub async fn no_finalizer_is_added_while_it_is_deleted(server: &Server) {
    let api = server.api(Kind::Rollback);
    create_with_finalizers(&api, &[OTHER]).await;
    api.delete("undo", &DeleteParams::default()).await.unwrap();
    let dying = api.get("undo").await.unwrap();
    let added = rollbacks::set_finalizer(&server.client, &typed(&dying), true).await.map(drop);
    let patch = Patch::Merge(json!({"metadata": {"finalizers": [FINALIZER]}}));
    let exchanged = api.patch("undo", &PatchParams::default(), &patch).await.map(drop);
    for answer in [added, exchanged] {
        let status = refusal(answer);
        assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"), "{status:?}");
        let because = "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted";
        let message = format!("Rollback.identitycenter.dev \"undo\" is invalid: {because}");
        assert!(status.message.starts_with(&message), "{status:?}");
        let details = status.details.unwrap();
        assert_eq!((details.kind.as_str(), details.name.as_str()), ("Rollback", "undo"));
        assert_eq!(details.causes[0].field, "metadata.finalizers");
    }
    assert_eq!(api.get("undo").await.unwrap(), dying);
    let labelled = merge(&api, "undo", json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(labelled.metadata.finalizers, dying.metadata.finalizers);
}
