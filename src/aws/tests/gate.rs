//! What the gate promises: quota, order, permit, deadline, one way out.

use futures::future::{BoxFuture, join_all};

use super::*;
use crate::aws::{Credentials, Error, Priority, SharedTally};
use crate::model::Class;
use crate::model::class::Limit;
use crate::runtime::effects::ChokePoint;
use crate::runtime::{Effect, Effects, Permit};

#[tokio::test(start_paused = true)]
async fn no_second_sees_more_requests_than_the_limit() {
    let (client, _, transport) = answering(accepting).await;
    let (account, set) = (key().account, set());
    let calls = (0..100).map(|_| client.list_assignments(&account, &set));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    let times: Vec<_> = transport.sent().iter().map(|sent| sent.at.as_millisecond()).collect();
    assert_eq!(times.len(), 100);
    for first in &times {
        let within = times.iter().filter(|at| (*first..first + 1000).contains(*at)).count();
        assert!(within <= 18, "{within} within one second");
    }
    let took = times.last().unwrap() - times.first().unwrap();
    assert!(took <= 5600, "the quota is used up: {took} ms");
}

#[tokio::test(start_paused = true)]
async fn a_change_overtakes_reads() {
    let (client, _, transport) = answering(accepting).await;
    let (account, set, key) = (key().account, set(), key());
    let reads = join_all((0..60).map(|_| client.list_assignments(&account, &set)));
    let writer = client.with_priority(Priority::Mutation);
    let change = async {
        tokio::task::yield_now().await;
        writer.delete_assignment(&key).await.unwrap();
    };
    tokio::join!(reads, change);
    let position = transport.operations().iter().position(|name| name == "DeleteAccountAssignment");
    assert!(position.unwrap() < 8, "{position:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_permit_nothing_is_sent() {
    let (grant, permit) = Permit::issue();
    let clock = clock();
    let (log, transport) = (Log::default(), Transport::new(clock, accepting));
    let options = GateOptions {
        permit,
        requests_per_second: 1,
        observer: Arc::new(log.clone()),
        ..GateOptions::new(clock)
    };
    let (client, _) = connect(&transport, options).await;
    let error = client.create_assignment(&key()).await.unwrap_err();
    assert_eq!(error, Error::Fenced { operation: "CreateAccountAssignment" });
    assert!(!error.may_have_been_sent() && error.class() == Class::Retry);
    let error = client.list_assignments(&key().account, &set()).await.unwrap_err();
    assert_eq!(error, Error::Fenced { operation: "ListAccountAssignments" });

    // Valid when it is asked for, and not any more when its turn comes.
    grant.extend(crate::runtime::Moment::now(), Duration::from_millis(500));
    let error = client.delete_assignment(&key()).await.unwrap_err();
    assert_eq!(error, Error::Fenced { operation: "DeleteAccountAssignment" });
    grant.extend(crate::runtime::Moment::now(), seconds(60));
    client.delete_assignment(&key()).await.unwrap();
    assert_eq!(transport.operations(), ["DeleteAccountAssignment"]);
    let outcomes: Vec<_> = log.outcomes().into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, ["fenced", "fenced", "fenced", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_does_not_come_is_waited_for_ten_seconds() {
    let (client, gate, transport) = answering(|_, _| Reply::never()).await;
    let clock = gate.options().clock;
    let began = clock.now();
    let error = client.create_assignment(&key()).await.unwrap_err();
    let waited = clock.now().duration_since(began).as_secs_f64();
    assert!((10.0..10.1).contains(&waited), "{waited}");
    assert!(matches!(error, Error::NoAnswer { sent: true, .. }), "{error:?}");
    assert!(error.to_string().contains("no reply within 10s"), "{error}");
    assert_eq!(transport.sent().len(), 1, "nothing is sent twice behind the caller's back");

    let (client, ..) = answering(|name, body| accepting(name, body).after(seconds(9))).await;
    client.create_assignment(&key()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_sent_away_and_nothing_was_sent() {
    let clock = clock();
    let transport = Transport::new(clock, accepting);
    let options = GateOptions { requests_per_second: 1, ..GateOptions::new(clock) };
    let (client, gate) = connect(&transport, options).await;
    let (account, set) = (key().account, set());
    let outcomes = join_all((0..100).map(|_| client.list_assignments(&account, &set))).await;
    let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len() + transport.sent().len(), 100);
    assert!((59..=61).contains(&transport.sent().len()));
    for error in refused {
        assert!(matches!(&error, Error::NotAdmitted { .. }), "{error:?}");
        assert!(!error.may_have_been_sent() && error.class() == Class::Retry);
    }
    assert_eq!(gate.governor().next_admission(clock.now()), None, "nobody is left in the queue");
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_leaves_the_queue() {
    let clock = clock();
    let transport = Transport::new(clock, accepting);
    let options = GateOptions { requests_per_second: 1, ..GateOptions::new(clock) };
    let (client, _) = connect(&transport, options).await;
    let (account, set) = (key().account, set());
    let crowd = join_all((0..50).map(|_| client.list_assignments(&account, &set)));
    assert!(clock.timeout(Duration::from_millis(500), crowd).await.is_err());
    client.list_assignments(&account, &set).await.unwrap();
    assert_eq!(transport.sent().len(), 2);
    assert_eq!(transport.sent()[1].at.as_second() - transport.sent()[0].at.as_second(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_limit_is_told_by_its_message() {
    let (client, gate, _) = answering(|operation, _| match operation {
        "CreateAccountAssignment" => Reply::error(
            400,
            "ThrottlingException",
            "There are too many requests processing. Please try again later.",
        ),
        _ => Reply::error(400, "ThrottlingException", "Rate exceeded"),
    })
    .await;
    let error = client.create_assignment(&key()).await.unwrap_err();
    assert!(matches!(error.class(), Class::Throttled { limit: Limit::Outstanding, .. }));
    let view = gate.governor().view();
    assert_eq!((view.slots, view.throttled_since.is_some()), (5, true));
    assert!((view.requests_per_second - 18.0).abs() < 1e-9);
    let error = client.delete_assignment(&key()).await.unwrap_err();
    assert!(matches!(error.class(), Class::Throttled { limit: Limit::Rate, .. }));
    let view = gate.governor().view();
    assert!((view.requests_per_second - 14.4).abs() < 1e-9);
    assert_eq!(view.slots, 5);
}

#[tokio::test(start_paused = true)]
async fn a_read_without_an_answer_is_made_again_and_a_change_is_not() {
    let troubles =
        [(400, "ThrottlingException", "Rate exceeded"), (500, "InternalServerException", "oops")];
    for (status, code, message) in troubles {
        for failures in [0_usize, 2, 5, 6] {
            let seen = Mutex::new(0);
            let (client, _, transport) = answering(move |_, _| {
                let mut seen = seen.lock().unwrap();
                *seen += 1;
                if *seen <= failures {
                    return Reply::error(status, code, message);
                }
                Reply::ok(r#"{"AccountAssignments":[]}"#)
            })
            .await;
            let tally = SharedTally::default();
            let (account, set) = ("111111111111".parse().unwrap(), set());
            let read = tally.count(client.list_assignments(&account, &set)).await;
            assert_eq!(read.is_ok(), failures < 6, "{failures} failures of {code}");
            let attempts = transport.sent().len();
            assert_eq!(attempts, (failures + 1).min(6), "{failures} failures of {code}");
            let counted = tally.so_far();
            let as_count = |number: usize| i64::try_from(number).unwrap();
            assert_eq!((counted.reads, counted.retried), (as_count(attempts), as_count(failures)));
        }
        let (client, _, transport) =
            answering(move |_, _| Reply::error(status, code, message)).await;
        client.delete_assignment(&key()).await.unwrap_err();
        assert_eq!(transport.sent().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_outcome_has_its_name() {
    let log = Log::default();
    let clock = clock();
    let replies = Mutex::new(vec![
        Reply::never(),
        Reply::raw(502, "<html>"),
        Reply::error(500, "InternalServerException", ""),
        Reply::error(400, "ValidationException", ""),
        Reply::error(400, "ConflictException", ""),
        Reply::error(400, "ThrottlingException", "Rate exceeded"),
    ]);
    let transport = Transport::new(clock, move |_, _| replies.lock().unwrap().pop().unwrap());
    let options = GateOptions { observer: Arc::new(log.clone()), ..GateOptions::new(clock) };
    let (client, _) = connect(&transport, options).await;
    for _ in 0..6 {
        client.delete_assignment(&key()).await.unwrap_err();
    }
    let outcomes: Vec<_> = log.outcomes().into_iter().map(|(_, outcome)| outcome).collect();
    let expected = ["throttled", "conflict", "refused", "server_error", "server_error", "timeout"];
    assert_eq!(outcomes, expected);
}

/// Stops the world at one point.
#[derive(Default)]
struct Stop {
    before: Option<u64>,
    after: Option<u64>,
    seen: Mutex<Vec<Effect>>,
}

impl Effects for Stop {
    fn before(&self, effect: Effect) -> BoxFuture<'static, ()> {
        let stops = self.before == Some(effect.number);
        self.seen.lock().unwrap().push(effect);
        if stops { Box::pin(std::future::pending()) } else { Box::pin(std::future::ready(())) }
    }

    fn after(&self, effect: Effect) -> BoxFuture<'static, ()> {
        if self.after == Some(effect.number) {
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test(start_paused = true)]
async fn the_world_can_be_stopped_before_and_after_each_request() {
    for (before, after, sent) in [(Some(2), None, 1), (None, Some(2), 2)] {
        let clock = clock();
        let transport = Transport::new(clock, accepting);
        let hook = Arc::new(Stop { before, after, ..Stop::default() });
        let choke_point = ChokePoint::new(Arc::clone(&hook) as Arc<dyn Effects>);
        let options = GateOptions { choke_point, ..GateOptions::new(clock) };
        let (client, _) = connect(&transport, options).await;
        client.list_assignments(&key().account, &set()).await.unwrap();
        let stopped = clock.timeout(seconds(3600), client.delete_assignment(&key())).await;
        // The attempt's own limit lies outside of the gate.
        assert!(stopped.is_err() || stopped.unwrap().is_err());
        assert_eq!(transport.sent().len(), sent);
        let seen = hook.seen.lock().unwrap();
        let seen: Vec<_> =
            seen.iter().map(|e| (e.number, e.verb.as_str(), e.target.as_str())).collect();
        assert_eq!(
            seen,
            [
                (1, "ListAccountAssignments", "SWBExternalService"),
                (2, "DeleteAccountAssignment", "SWBExternalService")
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_past_the_quota() {
    const ASSUMED: &str = r"<AssumeRoleResponse><AssumeRoleResult><Credentials>
        <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
        <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
        </Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let clock = clock();
    let transport = Transport::new(clock, |operation, body| match operation {
        "AssumeRole" => Reply::ok(ASSUMED),
        other => accepting(other, body),
    });
    let log = Log::default();
    let observer = Arc::new(log.clone());
    let gate =
        Gate::new(GateOptions { requests_per_second: 1, observer, ..GateOptions::new(clock) });
    let options = ConnectOptions {
        endpoint: Some("https://endpoint.example".into()),
        credentials: Some(Credentials {
            role_arn: "arn:aws:iam::111111111111:role/rollback".into(),
            external_id: Some("the-external-id".into()),
        }),
        transport: Some(transport.client()),
        ..ConnectOptions::new(instance(), "eu-west-1")
    };
    let own = SharedCredentialsProvider::new(Keys::new("AKIDOWN", "s", None, None, "tests"));
    let client = Client::connect_as(options, &gate, Some(own)).await;
    for _ in 0..3 {
        client.list_assignments(&key().account, &set()).await.unwrap();
    }
    let list = "ListAccountAssignments";
    assert_eq!(transport.operations(), ["AssumeRole", list, list, list], "once for all");
    let assumed = &transport.sent()[0].body;
    assert!(assumed.contains("ExternalId=the-external-id"), "{assumed}");
    assert_eq!(log.outcomes()[0], ("AssumeRole", "ok"));
}

#[tokio::test(start_paused = true)]
async fn one_wait_for_a_change_is_never_missed() {
    let gate = Gate::new(GateOptions::new(clock()));
    gate.changed();
    gate.wait_for_change().await;
    gate.set_limits(0, -5);
    gate.wait_for_change().await;
    let view = gate.governor().view();
    assert!((view.requests_per_second - 1.0).abs() < 1e-9);
    assert_eq!(view.slots, 1);
}
