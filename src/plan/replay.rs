//! The replay of one key: what records lead one to expect, and what is wanted without those that
//! are undone.

use super::catalogue::Catalogue;
use super::history::{By, Event, KeyHistory};
use super::marks::{Duplicates, Marked, duplicates};
use super::sequence::{order, unordered};
use crate::model::Presence;

/// What the records say about a key that is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing that is selected is still open for the key.
    Closed,
    /// A selected undo is over for the key without having written it: what it took back counts
    /// again, and the key stays as it is.
    GivenBack,
    /// Opposite records of which nobody can tell which came first.
    OrderUnknown {
        /// One of them.
        first: usize,
        /// The other.
        second: usize,
        /// What the last open selected record made of the key.
        undone: Presence,
    },
    /// What is expected and what is wanted.
    Known(Verdict),
}

/// Expected and wanted state of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What the last open selected record made of the key.
    pub undone: Presence,
    /// What all records together lead one to expect.
    pub expected: Presence,
    /// What is wanted without what is undone.
    pub wanted: Presence,
    /// What the wanted state rests on.
    pub basis: Basis,
    /// A record of another tool that is taken for the same change, if that makes a difference.
    pub possible_duplicate: Option<usize>,
}

/// What a wanted state rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// What was there before the first record.
    Start {
        /// Whether a record or a ledger says so; else it is assumed that the first record
        /// changed something.
        known: bool,
    },
    /// A change that nobody recorded and that records reveal.
    Unrecorded,
    /// A record that is neither undone now nor was before.
    Record(usize),
}

/// Finds out about one key.
pub(super) fn replay(catalogue: &Catalogue<'_>, history: &KeyHistory<'_>) -> Finding {
    let mut events = history.events.clone();
    order(catalogue, &mut events);
    let withdrawing = withdrawing(catalogue, history);
    let gone = |record: usize| withdrawing.iter().any(|ledger| catalogue.undid(*ledger, record));
    let withdrawn = |event: &Event<'_>| match event.by {
        By::Operation => gone(event.record),
        By::LostOperation => withdrawing.contains(&event.record),
        By::Ledger => false,
    };
    let open = |event: &Event<'_>| {
        let listed = catalogue.entries.get(event.record);
        event.by != By::LostOperation
            && event.after.is_some()
            && listed.is_some_and(|listed| listed.selected)
            && !gone(event.record)
    };
    let pairs = duplicates(catalogue, &events);
    let with = |kind| Marked::new(&events, &pairs, kind, &withdrawn, &open);
    let marked = with(Duplicates::SameOrNear);
    let Some(undone) = marked.undone(&events) else {
        let took_back = history.ledgers.iter().any(|(ledger, outcome)| {
            let listed = catalogue.entries.get(*ledger);
            outcome.is_settled() && listed.is_some_and(|listed| listed.selected) && !gone(*ledger)
        });
        return if took_back { Finding::GivenBack } else { Finding::Closed };
    };
    if let Some((first, second)) = unordered(catalogue, &events, &marked) {
        return Finding::OrderUnknown { first, second, undone };
    }
    let (expected, wanted, basis) = run(&events, &marked);
    let mut possible_duplicate = None;
    if pairs.iter().any(|pair| !pair.same_request) {
        let strict = with(Duplicates::SameRequest);
        let (other_expected, other_wanted, _) = run(&events, &strict);
        if (other_expected, other_wanted) != (expected, wanted) {
            possible_duplicate =
                marked.only_here(&strict).and_then(|at| events.get(at)).map(|e| e.record);
        }
    }
    Finding::Known(Verdict { undone, expected, wanted, basis, possible_duplicate })
}

/// The failed change of a selected record whose effect is there and that no record explains.
pub(super) fn possibly_applied(
    catalogue: &Catalogue<'_>,
    history: &KeyHistory<'_>,
    live: Presence,
) -> Option<(usize, Presence)> {
    let mut events = history.events.clone();
    order(catalogue, &mut events);
    let marked = Marked::new(&events, &[], Duplicates::SameRequest, &|_| false, &|_| false);
    // That an undo saw it explains nothing.
    let changed = events.iter().any(|event| event.after.is_some());
    let explained = changed && run(&events, &marked).0 == live;
    let withdrawing = withdrawing(catalogue, history);
    history
        .failed
        .iter()
        .filter(|(record, _)| !withdrawing.iter().any(|ledger| catalogue.undid(*ledger, *record)))
        .map(|(record, effect)| (*record, effect.after()))
        .find(|(_, after)| *after == live && !explained)
}

/// The ledgers that withdraw what they name for this key: those whose undo of it is over and was
/// not undone in turn. A ledger that is undone gives back what it withdrew.
fn withdrawing(catalogue: &Catalogue<'_>, history: &KeyHistory<'_>) -> Vec<usize> {
    let mut ledgers = history.ledgers.clone();
    ledgers.sort_by_key(|(ledger, _)| {
        let listed = catalogue.entries.get(*ledger);
        std::cmp::Reverse((
            listed.map(|listed| (listed.at, listed.record.spec.occurred_at)),
            *ledger,
        ))
    });
    let mut withdrawing: Vec<usize> = Vec::new();
    for (ledger, outcome) in ledgers {
        let selected = catalogue.entries.get(ledger).is_some_and(|listed| listed.selected);
        let undone_before = withdrawing.iter().any(|newer| catalogue.undid(*newer, ledger));
        if outcome.is_settled() && !selected && !undone_before {
            withdrawing.push(ledger);
        }
    }
    withdrawing
}

/// Expected state, wanted state and what that rests on, of events in order.
fn run(events: &[Event<'_>], marked: &Marked) -> (Presence, Presence, Basis) {
    let (start, known) = events
        .iter()
        .enumerate()
        .find_map(|(at, event)| {
            let before = marked.before(at);
            before
                .map(|before| (before, true))
                .or_else(|| Some((event.after?.inverse(), event.by == By::LostOperation)))
        })
        .unwrap_or((Presence::Absent, false));
    let (mut expected, mut wanted, mut basis) = (start, start, Basis::Start { known });
    for (at, event) in events.iter().enumerate() {
        if let Some(before) = marked.before(at)
            && before != expected
        {
            (expected, wanted, basis) = (before, before, Basis::Unrecorded);
        }
        let Some(after) = event.after else { continue };
        expected = after;
        if event.by != By::Ledger && !marked.is_removed(at) {
            (wanted, basis) = (after, Basis::Record(event.record));
        }
    }
    (expected, wanted, basis)
}
