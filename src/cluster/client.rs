//! The clients of the Kubernetes API: own time limits, one way out, a bounded number at once.
//!
//! kube 5 sets no time limit on a response and tries 15 times on 429, 503 and 504. Here a request
//! is one request: a stopped etcd would otherwise hold one write for half a minute, and a repeated
//! one would pass the choke point unseen.

use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use http::{Request, Response};
use hyper::body::Bytes;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::limit::ConcurrencyLimitLayer;
use tower::{BoxError, Service};

use self::choke::ChokeLayer;
use self::deadline::DeadlineLayer;
use crate::runtime::Metrics;
use crate::runtime::effects::ChokePoint;

mod choke;
mod deadline;

/// Sent with every request, so that audit logs and flow schemas can tell the operator apart.
const AGENT: &str = concat!("rollback-operator/", env!("CARGO_PKG_VERSION"));

/// How the clients behave.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Time limit for the connection.
    pub connect_timeout: Duration,
    /// Time limit for one request and its whole answer. A watch has three times as long for the
    /// head of its answer and no limit for the rest.
    pub request_timeout: Duration,
    /// Time limit for one request about the lease.
    pub lease_timeout: Duration,
    /// How many requests may be at work at once; open watches do not count.
    pub concurrency: usize,
    /// Where every request passes.
    pub choke_point: ChokePoint,
    /// Where every request is counted.
    pub metrics: Option<Metrics>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            lease_timeout: Duration::from_secs(5),
            concurrency: 32,
            choke_point: ChokePoint::default(),
            metrics: None,
        }
    }
}

/// The two clients of the operator.
#[derive(Clone)]
pub struct Clients {
    /// For everything but the lease.
    pub api: Client,
    /// For the lease alone: never waits behind other requests.
    pub lease: Client,
    /// The namespace that the operator runs in, or that the kubeconfig names.
    pub namespace: String,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor a service account was found.
    #[error(
        "no way to the Kubernetes API was found: {0}; \
         set KUBECONFIG, or run in a pod with a service account"
    )]
    Infer(#[from] kube::config::InferConfigError),
    /// What was found cannot be used.
    #[error(
        "the configuration for the Kubernetes API cannot be used: {0}; \
         try it with kubectl, and see that certificates and tokens are readable"
    )]
    Build(#[from] kube::Error),
}

impl Clients {
    /// Makes clients from `KUBECONFIG` or the pod's service account. Sends nothing yet.
    ///
    /// # Errors
    /// When there is no configuration or it cannot be used.
    pub async fn infer(options: &ClientOptions) -> Result<Self, ConnectError> {
        Self::from_config(Config::infer().await?, options)
    }

    /// Makes clients from a configuration. Needs a tokio runtime; sends nothing yet.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn from_config(mut config: Config, options: &ClientOptions) -> Result<Self, ConnectError> {
        config.default_retry = false;
        config.connect_timeout = Some(options.connect_timeout);
        config.read_timeout = None;
        config.headers.retain(|(name, _)| name != USER_AGENT);
        config.headers.push((USER_AGENT, HeaderValue::from_static(AGENT)));
        let namespace = config.default_namespace.clone();
        let lease = ClientBuilder::try_from(config.clone())?;
        let api = ClientBuilder::try_from(config)?;
        Ok(Self {
            api: with_api_layers(api, options),
            lease: with_lease_layers(lease, options),
            namespace,
        })
    }

    /// Makes clients over services of one's own, such as an API server in memory.
    ///
    /// The services must not do anything before their futures are polled; `async` blocks do not.
    pub fn over<S, B>(service: S, namespace: &str, options: &ClientOptions) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self {
            api: with_api_layers(ClientBuilder::new(service.clone(), namespace), options),
            lease: with_lease_layers(ClientBuilder::new(service, namespace), options),
            namespace: namespace.to_owned(),
        }
    }
}

/// The outermost layer comes last: a request waits for its turn, passes the choke point, and only
/// then does its time run. So a request that is stopped at the choke point never times out.
fn with_api_layers<S, B>(builder: ClientBuilder<S>, options: &ClientOptions) -> Client
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    builder
        .with_layer(&DeadlineLayer::new(options.request_timeout, options.metrics.clone()))
        .with_layer(&ChokeLayer::new(options.choke_point.clone()))
        .with_layer(&ConcurrencyLimitLayer::new(options.concurrency))
        .build()
}

fn with_lease_layers<S, B>(builder: ClientBuilder<S>, options: &ClientOptions) -> Client
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    builder
        .with_layer(&DeadlineLayer::new(options.lease_timeout, options.metrics.clone()))
        .with_layer(&ChokeLayer::new(options.choke_point.clone()))
        .build()
}

#[cfg(test)]
mod tests;
