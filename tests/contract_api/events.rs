//! Events, as kube's recorder publishes them.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as Published;
use kube::api::ListParams;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Resource as _};
use rollback_operator::api::{IdentityCenterInstance, Rollback};

use crate::cluster::Kind;
use crate::objects::{create, instance, rollback, typed};
use crate::server::Server;

fn news(note: &str) -> Event {
    Event {
        type_: EventType::Warning,
        reason: "ActionFailed".to_owned(),
        note: Some(note.to_owned()),
        action: format!("ActionFailed-{}", note.len()),
        secondary: None,
    }
}

/// The notes about an object, and how often each was seen again.
async fn published(
    server: &Server,
    namespace: &str,
    about: &ObjectReference,
) -> Vec<(String, Option<i32>)> {
    let api: Api<Published> = Api::namespaced(server.client.clone(), namespace);
    let list = api.list(&ListParams::default()).await.unwrap();
    let mine = list.items.into_iter().filter(|event| event.regarding.as_ref() == Some(about));
    let mut notes: Vec<_> =
        mine.map(|event| (event.note.unwrap(), event.series.map(|series| series.count))).collect();
    notes.sort();
    notes
}

pub async fn the_same_news_again_is_counted(server: &Server) {
    let rollback: Rollback = typed(&create(&server.api(Kind::Rollback), &rollback("undo")).await);
    let instance = instance(&server.own_name());
    let instance: IdentityCenterInstance =
        typed(&create(&server.api(Kind::Instance), &instance).await);
    let reporter = Reporter {
        controller: "rollback-operator".to_owned(),
        instance: Some("operator-0".to_owned()),
    };
    let recorder = Recorder::new(server.client.clone(), reporter);
    for (about, namespace) in [
        (rollback.object_ref(&()), server.namespace.as_str()),
        (instance.object_ref(&()), "default"),
    ] {
        for note in ["one failed", "two more failed", "one failed"] {
            recorder.publish(&news(note), &about).await.unwrap();
        }
        let expected = [("one failed".to_owned(), Some(2)), ("two more failed".to_owned(), None)];
        assert_eq!(published(server, namespace, &about).await, expected);
        recorder.publish(&news("one failed"), &about).await.unwrap();
        assert_eq!(published(server, namespace, &about).await[0].1, Some(3));
    }
}
