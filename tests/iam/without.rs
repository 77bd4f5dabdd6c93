//! What becomes of the operator when one action of `full` is missing. The README shows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use super::docs;
use super::policy::Policy;
use super::story::{Outcome, Story, every_action};

/// Places at work at once.
const AT_ONCE: usize = 3;

/// AWS alone asks for it; the simulator does not.
const NOT_ASKED: &str = "sso:TagResource";

#[test]
fn whoever_leaves_out_an_action_finds_out_what_it_was_for() {
    let full = Policy::read("full");
    let every = every_action();
    let mut left = full.actions();
    assert!(left.remove(NOT_ASKED));
    let (left, found) = (Mutex::new(left), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().pop_first();
                    let Some(action) = next else { return };
                    let story = Story::under(&full, Some(&action), &every);
                    let outcome = story.play();
                    let asked = action.split_once(':').unwrap().1.to_owned();
                    assert_eq!(story.denied(), [asked], "{action} is what was denied, and all");
                    found.lock().unwrap().insert(action, outcome);
                }
            });
        }
    });
    let found: BTreeMap<String, Outcome> = found.into_inner().unwrap();
    let mut table = String::from("| without | |\n|---|---|\n");
    for (action, outcome) in &found {
        writeln!(table, "| `{action}` | {} |", outcome.words()).unwrap();
    }
    docs::shows("docs/iam/README.md", "without", &table);
}
