//! What carries the requests of an operator: HTTP clients over the simulated network.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
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
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kube::client::Body;
use tower::{BoxError, Service};
use turmoil::net::TcpStream;

use super::run::Around;
use super::server::{AWS, KUBERNETES, PORT};
use super::simulation::aws::{Arrival, Gatekeeper as _};

/// Connects to one server.
#[derive(Debug, Clone)]
struct Connector {
    server: &'static str,
    limit: Duration,
}

struct Wire(TokioIo<TcpStream>);

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Wire>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = TcpStream::connect((self.server, PORT));
        #[allow(clippy::disallowed_methods, reason = "as the connectors in place of this one do")]
        let connecting = tokio::time::timeout(self.limit, connecting);
        async move { Ok(Wire(TokioIo::new(connecting.await.map_err(io::Error::from)??))) }.boxed()
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

fn client<B>(server: &'static str, limit: Duration) -> Client<Connector, B>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(Connector { server, limit })
}

/// The way to the API server. A clone has connections of its own, as the two clients of the
/// operator have.
pub struct ToKubernetes {
    limit: Duration,
    client: Client<Connector, Body>,
}

impl ToKubernetes {
    pub fn new(limit: Duration) -> Self {
        Self { limit, client: client(KUBERNETES, limit) }
    }
}

impl Clone for ToKubernetes {
    fn clone(&self) -> Self {
        Self::new(self.limit)
    }
}

impl Service<Request<Body>> for ToKubernetes {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Incoming>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let client = self.client.clone();
        async move {
            let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
            *request.uri_mut() = format!("http://{KUBERNETES}{path}").parse()?;
            Ok(client.request(request).await?)
        }
        .boxed()
    }
}

/// The way to AWS of one operator.
#[derive(Clone)]
struct ToAws {
    around: Around,
    limit: Duration,
    client: Client<Connector, Full<Bytes>>,
}

impl std::fmt::Debug for ToAws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToAws").finish_non_exhaustive()
    }
}

pub fn to_aws(around: Around) -> SharedHttpClient {
    // The SDK says what the limits are when it asks for a connector.
    let limit = Duration::MAX;
    SharedHttpClient::new(ToAws { around, limit, client: client(AWS, limit) })
}

impl HttpClient for ToAws {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limit = settings.read_timeout().unwrap_or(Duration::MAX);
        let connect = settings.connect_timeout().unwrap_or(Duration::MAX);
        SharedHttpConnector::new(Self { limit, client: client(AWS, connect), ..self.clone() })
    }
}

impl HttpConnector for ToAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            #[allow(clippy::disallowed_methods, reason = "as the SDK's own connector does")]
            let exchange = tokio::time::timeout(this.limit, this.exchange(request));
            let outcome = exchange.await.map_err(|late| ConnectorError::timeout(late.into()))?;
            outcome.map_err(ConnectorError::io)
        })
    }
}

impl ToAws {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, BoxError> {
        let body = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
        self.leaves(&request, &body);
        let request = request.try_into_http1x()?.map(|_| Full::new(body));
        let response = self.client.request(request).await?;
        let status = StatusCode::try_from(response.status().as_u16())?;
        let headers = response.headers().clone();
        let body = response.into_body().collect().await?.to_bytes();
        let mut reply = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in &headers {
            reply.headers_mut().insert(name.as_str().to_owned(), value.to_str()?.to_owned());
        }
        Ok(reply)
    }

    /// A request is judged when it leaves: the network may hold it back until its intent is gone.
    fn leaves(&self, request: &HttpRequest, body: &[u8]) {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let arrival = Arrival::read(self.around.clock.now(), target, body);
        self.around.judge.arrives(&self.around.aws.world(), &arrival);
    }
}
