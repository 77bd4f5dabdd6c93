//! The HTTP client of the exporter.

use std::io;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use tokio::runtime::Handle;

/// How long a collector may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read at most.
const ANSWER: usize = 64 * 1024;

/// Sends from the runtime it was made in. The exporter runs on a thread of its own, which has none.
#[derive(Debug)]
pub(super) struct Sender {
    runtime: Handle,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Sender {
    /// One with the system's certificates.
    pub fn new() -> io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { runtime: Handle::current(), client })
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let asked = self.client.request(request.map(Full::from));
        let answer = self.runtime.spawn(async move {
            let whole = async {
                let (parts, body) = asked.await?.into_parts();
                let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
                Ok::<_, HttpError>(Response::from_parts(parts, body))
            };
            tokio::time::timeout(LIMIT, whole).await?
        });
        answer.await?
    }
}
