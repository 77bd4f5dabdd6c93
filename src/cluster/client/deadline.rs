//! The layer that ends every request in time, and counts it.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Bytes;
use kube::client::Body;
use kube::core::Status;
use kube::core::response::{StatusDetails, reason};
use tower::{BoxError, Layer, Service};

use crate::runtime::{Metrics, Moment};

/// The answer did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the Kubernetes API did not answer {method} {path} within {limit:?}")]
pub(super) struct TimedOut {
    method: &'static str,
    path: String,
    limit: Duration,
}

#[derive(Debug, Clone)]
pub(super) struct DeadlineLayer {
    limit: Duration,
    metrics: Option<Metrics>,
}

impl DeadlineLayer {
    pub(super) const fn new(limit: Duration, metrics: Option<Metrics>) -> Self {
        Self { limit, metrics }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { limit: self.limit, metrics: self.metrics.clone(), inner }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Deadline<S> {
    limit: Duration,
    metrics: Option<Metrics>,
    inner: S,
}

/// A whole answer, or the body of a watch that goes on.
type Answer<B> = Response<Either<Full<Bytes>, B>>;

impl<S, B> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer<B>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let watch = is_watch(&request);
        let method = if watch { "WATCH" } else { method(request.method()) };
        let limit = if watch { self.limit * 3 } else { self.limit };
        let path = request.uri().path().to_owned();
        let metrics = self.metrics.clone();
        let exchange = self.inner.call(request);
        Box::pin(async move {
            let began = Moment::now();
            let answer = async {
                let answer = exchange.await.map_err(Into::into)?;
                if watch && answer.status().is_success() {
                    Ok(answer.map(Either::Right))
                } else {
                    whole(answer).await.map(|answer| answer.map(Either::Left))
                }
            };
            let (answer, outcome) = match tokio::time::timeout(limit, answer).await {
                Ok(Ok(answer)) => {
                    let outcome = outcome(answer.status());
                    (Ok(answer), outcome)
                }
                Ok(Err(error)) => (Err(error), "error"),
                Err(_) => (Err(TimedOut { method, path, limit }.into()), "timeout"),
            };
            if let Some(metrics) = metrics {
                metrics.kubernetes_request(method, outcome, began.elapsed());
            }
            answer
        })
    }
}

/// Reads the whole body, which kube does anyway; here it counts for the time limit.
async fn whole<B>(answer: Response<B>) -> Result<Response<Full<Bytes>>, BoxError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (head, body) = answer.into_parts();
    let mut bytes = body.collect().await.map_err(Into::into)?.to_bytes();
    if head.status == StatusCode::TOO_MANY_REQUESTS
        && let Some(status) = throttling_status(&head.headers, &bytes)
    {
        bytes = status;
    }
    Ok(Response::from_parts(head, Full::new(bytes)))
}

/// Priority and fairness answers 429 in plain text, with the wait in a header that kube drops:
/// put it where a Status has it.
fn throttling_status(headers: &header::HeaderMap, body: &[u8]) -> Option<Bytes> {
    if serde_json::from_slice::<Status>(body).is_ok() {
        return None;
    }
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    let details = StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: seconds,
    };
    let status = Status::failure(String::from_utf8_lossy(body).trim(), reason::TOO_MANY_REQUESTS)
        .with_code(429)
        .with_details(details);
    serde_json::to_vec(&status).ok().map(Bytes::from)
}

fn is_watch<B>(request: &Request<B>) -> bool {
    request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1")))
}

/// A label, which has to be one of a few.
fn method(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "OTHER",
    }
}

fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "2xx",
        300..=399 => "3xx",
        403 => "403",
        409 => "409",
        429 => "429",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
