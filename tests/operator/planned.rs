//! A plan is made once, however soon after it the cache shows it.

use std::time::Duration;

use serde_json::json;

use super::place::Place;
use super::seed::accounts;

#[test]
#[expect(clippy::disallowed_methods, reason = "a second plan would be begun in real time")]
fn aws_is_read_once_for_each_plan() {
    let place = Place::new(20);
    place.operation("assign", &accounts(1..=20));
    let asked = || -> u64 {
        let counters = place.simulator.counters();
        counters["calls"]["ListAccountAssignmentsForPrincipal"]["total"].as_u64().unwrap_or(0)
    };
    let mut reads = Vec::new();
    for number in 0..8 {
        let (before, name) = (asked(), format!("look-{number}"));
        place.rollback(&name, "assign", &json!({"mode": "PlanOnly"}));
        place.wait_phase(&name, "Planned");
        // A second plan would have been begun at once.
        std::thread::sleep(Duration::from_secs(1));
        reads.push(asked() - before);
    }
    assert!(reads[0] > 0 && reads.iter().all(|it| *it == reads[0]), "{reads:?}");
}
