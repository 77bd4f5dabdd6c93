//! Ready is who can work: an operator that lacks the lease, a right or a kind says so, is not ready,
//! and is as soon as it has it.

use std::time::Duration;

use serde_json::{Value, json};

use super::cluster;
use super::place::{PATIENCE, Place, condition};
use super::seed::accounts;
use super::support::{ControlPlane, Operator, checkout, wait_for};

/// Waits until `/readyz` answers with this status and all of these words.
#[track_caller]
fn answers(operator: &Operator, code: u16, words: &[&str]) {
    let url = format!("{}/readyz", operator.admin());
    wait_for(&format!("/readyz to say {code} {words:?}"), Duration::from_secs(30), || {
        let request = ureq::get(&url).config().http_status_as_error(false).build();
        let mut answer = request.call().ok()?;
        let said = answer.body_mut().read_to_string().ok()?;
        (answer.status() == code && words.iter().all(|word| said.contains(word))).then_some(())
    });
}

#[test]
fn nobody_is_ready_without_the_lease_the_rights_and_the_kinds() {
    let control_plane = ControlPlane::start();
    let account = control_plane.install_operator_access();
    let role = checkout().join("charts/rollback-operator/files/operator-role.yaml");
    let lease = checkout().join("charts/rollback-operator/files/lease-role.yaml");
    control_plane.kubectl(&["delete", "-f", role.to_str().unwrap()]).succeeded();
    let in_its_namespace = "--namespace=rollback-system";
    let without_lease = ["delete", in_its_namespace, "-f", lease.to_str().unwrap()];
    control_plane.kubectl(&without_lease).succeeded();
    let operator = Operator::launch(cluster::options(account, 1.0, &[]));
    answers(
        &operator,
        503,
        &["the lease", "the kinds", "does not serve rollbacks", "crds.install"],
    );
    assert!(operator.read("/healthz").is_ok(), "it is alive, and must not be restarted");

    control_plane.install_crds();
    answers(&operator, 503, &["the lease", "identitycenterinstances cannot be listed", "role"]);
    control_plane.kubectl(&["apply", "-f", role.to_str().unwrap()]).succeeded();
    answers(&operator, 503, &["waiting for: the lease\n"]);
    let with_lease = ["apply", in_its_namespace, "-f", lease.to_str().unwrap()];
    control_plane.kubectl(&with_lease).succeeded();
    answers(&operator, 200, &["ok"]);
    wait_for("the operator to be able to work", Duration::from_secs(30), || {
        operator.read("/metrics").ok()?.contains("\nrollback_leader_ready 1\n").then_some(())
    });
    let log = operator.log();
    assert!(log.contains("not ready") && log.contains("crds.install"), "{log}");
}

#[test]
fn an_instance_that_aws_refuses_from_some_day_on_is_not_ready_until_it_is_let_in_again() {
    is_found_out("AccessDeniedException", 400, "AccessDenied", 1);
}

#[test]
fn an_instance_that_aws_does_not_answer_for_is_not_ready_until_it_does() {
    // A read at which AWS breaks is made six times before that counts.
    is_found_out("InternalServerException", 500, "AwsUnavailable", 6);
}

/// Nobody uses the instance, and AWS ceases to answer for it: it says so by itself. What is asked of
/// it meanwhile waits.
#[track_caller]
fn is_found_out(code: &str, status: u16, reason: &str, requests: u64) {
    let place = Place::new(1);
    let says = |status: &str, reason: &str| {
        wait_for(&format!("the instance to be Ready={status}: {reason}"), PATIENCE, || {
            let ready = said_of(&place);
            (ready["status"] == status && ready["reason"] == reason).then_some(())
        });
    };
    place.operation("assign", &accounts(1..=1));
    breaks(&place, code, status, None);
    says("False", reason);
    place.rollback("undo", "assign", &json!({}));
    place.wait_condition("undo", "Ready", "False", "InstanceNotReady");
    let before = asked(&place);
    place.wait_simulated(Duration::from_mins(1));
    let times = (asked(&place) - before).div_ceil(requests);
    assert!(
        (3..=8).contains(&times),
        "asked {times} times in a minute, in place of each ten seconds"
    );
    place.simulator.faults(&json!({"faults": []}));
    says("True", "InstanceReady");
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
}

#[test]
fn one_lost_answer_or_a_used_up_quota_leaves_an_instance_ready() {
    for (code, status, count) in
        [("InternalServerException", 500, Some(1)), ("ThrottlingException", 400, None)]
    {
        let place = Place::new(1);
        let before = (said_of(&place), asked(&place));
        breaks(&place, code, status, count);
        // Far longer than it may doubt; the clocks run 20 x as fast as life.
        wait_for("AWS to be asked again after it broke", PATIENCE, || {
            (asked(&place) >= before.1 + 2).then_some(())
        });
        place.wait_simulated(Duration::from_mins(2));
        assert_eq!(said_of(&place), before.0, "{code}");
    }
}

/// From now on AWS breaks where it is asked for the instance: so many times, or always.
fn breaks(place: &Place<'_>, code: &str, status: u16, count: Option<u32>) {
    let error = json!({"code": code, "message": "not now", "status": status});
    let mut fault = json!({"match": {"operations": ["DescribeInstance"]}, "do": {"error": error}});
    if let Some(count) = count {
        fault["count"] = json!(count);
    }
    place.simulator.faults(&json!({"faults": [fault]}));
}

/// How often AWS was asked for the instance.
fn asked(place: &Place<'_>) -> u64 {
    place.simulator.counters()["calls"]["DescribeInstance"]["total"].as_u64().unwrap()
}

/// The condition `Ready` of the instance.
fn said_of(place: &Place<'_>) -> Value {
    let found = place.get(&["identitycenterinstance", &place.instance]);
    condition(&found["status"], "Ready").unwrap()
}
