//! `ttlAfterFinished` deletes what is over, and never what Git would create again.

use std::time::Duration;

use serde_json::json;

use super::seed::accounts;
use super::tenant::Tenant;

#[test]
fn a_time_to_live_does_not_fight_git() {
    let tenant = Tenant::new("Never", &accounts(1..=2));
    let place = &tenant.place;
    tenant.rollback("of-git", &json!({"ttlAfterFinished": "5s"}));
    tenant.repository.commit("undo");
    tenant.begin();
    let revision = tenant.commit("nothing");
    tenant.wait_ready(&revision);
    let before = tenant.metadata("of-git");
    let written = place.writes();

    // The same by hand: it finds nothing open, and is gone soon.
    place.rollback("by-hand", "assign", &json!({"ttlAfterFinished": "5s"}));
    place.kubectl(&["wait", "--for=delete", "--timeout=60s", "rollback/by-hand"]);
    place.wait_simulated(Duration::from_mins(1));
    tenant.apply_again();
    assert_eq!(tenant.metadata("of-git"), before);
    assert_eq!(place.get(&["operationrecords"])["items"].as_array().unwrap().len(), 2);

    // Once no tool keeps it, it goes.
    let flux = ["kustomize.toolkit.fluxcd.io/name-", "kustomize.toolkit.fluxcd.io/namespace-"];
    place.kubectl(&[["label", "rollback", "of-git"].as_slice(), &flux].concat());
    place.kubectl(&["wait", "--for=delete", "--timeout=60s", "rollback/of-git"]);
    tenant.apply_again();
    let phase = place.status("of-git")["phase"].clone();
    assert_eq!((phase, place.writes()), (json!("AlreadyRolledBack"), written));
}
