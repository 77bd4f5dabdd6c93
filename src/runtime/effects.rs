//! The one way out: every request to the outside world passes a numbered point where a test can
//! stop the world before or after it.
//!
//! `kill -9` hits between two requests or between a request and its reply. A hook that never
//! returns from [`Effects::before`] or [`Effects::after`] is exactly that, at a chosen place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// The Kubernetes API.
    Kubernetes,
    /// AWS.
    Aws,
}

/// One request on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Counts all requests of the process, from 1.
    pub number: u64,
    /// Where it goes.
    pub transport: Transport,
    /// What is done: an HTTP method or an AWS operation.
    pub verb: String,
    /// What it is done to: the path of the URL, without the query.
    pub target: String,
}

/// What happens before and after each request. The default is nothing.
pub trait Effects: Send + Sync + 'static {
    /// Awaited before the request is sent.
    fn before(&self, effect: Effect) -> BoxFuture<'static, ()> {
        let _ = effect;
        Box::pin(std::future::ready(()))
    }

    /// Awaited when the reply is there and before anybody sees it.
    fn after(&self, effect: Effect) -> BoxFuture<'static, ()> {
        let _ = effect;
        Box::pin(std::future::ready(()))
    }
}

/// A hook with the count that numbers the requests. Clones share both; the default has no hook.
#[derive(Clone, Default)]
pub struct ChokePoint {
    count: Arc<AtomicU64>,
    hook: Option<Arc<dyn Effects>>,
}

impl ChokePoint {
    /// Calls `hook` around every request.
    #[must_use]
    pub fn new(hook: Arc<dyn Effects>) -> Self {
        Self { count: Arc::default(), hook: Some(hook) }
    }

    /// Counts the next request and waits for the hook. Give the result to [`ChokePoint::after`].
    pub async fn before(&self, transport: Transport, verb: &str, target: &str) -> Effect {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let effect = Effect { number, transport, verb: verb.to_owned(), target: target.to_owned() };
        if let Some(hook) = &self.hook {
            hook.before(effect.clone()).await;
        }
        effect
    }

    /// Waits for the hook after the reply.
    pub async fn after(&self, effect: Effect) {
        if let Some(hook) = &self.hook {
            hook.after(effect).await;
        }
    }
}

impl fmt::Debug for ChokePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChokePoint").field("count", &self.count).finish_non_exhaustive()
    }
}
