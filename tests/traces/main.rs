//! Traces reach a collector: one for each Rollback, whose spans are its phases and its calls to AWS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod collector;

use std::collections::BTreeSet;
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use collector::Collector;
use support::cluster::Cluster;
use support::place::{Place, text};
use support::seed::accounts;
use support::{Operator, OperatorOptions, cluster, wait_for};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The spans of a Rollback, once the one of the whole is there.
fn spans_of(collector: &Collector, place: &Place<'_>, rollback: &str) -> Vec<Span> {
    let uid = text(&place.get(&["rollback", rollback])["metadata"]["uid"]).replace('-', "");
    let id = u128::from_str_radix(&uid, 16).unwrap().to_be_bytes();
    wait_for(&format!("the trace of {rollback}"), Duration::from_mins(1), || {
        let spans = collector.spans();
        let spans: Vec<Span> = spans.into_iter().filter(|span| span.trace_id == id).collect();
        spans.iter().any(|span| span.name == "Rollback").then_some(spans)
    })
}

#[test]
fn a_rollback_is_one_trace_and_each_of_its_calls_a_span() {
    let cluster = Cluster::start();
    let collector = Collector::start();
    cluster.operator().stop();
    let environment = [(ENDPOINT, collector.url()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let operator = cluster.another(&[], &environment);
    let place = Place::with(&cluster, 4, &json!({}));
    place.operation("assign", &accounts(1..=3));
    place.operation("other", &accounts(4..=4));
    for (name, record) in [("undo", "assign"), ("second", "other")] {
        place.rollback(name, record, &json!({}));
        place.approve(name);
        place.wait_phase(name, "Succeeded");
    }
    let spans = spans_of(&collector, &place, "undo");
    let wholes: Vec<&Span> = spans.iter().filter(|span| span.name == "Rollback").collect();
    let [whole] = wholes[..] else { panic!("{wholes:?}") };
    assert!(whole.parent_span_id.is_empty());
    let parts: Vec<&Span> = spans.iter().filter(|span| span.name != "Rollback").collect();
    assert!(parts.iter().all(|span| span.parent_span_id == whole.span_id), "{parts:?}");
    let named = |name: &str| parts.iter().filter(|span| span.name == name).count();
    assert_eq!(named("DeleteAccountAssignment"), 3);
    for phase in ["Planning", "AwaitingApproval", "Executing", "Verifying"] {
        assert_eq!(named(phase), 1, "{phase}");
    }
    assert!(named("DescribePermissionSet") > 0, "reads for the plan are calls too");
    for span in &parts {
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
        let is_call = span.kind == SpanKind::Client as i32;
        assert_eq!(is_call, span.attributes.iter().any(|it| it.key == "rpc.method"), "{span:?}");
        // Who has access where is nobody's business here.
        let said = format!("{:?}", span.attributes);
        assert!(!accounts(1..=4).iter().any(|account| said.contains(account)), "{said}");
    }
    let ids: BTreeSet<&Vec<u8>> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "an id twice");
    let second = spans_of(&collector, &place, "second");
    assert_eq!(second.iter().filter(|it| it.name == "DeleteAccountAssignment").count(), 1);
    assert_eq!(collector.services(), ["rollback-operator".to_owned()].into());
    drop(operator);
}

#[test]
fn an_endpoint_that_is_none_ends_the_operator_with_advice() {
    let options = cluster::options("/nowhere".into(), 1.0, &[]);
    let environment = vec![(ENDPOINT.to_owned(), "not an address".to_owned())];
    let mut operator = Operator::launch(OperatorOptions { environment, ..options });
    let status = wait_for("the operator to end", Duration::from_mins(1), || operator.ended());
    assert!(!status.success());
    assert!(operator.log().contains("correct or unset the variables OTEL_"), "{}", operator.log());
}
