//! The servers: the API server in memory and the simulator of AWS, over HTTP.

use std::net::Ipv4Addr;

use http::header::HeaderValue;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rollback_operator::runtime::Clock;
use tower::{BoxError, ServiceExt as _};
use turmoil::net::TcpListener;

use super::manner::{Manner, Mannered, Manners};
use super::run::{Around, keep_time};
use super::simulation::aws::Aws;

pub const KUBERNETES: &str = "kubernetes";
pub const AWS: &str = "aws";
pub const PORT: u16 = 80;
/// How often a server that accepts nobody looks whether it may again.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

pub async fn kubernetes(around: Around) -> turmoil::Result {
    let cluster = around.cluster.clone();
    let answer = move |request: Request<Incoming>| {
        let service = cluster.service(0, false);
        async move {
            let (head, body) = request.into_parts();
            let body = kube::client::Body::from(body.collect().await?.to_bytes());
            service.oneshot(Request::from_parts(head, body)).await
        }
    };
    serve(around.clock, KUBERNETES, around.manners, answer).await
}

pub async fn aws(around: Around) -> turmoil::Result {
    let (aws, clock) = (around.aws.clone(), around.clock);
    let answer = move |request| answer_as_aws(aws.clone(), clock, request);
    serve(clock, AWS, around.manners, answer).await
}

async fn answer_as_aws(
    aws: Aws,
    clock: Clock,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BoxError> {
    let (head, body) = request.into_parts();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let target = header("x-amz-target").unwrap_or_default();
    let form = header("content-type")
        .is_some_and(|it| it.starts_with("application/x-www-form-urlencoded"));
    let body = body.collect().await?.to_bytes();
    let reply = aws.answer(target, form, &body);
    clock.sleep(reply.delay).await;
    if reply.dropped {
        return Err("the connection is closed without a reply".into());
    }
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status)?;
    let kind = if form { "text/xml" } else { "application/x-amz-json-1.1" };
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(kind));
    headers.insert("x-amzn-requestid", reply.request_id.parse()?);
    if let Some(error) = reply.error {
        headers.insert("x-amzn-errortype", error.parse()?);
    }
    Ok(response)
}

async fn serve<A, F, B>(
    clock: Clock,
    name: &'static str,
    manners: Manners,
    answer: A,
) -> turmoil::Result
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    keep_time(clock).await;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    loop {
        while manners.of(name) == Manner::AcceptsNobody {
            clock.sleep(LOOK).await;
        }
        let (stream, _) = listener.accept().await?;
        let stream = TokioIo::new(Mannered::new(stream, name, manners.clone()));
        let connection = http1::Builder::new().serve_connection(stream, service_fn(answer.clone()));
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}
