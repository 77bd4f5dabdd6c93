//! Somebody takes away by force what a running Rollback cannot do without.

use serde_json::json;

use super::cluster::Cluster;
use super::place::{PATIENCE, Place, stands};
use super::seed::accounts;
use super::support::wait_for;

fn begun(place: &Place, name: &str) {
    place.rollback(name, "assign", &json!({}));
    place.approve(name);
    wait_for("some assignments to be removed", PATIENCE, || {
        (place.effective().len() >= 10).then_some(())
    });
}

#[test]
fn a_rollback_that_lost_its_finalizer_and_is_gone_holds_no_keys() {
    let place = Place::new(60);
    place.operation("assign", &accounts(1..=60));
    place.slow_down();
    begun(&place, "undo");
    let off = json!({"metadata": {"finalizers": null}}).to_string();
    place.kubectl(&["delete", "rollback", "undo", "--wait=false"]);
    place.kubectl(&["patch", "rollback", "undo", "--type=merge", "-p", &off]);

    // Its keys are let go once it is missed; another undo of the same operation goes on then.
    place.rollback("again", "assign", &json!({}));
    place.approve("again");
    wait_for("the other undo to get the keys", PATIENCE, || {
        let status = place.status("again");
        match status["phase"].as_str() {
            Some("Executing" | "Verifying" | "Succeeded") => Some(()),
            // The plan is made anew when what it rests on changed, and wants another approval.
            // It may begin at any moment, so nothing is waited for here.
            Some("AwaitingApproval") => {
                place.patch("again", &json!({"approval": {"plan": status["plan"]["digest"]}}));
                None
            }
            _ => None,
        }
    });
    place.wait_phase("again", "Succeeded");
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
    assert_eq!(place.effective().len(), 60);
}

#[test]
fn a_rollback_whose_plan_was_deleted_ends_and_another_attempt_does_the_rest() {
    let cluster = Cluster::start();
    let place = Place::with(&cluster, 60, &json!({}));
    let operated = place.simulator.access();
    place.operation("assign", &accounts(1..=60));
    place.slow_down();
    begun(&place, "undo");
    cluster.operator().kill9();
    place.kubectl(&["delete", "rollbackplans", "--all"]);
    cluster.operator().start_again();

    place.wait_phase("undo", "Failed");
    let status = place.status("undo");
    assert_eq!(stands(&status, "Ready"), ("False".into(), "PlanVoid".into()));
    assert_eq!(stands(&status, "Stalled").0, "True");
    let left = place.effective().len();
    assert!((10..60).contains(&left), "{left} were removed");

    place.patch("undo", &json!({"attempt": 2}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.simulator.access(), operated, "the world before the operation");
    assert!(place.effective().iter().all(|(_, times)| *times == 1));
    assert_eq!(place.effective().len(), 60);
}
