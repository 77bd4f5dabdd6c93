//! The layer that every request to the Kubernetes API passes.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use tower::{Layer, Service};

use crate::runtime::Transport;
use crate::runtime::effects::ChokePoint;

#[derive(Debug, Clone)]
pub(super) struct ChokeLayer {
    point: ChokePoint,
}

impl ChokeLayer {
    pub(super) const fn new(point: ChokePoint) -> Self {
        Self { point }
    }
}

impl<S> Layer<S> for ChokeLayer {
    type Service = Choke<S>;

    fn layer(&self, inner: S) -> Choke<S> {
        Choke { point: self.point.clone(), inner }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Choke<S> {
    point: ChokePoint,
    inner: S,
}

impl<S, B> Service<Request<Body>> for Choke<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: Send,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<B>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let point = self.point.clone();
        let verb = request.method().to_string();
        let target = request.uri().path().to_owned();
        // Nothing is sent before this future is polled, which is after the hook.
        let exchange = self.inner.call(request);
        Box::pin(async move {
            let effect = point.before(Transport::Kubernetes, &verb, &target).await;
            let outcome = exchange.await;
            point.after(effect).await;
            outcome
        })
    }
}
