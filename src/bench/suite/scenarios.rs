//! What is measured: one thing differs at a time from an undo of a hundred actions.

use crate::bench::UndoArguments;

/// One undo, or several at once, in a world of its own.
pub struct Scenario {
    /// What differs, in words for a table.
    pub name: String,
    /// The undo.
    pub undo: UndoArguments,
}

const HUNDRED: UndoArguments = UndoArguments::USUAL;

/// All of them; without those that take more than half a minute where it is to be `quick`. What would
/// take over five minutes in life runs on faster clocks.
pub fn scenarios(quick: bool) -> Vec<Scenario> {
    let mut all = vec![
        of("small", UndoArguments { actions: 10, accounts: 10, ..HUNDRED }),
        of("medium", HUNDRED),
        of("three hundred", UndoArguments { actions: 300, accounts: 150, ..HUNDRED }),
        of("gives access back", UndoArguments { gives: true, ..HUNDRED }),
    ];
    if quick {
        return all;
    }
    all.push(of(
        "large",
        UndoArguments { actions: 1000, accounts: 200, time_scale: 5.0, ..HUNDRED },
    ));
    all.push(of(
        "huge",
        UndoArguments { actions: 10_000, accounts: 500, time_scale: 20.0, ..HUNDRED },
    ));
    for (latency, time_scale) in [(1.0, 1.0), (5.0, 2.0), (10.0, 4.0)] {
        let undo = UndoArguments { latency, time_scale, ..HUNDRED };
        all.push(of(&format!("latency {latency} s"), undo));
    }
    for (slots, time_scale) in [(1, 8.0), (5, 2.0), (15, 1.0)] {
        all.push(of(&format!("{slots} slots"), UndoArguments { slots, time_scale, ..HUNDRED }));
    }
    for rollbacks in [5, 20] {
        let undo = UndoArguments { actions: 200, accounts: 100, rollbacks, ..HUNDRED };
        all.push(of(&format!("{rollbacks} at once"), undo));
    }
    all
}

fn of(name: &str, undo: UndoArguments) -> Scenario {
    Scenario { name: name.to_owned(), undo }
}
