//! The fault script.

use std::time::Duration;

use serde_json::json;

use super::{GROUP, Lab, ONE, READ, TWO, USER, key};
use crate::sim::FaultScript;

#[test]
fn an_error_comes_before_any_effect_and_as_often_as_it_says() {
    let mut lab = Lab::new();
    lab.faults(
        "faults:
- match: {operations: [DeleteAccountAssignment], accounts: ['222222222222']}
  after: 1
  count: 1
  do: {error: {code: InternalServerException, message: broken}}
",
    );
    let mut send = || {
        let body = key(ONE, READ, "USER", USER);
        let answer = lab.sso("DeleteAccountAssignment", body);
        lab.wait(2000);
        answer
    };
    assert!(send().is_ok());
    assert_eq!(send().unwrap_err(), ("InternalServerException".to_owned(), "broken".to_owned()));
    assert!(send().is_ok());
    assert_eq!(lab.world.counters().accepted.values().sum::<u64>(), 2);
}

#[test]
fn a_lost_reply_has_its_effect_and_a_lost_request_has_none() {
    let mut lab = Lab::new();
    lab.faults(
        "faults:
- {match: {operations: [writes], accounts: ['222222222222']}, do: {loseReply: true}}
- {match: {operations: [writes], accounts: ['333333333333']}, do: {loseRequest: true}}
",
    );
    let body = |account| {
        let mut body = key(account, READ, "GROUP", GROUP);
        body["InstanceArn"] = json!(super::INSTANCE);
        body
    };
    assert!(lab.send("SWBExternalService.DeleteAccountAssignment", &body(ONE)).dropped);
    assert!(lab.send("SWBExternalService.DeleteAccountAssignment", &body(TWO)).dropped);
    lab.wait(2000);
    assert_eq!(lab.listed(ONE, READ), [USER]);
    assert_eq!(lab.listed(TWO, READ), [GROUP]);
    assert_eq!(lab.world.counters().lost_replies, 1);
    let lost: Vec<bool> = lab.world.log(10).take(2).map(|entry| entry.reply_lost).collect();
    assert_eq!(lost, [true, true]);
}

#[test]
fn failures_come_later_in_our_words_or_in_those_of_aws_with_or_without_the_change() {
    let mut lab = Lab::new();
    lab.faults(
        "faults:
- {match: {accounts: ['222222222222']}, do: {fail: {reason: no luck}}}
- {match: {accounts: ['333333333333']}, do: {fail: {like: internalError, applied: true}}}
",
    );
    let first = lab.delete(ONE, READ, USER).unwrap();
    let second = lab.create(TWO, READ, USER).unwrap();
    lab.wait(2000);
    assert_eq!(lab.status("Deletion", &first), ("FAILED".to_owned(), "no luck".to_owned()));
    let internal = "An unexpected internal service exception was encountered";
    assert_eq!(lab.status("Creation", &second), ("FAILED".to_owned(), internal.to_owned()));
    assert!(lab.listed(ONE, READ).contains(&USER.to_owned()));
    assert!(lab.listed(TWO, READ).contains(&USER.to_owned()));
    for kind in [
        "assignmentMissing",
        "principalMissing",
        "policyMissing",
        "accessDeniedByIam",
        "accountNotReady",
        "roleQuota",
    ] {
        let mut lab = Lab::new();
        lab.faults(&format!("faults: [{{do: {{fail: {{like: {kind}}}}}}}]"));
        let id = lab.create(TWO, READ, USER).unwrap();
        lab.wait(2000);
        let (status, reason) = lab.status("Creation", &id);
        assert_eq!(status, "FAILED");
        assert!(reason.len() > 40 && reason != internal, "{kind}: {reason}");
    }
}

#[test]
fn times_are_counted_from_when_the_script_was_loaded() {
    let mut lab = Lab::new();
    lab.wait(60_000);
    lab.faults(
        "faults: [{from: 10s, until: 20s, do: {error: {code: ThrottlingException, message: Rate exceeded}}}]",
    );
    let up = |lab: &mut Lab| lab.sso("ListPermissionSets", json!({})).is_ok();
    lab.wait(9_999);
    assert!(up(&mut lab));
    lab.wait(1);
    assert!(!up(&mut lab));
    lab.wait(9_999);
    assert!(!up(&mut lab));
    lab.wait(1);
    assert!(up(&mut lab));
    assert_eq!(lab.world.counters().throttles.injected, 2);
}

#[test]
fn delays_latencies_and_late_statuses_are_each_their_own() {
    let mut lab = Lab::new();
    lab.faults(
        "faults:
- {match: {operations: [CreateAccountAssignment]}, do: {latency: 10s, statusDelay: 5s, delay: 300ms}}
",
    );
    let mut body = key(TWO, READ, "USER", USER);
    body["InstanceArn"] = json!(super::INSTANCE);
    let reply = lab.send("SWBExternalService.CreateAccountAssignment", &body);
    assert_eq!(reply.delay, Duration::from_millis(300));
    let id = reply.request_id;
    lab.wait(9_999);
    assert_eq!(lab.listed(TWO, READ), [GROUP]);
    lab.wait(1);
    assert_eq!(lab.listed(TWO, READ), [GROUP, USER]);
    assert_eq!(lab.status("Creation", &id).0, "IN_PROGRESS");
    lab.wait(5_000);
    assert_eq!(lab.status("Creation", &id).0, "SUCCEEDED");
}

#[test]
fn a_status_call_can_be_hit_by_what_its_request_is_about() {
    let mut lab = Lab::new();
    let id = lab.create(TWO, READ, USER).unwrap();
    lab.faults(
        "faults: [{match: {operations: [reads], accounts: ['333333333333']}, do: {error: {code: AccessDeniedException}}}]",
    );
    let asked = json!({"AccountAssignmentCreationRequestId": id});
    let error = lab.sso("DescribeAccountAssignmentCreationStatus", asked).unwrap_err();
    assert_eq!(error.0, "AccessDeniedException");
    lab.listed(ONE, READ);
}

#[test]
fn chance_is_seeded() {
    let run = |random_seed| {
        let mut lab = Lab::of(super::SEED, random_seed);
        lab.faults("faults: [{probability: 0.5, do: {error: {code: InternalServerException}}}]");
        let mut outcome = |_| {
            lab.wait(100);
            lab.sso("ListPermissionSets", json!({})).is_ok()
        };
        (0..64).map(&mut outcome).collect::<Vec<bool>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let hit = run(3).iter().filter(|ok| !**ok).count();
    assert!((16..48).contains(&hit), "{hit}");
}

#[test]
fn a_script_that_cannot_be_meant_is_refused_with_its_place() {
    for (script, expected) in [
        ("faults:\n- {do: {explode: true}}", "explode"),
        ("faults:\n- {match: {operation: x}, do: {loseReply: true}}", "operation"),
        ("faults:\n- {name: a, do: {}}", "faults[0] a: `do` says nothing"),
        ("faults:\n- {match: {operations: [Nonsense]}, do: {loseReply: true}}", "Nonsense"),
        ("faults:\n- {probability: 2, do: {loseReply: true}}", "probability"),
        ("faults:\n- {do: {fail: {reason: a, like: roleQuota}}}", "either"),
        ("faults:\n- {match: {accounts: ['12']}, do: {loseReply: true}}", "AWS account id"),
    ] {
        let error = FaultScript::from_yaml(script).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
