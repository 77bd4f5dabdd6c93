//! The replay of one key: what records lead one to expect, and what is wanted without those that
//! are undone.

use jiff::SignedDuration;

use super::catalogue::Catalogue;
use super::history::{Event, KeyHistory};
use crate::model::Presence;

/// Two tools that record one change within this time are taken to have recorded the same one.
const SAME_CHANGE_WITHIN: SignedDuration = SignedDuration::from_secs(15 * 60);

/// What the records say about a key that is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing that is selected is still open for the key.
    Closed,
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

/// Whether two tools' records within 15 minutes count as one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duplicates {
    SameRequest,
    SameOrNear,
}

/// Finds out about one key.
pub(super) fn replay(catalogue: &Catalogue<'_>, history: &KeyHistory<'_>) -> Finding {
    let mut events = history.events.clone();
    order(catalogue, &mut events);
    let withdrawing = withdrawing(catalogue, history);
    let gone = |record: usize| withdrawing.iter().any(|ledger| catalogue.undid(*ledger, record));
    let selected = |record: usize| {
        catalogue.entries.get(record).is_some_and(|listed| listed.selected) && !gone(record)
    };
    let pairs = duplicates(catalogue, &events);
    let with = |kind| Marked::new(&events, &pairs, kind, &gone, &selected);
    let marked = with(Duplicates::SameOrNear);
    let Some(undone) = marked.undone(&events) else { return Finding::Closed };
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
    let explained = !events.is_empty() && run(&events, &marked).0 == live;
    let withdrawing = withdrawing(catalogue, history);
    history
        .failed
        .iter()
        .filter(|(record, _)| !withdrawing.iter().any(|ledger| catalogue.undid(*ledger, *record)))
        .map(|(record, effect)| (*record, effect.after()))
        .find(|(_, after)| *after == live && !explained)
}

/// Oldest first. At one time: what changed something before what confirmed it, records before
/// ledgers, and then by source.
fn order(catalogue: &Catalogue<'_>, events: &mut [Event<'_>]) {
    let rank = |event: &Event<'_>| match (event.operation, event.before) {
        (true, Some(before)) if event.after == Some(before.inverse()) => 0,
        (true, None) => 1,
        (true, Some(_)) => 2,
        // A redo comes after the ledger that it names.
        (false, _) => {
            3 + catalogue.entries.get(event.record).map_or(0, |listed| {
                usize::from(listed.undone.iter().any(|undone| {
                    catalogue
                        .entries
                        .get(*undone)
                        .is_some_and(|listed| listed.record.spec.rollback.is_some())
                }))
            })
        }
    };
    events.sort_by_key(|event| (event.at, rank(event), event.record));
}

/// The ledgers that withdraw what they name for this key: those whose undo of it is over and was
/// not undone in turn. A ledger that is undone now gives back what it withdrew, where it wrote.
fn withdrawing(catalogue: &Catalogue<'_>, history: &KeyHistory<'_>) -> Vec<usize> {
    use crate::api::record::LedgerOutcome::Verified;
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
        let undone_now = outcome == Verified
            && catalogue.entries.get(ledger).is_some_and(|listed| listed.selected);
        let undone_before = withdrawing.iter().any(|newer| catalogue.undid(*newer, ledger));
        if outcome.is_settled() && !undone_now && !undone_before {
            withdrawing.push(ledger);
        }
    }
    withdrawing
}

/// Two events, by position, that may be one change recorded twice; the earlier first.
#[derive(Debug, Clone, Copy)]
struct Pair {
    earlier: usize,
    later: usize,
    same_request: bool,
}

fn duplicates(catalogue: &Catalogue<'_>, events: &[Event<'_>]) -> Vec<Pair> {
    let tool = |event: &Event<'_>| {
        catalogue.entries.get(event.record).map(|listed| listed.record.spec.source.tool.as_str())
    };
    let mut pairs = Vec::new();
    for (earlier, one) in events.iter().enumerate().filter(|(_, event)| event.operation) {
        let mut opposite_between = false;
        for (later, other) in events.iter().enumerate().skip(earlier + 1) {
            opposite_between |= opposite(one, other);
            if !other.operation || other.after != one.after || other.record == one.record {
                continue;
            }
            let same_request = one.request.is_some() && one.request == other.request;
            let near = !opposite_between
                && tool(one) != tool(other)
                && other.at.duration_since(one.at) <= SAME_CHANGE_WITHIN;
            if same_request || near {
                pairs.push(Pair { earlier, later, same_request });
            }
        }
    }
    pairs
}

/// What counts of each event.
struct Marked {
    /// Whether it is selected and still open.
    open: Vec<bool>,
    /// Whether it is undone, now or before, so that nobody wants it.
    removed: Vec<bool>,
    /// What is known about the state before it.
    before: Vec<Option<Presence>>,
}

impl Marked {
    fn new(
        events: &[Event<'_>],
        pairs: &[Pair],
        kind: Duplicates,
        gone: &impl Fn(usize) -> bool,
        selected: &impl Fn(usize) -> bool,
    ) -> Self {
        let withdrawn: Vec<bool> =
            events.iter().map(|it| it.operation && gone(it.record)).collect();
        let mut open: Vec<bool> =
            events.iter().map(|it| it.after.is_some() && selected(it.record)).collect();
        let mut before: Vec<Option<Presence>> = events.iter().map(|event| event.before).collect();
        let mut removed: Vec<bool> = events
            .iter()
            .enumerate()
            .map(|(at, event)| event.operation && (get(&withdrawn, at) || get(&open, at)))
            .collect();
        let directly_removed = removed.clone();
        for pair in pairs.iter().filter(|pair| pair.same_request || kind == Duplicates::SameOrNear)
        {
            for (one, other) in [(pair.earlier, pair.later), (pair.later, pair.earlier)] {
                if get(&withdrawn, one) {
                    set(&mut open, other, false);
                }
                if get(&directly_removed, one) {
                    set(&mut removed, other, true);
                }
            }
            // One change has one state before it: what the later account knows fills in what the
            // earlier one does not, and contradicts nothing.
            let after = events.get(pair.later).and_then(|event| event.after);
            let later = before.get(pair.later).copied().flatten();
            if later.is_some() && later == after.map(Presence::inverse) {
                if let Some(earlier) = before.get_mut(pair.earlier) {
                    *earlier = earlier.or(later);
                }
                set(&mut before, pair.later, None);
            }
        }
        Self { open, removed, before }
    }

    fn undone(&self, events: &[Event<'_>]) -> Option<Presence> {
        events
            .iter()
            .zip(&self.open)
            .rev()
            .find(|(_, open)| **open)
            .and_then(|(event, _)| event.after)
    }

    fn only_here(&self, strict: &Self) -> Option<usize> {
        (0..self.removed.len()).find(|at| get(&self.removed, *at) != get(&strict.removed, *at))
    }
}

/// Expected state, wanted state and what that rests on, of events in order.
fn run(events: &[Event<'_>], marked: &Marked) -> (Presence, Presence, Basis) {
    let (start, known) = events
        .iter()
        .enumerate()
        .find_map(|(at, event)| {
            let before = marked.before.get(at).copied().flatten();
            before.map(|before| (before, true)).or_else(|| Some((event.after?.inverse(), false)))
        })
        .unwrap_or((Presence::Absent, false));
    let (mut expected, mut wanted, mut basis) = (start, start, Basis::Start { known });
    for (at, event) in events.iter().enumerate() {
        if let Some(before) = marked.before.get(at).copied().flatten()
            && before != expected
        {
            (expected, wanted, basis) = (before, before, Basis::Unrecorded);
        }
        let Some(after) = event.after else { continue };
        expected = after;
        if event.operation && !get(&marked.removed, at) {
            (wanted, basis) = (after, Basis::Record(event.record));
        }
    }
    (expected, wanted, basis)
}

/// The first two opposite events of which nobody can tell which came first, if that matters.
fn unordered(
    catalogue: &Catalogue<'_>,
    events: &[Event<'_>],
    marked: &Marked,
) -> Option<(usize, usize)> {
    let close = |one: &Event<'_>, other: &Event<'_>| {
        other.at.duration_since(one.at).abs() < one.uncertainty.max(other.uncertainty)
    };
    for (at, one) in events.iter().enumerate() {
        for (next, other) in events.iter().enumerate().skip(at + 1) {
            if other.at.duration_since(one.at) >= SignedDuration::from_secs(60) {
                break;
            }
            let told = catalogue.undid(other.record, one.record)
                || catalogue.undid(one.record, other.record);
            if opposite(one, other) && close(one, other) && !told {
                let both_wanted = !get(&marked.removed, at) && !get(&marked.removed, next);
                // Something certain that came later makes the order of these two irrelevant.
                let settled = events.iter().enumerate().skip(next + 1).any(|(later, event)| {
                    let certain = !close(one, event) && !close(other, event);
                    let wanted =
                        event.operation && event.after.is_some() && !get(&marked.removed, later);
                    let seen = both_wanted && marked.before.get(later).copied().flatten().is_some();
                    certain && (wanted || seen)
                });
                if !settled {
                    return Some((one.record, other.record));
                }
            }
        }
    }
    None
}

fn opposite(one: &Event<'_>, other: &Event<'_>) -> bool {
    matches!((one.after, other.after), (Some(one), Some(other)) if one != other)
}

fn get(flags: &[bool], at: usize) -> bool {
    flags.get(at).copied().unwrap_or(false)
}

fn set<T>(values: &mut [T], at: usize, value: T) {
    if let Some(slot) = values.get_mut(at) {
        *slot = value;
    }
}
