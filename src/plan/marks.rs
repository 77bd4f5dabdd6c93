//! Which events of one key are undone, now or before, and which are one change recorded twice.

use jiff::SignedDuration;

use super::catalogue::Catalogue;
use super::history::{By, Event};
use super::sequence::opposite;
use crate::model::Presence;

/// Two tools that record one change within this time are taken to have recorded the same one.
const SAME_CHANGE_WITHIN: SignedDuration = SignedDuration::from_secs(15 * 60);

/// Whether two tools' records within 15 minutes count as one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    /// Only records of one request do.
    SameRequest,
    /// They do.
    SameOrNear,
}

/// Two events, by position, that may be one change recorded twice; the earlier first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    earlier: usize,
    later: usize,
    /// Whether AWS's request id says so.
    pub same_request: bool,
}

/// Finds records of the same change.
pub(super) fn duplicates(catalogue: &Catalogue<'_>, events: &[Event<'_>]) -> Vec<Pair> {
    let tool = |event: &Event<'_>| {
        catalogue.entries.get(event.record).map(|listed| listed.record.spec.source.tool.as_str())
    };
    let mut pairs = Vec::new();
    for (earlier, one) in events.iter().enumerate().filter(|(_, event)| event.by == By::Operation) {
        // AWS never gives one id to two requests. A tool that wrote it beside an opposite change of
        // the key wrote it wrongly, and so it tells nothing about any.
        let id_holds = !events.iter().any(|it| it.request == one.request && opposite(one, it));
        // What was recorded after the change was taken back is another change.
        let mut taken_back = false;
        for (later, other) in events.iter().enumerate().skip(earlier + 1) {
            taken_back |= opposite(one, other)
                || (other.by == By::Ledger
                    && (other.before == one.after.map(Presence::inverse)
                        || catalogue.undid(other.record, one.record)));
            if other.by != By::Operation || other.after != one.after || other.record == one.record {
                continue;
            }
            let same_request = one.request.is_some() && one.request == other.request && id_holds;
            let near = !taken_back
                && !confirms(other)
                && tool(one) != tool(other)
                && other.began.duration_since(one.at) <= SAME_CHANGE_WITHIN;
            if same_request || near {
                pairs.push(Pair { earlier, later, same_request });
            }
        }
    }
    pairs
}

/// Whether it found the key as it left it: then somebody else's change had made it so before.
fn confirms(event: &Event<'_>) -> bool {
    event.before.is_some() && event.before == event.after
}

/// What counts of each event.
pub(super) struct Marked {
    /// Whether it is selected and still open.
    open: Vec<bool>,
    /// Whether it is undone, now or before, so that nobody wants it.
    removed: Vec<bool>,
    /// What is known about the state before it.
    before: Vec<Option<Presence>>,
}

impl Marked {
    pub(super) fn new(
        events: &[Event<'_>],
        pairs: &[Pair],
        kind: Duplicates,
        withdrawn: &impl Fn(&Event<'_>) -> bool,
        open: &impl Fn(&Event<'_>) -> bool,
    ) -> Self {
        let withdrawn: Vec<bool> = events.iter().map(withdrawn).collect();
        let mut open: Vec<bool> = events.iter().map(open).collect();
        let mut before: Vec<Option<Presence>> = events.iter().map(|event| event.before).collect();
        let mut removed: Vec<bool> =
            withdrawn.iter().zip(&open).map(|(withdrawn, open)| *withdrawn || *open).collect();
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

    /// Whether nobody wants the event any more: it is undone, now or before.
    pub(super) fn is_removed(&self, at: usize) -> bool {
        get(&self.removed, at)
    }

    /// What is known about the state before the event.
    pub(super) fn before(&self, at: usize) -> Option<Presence> {
        self.before.get(at).copied().flatten()
    }

    /// What the last open selected event made of the key.
    pub(super) fn undone(&self, events: &[Event<'_>]) -> Option<Presence> {
        events
            .iter()
            .zip(&self.open)
            .rev()
            .find(|(_, open)| **open)
            .and_then(|(event, _)| event.after)
    }

    /// Something that is removed here and not there.
    pub(super) fn only_here(&self, strict: &Self) -> Option<usize> {
        (0..self.removed.len()).find(|at| get(&self.removed, *at) != get(&strict.removed, *at))
    }
}

fn get(flags: &[bool], at: usize) -> bool {
    flags.get(at).copied().unwrap_or(false)
}

fn set<T>(values: &mut [T], at: usize, value: T) {
    if let Some(slot) = values.get_mut(at) {
        *slot = value;
    }
}
