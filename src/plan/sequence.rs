//! The order of the events of one key, and where nobody can tell it.

use jiff::SignedDuration;

use super::catalogue::Catalogue;
use super::history::{By, Event};
use super::marks::Marked;

/// Oldest first. At one time: what changed something before what confirmed it, records before
/// ledgers, a ledger before its redo, and then by source.
pub(super) fn order(catalogue: &Catalogue<'_>, events: &mut [Event<'_>]) {
    let is_ledger = |record: &usize| {
        let listed = catalogue.entries.get(*record);
        listed.is_some_and(|listed| listed.record.spec.rollback.is_some())
    };
    let is_redo = |record: usize| {
        catalogue.entries.get(record).is_some_and(|listed| listed.undone.iter().any(is_ledger))
    };
    let rank = |event: &Event<'_>| match (event.by, event.before) {
        (By::Operation, Some(before)) if event.after == Some(before.inverse()) => 0,
        (By::Operation, None) => 1,
        (By::Operation, Some(_)) => 2,
        (By::LostOperation, _) => 3,
        (By::Ledger, _) if is_redo(event.record) => 5,
        (By::Ledger, _) => 4,
    };
    events.sort_by_key(|event| (event.at, rank(event), event.record));
}

/// The first two opposite events of which nobody can tell which came first, if that matters.
pub(super) fn unordered(
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
            // An undo comes after what it undid, even where only its own ledger tells of that.
            let told = catalogue.undid(other.record, one.record)
                || (one.record == other.record && one.by != other.by);
            if opposite(one, other) && close(one, other) && !told {
                let both_wanted = !marked.is_removed(at) && !marked.is_removed(next);
                // Something certain that came later makes the order of these two irrelevant.
                // The newest first: where many are close, it is the one that is far enough.
                let newest = events.iter().enumerate().skip(next + 1).rev();
                let mut newest = newest;
                let settled = newest.any(|(later, event)| {
                    let certain = !close(one, event) && !close(other, event);
                    let wanted = event.by != By::Ledger
                        && event.after.is_some()
                        && !marked.is_removed(later);
                    let seen = both_wanted && marked.before(later).is_some();
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

/// Whether two events left the key in opposite states.
pub(super) fn opposite(one: &Event<'_>, other: &Event<'_>) -> bool {
    matches!((one.after, other.after), (Some(one), Some(other)) if one != other)
}
