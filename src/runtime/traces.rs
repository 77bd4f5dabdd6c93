//! Traces: one for each object that is worked on, with a span for each stretch of the work and each
//! call to a service.
//!
//! Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) names a
//! collector that takes OTLP over HTTP. OpenTelemetry's other variables for the exporter, such as
//! `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_SERVICE_NAME`, count too.

mod sender;

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};

use self::sender::Sender;

const NAME: &str = "rollback-operator";
/// How long the last spans may take when the process ends.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The trace of one object. Its ids follow from the object, so that every process that works on it,
/// whenever it does, adds to the same trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: TraceId,
    root: SpanId,
}

impl Trace {
    /// The trace of an object by its uid: the trace's id is the uid without its dashes. Each attempt
    /// is a span of its own. None where the uid is no UUID.
    #[must_use]
    pub fn of(uid: &str, attempt: i32) -> Option<Self> {
        let id = u128::from_str_radix(&uid.replace('-', ""), 16).ok().filter(|id| *id != 0)?;
        let low = u64::try_from(id & u128::from(u64::MAX)).ok()?;
        let attempt = u64::from(attempt.unsigned_abs());
        // Another one for each attempt, and never zero, which means none.
        let root = (low ^ attempt.rotate_left(32)).max(1);
        Some(Self { id: TraceId::from(id), root: SpanId::from(root) })
    }
}

tokio::task_local! {
    /// What the current task works for.
    static CURRENT: Trace;
}

/// The trace that the current task works for.
#[must_use]
pub fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// Runs a future as work for a trace.
pub async fn within<F: Future>(trace: Option<Trace>, future: F) -> F::Output {
    match trace {
        Some(trace) => CURRENT.scope(trace, future).await,
        None => future.await,
    }
}

/// Runs a future in a task of its own, as work for the same trace.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(within(current(), future));
}

/// A stretch of time in which something was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// What: an operation of a service, or a phase.
    pub name: &'static str,
    /// From when.
    pub began: Timestamp,
    /// Until when.
    pub ended: Timestamp,
    /// What is known about it; never names of people.
    pub attributes: Vec<(&'static str, String)>,
    /// Whether it came to nothing.
    pub failed: bool,
}

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// What the environment says makes no exporter.
    #[error("traces cannot be sent: {0}; correct or unset the variables OTEL_EXPORTER_OTLP_*")]
    Exporter(#[from] ExporterBuildError),
    /// The system's certificates.
    #[error("traces cannot be sent: the system's certificates cannot be read: {0}")]
    Certificates(std::io::Error),
}

/// Where spans go; nowhere by default. Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub struct Traces {
    provider: Option<SdkTracerProvider>,
}

impl Traces {
    /// What the environment asks for. Call it within the runtime.
    ///
    /// # Errors
    /// When it names a collector and no exporter can be made.
    pub fn from_environment() -> Result<Self, TracesError> {
        let named = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
        if !named.iter().any(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty())) {
            return Ok(Self::default());
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new().map_err(TracesError::Certificates)?)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .build()?;
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name(NAME);
        }
        let provider = SdkTracerProvider::builder()
            .with_id_generator(Ids(RandomIdGenerator::default()))
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        tracing::info!("traces are sent");
        Ok(Self { provider: Some(provider) })
    }

    /// A call to a service.
    pub fn call(&self, trace: Trace, span: Span) {
        self.part(trace, SpanKind::Client, span);
    }

    /// A stretch of the work.
    pub fn phase(&self, trace: Trace, span: Span) {
        self.part(trace, SpanKind::Internal, span);
    }

    fn part(&self, trace: Trace, kind: SpanKind, span: Span) {
        let whole = SpanContext::new(
            trace.id,
            trace.root,
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        );
        self.send(&Context::new().with_remote_span_context(whole), kind, span);
    }

    /// An attempt as a whole: what its parts name as their parent.
    pub fn whole(&self, trace: Trace, span: Span) {
        NEXT.set(Some(trace));
        self.send(&Context::new(), SpanKind::Internal, span);
        NEXT.set(None);
    }

    fn send(&self, parent: &Context, kind: SpanKind, span: Span) {
        let Some(provider) = &self.provider else { return };
        let tracer = provider.tracer(NAME);
        let attributes = span.attributes.into_iter().map(|(key, value)| KeyValue::new(key, value));
        let builder = tracer
            .span_builder(span.name)
            .with_kind(kind)
            .with_start_time(SystemTime::from(span.began))
            .with_attributes(attributes.collect::<Vec<_>>());
        let mut sent = tracer.build_with_context(builder, parent);
        if span.failed {
            sent.set_status(Status::error(""));
        }
        sent.end_with_timestamp(SystemTime::from(span.ended));
    }

    /// Sends what has not been sent yet. Blocks.
    pub fn shutdown(&self) {
        if let Some(provider) = &self.provider
            && let Err(error) = provider.shutdown_with_timeout(LAST_SPANS)
        {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").field("sent", &self.provider.is_some()).finish()
    }
}

thread_local! {
    /// The ids of the span that this thread is about to make; the SDK takes none from a caller.
    static NEXT: Cell<Option<Trace>> = const { Cell::new(None) };
}

/// Random ids, but for the span of an attempt as a whole.
#[derive(Debug)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get().map_or_else(|| self.0.new_trace_id(), |trace| trace.id)
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.get().map_or_else(|| self.0.new_span_id(), |trace| trace.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_follow_from_the_rollback() {
        let uid = "0a1b2c3d-4e5f-4a0b-8c1d-2e3f4a5b6c7d";
        let first = Trace::of(uid, 0).unwrap();
        assert_eq!(Trace::of(uid, 0), Some(first));
        assert_eq!(first.id.to_string(), uid.replace('-', ""));
        let second = Trace::of(uid, 1).unwrap();
        assert_eq!(second.id, first.id);
        assert_ne!(second.root, first.root);
        assert_eq!(Trace::of("", 0), None);
        assert_eq!(Trace::of("no uuid", 0), None);
    }

    #[tokio::test]
    async fn work_is_for_the_trace_that_asked_for_it() {
        let trace = Trace::of("00000000-0000-4000-8000-000000000001", 0);
        assert_eq!(current(), None);
        within(trace, async {
            assert_eq!(current(), trace);
            let (seen, told) = tokio::sync::oneshot::channel();
            spawn(async move { seen.send(current()).unwrap() });
            assert_eq!(told.await.unwrap(), trace);
        })
        .await;
    }
}
