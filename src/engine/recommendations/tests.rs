use jiff::Timestamp;

use super::*;
use crate::api::rollback_status::Latency;

/// Changes of one second each, none of them in an account with another one.
fn sent(count: usize) -> Vec<Sent> {
    let of = |number: usize| Sent {
        account: Some(format!("{:012}", 100_000_000_000 + number).parse().unwrap()),
        permission_set: "ReadOnly".to_owned(),
        seconds: Some(1.0),
    };
    (0..count).map(of).collect()
}

fn one_second() -> Latency {
    let mut histogram = crate::model::Histogram::default();
    histogram.add(1.0);
    let mut latency = Latency::default();
    latency.add(&histogram, 1.0);
    latency
}

/// Executed as quickly as AWS allows.
fn timing(seconds: f64) -> Timing {
    Timing {
        planning_seconds: Some(1.0),
        executing_seconds: Some(seconds),
        verifying_seconds: Some(2.0),
        provisioning_seconds: Some(1.0),
        planned_at: Some(Timestamp::from_second(100).unwrap()),
        approved_at: Some(Timestamp::from_second(101).unwrap()),
        provisioning_latency: Some(one_second()),
        request_latency: Some(Latency { p50: 0.01, ..Latency::default() }),
        ..Timing::default()
    }
}

fn facts<'a>(timing: &'a Timing, sent: &'a [Sent]) -> Facts<'a> {
    Facts { timing, sent, slots: 10, rate: 18.0, approval_was_needed: true, settle_seconds: 2.0 }
}

/// The reasons, with gains in whole seconds.
fn found(facts: &Facts<'_>) -> Vec<(String, String)> {
    let all = recommendations(facts).into_iter();
    all.map(|it| (it.reason, format!("{:.0}", it.expected_gain_seconds))).collect()
}

fn one(reason: &str, gain: &str) -> Vec<(String, String)> {
    vec![(reason.to_owned(), gain.to_owned())]
}

#[test]
fn nothing_is_said_where_nothing_is_to_gain() {
    let (timing, sent) = (timing(11.0), sent(100));
    assert_eq!(found(&facts(&timing, &sent)), []);
    assert_eq!(found(&facts(&Timing::default(), &[])), []);
}

#[test]
fn more_slots_are_worth_what_the_bound_says() {
    let (timing, sent) = (timing(22.0), sent(100));
    let few = Facts { slots: 5, ..facts(&timing, &sent) };
    assert_eq!(found(&few), one("SlotsBelowLimit", "11"));
    let more_than_allowed = Facts { slots: 15, ..few };
    assert_eq!(found(&more_than_allowed), []);
}

#[test]
fn more_slots_are_worth_nothing_where_one_account_sets_the_time() {
    let (timing, mut sent) = (timing(22.0), sent(40));
    let account = sent[0].account.clone();
    for it in &mut sent[..20] {
        it.account.clone_from(&account);
    }
    let few = Facts { slots: 5, ..facts(&timing, &sent) };
    // Without it the other twenty take four seconds.
    assert_eq!(found(&few), one("OneAccountDominates", "18"));
}

#[test]
fn a_client_that_takes_quota_is_seen_by_what_it_takes() {
    let (mut timing, sent) = (timing(20.0), sent(100));
    timing.throttling_seconds = Some(9.0);
    (timing.throttled, timing.aws_requests) = (12, 200);
    assert_eq!(found(&facts(&timing, &sent)), one("CompetingClient", "9"));
    let message = &recommendations(&facts(&timing, &sent))[0].message;
    let evidence = "AWS throttled 12 of 200 requests, which took about 45 % of the quota";
    assert!(message.starts_with(evidence), "{message}");
    for (rate, slots) in [(30.0, 10), (18.0, 15)] {
        let asks_too_much = Facts { slots, rate, ..facts(&timing, &sent) };
        assert_eq!(found(&asks_too_much), [], "it throttles itself");
    }
}

#[test]
fn a_slow_permission_set_is_told_from_a_slow_day() {
    let (mut timing, mut sent) = (timing(30.0), sent(100));
    timing.provisioning_seconds = Some(3.0);
    for it in &mut sent {
        it.seconds = Some(3.0);
    }
    assert_eq!(found(&facts(&timing, &sent)), []);
    for it in &mut sent[..50] {
        (it.permission_set, it.seconds) = ("Large".to_owned(), Some(5.0));
    }
    for it in &mut sent[50..] {
        it.seconds = Some(1.0);
    }
    assert_eq!(found(&facts(&timing, &sent)), one("SlowPermissionSet", "19"));
    let few = sent.split_off(46);
    assert_eq!(found(&facts(&timing, &few[..8])), [], "four of them say little");
}

#[test]
fn slow_replies_cost_each_slot_its_time() {
    let (mut timing, sent) = (timing(13.0), sent(100));
    timing.request_latency.as_mut().unwrap().p50 = 0.25;
    assert_eq!(found(&facts(&timing, &sent)), one("DistantRegion", "2"));
}

#[test]
fn a_long_settle_time_counts_as_far_as_it_was_waited() {
    let (mut timing, sent) = (timing(11.0), sent(100));
    let long = |timing: &Timing| found(&Facts { settle_seconds: 30.0, ..facts(timing, &sent) });
    timing.verifying_seconds = Some(30.5);
    assert_eq!(long(&timing), one("LongSettle", "28"));
    timing.verifying_seconds = Some(0.5);
    assert_eq!(long(&timing), []);
}

#[test]
fn an_approval_is_long_if_nothing_else_is_longer() {
    let (mut timing, sent) = (timing(100.0), sent(1000));
    let approved = |timing: &mut Timing, second| {
        timing.approved_at = Some(Timestamp::from_second(second).unwrap());
    };
    approved(&mut timing, 199);
    assert_eq!(found(&facts(&timing, &sent)), []);
    approved(&mut timing, 3700);
    timing.awaiting_approval_seconds = Some(3600.0);
    assert_eq!(found(&facts(&timing, &sent)), one("LongApproval", "3600"));
    let nobody = Facts { approval_was_needed: false, ..facts(&timing, &sent) };
    assert_eq!(found(&nobody), []);
    timing.awaiting_approval_seconds = Some(50.0);
    assert_eq!(found(&facts(&timing, &sent)), [], "only a plan was asked for until then");
}

#[test]
fn an_hour_of_suspension_is_no_gain_of_anything() {
    let (timing, sent) = (timing(3622.0), sent(100));
    let few = Facts { slots: 5, ..facts(&timing, &sent) };
    assert_eq!(found(&few), [], "eleven seconds of an hour are not worth a word");
    let (timing, sent) = (super::tests::timing(4.0), &sent[..3]);
    assert_eq!(
        found(&Facts { slots: 5, ..facts(&timing, sent) }),
        [],
        "three changes need no more"
    );
}
