//! A transport in memory: records what is sent and answers as told.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;

use crate::runtime::Clock;

/// What comes back.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    body: String,
    /// None: never.
    after: Option<Duration>,
}

impl Reply {
    pub fn ok(body: impl Into<String>) -> Self {
        Self { status: 200, body: body.into(), after: Some(Duration::ZERO) }
    }

    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"__type": code, "message": message});
        Self { status, ..Self::ok(body.to_string()) }
    }

    pub fn raw(status: u16, body: &str) -> Self {
        Self { status, ..Self::ok(body) }
    }

    pub fn never() -> Self {
        Self { after: None, ..Self::ok("") }
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { after: Some(delay), ..self }
    }
}

/// What was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub host: String,
    pub operation: String,
    pub body: String,
    pub at: Timestamp,
}

type Answer = dyn Fn(&str, &str) -> Reply + Send + Sync;

#[derive(Clone)]
pub struct Transport {
    clock: Clock,
    answer: Arc<Answer>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Transport {
    pub fn new(clock: Clock, answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self { clock, answer: Arc::new(answer), sent: Arc::default() }
    }

    pub fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub fn operations(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.operation).collect()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let operation = action.or(target.rsplit('.').next()).unwrap_or_default().to_owned();
        let host = request.uri().split('/').nth(2).unwrap_or_default().to_owned();
        let reply = (self.answer)(&operation, &body);
        let at = self.clock.now();
        self.sent.lock().unwrap().push(Sent { host, operation, body, at });
        let clock = self.clock;
        HttpConnectorFuture::new(async move {
            match reply.after {
                Some(delay) => clock.sleep(delay).await,
                None => std::future::pending().await,
            }
            Ok(HttpResponse::new(reply.status.try_into().unwrap(), SdkBody::from(reply.body)))
        })
    }
}
