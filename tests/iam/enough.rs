//! Each policy is enough for what it is for: nothing that the operator asks is denied.

use serde_json::json;

use super::policy::Policy;
use super::seed::accounts;
use super::story::{Outcome, Story, every_action};

#[test]
fn full_is_enough_for_all_there_is() {
    let story = Story::under(&Policy::read("full"), None, &every_action());
    assert_eq!(story.play(), Outcome::Done);
    assert_eq!(story.denied(), Vec::<String>::new());
}

#[test]
fn revoke_only_is_enough_to_take_access_away_and_not_to_give_any() {
    let story = Story::under(&Policy::read("revoke-only"), None, &every_action());
    assert!(story.is_ready());
    let place = &story.place;
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=6));
    let held = place.simulator.access();
    // One fails, so that it is asked why.
    let deletes = json!({"operations": ["DeleteAccountAssignment"]});
    place.simulator.faults(&json!({"faults": [
        {"match": deletes, "count": 1, "do": {"fail": {"like": "internalError"}}},
    ]}));
    place.rollback("undo", "assign", &json!({}));
    assert_eq!(story.approved("undo"), Outcome::Done);
    assert_eq!(place.simulator.access(), before);
    assert_eq!(story.denied(), Vec::<String>::new());

    let ledger = place.status("undo")["ledger"].as_str().unwrap().to_owned();
    place.create("Rollback", "redo", &json!({"operations": {"names": [ledger]}}));
    assert_eq!(story.approved("redo"), Outcome::UndoFails);
    assert_eq!(place.simulator.access(), before);
    assert_ne!(before, held);
    assert!(story.denied().contains(&"CreateAccountAssignment".to_owned()), "{:?}", story.denied());
}
