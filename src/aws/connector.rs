//! The HTTP connector that every attempt goes through: turn, way out, permit, deadline, account.
//!
//! In this order, because each later step must not be made stale by an earlier wait: the turn
//! under the quota may take a minute; a test may stop the world at the way out; the permit to
//! write is asked last, right before the bytes leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::{SignedDuration, Timestamp};

use super::classify::throttled_limit;
use super::gate::{Gate, NotAdmitted};
use super::operation::Operation;
use super::reply::ErrorReply;
use super::tallies::SharedTally;
use crate::model::time::seconds_between;
use crate::model::{RequestKind, Rule};
use crate::quota::Priority;
use crate::runtime::Transport;
use crate::runtime::traces::{self, Span, Trace};

/// A request that has not left by then waits for another turn.
const TURN_LASTS: SignedDuration = SignedDuration::from_millis(500);

/// A read that AWS throttled, or could not answer, is made this often in all …
const READ_ATTEMPTS: u32 = 6;
/// … and after a failure of AWS's own this much later, then twice this, and so on.
const READ_PAUSE: Duration = Duration::from_millis(200);

tokio::task_local! {
    /// The call that the current task is making.
    static CALL: Call;
}

/// What the connector needs to know about a call beside its request, and tells about it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub priority: Priority,
    /// Whether anything of it may have reached AWS.
    pub sent: Arc<AtomicBool>,
    /// What it is made for.
    trace: Option<Trace>,
    /// Where it counts.
    tally: Option<SharedTally>,
}

impl Call {
    pub fn new(priority: Priority) -> Self {
        Self {
            priority,
            sent: Arc::default(),
            trace: traces::current(),
            tally: SharedTally::current(),
        }
    }

    /// Runs a call of the SDK so that its requests are known to belong to this.
    pub async fn scope<F: Future>(&self, call: F) -> F::Output {
        CALL.scope(self.clone(), call).await
    }
}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub(super) enum Refusal {
    /// It would change something, and the permit to do so has ended.
    #[error("the permit to change anything has ended")]
    Fenced,
    /// It waited too long.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
}

/// No reply in time.
#[derive(Debug, thiserror::Error)]
#[error("no reply within {0:?}")]
struct NoReply(Duration);

/// An HTTP client of the SDK that sends through a gate.
#[derive(Debug)]
pub(super) struct GatedClient {
    pub gate: Gate,
    pub transport: SharedHttpClient,
}

impl HttpClient for GatedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.transport.http_connector(settings, components);
        SharedHttpConnector::new(GatedConnector { gate: self.gate.clone(), inner })
    }
}

#[derive(Debug)]
struct GatedConnector {
    gate: Gate,
    inner: SharedHttpConnector,
}

impl HttpConnector for GatedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (gate, inner) = (self.gate.clone(), self.inner.clone());
        // What comes from nowhere in particular goes last.
        let call = CALL.try_with(Clone::clone).unwrap_or_else(|_| Call::new(Priority::PreRead));
        HttpConnectorFuture::new(async move {
            // A copy has not what the SDK hung on the original, so that goes first.
            let read = !Operation::of(&request).changes();
            let spare = read.then(|| request.try_clone()).flatten();
            let mut passed = pass(&gate, &inner, &call, request).await;
            for number in 1..READ_ATTEMPTS {
                let again = spare.as_ref().and_then(HttpRequest::try_clone);
                let (Some(pause), Some(again)) = (passed.retry, again) else { break };
                gate.options().clock.sleep(pause * number).await;
                passed = pass(&gate, &inner, &call, again).await;
            }
            passed.reply
        })
    }
}

/// A reply, and after which pause the request may be made again, if it is a read to which AWS gave
/// no answer: whoever plans makes hundreds of reads, and would begin with the first one again.
struct Passed {
    reply: Result<HttpResponse, ConnectorError>,
    retry: Option<Duration>,
}

impl Passed {
    const fn refused(error: ConnectorError) -> Self {
        Self { reply: Err(error), retry: None }
    }
}

/// Waits for a turn under the quota, and gives its time.
async fn wait_for_turn(
    gate: &Gate,
    call: &Call,
    operation: Operation,
    waited: &mut f64,
) -> Result<Timestamp, ConnectorError> {
    let options = gate.options();
    if operation.takes_quota() && Rule::RateIsKept.holds() {
        match gate.wait_for_turn(call.priority).await {
            Ok((seconds, turn)) => {
                *waited += seconds;
                return Ok(turn);
            }
            Err(late) => {
                options.observer.request(operation.name, "not_admitted", 0.0, late.seconds);
                return Err(ConnectorError::user(Refusal::from(late).into()));
            }
        }
    }
    Ok(options.clock.now())
}

async fn pass(
    gate: &Gate,
    inner: &SharedHttpConnector,
    call: &Call,
    request: HttpRequest,
) -> Passed {
    let options = gate.options();
    let operation = Operation::of(&request);
    let mut waited = 0.0;
    let mut turn = match wait_for_turn(gate, call, operation, &mut waited).await {
        Ok(turn) => turn,
        Err(error) => return Passed::refused(error),
    };
    let effect =
        options.choke_point.before(Transport::Aws, operation.name, operation.service).await;
    // A process that stood still meanwhile would send all that had a turn in one breath.
    while options.clock.now().duration_since(turn) > TURN_LASTS {
        turn = match wait_for_turn(gate, call, operation, &mut waited).await {
            Ok(turn) => turn,
            Err(error) => return Passed::refused(error),
        };
    }
    // Reads as well: whoever leads now counts the requests of a second as if it were alone.
    if operation.takes_quota() && !options.permit.is_valid() && Rule::PermitAtTheDoor.holds() {
        options.observer.request(operation.name, "fenced", 0.0, waited);
        return Passed::refused(ConnectorError::user(Refusal::Fenced.into()));
    }
    let sent_at = options.clock.now();
    if operation.takes_quota() {
        call.sent.store(true, Ordering::Release);
    }
    let limit = options.request_timeout;
    let reply = options.clock.timeout(limit, exchange(inner, request)).await;
    let reply = reply.unwrap_or_else(|_| Err(ConnectorError::timeout(NoReply(limit).into())));
    let replied_at = options.clock.now();
    let seconds = seconds_between(sent_at, replied_at);
    let outcome = account(gate, operation, &reply);
    if let Some(tally) = call.tally.as_ref().filter(|_| operation.takes_quota()) {
        tally.change(|tally| tally.note(kind(call, operation), outcome, seconds));
    }
    if let Some(trace) = call.trace {
        let attributes = vec![
            ("rpc.system", "aws-api".to_owned()),
            ("rpc.service", operation.service.to_owned()),
            ("rpc.method", operation.name.to_owned()),
            ("outcome", outcome.to_owned()),
            ("queue.seconds", format!("{waited:.3}")),
        ];
        let (began, failed) = (sent_at, outcome != "ok");
        let span = Span { name: operation.name, began, ended: replied_at, attributes, failed };
        options.traces.call(trace, span);
    }
    options.choke_point.after(effect).await;
    options.observer.request(operation.name, outcome, seconds, waited);
    let retry = match outcome {
        _ if operation.changes() || !operation.takes_quota() => None,
        // The quota is lower by now, and so the next turn comes later.
        "throttled" => Some(Duration::ZERO),
        "server_error" => Some(READ_PAUSE),
        _ => None,
    };
    Passed { reply, retry }
}

/// What a request is for: only a change is known by itself.
fn kind(call: &Call, operation: Operation) -> RequestKind {
    match call.priority {
        _ if operation.changes() => RequestKind::Change,
        Priority::Poll => RequestKind::Poll,
        _ => RequestKind::Read,
    }
}

/// Sends the request and takes in the whole reply, so that a reply which stalls halfway is within
/// the deadline too. Replies are pages of at most 100 rows.
async fn exchange(
    inner: &SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let mut response = inner.call(request).await?;
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let body = ByteStream::new(body).collect().await.map_err(|e| ConnectorError::io(e.into()))?;
    *response.body_mut() = SdkBody::from(body.into_bytes());
    Ok(response)
}

/// Tells the governor what the reply means for the quota, and names the outcome.
fn account(
    gate: &Gate,
    operation: Operation,
    reply: &Result<HttpResponse, ConnectorError>,
) -> &'static str {
    let response = match reply {
        Ok(response) => response,
        Err(error) if error.is_timeout() => return "timeout",
        Err(_) => return "lost",
    };
    let now = gate.options().clock.now();
    if response.status().is_success() {
        if operation.takes_quota() {
            gate.governor().answered(now);
        }
        return "ok";
    }
    let error = ErrorReply::read(response);
    if let Some(limit) = throttled_limit(&error) {
        if operation.takes_quota() {
            gate.governor().throttled(limit, now);
        }
        gate.options().observer.throttled(limit);
        return "throttled";
    }
    if operation.takes_quota() {
        gate.governor().answered(now);
    }
    match error.code.as_str() {
        "ConflictException" => "conflict",
        _ if error.status >= 500 => "server_error",
        _ => "refused",
    }
}
