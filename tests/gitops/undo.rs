//! A commit is undone; what is over is not done again, whatever Flux does to it.

use serde_json::json;

use super::flux::is_ready;
use super::place::{PATIENCE, stands};
use super::seed::accounts;
use super::support::wait_for;
use super::tenant::Tenant;

#[test]
fn a_commit_is_undone_and_never_undone_again() {
    let tenant = Tenant::new("Never", &accounts(1..=4));
    let place = &tenant.place;
    // 300 s of simulated time are 15 of ours: Flux looks three times.
    let latency = json!({"latency": {"create": "300s", "delete": "300s"}});
    place.simulator.post("/_sim/settings", &latency);
    tenant.rollback("undo", &json!({}));
    tenant.rollback("look", &json!({"mode": "PlanOnly"}));
    tenant.repository.commit("undo");
    let given = place.simulator.access();
    tenant.begin();
    let revision = tenant.commit("nothing");

    // It waits for as long as the undo is at work.
    place.kubectl(&["wait", "--for=create", "--timeout=60s", "rollback/undo"]);
    let mut seen_waiting = 0;
    wait_for("the undo to be over", PATIENCE, || {
        let kustomization = tenant.flux.get(&place.namespace, "kustomization", "rollbacks");
        let rollback = place.get(&["rollback", "undo"]);
        let over = is_ready(&rollback);
        if !over {
            assert!(!is_ready(&kustomization), "ready before the undo is: {kustomization}");
            seen_waiting += usize::from(rollback["status"]["phase"] == "Executing");
        }
        over.then_some(())
    });
    assert!(seen_waiting > 1, "the undo was over too soon to show anything");
    tenant.wait_ready(&revision);
    assert_eq!(place.status("undo")["phase"], "Succeeded");
    let undone = place.simulator.access();
    assert_ne!(undone, given);
    assert_eq!(place.effective().len(), 4);
    let written = place.writes();
    assert!(written >= 4, "{written}");

    // Applied again: nothing is touched.
    let before = tenant.metadata("undo");
    for _ in 0..3 {
        assert!(is_ready(&tenant.apply_again()));
    }
    assert_eq!(tenant.metadata("undo"), before);

    // Deleted by hand, and created again by Flux.
    place.kubectl(&["delete", "rollback", "undo"]);
    assert!(is_ready(&tenant.apply_again()));
    let again = tenant.metadata("undo");
    assert_ne!(again["uid"], before["uid"]);
    assert_eq!(stands(&place.status("undo"), "Ready"), ("True".into(), "AlreadyRolledBack".into()));

    // Pruned, and committed again.
    tenant.repository.remove("rollbacks/undo.yaml");
    let revision = tenant.commit("done with");
    tenant.wait_ready(&revision);
    let left = place.kubectl(&["get", "rollbacks", "--output=name"]);
    assert_eq!(left, "rollback.identitycenter.dev/look\n");
    tenant.rollback("undo", &json!({}));
    let revision = tenant.commit("once more");
    tenant.wait_ready(&revision);
    assert_eq!(stands(&place.status("undo"), "Ready"), ("True".into(), "AlreadyRolledBack".into()));

    assert_eq!(place.writes(), written, "something was written to AWS again");
    assert_eq!(place.simulator.access(), undone);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "Flux waits in real time")]
fn a_stuck_rollback_fails_its_kustomization_at_once() {
    let tenant = Tenant::new("Never", &accounts(1..=2));
    tenant.rollback("undo", &json!({"cancel": true}));
    tenant.repository.commit("undo, or rather not");
    tenant.begin();
    let revision = tenant.commit("nothing");
    let began = std::time::Instant::now();
    let (reason, message) =
        tenant.flux.wait_failed(&tenant.place.namespace, "rollbacks", &revision);
    // The timeout of the Kustomization is 5 minutes.
    assert!(began.elapsed().as_secs() < 60, "{message}");
    assert_eq!(reason, "HealthCheckFailed", "{message}");
    let named = format!("Rollback/{}/undo status: 'Failed'", tenant.place.namespace);
    assert!(message.contains(&named), "{message}");
    assert_eq!(tenant.place.writes(), 0);
}
