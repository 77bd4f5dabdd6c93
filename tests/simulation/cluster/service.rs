//! The API server as a service of requests and answers.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use kube::client::Body;
use serde_json::{Value, json};
use tower::{BoxError, Service};

use super::faults::Fate;
use super::kinds::Kind;
use super::refusal::Refusal;
use super::request::ApiRequest;
use super::store::PatchKind;
use super::{Cluster, lock, watch};

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// One client's way to the API server.
#[derive(Clone)]
pub struct ApiService {
    cluster: Cluster,
    client: usize,
    faults: bool,
}

impl ApiService {
    pub(super) const fn new(cluster: Cluster, client: usize, faults: bool) -> Self {
        Self { cluster, client, faults }
    }

    async fn serve(self, request: Request<Body>) -> Result<Answer, BoxError> {
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let request = match ApiRequest::read(&head, &body) {
            Ok(request) => request,
            Err(refusal) => return Ok(whole(refusal.code, &refusal.body)),
        };
        let (fate, wait) = self.fate(&request);
        // Half on the way there, half on the way back.
        self.sleep(wait / 2).await;
        match fate {
            Fate::Refused(code) => {
                let refusal = Refusal::unavailable(code);
                return Ok(whole(refusal.code, &refusal.body));
            }
            Fate::RequestLost => return Err("connection reset before the request was sent".into()),
            Fate::Silent { done: false } => return std::future::pending().await,
            _ => {}
        }
        if request.is_watch() {
            return Ok(self.cluster.watch(self.client, self.faults, request));
        }
        let (code, body) = match self.cluster.answer(&request, self.faults) {
            Ok(body) if request.method == Method::POST => (201, body),
            Ok(body) => (200, body),
            Err(refusal) => (refusal.code, refusal.body),
        };
        self.sleep(wait / 2).await;
        match fate {
            Fate::DoneButRefused(code) => {
                let refusal = Refusal::unavailable(code);
                Ok(whole(refusal.code, &refusal.body))
            }
            Fate::ReplyLost => Err("connection reset by peer".into()),
            Fate::Silent { .. } => std::future::pending().await,
            _ => Ok(whole(code, &body)),
        }
    }

    fn fate(&self, _: &ApiRequest) -> (Fate, Duration) {
        if !self.faults {
            return (Fate::Served, Duration::from_millis(2));
        }
        let now = self.cluster.shared.clock.now();
        let faults = lock(&self.cluster.shared.faults);
        faults.fate(&mut self.cluster.random(), self.client, now)
    }

    async fn sleep(&self, wait: Duration) {
        self.cluster.shared.clock.sleep(wait).await;
    }
}

impl Service<Request<Body>> for ApiService {
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // In a task of its own: what has left the process is on its way, whatever becomes of it.
        let service = self.clone();
        Box::pin(async move {
            let answer = tokio::spawn(service.serve(request));
            answer.await.unwrap_or_else(|error| Err(error.into()))
        })
    }
}

fn whole(code: u16, body: &Value) -> Answer {
    let text = if body.is_string() {
        body.as_str().unwrap_or_default().to_owned()
    } else {
        body.to_string()
    };
    let mut answer = Response::new(Full::new(Bytes::from(text)).map_err(Into::into).boxed_unsync());
    *answer.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    answer
}

/// What a deletion is answered with that leaves nothing.
fn gone(kind: Kind, object: &Value) -> Value {
    let metadata = &object["metadata"];
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": metadata["name"],
            "group": kind.group(),
            "kind": kind.plural(),
            "uid": metadata["uid"],
        },
    })
}

impl Cluster {
    fn watch(&self, client: usize, faults: bool, request: ApiRequest) -> Answer {
        let body = watch::body(self.clone(), client, faults, request);
        Response::new(body)
    }

    fn answer(&self, request: &ApiRequest, stale: bool) -> Result<Value, Refusal> {
        let now = self.shared.clock.now();
        let kind = request.kind;
        let Some(name) = request.name.clone() else {
            return match request.method {
                Method::POST => self.change(|store| {
                    store.create(kind, &request.namespace, request.body.clone(), now)
                }),
                _ => self.list(request, stale),
            };
        };
        let key = (request.namespace.clone(), name);
        match request.method {
            Method::GET => self.look(|store| {
                store
                    .get(kind, &key)
                    .map(|object| request.show(object))
                    .ok_or_else(|| Refusal::not_found(kind, &key))
            }),
            Method::PUT => self.change(|store| store.replace(kind, &key, request.body.clone())),
            Method::DELETE => self.change(|store| {
                let deleted = store.delete(kind, &key, now)?;
                let is_gone = store.get(kind, &key).is_none();
                Ok(if is_gone { gone(kind, &deleted) } else { deleted })
            }),
            Method::PATCH => {
                let manager = request.get("fieldManager").unwrap_or_default();
                let how =
                    if request.apply { PatchKind::Apply { manager } } else { PatchKind::Merge };
                self.change(|store| {
                    store.patch(kind, &key, request.status, &request.body, how, now)
                })
            }
            _ => Err(Refusal::new(405, "MethodNotAllowed", "not served", &Value::Null)),
        }
    }

    /// A page. One that may be of any version is of a cache that lags behind.
    fn list(&self, request: &ApiRequest, stale: bool) -> Result<Value, Refusal> {
        let limit = request.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let token = request.get("continue").and_then(|token| {
            let mut parts = token.splitn(3, '/');
            Some((
                parts.next()?.parse::<u64>().ok()?,
                (parts.next()?.to_owned(), parts.next()?.to_owned()),
            ))
        });
        let behind = if stale && request.get("resourceVersion") == Some("0") {
            let most = lock(&self.shared.faults);
            let most = if self.shared.clock.now() < most.until { most.stale } else { 0 };
            self.random().u64(0..=most)
        } else {
            0
        };
        self.look(|store| {
            let revision = match &token {
                Some((revision, _)) => *revision,
                None => store.revision().saturating_sub(behind),
            };
            if revision < store.compacted() && token.is_some() {
                return Err(Refusal::expired(revision, store.compacted()));
            }
            let objects = store.at(request.kind, revision);
            let mut wanted = objects.iter().filter(|(key, object)| {
                (request.namespace.is_empty() || key.0 == request.namespace)
                    && token.as_ref().is_none_or(|(_, last)| *key > last)
                    && request.selects(object)
            });
            let page: Vec<_> = wanted.by_ref().take(limit).collect();
            let more = wanted.count();
            let token = page
                .last()
                .filter(|_| more > 0)
                .map(|((namespace, name), _)| format!("{revision}/{namespace}/{name}"));
            let items: Vec<Value> = page.iter().map(|(_, object)| request.show(object)).collect();
            let (version, name) = request.shown_kind();
            let mut metadata = json!({
                "resourceVersion": revision.to_string(),
                "continue": token.unwrap_or_default(),
            });
            let selected =
                ["fieldSelector", "labelSelector"].iter().any(|it| request.get(it).is_some());
            if more > 0 && !selected {
                metadata["remainingItemCount"] = json!(more);
            }
            Ok(json!({
                "apiVersion": version,
                "kind": format!("{name}List"),
                "metadata": metadata,
                "items": items,
            }))
        })
    }
}
