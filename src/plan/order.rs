//! The order of execution.
//!
//! AWS changes the roles of one account one at a time, so actions of different accounts follow one
//! another and the account with the most left goes first. Within an account access is given
//! before it is taken: a set that keeps one assignment there keeps its role and the role's ARN
//! (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
//! Permission sets are created first, and deleted last, when their assignments are gone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use crate::api::plan::{Disposition, PlanItem};
use crate::model::{AccountId, Key, Presence};

/// Puts items in the order of execution; what is not executed comes after, by disposition and key.
pub(super) fn order(items: Vec<PlanItem>) -> Vec<PlanItem> {
    let (actions, mut rest): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| item.disposition == Disposition::Act);
    let (assignments, mut sets): (Vec<_>, Vec<_>) =
        actions.into_iter().partition(|item| item.account.is_some());
    sets.sort_by_cached_key(PlanItem::key);
    let (created, mut deleted): (Vec<_>, Vec<_>) =
        sets.into_iter().partition(|item| item.action.goal() == Presence::Present);
    rest.sort_by_cached_key(|item| (item.disposition.rank(), item.key()));
    let mut ordered = created;
    ordered.append(&mut interleave(assignments));
    ordered.append(&mut deleted);
    ordered.append(&mut rest);
    ordered
}

fn interleave(mut items: Vec<PlanItem>) -> Vec<PlanItem> {
    items.sort_by_cached_key(|item| -> (bool, Key) {
        (item.action.goal() == Presence::Absent, item.key())
    });
    let count = items.len();
    let mut queues: BTreeMap<Option<AccountId>, VecDeque<PlanItem>> = BTreeMap::new();
    for item in items {
        queues.entry(item.account.clone()).or_default().push_back(item);
    }
    let mut queues: Vec<VecDeque<PlanItem>> = queues.into_values().collect();
    let mut longest: BinaryHeap<(usize, Reverse<usize>)> =
        queues.iter().enumerate().map(|(index, queue)| (queue.len(), Reverse(index))).collect();
    let mut ordered = Vec::with_capacity(count);
    let mut resting = None;
    // The account that was just served rests for one turn, unless no other has anything left.
    while let Some((left, Reverse(index))) = longest.pop().or_else(|| resting.take()) {
        ordered.extend(queues.get_mut(index).and_then(VecDeque::pop_front));
        longest.extend(resting.take());
        resting = (left > 1).then_some((left - 1, Reverse(index)));
    }
    ordered
}
