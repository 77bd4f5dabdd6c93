//! A plain model of what happened: sets, one key at a time, knowing everything.
//!
//! It shares nothing with the replay under test. It knows each unrecorded change, where the
//! replay has to infer it from what records and ledgers saw, and it computes what is wanted by
//! going through the whole story again without what was undone.

use std::collections::BTreeSet;

/// Who did something that can be undone, by its place in the story.
pub(super) type Doer = usize;

/// What an undo did about one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Undone {
    pub key: usize,
    /// What it made of the key, if it wrote.
    pub wrote: Option<bool>,
    /// Whether the undo of the key is over.
    pub settled: bool,
    /// Whether it was left as changed by nobody on record.
    pub left: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Happened {
    /// A recorded operation: keys with the state after it, and whether it knew the state before.
    Operation { keys: Vec<(usize, bool)>, knew: bool },
    /// A change that nobody recorded.
    Foreign { key: usize, after: bool },
    /// An undo of some doers.
    Undo { of: BTreeSet<Doer>, keys: Vec<Undone> },
}

/// What is to be done about one open key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Decision {
    Leave,
    Unexplained,
    Write(bool),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub start: BTreeSet<usize>,
    pub world: BTreeSet<usize>,
    pub story: Vec<Happened>,
}

impl Model {
    pub(super) fn new(start: BTreeSet<usize>) -> Self {
        Self { world: start.clone(), start, story: Vec::new() }
    }

    pub(super) fn put(&mut self, key: usize, there: bool) {
        if there {
            self.world.insert(key);
        } else {
            self.world.remove(&key);
        }
    }

    /// What is to be done about every key of these doers that is still open.
    pub(super) fn decide(&self, selected: &BTreeSet<Doer>) -> Vec<(usize, Decision)> {
        let keys: BTreeSet<usize> =
            selected.iter().flat_map(|doer| self.withdrawable(*doer)).collect();
        let open = |key: usize, of: &dyn Fn(Doer) -> Vec<usize>| {
            // A ledger that is undone along with a doer gives it back.
            let is_open = |doer: Doer| !self.is_withdrawn(doer, key, selected);
            selected.iter().any(|doer| of(*doer).contains(&key) && is_open(*doer))
        };
        keys.into_iter()
            .filter_map(|key| {
                if open(key, &|doer| self.written_by(doer)) {
                    Some((key, self.decide_key(key, selected)))
                } else {
                    // An undo that wrote nothing is taken back by words alone.
                    open(key, &|doer| self.withdrawable(doer)).then_some((key, Decision::Leave))
                }
            })
            .collect()
    }

    /// Whether the undo of some keys is over, and all others were left before as changed by nobody on
    /// record, which is still all that is known of them.
    pub(super) fn is_left_as_found(&self, selected: &BTreeSet<Doer>) -> bool {
        let keys: BTreeSet<usize> =
            selected.iter().flat_map(|doer| self.withdrawable(*doer)).collect();
        let decided = self.decide(selected);
        let last = |key: usize| {
            self.story.iter().rev().find_map(|happened| match happened {
                Happened::Undo { keys, .. } => keys.iter().find(|undone| undone.key == key),
                _ => None,
            })
        };
        let is_left = |key: usize| last(key).is_some_and(|undone| undone.left);
        let open = |(key, decision): &(usize, Decision)| {
            matches!(decision, Decision::Write(_)) || !is_left(*key)
        };
        let is_redo = |doer: &Doer| matches!(self.story[*doer], Happened::Undo { .. });
        decided.len() < keys.len() && !decided.iter().any(open) && !selected.iter().any(is_redo)
    }

    /// Whether what counts is not what is there, although every change of it is on record: an undo
    /// that wrote nothing was taken back after another had changed the key. A redo changes only what
    /// the undo wrote, so the record counts again while its change is not there.
    pub(super) fn is_at_odds(&self, key: usize) -> bool {
        matches!(self.decide_key(key, &BTreeSet::new()), Decision::Write(_))
    }

    fn decide_key(&self, key: usize, selected: &BTreeSet<Doer>) -> Decision {
        let live = self.world.contains(&key);
        let (mut expected, mut wanted) = (self.start.contains(&key), self.start.contains(&key));
        for (at, happened) in self.story.iter().enumerate() {
            match happened {
                Happened::Operation { keys, .. } => {
                    for (_, after) in keys.iter().filter(|(other, _)| *other == key) {
                        expected = *after;
                        if !selected.contains(&at) && !self.is_withdrawn(at, key, selected) {
                            wanted = *after;
                        }
                    }
                }
                Happened::Foreign { key: other, after }
                    if *other == key && self.is_seen(at, key) =>
                {
                    (expected, wanted) = (*after, *after);
                }
                Happened::Foreign { .. } => {}
                Happened::Undo { keys, .. } => {
                    let here = keys.iter().filter(|undone| undone.key == key);
                    expected =
                        here.filter_map(|undone| undone.wrote).next_back().unwrap_or(expected);
                }
            }
        }
        match (live == wanted, wanted == expected) {
            (true, _) => Decision::Leave,
            (false, true) => Decision::Unexplained,
            (false, false) => Decision::Write(wanted),
        }
    }

    /// Keys that undoing this doer can be about.
    fn written_by(&self, doer: Doer) -> Vec<usize> {
        match &self.story[doer] {
            Happened::Operation { keys, .. } => keys.iter().map(|(key, _)| *key).collect(),
            Happened::Undo { keys, .. } => keys
                .iter()
                .filter(|undone| undone.wrote.is_some())
                .map(|undone| undone.key)
                .collect(),
            Happened::Foreign { .. } => Vec::new(),
        }
    }

    /// Keys for which undoing this doer can be over.
    fn withdrawable(&self, doer: Doer) -> Vec<usize> {
        match &self.story[doer] {
            Happened::Operation { .. } | Happened::Foreign { .. } => self.written_by(doer),
            Happened::Undo { keys, .. } => {
                keys.iter().filter(|undone| undone.settled).map(|undone| undone.key).collect()
            }
        }
    }

    /// Whether an undo that still counts, and is not itself among `undone_now`, is over for it.
    fn is_withdrawn(&self, doer: Doer, key: usize, undone_now: &BTreeSet<Doer>) -> bool {
        if !self.withdrawable(doer).contains(&key) {
            return false;
        }
        self.story.iter().enumerate().any(|(at, happened)| {
            let Happened::Undo { of, keys } = happened else { return false };
            let here = keys.iter().find(|undone| undone.key == key);
            of.contains(&doer)
                && here.is_some_and(|undone| undone.settled)
                && !undone_now.contains(&at)
                && !self.is_withdrawn(at, key, undone_now)
        })
    }

    /// Whether anything that came later saw the state of the key.
    pub(super) fn is_seen(&self, at: usize, key: usize) -> bool {
        self.story.iter().skip(at + 1).any(|later| match later {
            Happened::Operation { keys, knew } => {
                *knew && keys.iter().any(|(other, _)| *other == key)
            }
            Happened::Undo { keys, .. } => keys.iter().any(|undone| undone.key == key),
            Happened::Foreign { .. } => false,
        })
    }

    /// Whether the key was changed unseen, so that another unseen change would hide it for ever.
    pub(super) fn has_unseen(&self, key: usize) -> bool {
        self.story.iter().enumerate().any(|(at, happened)| {
            matches!(happened, Happened::Foreign { key: other, .. } if *other == key)
                && !self.is_seen(at, key)
        })
    }

    /// Whether any record is about the key.
    pub(super) fn is_recorded(&self, key: usize) -> bool {
        self.story.iter().any(|happened| {
            matches!(happened, Happened::Operation { keys, .. } if keys.iter().any(|(other, _)| *other == key))
        })
    }
}
