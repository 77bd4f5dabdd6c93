//! Every history of a few steps, and every way to undo up to four operations.
//!
//! An operation grants a key, revokes it or leaves it alone, and the key was there at the start or was
//! not. These histories have one key for each combination of that. No rule of replay binds keys to
//! each other, other than by who touched them: so each history of fewer keys is a part of one here.

use std::collections::BTreeSet;

use super::history::History;
use super::model::Doer;

const OPERATIONS: usize = 4;
const NO_FAILURE: BTreeSet<usize> = BTreeSet::new();

/// What each operation does to a key, by the key's number: its digits to the base three.
fn changes_of(operation: usize) -> Vec<(usize, bool)> {
    (0..keys())
        .filter_map(|at| match at / 2 / 3_usize.pow(u32::try_from(operation).unwrap()) % 3 {
            0 => None,
            digit => Some((at, digit == 1)),
        })
        .collect()
}

fn keys() -> usize {
    2 * 3_usize.pow(u32::try_from(OPERATIONS).unwrap())
}

fn nothing_yet() -> History {
    History::new((0..keys()).filter(|at| at % 2 == 1).collect())
}

fn subsets(of: &[Doer]) -> Vec<BTreeSet<Doer>> {
    (1..1_u32 << of.len())
        .map(|bits| (0..of.len()).filter(|at| bits >> at & 1 == 1).map(|at| of[at]).collect())
        .collect()
}

/// Each step is an operation, or the undo of any of those before: of undos too, which is a redo.
#[test]
fn all_histories_of_four_steps_are_what_the_model_says() {
    fn go_on(history: &History, operations: usize, steps: usize) -> usize {
        if steps == 0 {
            return 1;
        }
        let mut longer = history.clone();
        longer.operate(&changes_of(operations), true);
        let mut ended = go_on(&longer, operations + 1, steps - 1);
        for some in subsets(&history.doers()) {
            let mut longer = history.clone();
            longer.undo(&some, &NO_FAILURE);
            ended += go_on(&longer, operations, steps - 1);
        }
        ended
    }
    // An undo that finds nothing open leaves no record, so there is less to undo after it.
    assert_eq!(go_on(&nothing_yet(), 0, OPERATIONS), 60);
}

/// Operations one after the other, undone alone or together, in any order and in between.
#[test]
fn four_operations_undone_in_all_ways_leave_nothing() {
    fn go_on(history: &History, begun: usize, open: &[Doer]) -> usize {
        let mut ended = 0;
        if begun == OPERATIONS && open.is_empty() {
            assert_eq!(history.model.world, history.model.start, "{history:#?}");
            return 1;
        }
        if begun < OPERATIONS {
            let mut longer = history.clone();
            longer.operate(&changes_of(begun), true);
            let open = [open, &[history.records.len()]].concat();
            ended += go_on(&longer, begun + 1, &open);
        }
        for some in subsets(open) {
            let mut longer = history.clone();
            longer.undo(&some, &NO_FAILURE);
            let left: Vec<Doer> =
                open.iter().copied().filter(|doer| !some.contains(doer)).collect();
            ended += go_on(&longer, begun, &left);
        }
        ended
    }
    assert_eq!(go_on(&nothing_yet(), 0, &[]), 236);
}
