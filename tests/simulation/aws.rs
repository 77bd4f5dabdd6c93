//! AWS: the simulator in process, behind the SDK's real client.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use rollback_operator::runtime::Clock;
use rollback_operator::sim;
use rollback_operator::sim::World;
use serde_json::Value;

/// A request of an operator, at the moment when AWS has it.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub at: Timestamp,
    /// Whether it counts for the quota of Identity Center.
    pub takes_quota: bool,
    /// Such as `CreateAccountAssignment`.
    pub operation: String,
    pub body: Value,
}

impl Arrival {
    pub fn read(at: Timestamp, target: &str, body: &[u8]) -> Self {
        Self {
            at,
            takes_quota: target.starts_with("SWBExternalService"),
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }
}

/// Is told of every request of an operator: before AWS has done anything about it, and what it said.
pub trait Gatekeeper: Send + Sync {
    fn arrives(&self, world: &World, arrival: &Arrival);
    fn answered(&self, world: &World, arrival: &Arrival, reply: &sim::Response);
}

/// AWS. Clones are the same one.
#[derive(Clone)]
pub struct Aws {
    clock: Clock,
    world: Arc<Mutex<World>>,
    gatekeeper: Arc<Mutex<Option<Arc<dyn Gatekeeper>>>>,
    /// From an operator to AWS and back.
    round_trip: Duration,
    /// Hosts of a network take their turns, so that one may be a moment ahead of another.
    latest: Arc<Mutex<Timestamp>>,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

impl Aws {
    pub fn new(clock: Clock, world: World, round_trip: Duration) -> Self {
        Self {
            clock,
            world: Arc::new(Mutex::new(world)),
            gatekeeper: Arc::default(),
            round_trip,
            latest: Arc::new(Mutex::new(clock.now())),
        }
    }

    pub fn set_gatekeeper(&self, gatekeeper: Option<Arc<dyn Gatekeeper>>) {
        *self.gatekeeper.lock().unwrap() = gatekeeper;
    }

    /// The state, brought up to the present.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap();
        world.advance(self.now());
        world
    }

    /// The present, which never goes backwards.
    fn now(&self) -> Timestamp {
        let mut latest = self.latest.lock().unwrap();
        *latest = self.clock.now().max(*latest);
        *latest
    }

    /// What carries the requests of operators.
    pub fn transport(&self) -> SharedHttpClient {
        SharedHttpClient::new(Transport { aws: self.clone() })
    }

    /// What AWS says to a request that has arrived.
    pub fn answer(&self, target: &str, form: bool, body: &[u8]) -> sim::Response {
        let gatekeeper = self.gatekeeper.lock().unwrap().clone();
        let mut world = self.world();
        let now = self.now();
        if form {
            return world.handle_query(now, &String::from_utf8_lossy(body), None);
        }
        let arrival = Arrival::read(now, target, body);
        if let Some(gatekeeper) = &gatekeeper {
            gatekeeper.arrives(&world, &arrival);
        }
        let request =
            sim::Request { target, body, access_key: None, region: None, user_agent: None };
        let reply = world.handle(now, &request);
        if let Some(gatekeeper) = &gatekeeper {
            gatekeeper.answered(&world, &arrival, &reply);
        }
        reply
    }

    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.clock.sleep(self.round_trip / 2).await;
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let target = header("x-amz-target");
        let form = header("content-type").starts_with("application/x-www-form-urlencoded");
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let reply = self.answer(&target, form, &body);
        self.clock.sleep(reply.delay + self.round_trip / 2).await;
        if reply.dropped {
            return Err(ConnectorError::io("the connection was closed without a reply".into()));
        }
        let status =
            StatusCode::try_from(reply.status).map_err(|e| ConnectorError::user(e.into()))?;
        let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
        let kind = if form { "text/xml" } else { "application/x-amz-json-1.1" };
        response.headers_mut().insert("content-type", kind);
        response.headers_mut().insert("x-amzn-requestid", reply.request_id);
        if let Some(error) = reply.error {
            response.headers_mut().insert("x-amzn-errortype", error);
        }
        Ok(response)
    }
}

#[derive(Debug)]
struct Transport {
    aws: Aws,
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Transport { aws: self.aws.clone() })
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // In a task of its own: what has left the process is on its way, whatever becomes of it.
        let exchange = tokio::spawn(self.aws.clone().exchange(request));
        HttpConnectorFuture::new(async move {
            exchange.await.unwrap_or_else(|error| Err(ConnectorError::other(error.into(), None)))
        })
    }
}
