//! The operator is stopped as a rollout stops it, and people go on meanwhile.

use serde_json::json;

use super::cluster::Cluster;
use super::place::{PATIENCE, Place, ledger_accounts, text};
use super::seed::accounts;
use super::support::wait_for;

#[test]
fn what_happens_while_no_operator_runs_is_taken_up_by_the_next() {
    let cluster = Cluster::start();
    let place = Place::with(&cluster, 90, &json!({}));
    let groups = [("runs", 1..=40), ("waits", 41..=50), ("goes", 51..=90)];
    place.slow_down();
    for (name, numbers) in groups.clone() {
        place.operation(&format!("op-{name}"), &accounts(numbers));
        place.rollback(name, &format!("op-{name}"), &json!({}));
    }
    place.wait_phase("waits", "AwaitingApproval");
    place.approve("goes");
    place.approve("runs");
    wait_for("both to have removed something", PATIENCE, || {
        let done = |name: &str| place.status(name)["progress"]["done"].as_i64().unwrap_or(0);
        let removed = place.effective().len();
        (removed >= 20 && done("goes") > 0 && place.status("runs")["phase"] == "Executing")
            .then_some(())
    });
    let ended = cluster.operator().stop();
    assert!(ended.success(), "it ended with {ended}");
    assert!(place.effective().len() < 80, "all was over before it was stopped");

    let digest = text(&place.status("waits")["plan"]["digest"]);
    place.patch("waits", &json!({"approval": {"plan": digest}}));
    place.kubectl(&["delete", "rollback", "goes", "--wait=false"]);
    let kept = place.get(&["rollback", "goes"]);
    assert_eq!(kept["metadata"]["finalizers"], json!(["identitycenter.dev/ledger"]));
    cluster.operator().start_again();

    place.wait_phase("runs", "Succeeded");
    place.wait_phase("waits", "Succeeded");
    place.kubectl(&["wait", "--for=delete", "--timeout=60s", "rollback/goes"]);
    let ledgers = place.get(&["operationrecords", "--field-selector=spec.type=Rollback"]);
    let ledgers = ledgers["items"].as_array().unwrap();
    assert_eq!(ledgers.len(), 3);
    let of_goes =
        ledgers.iter().find(|ledger| ledger["spec"]["rollback"]["by"]["name"] == "goes").unwrap();
    let mut undone = accounts(1..=50);
    undone.extend(ledger_accounts(of_goes, "Verified"));
    let keys: Vec<(String, u64)> =
        undone.iter().map(|account| (place.identity.key(account), 1)).collect();
    assert_eq!(place.effective(), keys, "AWS was changed otherwise than the ledgers say");
    let unsent = ledger_accounts(of_goes, "Unsent");
    assert_eq!(undone.len() + unsent.len(), 90);
    assert!(!unsent.is_empty(), "nothing was left when it was deleted");
}
