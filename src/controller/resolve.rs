//! Intents in doubt: a restart or a lost reply left open whether they were sent. What AWS shows
//! decides: the request itself, if it is found, or else the key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::error::Error;
use super::instance_handle::InstanceHandle;
use super::perform::{assignment, direction, follow, no_longer_resolving, trouble};
use super::run::Run;
use super::{create_set, grants};
use crate::aws;
use crate::engine::cover::cover;
use crate::engine::observations::{Event, Found, KeyRead};
use crate::engine::polling::Pool;
use crate::engine::recovery::{
    DescribedRequest, Doubt, MAX_ENDED_DESCRIBED, READS_APART, earliest, match_requests,
};
use crate::model::time::later;
use crate::model::{ActionKind, Key, Presence, RequestId, Rule};
use crate::runtime::Clock;

/// How long to wait before looking again after AWS gave no answer.
const AGAIN: Duration = Duration::from_secs(2);
/// How long after its intent a request that nobody may look for counts as at work at the least.
const UNLISTED: SignedDuration = SignedDuration::from_secs(60);

/// Finds out about items in doubt, and leaves an event for each of them.
pub async fn resolve(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    items: Vec<usize>,
) {
    let mut items: BTreeSet<usize> = items.into_iter().collect();
    for item in items.clone() {
        if !creates_a_set(run, item) {
            continue;
        }
        match create_set::resume(context, instance, run, item).await {
            Ok(true) => {
                run.observations().item_mut(item).in_doubt = false;
                no_longer_resolving(run, &BTreeSet::from([item]));
                items.remove(&item);
            }
            // Never created, as far as lists show: its name makes sure that it is not created twice.
            Ok(false) => {}
            // The others need not wait for it.
            Err(error) => {
                items.remove(&item);
                give_up(context, run, &BTreeSet::from([item]), &error.into()).await;
            }
        }
    }
    match find(context.clock, instance, run, &items).await {
        Ok(found) => {
            let at = context.clock.now();
            for (item, found) in found {
                tracing::info!(rollback = %run.reference.name, item, ?found, "an intent in doubt was resolved");
                if let Found::AtWork(request_id) = &found {
                    follow(instance, run, item, request_id.clone(), at);
                } else {
                    grants::release(context, instance, &run.uid, item);
                }
                let mut observations = run.observations();
                let memory = observations.item_mut(item);
                memory.in_doubt = false;
                memory.granted = false;
                memory.contested = true;
                if found == Found::NeverSent {
                    memory.sent = None;
                }
                observations.push(Event::Resolved { item, found, at });
            }
            no_longer_resolving(run, &items);
        }
        Err(error) => return give_up(context, run, &items, &error).await,
    }
    context.wake(&run.reference);
}

fn creates_a_set(run: &Run, item: usize) -> bool {
    run.item(item).is_some_and(|plan| plan.action == ActionKind::CreatePermissionSet)
}

/// Lets the items be looked for again after a while.
async fn give_up(context: &Context, run: &Run, items: &BTreeSet<usize>, error: &Error) {
    tracing::warn!(rollback = %run.reference.name, %error, "intents in doubt could not be looked for; it is tried again");
    if let Error::Aws(error) = error {
        run.set_trouble(Some(trouble(error)));
    }
    context.clock.sleep(AGAIN).await;
    no_longer_resolving(run, items);
    context.wake(&run.reference);
}

/// What became of each item in doubt: its request is looked for, and where none is found, what the
/// key shows decides. Where requests could not be looked for, one may still be at work: the second
/// look waits until it is over.
pub async fn find(
    clock: Clock,
    instance: &InstanceHandle,
    run: &Run,
    items: &BTreeSet<usize>,
) -> Result<BTreeMap<usize, Found>, Error> {
    let mut found = BTreeMap::new();
    if !Rule::DoubtIsResolved.holds() {
        return Ok(items.iter().map(|item| (*item, Found::NeverSent)).collect());
    }
    // The requests that nobody may look for have surely ended by then.
    let mut over_by: Option<Timestamp> = None;
    let mut searches = Vec::new();
    for way in [aws::Direction::Create, aws::Direction::Delete] {
        if !doubts(run, items, way).await.is_empty() {
            searches.push(Search { way, ended: BTreeMap::new(), left: 0 });
        }
    }
    let each = most_described() / searches.len().max(1);
    for search in &mut searches {
        search.left = each;
    }
    // Twice, because lists lag behind writes.
    for round in 0..2 {
        let open = |found: &BTreeMap<usize, Found>| -> BTreeSet<usize> {
            items.iter().copied().filter(|item| !found.contains_key(item)).collect()
        };
        if open(&found).is_empty() {
            break;
        }
        if round > 0 {
            let apart = later(clock.now(), READS_APART);
            clock.sleep_until(over_by.map_or(apart, |over| over.max(apart))).await;
        }
        let in_doubt = open(&found);
        let looks = searches.iter_mut().map(async |search| {
            let doubts = doubts(run, &in_doubt, search.way).await;
            let outcome = find_requests(instance, &doubts, search).await;
            (search.way, doubts, outcome)
        });
        for (way, doubts, outcome) in join_all(looks).await {
            match outcome {
                Ok(requests) => found.extend(requests),
                Err(error) if error.is_access_denied() => {
                    tracing::warn!(%error, "requests cannot be looked for: the keys are read instead");
                    over_by = over_by.max(latest_end(instance, &doubts, way));
                }
                Err(error) => return Err(error.into()),
            }
        }
        // A first look at the keys may come between an effect and the end of its request.
        if round == 0 {
            continue;
        }
        for (item, read) in read_keys(clock, instance, run, &open(&found)).await? {
            let goal = run.item(item).map(|plan| plan.action.goal());
            run.observations().saw(item, read);
            if Some(read.presence) == goal {
                found.insert(item, Found::AtGoal);
            }
        }
    }
    for item in items {
        found.entry(*item).or_insert(Found::NeverSent);
    }
    Ok(found)
}

/// When requests for these intents have ended, even if they took much longer than others do.
fn latest_end(
    instance: &InstanceHandle,
    doubts: &[Doubt],
    way: aws::Direction,
) -> Option<Timestamp> {
    let pool = match way {
        aws::Direction::Create => Pool::Creations,
        aws::Direction::Delete => Pool::Deletions,
    };
    let usual = instance.poller().latency(pool).unwrap_or_default();
    let longest = SignedDuration::try_from_secs_f64(usual * 3.0).unwrap_or(UNLISTED);
    let last_intent = doubts.iter().map(|doubt| doubt.intent_at).max()?;
    Some(later(last_intent, longest.max(UNLISTED)))
}

async fn doubts(run: &Run, items: &BTreeSet<usize>, way: aws::Direction) -> Vec<Doubt> {
    let working = run.working.lock().await;
    let entries = working.rollback.status.iter().flat_map(|status| &status.in_flight);
    let intents: BTreeMap<usize, Timestamp> = entries
        .filter_map(|entry| Some((usize::try_from(entry.item).ok()?, entry.intent_at)))
        .collect();
    items
        .iter()
        .filter(|item| run.item(**item).and_then(|plan| direction(plan.action)) == Some(way))
        .filter_map(|item| {
            Some(Doubt {
                item: *item,
                key: assignment(run, *item)?,
                intent_at: *intents.get(item)?,
            })
        })
        .collect()
}

/// The search for requests in one of AWS's two lists.
struct Search {
    way: aws::Direction,
    /// What was described as ended, and is not asked for again.
    ended: BTreeMap<RequestId, DescribedRequest>,
    /// How many more of those that ended may be described.
    left: usize,
}

fn most_described() -> usize {
    if Rule::RecoveryIsBounded.holds() { MAX_ENDED_DESCRIBED } else { usize::MAX }
}

/// Looks for the requests: first those at work, then, for what is left, the newest that ended.
async fn find_requests(
    instance: &InstanceHandle,
    doubts: &[Doubt],
    search: &mut Search,
) -> Result<BTreeMap<usize, Found>, aws::Error> {
    let way = search.way;
    let aws = instance.aws(aws::Priority::Recovery);
    let mut found = BTreeMap::new();
    for state in [Some(aws::RequestState::InProgress), None] {
        let open: Vec<Doubt> =
            doubts.iter().filter(|doubt| !found.contains_key(&doubt.item)).cloned().collect();
        let Some(since) = earliest(&open) else { break };
        let listed = aws.list_requests(way, state, None).await?;
        let mut candidates: Vec<_> = listed
            .into_iter()
            .filter(|request| {
                // What is at work is few, and may be ours even where our clock is wrong.
                state.is_some() || request.created_at.is_none_or(|created| created >= since)
            })
            .filter(|request| !instance.poller().is_tracked(&request.request_id))
            .collect();
        candidates.sort_by_key(|request| std::cmp::Reverse(request.created_at));
        let known = candidates.iter().filter_map(|request| search.ended.get(&request.request_id));
        let mut described: Vec<DescribedRequest> = known.cloned().collect();
        candidates.retain(|request| !search.ended.contains_key(&request.request_id));
        // What is at work is as few as there are slots.
        candidates.truncate(if state.is_some() { MAX_ENDED_DESCRIBED } else { search.left });
        if state.is_none() {
            search.left -= candidates.len();
        }
        let outcomes = candidates.iter().map(|it| aws.describe_request(way, &it.request_id));
        let outcomes = try_join_all(outcomes).await?;
        for (request, outcome) in candidates.into_iter().zip(outcomes) {
            let Some(outcome) = outcome else { continue };
            let Some(key) = outcome.key else { continue };
            let request = DescribedRequest {
                request_id: request.request_id,
                key,
                // Without a time it counts as new: a wrong match is found out by the read back.
                created_at: outcome.created_at.unwrap_or(Timestamp::MAX),
                in_progress: outcome.state == aws::RequestState::InProgress,
            };
            if !request.in_progress {
                search.ended.insert(request.request_id.clone(), request.clone());
            }
            described.push(request);
        }
        found.extend(match_requests(&open, &described));
    }
    Ok(found)
}

/// Reads the keys of some items.
async fn read_keys(
    clock: Clock,
    instance: &InstanceHandle,
    run: &Run,
    items: &BTreeSet<usize>,
) -> Result<Vec<(usize, KeyRead)>, Error> {
    let keys: BTreeMap<usize, Key> =
        items.iter().filter_map(|item| Some((*item, run.item(*item)?.key()))).collect();
    let operations = cover(keys.values(), &instance.hints()).operations;
    let shown = operations.iter().map(async |operation| {
        let begun = clock.now();
        Ok::<_, Error>((begun, instance.read(operation, aws::Priority::Recovery).await?))
    });
    let mut reads = Vec::new();
    for (operation, (begun, shown)) in operations.iter().zip(try_join_all(shown).await?) {
        for (item, key) in keys.iter().filter(|(_, key)| operation.shows(key)) {
            reads.push((*item, KeyRead { begun, presence: Presence::from(shown.has(key)) }));
        }
    }
    Ok(reads)
}
