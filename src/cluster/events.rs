//! Kubernetes events about what happened to an object: told and forgotten.
//!
//! An event never holds up work and never fails it: publications wait in a short queue, a few at a
//! time go out, each with a time limit; what does not fit is dropped, logged and counted.
//!
//! kube's recorder joins events for six minutes when type, action, reason, reporter and object are
//! the same, and then keeps the note of the first. The action therefore carries a short hash of the
//! note: the same news twice is one event with a count, different news stay apart.

use std::future::Future;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::api::Reason;
use crate::api::names::hex;
use crate::runtime::Metrics;
use crate::runtime::metrics::EventPublication;

/// How many may wait.
const QUEUE: usize = 256;
/// How many go out at the same time.
const CONCURRENCY: usize = 4;
/// Time limit for one, beside that of the client.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Bytes; the limit of events.k8s.io/v1.
const LONGEST_NOTE: usize = 1024;
/// The name of the reporting controller.
const CONTROLLER: &str = "rollback-operator";

/// Where to tell what happened. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Events {
    queue: mpsc::Sender<Publication>,
    metrics: Metrics,
}

#[derive(Debug)]
struct Publication {
    regarding: ObjectReference,
    severity: EventType,
    reason: Reason,
    note: String,
}

impl Events {
    /// Makes the queue, and the task that empties it: spawn it. It ends when every [`Events`] is
    /// dropped and the queue is empty.
    ///
    /// `instance` is the name of the pod.
    pub fn start(
        client: Client,
        instance: String,
        metrics: Metrics,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let events = Self { queue, metrics: metrics.clone() };
        let reporter = Reporter { controller: CONTROLLER.to_owned(), instance: Some(instance) };
        let recorder = Recorder::new(client, reporter);
        let task = async move {
            let waiting = futures::stream::poll_fn(move |context| waiting.poll_recv(context));
            waiting
                .for_each_concurrent(CONCURRENCY, |publication| {
                    publish(&recorder, &metrics, publication)
                })
                .await;
        };
        (events, task)
    }

    /// Tells something that is as it should be.
    pub fn normal<K>(&self, object: &K, reason: Reason, note: impl Into<String>)
    where
        K: Resource<DynamicType = ()>,
    {
        self.tell(object.object_ref(&()), EventType::Normal, reason, note.into());
    }

    /// Tells something that somebody should look at.
    pub fn warning<K>(&self, object: &K, reason: Reason, note: impl Into<String>)
    where
        K: Resource<DynamicType = ()>,
    {
        self.tell(object.object_ref(&()), EventType::Warning, reason, note.into());
    }

    /// Whether none waits in the queue.
    #[must_use]
    pub fn none_waits(&self) -> bool {
        self.queue.capacity() == self.queue.max_capacity()
    }

    fn tell(&self, regarding: ObjectReference, severity: EventType, reason: Reason, note: String) {
        let publication = Publication { regarding, severity, reason, note };
        if let Err(error) = self.queue.try_send(publication) {
            let (why, publication) = match error {
                mpsc::error::TrySendError::Full(it) => ("too many are waiting", it),
                mpsc::error::TrySendError::Closed(it) => ("the process is stopping", it),
            };
            log(&publication, &why);
            self.metrics.event(EventPublication::Dropped);
        }
    }
}

async fn publish(recorder: &Recorder, metrics: &Metrics, publication: Publication) {
    let event = Event {
        type_: publication.severity,
        reason: publication.reason.as_str().to_owned(),
        note: Some(shortened(&publication.note)),
        action: action(publication.reason, &publication.note),
        secondary: None,
    };
    let publishing = recorder.publish(&event, &publication.regarding);
    let outcome = match tokio::time::timeout(TIME_LIMIT, publishing).await {
        Ok(Ok(())) => EventPublication::Published,
        Ok(Err(error)) => {
            log(&publication, &error);
            EventPublication::Failed
        }
        Err(_) => {
            log(&publication, &"it took too long");
            EventPublication::Failed
        }
    };
    metrics.event(outcome);
}

fn log(publication: &Publication, why: &dyn std::fmt::Display) {
    tracing::warn!(
        kind = publication.regarding.kind.as_deref(),
        namespace = publication.regarding.namespace.as_deref(),
        name = publication.regarding.name.as_deref(),
        reason = %publication.reason,
        %why,
        "an event was not published"
    );
}

/// What sets different news about one object and reason apart, within 128 characters.
fn action(reason: Reason, note: &str) -> String {
    let hash = hex(&Sha256::digest(note.as_bytes()));
    format!("{reason}-{}", hash.get(..8).unwrap_or_default())
}

/// At most as many bytes as an event may have, whole characters only.
fn shortened(note: &str) -> String {
    const MORE: &str = "…";
    if note.len() <= LONGEST_NOTE {
        return note.to_owned();
    }
    let room = note.floor_char_boundary(LONGEST_NOTE - MORE.len());
    format!("{}{MORE}", note.get(..room).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::{Request, Response};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::client::Body;
    use serde_json::Value;
    use tower::{BoxError, service_fn};

    use super::*;

    type Sent = Arc<Mutex<Vec<(String, Value)>>>;

    /// An API server that stores what it is sent, or refuses it.
    fn client(sent: &Sent, code: u16) -> Client {
        let sent = Arc::clone(sent);
        let service = service_fn(move |request: Request<Body>| {
            let sent = Arc::clone(&sent);
            async move {
                let method = request.method().to_string();
                let bytes = request.into_body().collect_bytes().await?;
                let body: Value = serde_json::from_slice(&bytes)?;
                sent.lock().unwrap().push((method, body));
                let answer = Response::builder().status(code);
                Ok::<_, BoxError>(answer.body(Body::from(bytes.to_vec()))?)
            }
        });
        Client::new(service, "access")
    }

    fn object() -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.name = Some("undo".into());
        object.metadata.namespace = Some("access".into());
        object.metadata.uid = Some("3c3b70b4".into());
        object
    }

    #[tokio::test]
    async fn different_notes_stay_apart_and_equal_ones_are_counted() {
        let sent = Sent::default();
        let metrics = Metrics::new().unwrap();
        let (events, task) = Events::start(client(&sent, 200), "pod-1".into(), metrics.clone());
        let task = tokio::spawn(task);
        for note in ["7 actions planned", "9 actions planned"] {
            events.normal(&object(), Reason::Planned, note);
        }
        while sent.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        events.normal(&object(), Reason::Planned, "7 actions planned");
        events.warning(&object(), Reason::ActionFailed, "one failed");
        drop(events);
        task.await.unwrap();

        let sent = sent.lock().unwrap();
        let told: Vec<_> = sent
            .iter()
            .map(|(method, event)| (method.as_str(), event["note"].as_str().unwrap()))
            .collect();
        assert_eq!(told[..2], [("POST", "7 actions planned"), ("POST", "9 actions planned")]);
        assert!(told.contains(&("PATCH", "7 actions planned")));
        assert!(told.contains(&("POST", "one failed")));
        assert_eq!(sent[0].1["regarding"]["name"], "undo");
        assert_eq!(sent[0].1["reason"], "Planned");
        assert_eq!(sent[0].1["reportingInstance"], "pod-1");
        let text = metrics.encode().unwrap();
        assert!(text.contains(r#"rollback_events_total{outcome="published"} 4"#), "{text}");
    }

    #[tokio::test]
    async fn failures_and_floods_are_counted_and_hold_nothing_up() {
        let sent = Sent::default();
        let metrics = Metrics::new().unwrap();
        let (events, task) = Events::start(client(&sent, 500), "pod-1".into(), metrics.clone());
        for number in 0..QUEUE + 10 {
            events.normal(&object(), Reason::Executing, number.to_string());
        }
        drop(events);
        task.await;
        let text = metrics.encode().unwrap();
        assert!(text.contains(r#"rollback_events_total{outcome="dropped"} 10"#), "{text}");
        assert!(text.contains(r#"rollback_events_total{outcome="failed"} 256"#), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_does_not_answer_ends_in_time() {
        let silent = service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Body>, BoxError>>()
        });
        let metrics = Metrics::new().unwrap();
        let client = Client::new(silent, "access");
        let (events, task) = Events::start(client, "pod-1".into(), metrics.clone());
        events.normal(&object(), Reason::Executing, "first");
        drop(events);
        tokio::time::timeout(TIME_LIMIT * 2, task).await.unwrap();
        assert!(metrics.encode().unwrap().contains(r#"outcome="failed"} 1"#));
    }

    #[test]
    fn notes_and_actions_fit() {
        let long = "é".repeat(2000);
        let note = shortened(&long);
        assert!(note.len() <= 1024 && note.ends_with('…'));
        assert_eq!(shortened("short"), "short");
        for reason in Reason::ALL {
            assert!(action(*reason, &long).len() <= 128);
        }
    }
}
