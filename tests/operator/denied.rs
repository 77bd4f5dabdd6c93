//! What the operator's role may not do is found out by trying, and said of the next plan.

use serde_json::json;

use super::place::{Place, stands, text};
use super::seed::accounts;

#[test]
fn a_change_that_was_denied_is_named_by_the_next_plan_until_it_is_allowed() {
    let place = Place::new(2);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=2));
    let denied = json!({"code": "AccessDeniedException", "status": 400,
        "message": "User is not authorized to perform: sso:DeleteAccountAssignment"});
    place.simulator.faults(&json!({"faults": [
        {"match": {"operations": ["DeleteAccountAssignment"]}, "do": {"error": denied}},
    ]}));
    place.rollback("undo", "assign", &json!({}));
    let warned = |name: &str| {
        let plan = place.status(name)["plan"].clone();
        let warnings = plan["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().any(|line| text(line).contains("operator's role DeleteAccountAssignment"))
    };
    place.wait_phase("undo", "AwaitingApproval");
    assert!(!warned("undo"), "nobody could know it yet");
    place.approve("undo");
    place.wait_phase("undo", "Failed");
    let failure = &place.status("undo")["failures"][0];
    assert_eq!(failure["reason"], "AccessDenied", "{failure}");
    assert_eq!(stands(&place.status("undo"), "Stalled").0, "True");

    place.rollback("again", "assign", &json!({}));
    place.wait_phase("again", "AwaitingApproval");
    assert!(warned("again"), "{}", place.status("again")["plan"]);
    place.simulator.faults(&json!({"faults": []}));
    place.approve("again");
    place.wait_phase("again", "Succeeded");
    assert_eq!(place.simulator.access(), before);
}
