//! What is measured: one thing differs at a time from an undo of a hundred actions.

use crate::bench::{Kind, Output, ScaleArguments, UndoArguments};

/// One undo, or several at once, in a world of its own.
pub struct Scenario {
    /// What differs, in words for a table.
    pub name: String,
    /// The undo.
    pub undo: UndoArguments,
}

const HUNDRED: UndoArguments = UndoArguments::USUAL;

/// What the operator is started among: ten thousand finished Rollbacks and other records.
pub const AMONG_MUCH: ScaleArguments =
    ScaleArguments { rollbacks: 10_000, records: 100_000, probes: 20, output: Output::Table };

/// All of them; without those that take more than half a minute where it is to be `quick`. What would
/// take long in life runs on faster clocks.
pub fn scenarios(quick: bool) -> Vec<Scenario> {
    let mut all = vec![
        of("small", UndoArguments { actions: 10, accounts: 10, ..HUNDRED }),
        of("medium", HUNDRED),
        of("revocations", UndoArguments { kind: Kind::Revoke, ..HUNDRED }),
        of("a copy", UndoArguments { kind: Kind::Copy, ..HUNDRED }),
        // Deletions of sets take no time of AWS's beyond the call.
        of("clones", UndoArguments { kind: Kind::Clone, actions: 10, latency: 0.0, ..HUNDRED }),
    ];
    if quick {
        return all;
    }
    all.push(of("with faults", UndoArguments { faults: true, ..HUNDRED }));
    let large = UndoArguments { actions: 1000, accounts: 200, time_scale: 5.0, ..HUNDRED };
    all.push(of("large", large));
    let huge = UndoArguments { actions: 10_000, accounts: 500, time_scale: 10.0, ..HUNDRED };
    all.push(of("huge", huge));
    for (latency, time_scale) in [(1.0, 1.0), (5.0, 4.0), (10.0, 8.0)] {
        let undo = UndoArguments { latency, time_scale, ..HUNDRED };
        all.push(of(&format!("latency {latency} s"), undo));
    }
    for (slots, time_scale) in [(1, 10.0), (5, 4.0), (15, 1.0)] {
        all.push(of(&format!("{slots} slots"), UndoArguments { slots, time_scale, ..HUNDRED }));
    }
    for rollbacks in [5, 20] {
        all.push(of(&format!("{rollbacks} at once"), UndoArguments { rollbacks, ..HUNDRED }));
    }
    all
}

fn of(name: &str, undo: UndoArguments) -> Scenario {
    Scenario { name: name.to_owned(), undo }
}
