//! A Lease API in memory: one object, resource versions, and faults on order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower::{BoxError, service_fn};

use crate::runtime::Clock;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// Refused with this code; not applied.
    Refused(u16),
    /// Applied after this many milliseconds, then answered.
    Slow(u64),
    /// Applied, and the reply comes after this many milliseconds.
    SlowReply(u64),
    /// Applied, but the reply is an error.
    LostReply,
    /// Never applied, never answered.
    Silent,
    /// As a server that starts: 404 in plain text.
    Starting,
}

#[derive(Debug, Default)]
struct Stored {
    lease: Option<Value>,
    version: u64,
    faults: VecDeque<Fault>,
    always: Option<Fault>,
    writes: Vec<Value>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct LeaseApi {
    stored: Arc<Mutex<Stored>>,
}

impl LeaseApi {
    pub(super) fn client(&self) -> Client {
        self.client_with(VecDeque::new())
    }

    /// A client whose own requests meet these faults, beside those that all meet.
    pub(super) fn client_with(&self, faults: VecDeque<Fault>) -> Client {
        let api = self.clone();
        let own = Arc::new(Mutex::new(faults));
        let service = service_fn(move |request: Request<Body>| {
            let api = api.clone();
            let fault = own.lock().unwrap().pop_front();
            async move {
                let method = request.method().clone();
                let bytes = request.into_body().collect_bytes().await?;
                let fault = fault.unwrap_or_else(|| api.next_fault());
                api.answer(&method, &bytes, fault).await
            }
        });
        Client::new(service, "operator")
    }

    /// The next requests meet these faults, one each.
    pub(super) fn next_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.stored.lock().unwrap().faults.extend(faults);
    }

    /// Every request meets this fault from now on.
    pub(super) fn always(&self, fault: Option<Fault>) {
        self.stored.lock().unwrap().always = fault;
    }

    pub(super) fn lease(&self) -> Value {
        self.stored.lock().unwrap().lease.clone().unwrap_or(Value::Null)
    }

    pub(super) fn holder(&self) -> String {
        self.lease()["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn writes(&self) -> Vec<Value> {
        self.stored.lock().unwrap().writes.clone()
    }

    /// Somebody edits the lease by hand.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut stored = self.stored.lock().unwrap();
        stored.version += 1;
        let version = stored.version.to_string();
        if let Some(lease) = &mut stored.lease {
            change(lease);
            lease["metadata"]["resourceVersion"] = version.into();
        }
    }

    pub(super) fn delete(&self) {
        self.stored.lock().unwrap().lease = None;
    }

    fn next_fault(&self) -> Fault {
        let mut stored = self.stored.lock().unwrap();
        let next = stored.faults.pop_front();
        next.or(stored.always).unwrap_or(Fault::None)
    }

    async fn answer(
        &self,
        method: &Method,
        body: &[u8],
        fault: Fault,
    ) -> Result<Response<Body>, BoxError> {
        let wait = |milliseconds| async move {
            Clock::real().sleep(Duration::from_millis(milliseconds)).await;
        };
        match fault {
            Fault::None => self.apply(method, body),
            Fault::Refused(code) => failure(code, "InternalError", "refused on order"),
            Fault::Slow(milliseconds) => {
                // Goes on when the client has stopped waiting, as a real server does.
                let (api, method, body) = (self.clone(), method.clone(), body.to_vec());
                let late = tokio::spawn(async move {
                    wait(milliseconds).await;
                    api.apply(&method, &body)
                });
                late.await?
            }
            Fault::SlowReply(milliseconds) => {
                let answer = self.apply(method, body);
                wait(milliseconds).await;
                answer
            }
            Fault::LostReply => {
                self.apply(method, body)?;
                Err("connection reset".into())
            }
            Fault::Silent => std::future::pending().await,
            Fault::Starting => Ok(Response::builder()
                .status(404)
                .body(Body::from(b"404 page not found".to_vec()))?),
        }
    }

    fn apply(&self, method: &Method, body: &[u8]) -> Result<Response<Body>, BoxError> {
        let mut stored = self.stored.lock().unwrap();
        let missing = stored.lease.is_none();
        match (method.as_str(), missing) {
            ("GET" | "PUT", true) => failure(404, "NotFound", "not found"),
            ("GET", false) => success(stored.lease.as_ref()),
            ("POST", false) => failure(409, "AlreadyExists", "already exists"),
            ("POST", true) => stored.write(body),
            ("PUT", false) => {
                let wanted: Value = serde_json::from_slice(body)?;
                let version = stored.version.to_string();
                if wanted["metadata"]["resourceVersion"].as_str() == Some(version.as_str()) {
                    stored.write(body)
                } else {
                    failure(409, "Conflict", "the object has been modified")
                }
            }
            _ => failure(405, "MethodNotAllowed", "the elector has no business with this"),
        }
    }
}

impl Stored {
    fn write(&mut self, body: &[u8]) -> Result<Response<Body>, BoxError> {
        self.version += 1;
        let mut lease: Value = serde_json::from_slice(body)?;
        lease["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.writes.push(lease["spec"].clone());
        self.lease = Some(lease);
        success(self.lease.as_ref())
    }
}

fn success(lease: Option<&Value>) -> Result<Response<Body>, BoxError> {
    Ok(Response::new(Body::from(serde_json::to_vec(&lease)?)))
}

fn failure(code: u16, reason: &str, message: &str) -> Result<Response<Body>, BoxError> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": message,
        "details": {"name": "rollback-operator", "kind": "leases"},
    });
    Ok(Response::builder().status(code).body(Body::from(serde_json::to_vec(&status)?))?)
}
