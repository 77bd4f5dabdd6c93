//! The admin port: health, readiness, metrics and a look inside.
//!
//! It is bound before anything else, so that a bad address or a taken port is the first thing that
//! fails, and it serves standbys as well: liveness must not depend on leadership.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use super::{Metrics, Readiness};

type Snapshot = dyn Fn() -> serde_json::Value + Send + Sync;

/// Where `/debug/state` takes its answer from. It can be filled after the server has started.
#[derive(Clone, Default)]
pub struct DebugState {
    snapshot: Arc<RwLock<Option<Arc<Snapshot>>>>,
}

impl DebugState {
    /// Sets what is asked. It runs on a blocking thread and must not wait long for a lock.
    pub fn provide(&self, snapshot: impl Fn() -> serde_json::Value + Send + Sync + 'static) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
    }

    fn take(&self) -> serde_json::Value {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        snapshot.map_or_else(|| json!({"starting": true}), |snapshot| snapshot())
    }
}

/// What the admin server shows.
#[derive(Clone)]
pub struct Shown {
    /// When `/readyz` says yes.
    pub readiness: Readiness,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// What `/debug/state` shows.
    pub debug: DebugState,
}

/// Why the admin server did not start.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on the admin address {address}: {source}; \
     free the port or choose another one with --admin-address"
)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// A bound admin server, not serving yet.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl AdminServer {
    /// Takes the port.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address })
        };
        bound.await.map_err(|source| BindError { address, source })
    }

    /// The address with the port that was really taken, when port 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done. Stop it last, so that probes are answered during a drain.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        shown: Shown,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        axum::serve(self.listener, router(shown)).with_graceful_shutdown(stop).await
    }
}

fn router(shown: Shown) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/debug/state", get(debug_state))
        .with_state(shown)
}

async fn readyz(State(shown): State<Shown>) -> (StatusCode, String) {
    let awaited = shown.readiness.awaited();
    if awaited.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for: {}\n", awaited.join(", ")))
    }
}

async fn metrics(State(shown): State<Shown>) -> Response {
    // Process metrics read files in /proc.
    match tokio::task::spawn_blocking(move || shown.metrics.encode()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

async fn debug_state(State(shown): State<Shown>) -> Response {
    match tokio::task::spawn_blocking(move || shown.debug.take()).await {
        Ok(state) => Json(state).into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "the admin server could not answer");
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio_util::sync::CancellationToken;

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn it_answers_from_the_start_and_is_ready_when_all_is_there() {
        let server = AdminServer::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        let (readiness, start) = Readiness::new("start");
        let rollbacks = readiness.register("rollbacks");
        let shown =
            Shown { readiness, metrics: Metrics::new().unwrap(), debug: DebugState::default() };
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.serve(shown.clone(), stop.clone().cancelled_owned()));

        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        let answer = get(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("rollbacks, start"));
        start.release();
        rollbacks.release();
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));

        let answer = get(address, "/metrics").await;
        assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
        assert!(answer.contains("rollback_build_info{"), "{answer}");

        assert!(get(address, "/debug/state").await.ends_with(r#"{"starting":true}"#));
        shown.debug.provide(|| json!({"rollbacks": 3}));
        assert!(get(address, "/debug/state").await.ends_with(r#"{"rollbacks":3}"#));
        shown.debug.provide(|| panic!("a mistake in the provider"));
        assert!(get(address, "/debug/state").await.starts_with("HTTP/1.1 500"));
        assert!(get(address, "/secrets").await.starts_with("HTTP/1.1 404"));

        let taken = AdminServer::bind(address).await.unwrap_err().to_string();
        assert!(taken.contains("--admin-address"), "{taken}");
        stop.cancel();
        serving.await.unwrap().unwrap();
    }
}
