//! As much of a collector as takes OTLP over HTTP.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

type Taken = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

/// A running collector, stopped when dropped.
pub struct Collector {
    taken: Taken,
    url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Collector {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let taken = Taken::default();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&taken));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { taken, url, _runtime: runtime }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every span that came.
    pub fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        let resources = taken.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|it| &it.scope_spans).flat_map(|it| it.spans.clone()).collect()
    }

    /// The names of the services that sent them.
    pub fn services(&self) -> BTreeSet<String> {
        let taken = self.taken.lock().unwrap();
        let resources = taken.iter().flat_map(|request| &request.resource_spans);
        let attributes =
            resources.filter_map(|it| it.resource.as_ref()).flat_map(|it| &it.attributes);
        attributes
            .filter(|attribute| attribute.key == "service.name")
            .filter_map(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
                Value::StringValue(name) => Some(name.clone()),
                _ => None,
            })
            .collect()
    }
}

async fn take(State(taken): State<Taken>, body: Bytes) -> StatusCode {
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            taken.lock().unwrap().push(request);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
