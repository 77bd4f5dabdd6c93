//! AWS loses replies, breaks and throttles: none of it is success, failure or a second change.

use serde_json::json;

use super::place::Place;
use super::seed::accounts;

#[test]
fn what_aws_loses_or_refuses_for_a_while_is_neither_done_twice_nor_given_up() {
    let place = Place::new(60);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=60));
    let deletes = json!({"operations": ["DeleteAccountAssignment"]});
    let throttled =
        json!({"code": "ThrottlingException", "message": "Rate exceeded", "status": 400});
    let broken = json!({"code": "InternalServerException", "message": "broken", "status": 500});
    place.simulator.faults(&json!({"faults": [
        {"match": deletes, "after": 2, "count": 2, "do": {"loseReply": true}},
        {"match": deletes, "after": 8, "count": 2, "do": {"loseRequest": true}},
        {"match": deletes, "after": 15, "count": 2, "do": {"error": throttled}},
        {"match": deletes, "after": 20, "count": 2, "do": {"error": broken}},
        {"match": deletes, "after": 30, "count": 1, "do": {"fail": {"like": "internalError"}}},
        {"match": {"operations": ["reads"]}, "after": 3, "count": 2, "do": {"error": broken}},
        {"match": {"operations": ["reads"]}, "after": 8, "count": 1, "do": {"loseReply": true}},
    ]}));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");

    assert_eq!(place.status("undo")["progress"]["display"], "60/60");
    assert_eq!(place.simulator.access(), before);
    let effective = place.effective();
    assert_eq!(effective.len(), 60);
    let twice: Vec<_> = effective.iter().filter(|(_, times)| *times != 1).collect();
    assert!(twice.is_empty(), "changed more than once: {twice:?}");
    let counters = place.simulator.counters();
    let mut struck = counters["calls"]["DeleteAccountAssignment"]["errors"].clone();
    // With clocks at 20 x, what two busy cores delay by 50 ms meets AWS's limit as a whole second.
    let throttled = struck["ThrottlingException"].take().as_u64();
    assert!(throttled.is_some_and(|times| times >= 2), "{throttled:?}");
    let wanted = json!({
        "ConnectionClosed": 2, "InternalServerException": 2, "ThrottlingException": null,
    });
    assert_eq!(struck, wanted);
    assert_eq!(counters["lostReplies"], 3);
    assert_eq!(counters["throttles"]["outstanding"], 0, "it asked for more than its slots");
    let peak = counters["peakOutstanding"].as_u64().unwrap();
    assert!((2..=10).contains(&peak), "{peak} requests were at work at once");
}

#[test]
fn an_answer_that_never_comes_is_looked_for_although_nothing_else_happens() {
    let place = Place::new(1);
    let before = place.simulator.access();
    place.operation("assign", &accounts(1..=1));
    // Longer than the operator waits; meanwhile all that it counts is written down.
    let deletes = json!({"operations": ["DeleteAccountAssignment"]});
    place.simulator.faults(&json!({"faults": [
        {"match": deletes, "count": 1, "do": {"delay": "40s"}},
    ]}));
    place.rollback("undo", "assign", &json!({}));
    place.approve("undo");
    place.wait_phase("undo", "Succeeded");
    assert_eq!(place.simulator.access(), before);
    let effective = place.effective();
    assert!(effective.iter().all(|(_, times)| *times == 1), "{effective:?}");
}
