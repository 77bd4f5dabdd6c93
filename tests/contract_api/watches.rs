//! Watches: what they tell, from which version on, and how they end.

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, PartialObjectMeta, WatchEvent, WatchParams,
};
use kube::runtime::watcher::{self, watcher};
use kube::{Resource, ResourceExt as _};
use rollback_operator::api::{FINALIZER, OperationRecord};
use serde_json::json;

use crate::cluster::Kind;
use crate::objects::{create, name, one_account, record, rollback, typed, version, with_metadata};
use crate::server::Server;
use crate::writing::merge;

/// The version that a watch of this begins from.
async fn present(api: &Api<DynamicObject>) -> String {
    api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap()
}

/// So many events of a watch from a version on: what happened, the name, the version.
async fn told<K: Resource>(
    server: &Server,
    events: impl Stream<Item = kube::Result<WatchEvent<K>>>,
    count: usize,
) -> Vec<(&'static str, String, String)> {
    let mut events = std::pin::pin!(events);
    let mut told = Vec::new();
    while told.len() < count {
        let event = server.soon("an event of a watch", events.next()).await.unwrap().unwrap();
        let (what, object) = match event {
            WatchEvent::Added(object) => ("ADDED", object),
            WatchEvent::Modified(object) => ("MODIFIED", object),
            WatchEvent::Deleted(object) => ("DELETED", object),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => panic!("{status:?}"),
        };
        told.push((what, object.name_any(), object.resource_version().unwrap()));
    }
    told
}

fn said(what: &'static str, object: &DynamicObject) -> (&'static str, String, String) {
    (what, name(object), object.resource_version().unwrap())
}

pub async fn a_watch_tells_what_came_after_its_version(server: &Server) {
    let api = server.api(Kind::Rollback);
    let a = create(&api, &rollback("a")).await;
    let from = present(&api).await;
    create(&server.api(Kind::Record), &record("assign", "main", &one_account())).await;
    let b = create(&api, &rollback("b")).await;
    let a_2 = merge(&api, "a", json!({"spec": {"suspend": true}})).await;
    merge(&api, "a", json!({"spec": {"suspend": true}})).await;
    let status = serde_json::from_value(json!({"phase": "Planning"})).unwrap();
    let a_3 =
        rollback_operator::cluster::rollbacks::write_status(&server.client, &typed(&a_2), &status)
            .await
            .unwrap();
    api.delete("b", &DeleteParams::default()).await.unwrap();
    let c = create(&api, &rollback("c")).await;

    let all = api.watch(&WatchParams::default(), &from).await.unwrap();
    let all = told(server, all, 5).await;
    assert_eq!(all[0], said("ADDED", &b));
    assert_eq!(all[1], said("MODIFIED", &a_2));
    assert_eq!(all[2], ("MODIFIED", "a".to_owned(), a_3.resource_version().unwrap()));
    assert_eq!((all[3].0, all[3].1.as_str()), ("DELETED", "b"));
    let deleted: u64 = all[3].2.parse().unwrap();
    assert!(a_3.resource_version().unwrap().parse::<u64>().unwrap() < deleted);
    assert!(deleted < version(&c));
    assert_eq!(all[4], said("ADDED", &c));

    // From any of the versions told: a watch that broke goes on.
    for (at, (_, _, version)) in all.iter().enumerate().take(4) {
        let rest = api.watch(&WatchParams::default(), version).await.unwrap();
        assert_eq!(told(server, rest, 4 - at).await, all[at + 1..]);
    }
    let rest = api.watch(&WatchParams::default(), &a.resource_version().unwrap()).await.unwrap();
    assert_eq!(told(server, rest, 5).await, all);
}

pub async fn an_open_watch_goes_on(server: &Server) {
    let api = server.api(Kind::Rollback);
    let events = api.watch(&WatchParams::default(), &present(&api).await).await.unwrap();
    let mut events = std::pin::pin!(events);
    let a = create(&api, &rollback("a")).await;
    assert_eq!(told(server, events.as_mut(), 1).await, [said("ADDED", &a)]);
    let a = merge(&api, "a", json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(told(server, events.as_mut(), 1).await, [said("MODIFIED", &a)]);
    api.delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(told(server, events.as_mut(), 1).await[0].0, "DELETED");
}

pub async fn a_watch_of_all_namespaces_tells_of_both(server: &Server) {
    let other = server.another_namespace();
    let (here, there) = (server.api(Kind::Rollback), server.within(Kind::Rollback, &other));
    let from = present(&server.everywhere(Kind::Rollback)).await;
    let first = create(&there, &rollback("there")).await;
    let second = create(&here, &rollback("here")).await;
    let everywhere = server.everywhere(Kind::Rollback);
    let events = everywhere.watch(&WatchParams::default(), &from).await.unwrap();
    let mine = [server.namespace.clone(), other];
    let mine = events.try_filter(|event| {
        std::future::ready(match event {
            WatchEvent::Added(object) => mine.contains(&object.namespace().unwrap()),
            _ => false,
        })
    });
    assert_eq!(told(server, mine, 2).await, [said("ADDED", &first), said("ADDED", &second)]);
    let events = here.watch(&WatchParams::default(), &from).await.unwrap();
    assert_eq!(told(server, events, 1).await, [said("ADDED", &second)], "and no other namespace");
}

pub async fn a_deletion_is_told_in_two_steps(server: &Server) {
    let api = server.api(Kind::Rollback);
    let finalizers = json!({"finalizers": [FINALIZER]});
    create(&api, &with_metadata(rollback("undo"), &finalizers)).await;
    let from = present(&api).await;
    api.delete("undo", &DeleteParams::default()).await.unwrap();
    let dying = api.get("undo").await.unwrap();
    merge(&api, "undo", json!({"metadata": {"finalizers": []}})).await;
    let mut events = api.watch(&WatchParams::default(), &from).await.unwrap().boxed();
    let mut next = async || server.soon("an event", events.next()).await.unwrap().unwrap();
    let WatchEvent::Modified(first) = next().await else { panic!("not MODIFIED") };
    assert_eq!(first, dying);
    let WatchEvent::Deleted(second) = next().await else { panic!("not DELETED") };
    assert!(version(&second) > version(&dying));
    assert_eq!(second.finalizers(), dying.finalizers(), "as it was before");
    assert_eq!(second.uid(), dying.uid());
    assert_eq!(second.data, dying.data);
}

pub async fn a_watch_of_metadata_tells_no_more(server: &Server) {
    let api = server.api(Kind::Record);
    let from = present(&api).await;
    let created = create(&api, &record("assign", "main", &one_account())).await;
    let labelled = merge(&api, "assign", json!({"metadata": {"labels": {"a": "b"}}})).await;
    api.delete("assign", &DeleteParams::default()).await.unwrap();
    let mut events = api.watch_metadata(&WatchParams::default(), &from).await.unwrap().boxed();
    let mut next = async || server.soon("an event", events.next()).await.unwrap().unwrap();
    let WatchEvent::Added(first) = next().await else { panic!("not ADDED") };
    let types = first.types.clone().unwrap();
    assert_eq!(
        (types.api_version.as_str(), types.kind.as_str()),
        ("meta.k8s.io/v1", "PartialObjectMetadata")
    );
    assert_eq!(first.metadata, created.metadata);
    let WatchEvent::Modified(second) = next().await else { panic!("not MODIFIED") };
    assert_eq!(second.metadata, labelled.metadata);
    let WatchEvent::Deleted(third) = next().await else { panic!("not DELETED") };
    assert_eq!(third.labels(), labelled.labels());
}

pub async fn a_watch_from_a_forgotten_version_is_expired(server: &Server) {
    let api = server.api(Kind::Rollback);
    create(&api, &rollback("a")).await;
    create(&api, &rollback("b")).await;
    server.forget_version_1();
    let present = present(&api).await;
    let mut events = api.watch(&WatchParams::default(), "1").await.unwrap().boxed();
    let event = server.soon("an event", events.next()).await.unwrap().unwrap();
    let WatchEvent::Error(status) = event else { panic!("not ERROR: {event:?}") };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"), "{status:?}");
    assert!(status.message.starts_with("too old resource version: 1 ("), "{status:?}");
    let after = server.soon("the end", events.next()).await;
    assert!(after.is_none(), "{after:?}");

    // From the present on it still works.
    let events = api.watch(&WatchParams::default(), &present).await.unwrap();
    let c = create(&api, &rollback("c")).await;
    assert_eq!(told(server, events, 1).await, [said("ADDED", &c)]);
}

/// The versions of bookmarks; nothing else may be there.
fn bookmarks<K: std::fmt::Debug>(
    events: Vec<WatchEvent<K>>,
    version: &str,
    kind: &str,
) -> Vec<u64> {
    let version_of = |event| {
        let WatchEvent::Bookmark(bookmark) = event else { panic!("no bookmark: {event:?}") };
        assert_eq!(
            (bookmark.types.api_version.as_str(), bookmark.types.kind.as_str()),
            (version, kind)
        );
        bookmark.metadata.resource_version.parse().unwrap()
    };
    events.into_iter().map(version_of).collect()
}

pub async fn a_watch_ends_in_time_with_bookmarks_if_wanted(server: &Server) {
    let api = server.api(Kind::Rollback);
    let created = create(&api, &rollback("undo")).await;
    let from = created.resource_version().unwrap();
    let wanted = WatchParams::default().timeout(4);
    let with = api.watch(&wanted, &from).await.unwrap();
    let without = api.watch(&wanted.clone().disable_bookmarks(), &from).await.unwrap();
    let metadata = api.watch_metadata(&wanted, &from).await.unwrap();
    let all = futures::future::join3(
        with.try_collect::<Vec<_>>(),
        without.try_collect::<Vec<_>>(),
        metadata.try_collect::<Vec<_>>(),
    );
    let (with, without, metadata) = server.soon("the watches to end", all).await;
    let with = bookmarks(with.unwrap(), "identitycenter.dev/v1alpha1", "Rollback");
    let last = *with.last().expect("a bookmark");
    assert!(last >= version(&created));
    assert!(with.is_sorted(), "{with:?}");
    assert!(without.unwrap().is_empty());
    let metadata = bookmarks(metadata.unwrap(), "meta.k8s.io/v1", "PartialObjectMetadata");
    assert!(!metadata.is_empty());
    let rest = api.watch(&WatchParams::default(), &last.to_string()).await.unwrap();
    let later = create(&api, &rollback("later")).await;
    assert_eq!(told(server, rest, 1).await, [said("ADDED", &later)], "bookmarks are versions");
}

pub async fn the_watcher_of_kube_follows_metadata(server: &Server) {
    let records = server.api(Kind::Record);
    let before = create(&records, &record("before", "main", &one_account())).await;
    let api: Api<PartialObjectMeta<OperationRecord>> =
        Api::namespaced(server.client.clone(), &server.namespace);
    let mut events = watcher(api, watcher::Config::default().any_semantic()).boxed();
    let mut next = async || server.soon("an event", events.next()).await.unwrap().unwrap();
    assert!(matches!(next().await, watcher::Event::Init));
    let event = next().await;
    let watcher::Event::InitApply(first) = &event else { panic!("{event:?}") };
    assert_eq!(first.metadata, before.metadata);
    assert!(matches!(next().await, watcher::Event::InitDone));
    let after = create(&records, &record("after", "main", &one_account())).await;
    let event = next().await;
    let watcher::Event::Apply(second) = &event else { panic!("{event:?}") };
    assert_eq!(second.metadata, after.metadata);
    assert_eq!(second.types.as_ref().unwrap().kind, "PartialObjectMetadata");
}

pub async fn the_watcher_of_kube_follows(server: &Server) {
    let api = server.api(Kind::Rollback);
    let mut before = Vec::new();
    for name in ["a", "b", "c"] {
        before.push(create(&api, &rollback(name)).await);
    }
    let in_pages = watcher::Config::default().any_semantic().page_size(2);
    let mut events = watcher(api.clone(), in_pages).boxed();
    let mut next = async || server.soon("an event", events.next()).await.unwrap().unwrap();
    assert!(matches!(next().await, watcher::Event::Init));
    for object in &before {
        let event = next().await;
        assert!(matches!(&event, watcher::Event::InitApply(it) if it == object), "{event:?}");
    }
    assert!(matches!(next().await, watcher::Event::InitDone));
    let after = create(&api, &rollback("after")).await;
    assert!(matches!(next().await, watcher::Event::Apply(object) if object == after));
    api.delete("b", &DeleteParams::default()).await.unwrap();
    let event = next().await;
    assert!(
        matches!(&event, watcher::Event::Delete(object) if object.uid() == before[1].uid()),
        "{event:?}"
    );
}
