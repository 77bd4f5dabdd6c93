//! The poller of one instance: one list of what is in progress serves every Rollback.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::context::Context;
use super::grants;
use super::instance_handle::{InstanceHandle, Owner};
use crate::aws::{self, SharedTally};
use crate::engine::Event;
use crate::engine::polling::{Ended, Pool};
use crate::model::{BlockedReason, Class, RequestId, Tally};
use crate::runtime::Clock;

/// How long to wait after a poll that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Where lists are not permitted, so many requests are asked about in one round.
const ONE_BY_ONE: usize = 10;

/// Polls until the instance is gone.
pub async fn poll(context: Arc<Context>, instance: Arc<InstanceHandle>) {
    let mut lists_denied = false;
    loop {
        let next = instance.poller().next();
        let Some((at, pool)) = next else {
            tokio::select! {
                biased;
                () = instance.poll.notified() => continue,
                () = instance.stop.cancelled() => return,
            }
        };
        tokio::select! {
            biased;
            () = context.clock.sleep_until(at) => {}
            () = instance.poll.notified() => continue,
            () = instance.stop.cancelled() => return,
        }
        let tally = SharedTally::default();
        let served = instance.poller().owners(pool);
        let outcome = if lists_denied {
            tally.count(ask_one_by_one(context.clock, &instance, pool)).await
        } else {
            tally.count(ask(&context, &instance, pool)).await
        };
        count_for(&context, &served, &tally.take());
        match outcome {
            Ok(ended) => deliver(&context, &instance, ended),
            Err(error)
                if matches!(error.class(), Class::Blocked(BlockedReason::AccessDenied))
                    && !lists_denied =>
            {
                tracing::warn!(%error, "lists of requests are denied: each request is asked about alone");
                lists_denied = true;
            }
            Err(error) => {
                tracing::warn!(%error, "a poll failed and is tried again");
                context.clock.sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Counts a poll for each Rollback that it served.
fn count_for(context: &Context, served: &[Owner], polls: &Tally) {
    let served: BTreeSet<&str> = served.iter().map(|owner| &*owner.uid).collect();
    for run in served.into_iter().filter_map(|uid| context.runs.get(uid)) {
        run.tally.change(|tally| tally.add(polls));
    }
}

const fn direction(pool: Pool) -> aws::Direction {
    match pool {
        Pool::Creations => aws::Direction::Create,
        Pool::Deletions => aws::Direction::Delete,
    }
}

async fn ask(
    context: &Context,
    instance: &InstanceHandle,
    pool: Pool,
) -> Result<Vec<Ended<Owner>>, aws::Error> {
    let begun = context.clock.now();
    let aws = instance.aws(aws::Priority::Poll);
    let listed =
        aws.list_requests(direction(pool), Some(aws::RequestState::InProgress), None).await?;
    let in_progress: Vec<RequestId> =
        listed.into_iter().map(|request| request.request_id).collect();
    Ok(instance.poller().observe(pool, &in_progress, begun, context.clock.now()))
}

/// Asks about the oldest requests of a pool, each alone. Those that ended are not followed any more,
/// so they are handed over even where AWS does not answer about others.
pub async fn ask_one_by_one(
    clock: Clock,
    instance: &InstanceHandle,
    pool: Pool,
) -> Result<Vec<Ended<Owner>>, aws::Error> {
    let begun = clock.now();
    let requests = instance.poller().oldest(pool);
    instance.poller().polled(pool, begun);
    let aws = instance.aws(aws::Priority::Poll);
    let (mut ended, mut trouble) = (Vec::new(), None);
    let asked = requests.iter().take(ONE_BY_ONE);
    let answers = asked.map(|request_id| aws.describe_request(direction(pool), request_id));
    for (request_id, answer) in requests.iter().zip(join_all(answers).await) {
        match answer {
            Ok(Some(found)) if found.state == aws::RequestState::InProgress => {}
            Ok(_) => ended.extend(instance.poller().ended(request_id, clock.now())),
            Err(error) => trouble = Some(error),
        }
    }
    match trouble {
        Some(error) if ended.is_empty() => Err(error),
        Some(error) => {
            tracing::warn!(%error, "AWS did not answer about every request; it is asked again");
            Ok(ended)
        }
        None => Ok(ended),
    }
}

fn deliver(context: &Arc<Context>, instance: &Arc<InstanceHandle>, ended: Vec<Ended<Owner>>) {
    let at = context.clock.now();
    let mut woken = BTreeMap::new();
    for end in ended {
        let kind = if end.pool == Pool::Creations { "create" } else { "delete" };
        context.metrics.provisioned(
            kind,
            Duration::try_from_secs_f64(end.latency_seconds).unwrap_or_default(),
        );
        if let Some(run) = context.runs.get(&end.owner.uid) {
            if let Some(plan) = run.item(end.owner.item) {
                instance.note_write(&plan.key(), at);
            }
            run.observations().push(Event::Ended {
                item: end.owner.item,
                request_id: end.request_id,
                at,
            });
            woken.insert(run.uid.clone(), run);
        }
        grants::release(context, instance, &end.owner.uid, end.owner.item);
    }
    for run in woken.values() {
        context.wake(&run.reference);
    }
}
