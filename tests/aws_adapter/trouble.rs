//! Lost replies, outages, a slow and a silent AWS, the quota, the permit.

use std::time::Duration;

use futures::future::join_all;
use rollback_operator::aws::{
    Client, ConnectOptions, Direction, Error, Gate, GateOptions, Priority,
};
use rollback_operator::model::Class;
use rollback_operator::runtime::{Clock, Permit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::*;

const CREATE: &str = "CreateAccountAssignment";

#[tokio::test]
async fn a_lost_reply_may_have_had_its_effect_and_is_not_sent_again() {
    for (fault, accepted) in [("loseReply", 1), ("loseRequest", 0)] {
        let faults =
            format!("faults: [{{match: {{operations: [{CREATE}]}}, do: {{{fault}: true}}}}]");
        let world = World::start(&faults).await;
        let client = world.client().await;
        // A connection that was kept open is what a reply is lost on, too.
        client.describe_instance().await.unwrap();
        let error = client.create_assignment(&absent()).await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer { sent: true, .. }), "{error:?}");
        assert_eq!(error.class(), Class::Retry);
        let counters = world.counters().await;
        assert_eq!(counters["accepted"].as_object().unwrap().len(), accepted, "{counters}");
        let listed = client.list_requests(Direction::Create, None, None).await.unwrap();
        assert_eq!(listed.len(), accepted, "the lost request is found again");
    }
}

#[tokio::test]
async fn errors_of_the_service_are_not_sent_again_behind_our_back() {
    let error = "{error: {code: InternalServerException, message: broken}}";
    let world = World::start(&format!("faults: [{{do: {error}}}]")).await;
    let client = world.client().await;
    let error = client.create_assignment(&absent()).await.unwrap_err();
    assert!(error.class() == Class::Retry && error.may_have_been_sent(), "{error:?}");
    assert_eq!(world.counters().await["calls"][CREATE]["total"], 1);
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (client, _) = client_of(endpoint, GateOptions::new(Clock::real())).await;
    let error = client.create_assignment(&absent()).await.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { sent: false, .. }), "{error:?}");
    assert_eq!(error.class(), Class::Retry);
}

#[tokio::test]
async fn a_slow_reply_is_given_up_within_the_deadline() {
    let world = World::start(&format!(
        "faults: [{{match: {{operations: [{CREATE}]}}, do: {{delay: 1h}}}}]"
    ))
    .await;
    let gate = GateOptions { request_timeout: Duration::from_secs(10), ..world.gate() };
    let (client, _) = world.client_as("MANAGEMENT", gate).await;
    let error = client.create_assignment(&absent()).await.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { sent: true, .. }), "{error:?}");
    assert!(error.to_string().contains("no reply within 10s"), "{error}");
}

#[tokio::test]
async fn a_reply_that_stops_halfway_is_given_up_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 16 * 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: 1000\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let clock = Clock::scaled(20.0);
    let (client, _) = client_of(endpoint, GateOptions::new(clock)).await;
    let began = clock.now();
    let error = client.create_assignment(&absent()).await.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { sent: true, .. }), "{error:?}");
    assert!(clock.now().duration_since(began).as_secs_f64() >= 10.0);
    assert!(error.to_string().contains("no reply within 10s"), "{error}");
    server.abort();
}

#[tokio::test]
async fn without_the_permit_nothing_reaches_aws() {
    let world = World::start("").await;
    let (grant, permit) = Permit::issue();
    let gate = GateOptions { permit, ..world.gate() };
    let (client, _) = world.client_as("MANAGEMENT", gate).await;
    let content = rollback_operator::model::PermissionSetContent::default();
    let errors = [
        client.create_assignment(&absent()).await.unwrap_err(),
        client.delete_assignment(&absent()).await.unwrap_err(),
        client.delete_permission_set(&READ.parse().unwrap()).await.unwrap_err(),
        client.create_permission_set("New", &content).await.unwrap_err(),
        client.describe_instance().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
    }
    assert_eq!(world.counters().await["requests"], 0);
    grant.extend(rollback_operator::runtime::Moment::now(), Duration::from_mins(10));
    client.create_assignment(&absent()).await.unwrap();
    grant.revoke();
    assert!(client.delete_assignment(&absent()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aws_does_not_have_to_throttle_us() {
    let mut seed = World::seed();
    seed.settings.limits.requests_per_second = 20;
    let world = World::of(seed, "", 1.0).await;
    // Well below the quota, because a busy machine bunches requests up on their way; that the
    // limit itself is kept is shown on paused time.
    let gate = GateOptions { requests_per_second: 12, ..world.gate() };
    let (client, _) = world.client_as("MANAGEMENT", gate).await;
    let (account, set) = (ONE.parse().unwrap(), READ.parse().unwrap());
    let calls = (0..40).map(|n| {
        let priority = if n % 2 == 0 { Priority::Verify } else { Priority::PreRead };
        let (client, account, set) = (client.with_priority(priority), &account, &set);
        async move { client.list_assignments(account, set).await }
    });
    let failed: Vec<_> = join_all(calls).await.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let counters = world.counters().await;
    assert_eq!(counters["throttles"]["rate"], 0, "{counters}");
    assert!(counters["peakPerSecond"].as_u64().unwrap() <= 20, "{counters}");
}

#[tokio::test]
async fn a_quota_that_others_use_up_is_found_out_and_given_back() {
    let mut seed = World::seed();
    seed.settings.limits.requests_per_second = 6;
    let world = World::of(seed, "", 20.0).await;
    let (client, gate) = world.client_as("MANAGEMENT", world.gate()).await;
    let outcomes = join_all((0..200).map(|_| client.describe_instance())).await;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let counters = world.counters().await;
    let throttled = counters["throttles"]["rate"].as_u64().unwrap();
    assert!(throttled > 0 && throttled < 100, "{counters}");
    assert!(failed < 5, "{failed} of 200 reads failed, although each is made again");
    let view = gate.governor().view();
    assert!(view.requests_per_second < 12.0, "{view:?}");
    world.post("/_sim/settings", "limits: {requestsPerSecond: 0}").await;
    for _ in 0..20 {
        world.clock.sleep(Duration::from_secs(2)).await;
        client.describe_instance().await.unwrap();
    }
    let view = gate.governor().view();
    assert!(
        (view.requests_per_second - 18.0).abs() < 1e-9 && view.throttled_since.is_none(),
        "{view:?}"
    );
}

async fn client_of(endpoint: String, gate: GateOptions) -> (Client, Gate) {
    let gate = Gate::new(gate);
    let mut options = ConnectOptions::new(instance(), "eu-west-1");
    options.endpoint = Some(endpoint);
    (Client::connect_as(options, &gate, Some(identity("MANAGEMENT"))).await, gate)
}
