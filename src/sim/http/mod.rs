//! The simulator behind HTTP: `POST /` speaks the JSON protocol of AWS (and the query protocol
//! for STS), `/_sim/` is for tests and people.

mod admin;
mod clock;
mod credential;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::faults::FaultScript;
use super::seed::{Seed, SeedError};
use super::world::{Request, World};
use clock::Clock;

const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// The state at the start and after a reset.
    pub seed: Seed,
    /// The fault script at the start and after a reset.
    pub faults: FaultScript,
    /// One number gives one sequence of chances.
    pub random_seed: u64,
    /// How many times faster than the clock on the wall time runs.
    pub time_scale: f64,
    /// When simulated time is the same as on the wall; the start of the server if left out.
    pub time_origin: Option<Timestamp>,
}

impl Options {
    /// A server of this seed in real time, without faults.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let faults = FaultScript::default();
        Self { seed, faults, random_seed: 0, time_scale: 1.0, time_origin: None }
    }
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    options: Mutex<Options>,
    clock: Clock,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(&self) -> MutexGuard<'_, Options> {
        self.options.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew with the seed and the faults of the start.
    fn reset(&self) -> Result<(), SeedError> {
        let options = self.options();
        let now = self.clock.now();
        let world = World::new(&options.seed, options.faults.clone(), options.random_seed, now)?;
        *self.world() = world;
        Ok(())
    }
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves on this listener.
    pub fn start(listener: TcpListener, options: Options) -> std::io::Result<Self> {
        let clock = Clock::new(options.time_scale, options.time_origin);
        let now = clock.now();
        let world = World::new(&options.seed, options.faults.clone(), options.random_seed, now)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
        let shared =
            Arc::new(Shared { world: Mutex::new(world), options: Mutex::new(options), clock });
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, router(shared), stopped));
        Ok(Self { address, stop, task })
    }

    /// Serves on a free port of the loopback interface.
    pub async fn local(options: Options) -> std::io::Result<Self> {
        Self::start(TcpListener::bind(("127.0.0.1", 0)).await?, options)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that a client is given as its endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes all connections and waits until they are closed.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the server did not end by itself");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes connections until told to stop; then closes them all.
async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let router = router.clone();
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| answer(router.clone(), request));
            let http = hyper::server::conn::http1::Builder::new();
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    connections.shutdown().await;
}

/// Marks a reply that must not be sent.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the fault script closed the connection")]
struct Dropped;

async fn answer(router: Router, request: http::Request<Incoming>) -> Result<Response, Dropped> {
    let Ok(response) = router.oneshot(request.map(Body::new)).await;
    // hyper closes the connection without a byte when the service fails.
    if response.extensions().get::<Dropped>().is_some() { Err(Dropped) } else { Ok(response) }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", post(call))
        .route("/_sim/health", get(admin::health))
        .route("/_sim/operations", get(admin::operations))
        .route("/_sim/state", get(admin::state))
        .route("/_sim/counters", get(admin::counters))
        .route("/_sim/log", get(admin::log))
        .route("/_sim/reset", post(admin::reset))
        .route("/_sim/seed", post(admin::seed))
        .route("/_sim/faults", get(admin::faults).post(admin::set_faults))
        .route("/_sim/settings", get(admin::settings).post(admin::set_settings))
        .route("/_sim/changes", post(admin::change))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(shared)
}

/// One call of AWS's API.
async fn call(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let credential = header("authorization").and_then(credential::parse);
    let access_key = credential.map(|credential| credential.access_key);
    let target = header("x-amz-target");
    let is_form = header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let reply = {
        // The time is taken under the lock, so that it never runs backwards for the world.
        let mut world = shared.world();
        let now = shared.clock.now();
        match target {
            None if is_form => world.handle_query(now, &String::from_utf8_lossy(&body), access_key),
            _ => {
                let region = credential.map(|credential| credential.region);
                let target = target.unwrap_or_default();
                let user_agent = header("user-agent");
                let request = Request { target, body: &body, access_key, region, user_agent };
                world.handle(now, &request)
            }
        }
    };
    shared.clock.sleep(reply.delay).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if target.is_none() && is_form { "text/xml" } else { "application/x-amz-json-1.1" };
    let mut response = (status, reply.body).into_response();
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(&reply.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(Ok(code)) = reply.error.as_deref().map(HeaderValue::from_str) {
        headers.insert("x-amzn-errortype", code);
    }
    if reply.dropped {
        response.extensions_mut().insert(Dropped);
    }
    response
}
