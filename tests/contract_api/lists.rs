//! Lists: in pages, of any version, of all namespaces, of metadata alone.

use kube::ResourceExt as _;
use kube::api::{DeleteParams, DynamicObject, ListParams, ObjectList};
use rollback_operator::cluster::records;
use serde_json::json;

use crate::cluster::Kind;
use crate::objects::{create, name, one_account, record, rollback, version};
use crate::server::Server;

fn names(list: &ObjectList<DynamicObject>) -> Vec<String> {
    list.items.iter().map(name).collect()
}

fn token(list: &ObjectList<DynamicObject>) -> Option<&str> {
    list.metadata.continue_.as_deref().filter(|token| !token.is_empty())
}

pub async fn pages_are_of_one_version(server: &Server) {
    let api = server.api(Kind::Record);
    for name in ["e", "d", "a", "b", "c"] {
        create(&api, &record(name, "main", &one_account())).await;
    }
    create(&api, &record("aa", "other", &one_account())).await;
    let wanted = ListParams::default().fields("spec.instance=main").limit(2);
    let first = api.list(&wanted).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    let token_1 = token(&first).expect("more").to_owned();
    let listed_at = first.metadata.resource_version.clone().unwrap();
    assert!(version(&first.items[1]) < listed_at.parse().unwrap());

    let c = api.get("c").await.unwrap();
    api.delete("c", &DeleteParams::default()).await.unwrap();
    create(&api, &record("bb", "main", &one_account())).await;
    let second = api.list(&wanted.clone().continue_token(&token_1)).await.unwrap();
    assert_eq!(names(&second), ["c", "d"], "as it was for the first page");
    assert_eq!(second.items[0], c);
    assert_eq!(second.metadata.resource_version.as_ref(), Some(&listed_at));
    let token_2 = token(&second).expect("more").to_owned();
    let third = api.list(&wanted.clone().continue_token(&token_2)).await.unwrap();
    assert_eq!(names(&third), ["e"]);
    assert_eq!(token(&third), None);

    let (now, unreadable) =
        records::list(&server.client, &server.namespace, "main", |_| true).await.unwrap();
    let now: Vec<String> = now.iter().map(kube::ResourceExt::name_any).collect();
    assert_eq!((now, unreadable), (["a", "b", "bb", "d", "e"].map(str::to_owned).to_vec(), vec![]));
    let none = api.list(&ListParams::default().fields("spec.instance=absent")).await.unwrap();
    assert_eq!(names(&none), Vec::<String>::new());
}

pub async fn a_list_of_any_version_is_one_page(server: &Server) {
    let api = server.api(Kind::Rollback);
    let mut newest = 0;
    for name in ["a", "b", "c"] {
        newest = version(&create(&api, &rollback(name)).await);
    }
    let any = ListParams::default().match_any();
    let list = server
        .eventually("a cache to know of all", async || {
            let list = api.list(&any).await.unwrap();
            let version: u64 = list.metadata.resource_version.as_ref().unwrap().parse().unwrap();
            (version >= newest).then_some(list)
        })
        .await;
    assert_eq!(names(&list), ["a", "b", "c"]);
    assert_eq!(token(&list), None);
}

pub async fn a_list_of_all_namespaces_has_both(server: &Server) {
    let other = server.another_namespace();
    let here = create(&server.api(Kind::Rollback), &rollback("undo")).await;
    let there = create(&server.within(Kind::Rollback, &other), &rollback("undo")).await;
    let list = server.everywhere(Kind::Rollback).list(&ListParams::default()).await.unwrap();
    for object in [&here, &there] {
        assert!(list.items.contains(object), "{object:?}");
    }
    let list = server.api(Kind::Rollback).list(&ListParams::default()).await.unwrap();
    assert_eq!(list.items, [here]);
    assert_eq!(
        (list.types.api_version.as_str(), list.types.kind.as_str()),
        ("identitycenter.dev/v1alpha1", "RollbackList")
    );
}

pub async fn metadata_alone(server: &Server) {
    let api = server.api(Kind::Record);
    let mut wanted = record("assign", "main", &one_account());
    wanted.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
    let created = create(&api, &wanted).await;
    let metadata = api.get_metadata("assign").await.unwrap();
    assert_eq!(metadata.metadata, created.metadata);
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.types.kind, "PartialObjectMetadataList");
    assert_eq!(list.items[0].labels(), &[("a".to_owned(), "b".to_owned())].into());
    for one in [&list.items[0], &metadata] {
        assert_eq!(one.metadata, created.metadata);
        let types = one.types.as_ref().unwrap();
        assert_eq!(
            (types.api_version.as_str(), types.kind.as_str()),
            ("meta.k8s.io/v1", "PartialObjectMetadata")
        );
    }
    let parameters = ListParams::default().fields("spec.instance=other");
    assert_eq!(api.list_metadata(&parameters).await.unwrap().items.len(), 0);
    assert!(json!(list.items[0]).get("spec").is_none());
}

pub async fn how_many_there_are_is_told(server: &Server) {
    let api = server.api(Kind::Record);
    let one = ListParams::default().limit(1);
    let more = |list: ObjectList<kube::core::PartialObjectMeta<DynamicObject>>| {
        (list.items.len(), list.metadata.remaining_item_count)
    };
    assert_eq!(more(api.list_metadata(&one).await.unwrap()), (0, None));
    for (number, wanted) in [(1, None), (2, Some(1)), (3, Some(2))] {
        create(&api, &record(&format!("assign-{number}"), "main", &one_account())).await;
        assert_eq!(more(api.list_metadata(&one).await.unwrap()), (1, wanted));
    }
    let selected = one.clone().fields("spec.instance=main");
    assert_eq!(more(api.list_metadata(&selected).await.unwrap()), (1, None));
    api.delete("assign-1", &kube::api::DeleteParams::default()).await.unwrap();
    assert_eq!(more(api.list_metadata(&one).await.unwrap()), (1, Some(1)));
}
