//! What a tick persists, and what is made of it after a crash.

use std::hint::black_box;

use gungraun::library_benchmark;
use rollback_operator::api::plan::PlanItem;
use rollback_operator::engine::Journal;
use rollback_operator::engine::observations::Found;
use rollback_operator::engine::recovery::{
    DescribedRequest, Doubt, MAX_ENDED_DESCRIBED, match_requests,
};
use rollback_operator::model::{AssignmentKey, Key};
use serde_json::json;

use crate::tick::{SLOTS, Tick, at, item, request_id, tick};

fn journal() -> &'static Journal {
    let tick = tick(10_000);
    let shards = &tick.before.progress.as_ref().unwrap().shards;
    Box::leak(Box::new(Journal::decode(shards, tick.items.len()).unwrap()))
}

fn shards() -> &'static [String] {
    journal().encode().leak()
}

/// As many intents in doubt as there are slots, and all requests that a recovery may look at: those
/// at work are of the first half of the intents, those that ended of other keys.
fn found() -> &'static (Vec<Doubt>, Vec<DescribedRequest>) {
    let doubts = (0..SLOTS).map(|item| Doubt { item, key: key(item), intent_at: at(-30) });
    let requests = (0..SLOTS / 2 + MAX_ENDED_DESCRIBED).map(|number| DescribedRequest {
        request_id: request_id(number),
        key: key(if number < SLOTS / 2 { number } else { 1_000 + number }),
        created_at: at(-20),
        in_progress: number < SLOTS / 2,
    });
    Box::leak(Box::new((doubts.collect(), requests.collect())))
}

fn key(number: usize) -> AssignmentKey {
    match PlanItem::key(&item(number)) {
        Key::Assignment(key) => key,
        Key::PermissionSet(_) => unreachable!("the item is an assignment"),
    }
}

#[library_benchmark]
#[bench::actions_10000(setup = journal)]
fn journal_encode(journal: &Journal) -> Vec<String> {
    black_box(journal.encode())
}

#[library_benchmark]
#[bench::actions_10000(setup = shards)]
fn journal_decode(shards: &[String]) -> Journal {
    black_box(Journal::decode(shards, 10_000).unwrap())
}

#[library_benchmark]
#[bench::doubts_10(setup = found)]
fn recovery((doubts, requests): &(Vec<Doubt>, Vec<DescribedRequest>)) -> Vec<(usize, Found)> {
    black_box(match_requests(doubts, requests))
}

// Whether there is something to write, and the body of the request.
#[library_benchmark]
#[bench::actions_10000(args = (10_000), setup = tick)]
fn status_write(tick: &Tick) -> Vec<u8> {
    assert!(tick.before != tick.after);
    black_box(serde_json::to_vec(&json!({ "status": tick.after })).unwrap())
}
