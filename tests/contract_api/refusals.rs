//! What an API server says no to, and how the operator understands it.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use rollback_operator::api::FINALIZER;
use rollback_operator::cluster::records::{self, LedgerWrite};
use rollback_operator::cluster::{
    is_already_exists, is_namespace_terminating, is_not_found, is_too_large, rollbacks,
};
use serde_json::{Value, json};

use crate::cluster::Kind;
use crate::objects::{
    create, is_about, one_account, record, refusal, rollback, shard, typed, with_metadata,
};
use crate::server::Server;

pub async fn what_is_missing_is_not_found(server: &Server) {
    for kind in [Kind::Rollback, Kind::Plan, Kind::Record, Kind::Instance, Kind::Lease] {
        let api = server.api(kind);
        let merge = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
        let mut answers = vec![
            api.get("missing").await.map(drop),
            api.get_metadata("missing").await.map(drop),
            api.patch("missing", &PatchParams::default(), &merge).await.map(drop),
            api.delete("missing", &DeleteParams::default()).await.map(drop),
        ];
        if kind.has_status() {
            let body = json!({
                "apiVersion": kind.api_version(), "kind": kind.name(),
                "metadata": {"name": "missing"}, "status": {},
            });
            let parameters = PatchParams::apply("test").force();
            let applied = api.patch_status("missing", &parameters, &Patch::Apply(body)).await;
            answers.push(applied.map(drop));
            let merged = api.patch_status("missing", &PatchParams::default(), &merge).await;
            answers.push(merged.map(drop));
        }
        for answer in answers {
            assert!(is_not_found(answer.as_ref().unwrap_err()), "{answer:?}");
            let status = refusal(answer);
            is_about(&status, 404, "NotFound", kind, "missing");
            let (plural, group) = (kind.plural(), kind.group());
            assert_eq!(status.message, format!("{plural}.{group} \"missing\" not found"));
        }
    }
}

pub async fn an_unknown_path_is_no_missing_object(server: &Server) {
    let namespace = &server.namespace;
    for path in [
        format!("/apis/identitycenter.dev/v1alpha1/namespaces/{namespace}/undos/undo"),
        format!("/apis/identitycenter.dev/v2/namespaces/{namespace}/rollbacks/undo"),
        format!("/apis/identity.example/v1alpha1/namespaces/{namespace}/rollbacks/undo"),
        "/apis/identitycenter.dev/v1alpha1/rollbacks/undo/a/b/c".to_owned(),
    ] {
        let request = http::Request::get(&path).body(Vec::new()).unwrap();
        let answer = server.client.request::<Value>(request).await;
        assert!(!is_not_found(answer.as_ref().unwrap_err()));
        let status = refusal(answer);
        assert_eq!((status.code, status.details.as_ref()), (404, None), "{path}");
        assert!(status.message.contains("404 page not found"), "{path} {status:?}");
        assert_eq!(status.reason, "Failed to parse error data", "{path}");
    }
}

pub async fn a_namespace_that_is_deleted_takes_nothing_new(server: &Server) {
    let api = server.api(Kind::Rollback);
    let held = with_metadata(rollback("undo"), &json!({"finalizers": [FINALIZER]}));
    let created = create(&api, &held).await;
    create(&server.api(Kind::Record), &record("there", "main", &one_account())).await;
    server.delete_namespace().await;
    let mut tries = 0;
    let answer = server
        .eventually("a creation to be refused", async || {
            tries += 1;
            let late = shard(&format!("late-{tries}"));
            let answer = server.api(Kind::Plan).create(&PostParams::default(), &late).await;
            answer.is_err().then_some(answer)
        })
        .await;
    assert!(is_namespace_terminating(answer.as_ref().unwrap_err()));
    let status = refusal(answer);
    is_about(&status, 403, "Forbidden", Kind::Plan, &format!("late-{tries}"));
    let namespace = &server.namespace;
    let end = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    assert!(status.message.ends_with(&end), "{status:?}");

    let ledger = record("ledger", "main", &one_account()).data["spec"].clone();
    let ledger = serde_json::from_value(ledger).unwrap();
    let write = records::write_ledger(&server.client, namespace, "ledger", ledger).await.unwrap();
    assert!(matches!(write, LedgerWrite::NamespaceTerminating), "{write:?}");

    // An existing name is refused for the same reason, not for being taken.
    let again = api.create(&PostParams::default(), &rollback("undo")).await.unwrap_err();
    assert!(is_namespace_terminating(&again) && !is_already_exists(&again));

    // What is there can still be written and let go.
    let looked_at = api.get("undo").await.unwrap();
    assert_eq!(looked_at.metadata.uid, created.metadata.uid);
    let body = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
        "metadata": {"name": "undo"}, "status": {"phase": "Cancelled"},
    });
    let parameters = PatchParams::apply("test").force();
    let written = api.patch_status("undo", &parameters, &Patch::Apply(body)).await.unwrap();
    assert_eq!(written.data["status"]["phase"], "Cancelled");
    server
        .eventually("the finalizer to be removed", async || {
            let now = api.get("undo").await.unwrap();
            rollbacks::set_finalizer(&server.client, &typed(&now), false).await.ok()
        })
        .await;
}

pub async fn what_is_too_large_is_refused(server: &Server) {
    let api = server.api(Kind::Record);
    // Above the limits of etcd's requests, of etcd's transport and of the API server's.
    for kilobytes in [1700, 2300, 3300] {
        let accounts: Vec<String> = vec!["061836611202".to_owned(); 10_000];
        let mut wanted = record("large", "main", &accounts);
        let change = wanted.data["spec"]["changes"][0].clone();
        let changes = kilobytes * 1000 / change.to_string().len() + 1;
        wanted.data["spec"]["changes"] = json!(vec![change; changes]);
        let answer = api.create(&PostParams::default(), &wanted).await;
        assert!(is_too_large(answer.as_ref().unwrap_err()), "{kilobytes} {answer:?}");
        assert!(is_not_found(&api.get("large").await.unwrap_err()));
    }
    // What is below the limit is taken, and cannot grow beyond it.
    let name = "i".repeat(250);
    let shards = server.api(Kind::Plan);
    create(&shards, &shard("shard")).await;
    let actions = |length: usize, count: usize| -> Value {
        json!({"status": {"actions": vec![json!({"item": 0, "reason": name.repeat(length)}); count]}})
    };
    let parameters = PatchParams::default();
    let fits = Patch::Merge(actions(4, 500));
    let before = shards.patch_status("shard", &parameters, &fits).await.unwrap();
    let grown = shards.patch_status("shard", &parameters, &Patch::Merge(actions(7, 1000))).await;
    assert!(is_too_large(grown.as_ref().unwrap_err()), "{:?}", grown.map(drop));
    assert_eq!(shards.get("shard").await.unwrap(), before);
}
