//! The order of the events of one key, and where nobody can tell it.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::catalogue::Catalogue;
use super::history::{By, Event};
use super::marks::Marked;
use crate::model::RequestId;

/// Oldest first. At one time: what changed something before what confirmed it, records before
/// ledgers, a ledger before its redo, and then by source.
pub(super) fn order(catalogue: &Catalogue<'_>, events: &mut [Event<'_>]) {
    date_requests(events);
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

/// A request was made once: at the earliest time that any record gives it. Where one id stands in
/// opposite changes, it tells nothing.
fn date_requests(events: &mut [Event<'_>]) {
    let of_operations = |event: &&Event<'_>| event.by == By::Operation;
    let mut made: HashMap<&RequestId, Option<Event<'_>>> = HashMap::new();
    for event in events.iter().filter(of_operations) {
        let Some(request) = event.request else { continue };
        let first = made.entry(request).or_insert(Some(*event));
        *first = first.filter(|first| !opposite(first, event)).map(|first| Event {
            at: first.at.min(event.at),
            began: first.began.min(event.began),
            ..first
        });
    }
    for event in events.iter_mut().filter(|event| event.by == By::Operation) {
        let Some(Some(first)) = event.request.and_then(|request| made.get(request)) else {
            continue;
        };
        (event.at, event.began) = (first.at, first.began);
    }
}

/// The first two opposite events of which nobody can tell which came first, if that matters.
pub(super) fn unordered(
    catalogue: &Catalogue<'_>,
    events: &[Event<'_>],
    marked: &Marked,
) -> Option<(usize, usize)> {
    // The later one may have happened at any time from its beginning on.
    let close = |one: &Event<'_>, other: &Event<'_>| {
        other.began.duration_since(one.at) < one.uncertainty.max(other.uncertainty)
    };
    let longest = events.iter().map(|event| event.at.duration_since(event.began)).max();
    let far = longest.unwrap_or_default().saturating_add(SignedDuration::from_secs(60));
    for (at, one) in events.iter().enumerate() {
        for (next, other) in events.iter().enumerate().skip(at + 1) {
            if other.at.duration_since(one.at) >= far {
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
