//! Doing what a tick decided: each effect is a task of its own that leaves what it saw with the
//! run and asks for another tick.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::delete_set::{self, Asked};
use super::instance_handle::{InstanceHandle, Owner};
use super::run::{Run, Trouble};
use super::{create_set, grants, resolve};
use crate::api::Reason;
use crate::aws;
use crate::engine::cover::ReadOperation;
use crate::engine::observations::{Answer, Event, KeyRead};
use crate::engine::polling::Pool;
use crate::engine::{Effect, Effects};
use crate::model::time::later;
use crate::model::{
    ActionKind, AssignmentKey, BlockedReason, Class, FailureReason, Key, RequestId, Rule,
};

/// How long after a conflict or a throttled call the same account is left alone.
pub const BACK_OFF: SignedDuration = SignedDuration::from_millis(1500);
/// How long after a failed read it is tried again.
const READ_RETRY: Duration = Duration::from_secs(2);
/// How long AWS is left alone about a request that it says is still in progress.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(2);

/// Starts the effects of a tick. Says whether a slot was granted to this very run.
pub fn perform(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    effects: Effects,
) {
    let emergency = effects.emergency;
    for effect in effects.list {
        let (context, instance, run) = (Arc::clone(context), Arc::clone(instance), Arc::clone(run));
        match effect {
            Effect::Send { item, attempt } => {
                {
                    let mut observations = run.observations();
                    let memory = observations.item_mut(item);
                    memory.sent = Some(attempt);
                    memory.granted = false;
                }
                let sends = context.sends.clone();
                let send = async move { send(&context, &instance, &run, item).await };
                aws::spawn(sends.track_future(send));
            }
            Effect::GiveBack(item) => {
                run.observations().item_mut(item).granted = false;
                grants::release(&context, &instance, &run.uid, item);
            }
            Effect::Read(operations) => {
                for operation in operations {
                    let shown = run.shown_by(&operation);
                    run.observations().under_way.reading.extend(shown.iter().copied());
                    let (context, instance, run) =
                        (Arc::clone(&context), Arc::clone(&instance), Arc::clone(&run));
                    aws::spawn(async move {
                        read(&context, &instance, &run, &operation, &shown).await;
                    });
                }
            }
            Effect::Describe { item, request_id } => {
                run.observations().under_way.describing.insert(item);
                aws::spawn(async move {
                    describe(&context, &instance, &run, item, request_id).await;
                });
            }
            Effect::Resolve(items) => {
                run.observations().under_way.resolving.extend(items.iter().copied());
                aws::spawn(async move { resolve::resolve(&context, &instance, &run, items).await });
            }
        }
    }
    grants::want(context, instance, &run.uid, emergency, effects.want);
}

async fn send(context: &Arc<Context>, instance: &Arc<InstanceHandle>, run: &Arc<Run>, item: usize) {
    let Some(plan) = run.item(item) else { return };
    let contested = instance.note_write(&plan.key(), context.clock.now());
    run.observations().item_mut(item).contested |= contested;
    if plan.action == ActionKind::CreatePermissionSet {
        create_set::create(context, instance, run, item).await;
        return;
    }
    let aws = instance.aws(aws::Priority::Mutation);
    let answer = match (plan.action, plan.key()) {
        (ActionKind::CreateAssignment, Key::Assignment(key)) => {
            aws.create_assignment(&key).await.map(Some)
        }
        (ActionKind::DeleteAssignment, Key::Assignment(key)) => {
            aws.delete_assignment(&key).await.map(Some)
        }
        (ActionKind::DeletePermissionSet, Key::PermissionSet(set)) => {
            match delete_set::delete(&aws, &set, plan.content.as_ref()).await {
                Asked::Answer(answer) => answer.map(|()| None),
                Asked::Unread(error) => {
                    not_at_work(context, instance, run, item, &error, context.clock.now());
                    return;
                }
                Asked::Changed => {
                    let changed = "the permission set was changed since the plan was made";
                    block(context, instance, run, item, BlockedReason::ContentChanged, changed);
                    return;
                }
            }
        }
        _ => {
            let unknown = "the plan holds an action that this version cannot execute";
            block(context, instance, run, item, BlockedReason::Unsupported, unknown);
            return;
        }
    };
    let at = context.clock.now();
    instance.note_answer(plan.action, answer.as_ref().err(), at);
    match answer {
        Ok(Some(accepted)) => {
            let request_id = accepted.request_id.clone();
            run.observations().push(Event::Accepted { item, request_id: accepted.request_id, at });
            follow(instance, run, item, request_id, at);
            context.wake(&run.reference);
        }
        Ok(None) => settle(context, instance, run, item, Event::Completed { item, at }),
        Err(error) => failed(context, instance, run, item, &error, at),
    }
}

/// Follows a request until it ends.
pub fn follow(
    instance: &InstanceHandle,
    run: &Run,
    item: usize,
    request_id: RequestId,
    at: Timestamp,
) {
    if let Some(pool) = run.item(item).and_then(|plan| Pool::of(plan.action))
        && Rule::EveryRequestIsFollowed.holds()
    {
        let owner = Owner { uid: run.uid.as_str().into(), item };
        instance.poller().track(request_id, owner, pool, at);
        instance.poll.notify_one();
    }
}

/// Leaves that an item cannot be done; nothing was sent.
fn block(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
    reason: BlockedReason,
    message: &str,
) {
    let (class, message, at) = (Class::Blocked(reason), message.to_owned(), context.clock.now());
    settle(context, instance, run, item, Event::Refused { item, class, message, at });
}

/// Leaves an event and gives the slot back: nothing is at work for the item.
pub fn settle(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
    event: Event,
) {
    run.observations().push(event);
    grants::release(context, instance, &run.uid, item);
    context.wake(&run.reference);
}

/// Leaves what a request without a good answer means, and gives the slot back if nothing is at work.
pub fn failed(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
    error: &aws::Error,
    at: Timestamp,
) {
    if !error.may_have_been_sent() {
        not_at_work(context, instance, run, item, error, at);
        return;
    }
    let message = error.to_string();
    tracing::warn!(rollback = %run.reference.name, item, error = message, "no answer: the request may be at work");
    let mut observations = run.observations();
    observations.item_mut(item).in_doubt = true;
    observations.push(Event::NoAnswer { item, message, at });
    drop(observations);
    context.wake(&run.reference);
}

/// Leaves what an error means after which nothing is at work, and gives the slot back.
fn not_at_work(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
    error: &aws::Error,
    at: Timestamp,
) {
    let message = error.to_string();
    match error.class() {
        Class::Conflict if !Rule::ConflictIsNoSuccess.holds() => {
            settle(context, instance, run, item, Event::Completed { item, at });
        }
        Class::Throttled { .. } if !Rule::ThrottlingIsNoFailure.holds() => {
            let class = Class::Terminal(FailureReason::InvalidRequest);
            settle(context, instance, run, item, Event::Refused { item, class, message, at });
        }
        Class::Blocked(_) | Class::Terminal(_) => {
            let class = error.class();
            settle(context, instance, run, item, Event::Refused { item, class, message, at });
        }
        class @ (Class::Conflict | Class::Throttled { .. } | Class::Retry) => {
            let mut observations = run.observations();
            let memory = observations.item_mut(item);
            memory.sent = None;
            memory.not_before = Some(later(at, BACK_OFF));
            drop(observations);
            if let (Class::Conflict, Some(account)) =
                (&class, run.item(item).and_then(|plan| plan.account))
            {
                grants::hold_account(instance, account, later(at, BACK_OFF));
            }
            if class == Class::Conflict && !Rule::SlotComesBack.holds() {
                run.observations().push(Event::Refused { item, class, message, at });
                context.wake(&run.reference);
                return;
            }
            // The engine counts how long a permission set has been refused.
            settle(context, instance, run, item, Event::Refused { item, class, message, at });
        }
    }
}

async fn read(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    operation: &ReadOperation,
    shown_items: &[usize],
) {
    let begun = context.clock.now();
    let priority = aws::Priority::Verify;
    let outcome = instance.read(operation, priority).await;
    if let Err(error) = &outcome {
        if !instance.lists_by_principal_are_denied(error) {
            run.set_trouble(Some(trouble(error)));
            context.clock.sleep(READ_RETRY).await;
        }
    } else {
        run.set_trouble(None);
    }
    let mut observations = run.observations();
    for item in shown_items {
        observations.under_way.reading.remove(item);
    }
    if let Ok(shown) = outcome {
        for item in shown_items {
            if let Some(plan) = run.item(*item) {
                let presence = shown.has(&plan.key()).into();
                observations.saw(*item, KeyRead { begun, presence });
            }
        }
    }
    drop(observations);
    context.wake(&run.reference);
}

async fn describe(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
    request_id: RequestId,
) {
    let Some(direction) = run.item(item).and_then(|plan| direction(plan.action)) else {
        return;
    };
    let answer = instance.aws(aws::Priority::Verify).describe_request(direction, &request_id).await;
    let at = context.clock.now();
    let unanswered = answer.as_ref().err().map(trouble);
    {
        let mut observations = run.observations();
        observations.under_way.describing.remove(&item);
        let memory = observations.item_mut(item);
        memory.ask_after = Some(later(at, ASK_AGAIN));
        if let Ok(found) = answer {
            let answer = answer_of(found, direction);
            if let Answer::Failed {
                class: Class::Retry | Class::Conflict | Class::Throttled { .. },
                ..
            } = &answer
            {
                memory.not_before = Some(later(at, SignedDuration::from_secs(5)));
            }
            memory.answer = Some((request_id, answer));
        }
    }
    if unanswered.is_some() {
        run.set_trouble(unanswered);
        context.clock.sleep(READ_RETRY).await;
    }
    context.wake(&run.reference);
}

/// What AWS's description of a request says.
#[must_use]
pub fn answer_of(found: Option<aws::RequestOutcome>, direction: aws::Direction) -> Answer {
    let Some(found) = found else { return Answer::Forgotten };
    match found.state {
        aws::RequestState::InProgress => Answer::InProgress,
        aws::RequestState::Succeeded => Answer::Succeeded,
        aws::RequestState::Failed => {
            let reason = found.failure_reason.unwrap_or_else(|| "AWS gave no reason".to_owned());
            match aws::failure_class(direction, &reason) {
                // What was to be removed was not there: the goal is met.
                None => Answer::Succeeded,
                Some(class) => Answer::Failed { reason, class },
            }
        }
    }
}

/// Which of AWS's two request lists an action is in.
#[must_use]
pub const fn direction(action: ActionKind) -> Option<aws::Direction> {
    match action {
        ActionKind::CreateAssignment => Some(aws::Direction::Create),
        ActionKind::DeleteAssignment => Some(aws::Direction::Delete),
        ActionKind::CreatePermissionSet | ActionKind::DeletePermissionSet => None,
    }
}

/// What an error of AWS means to the user of a Rollback.
#[must_use]
pub fn trouble(error: &aws::Error) -> Trouble {
    let reason = match error.class() {
        Class::Blocked(BlockedReason::AccessDenied | BlockedReason::ManagementAccount) => {
            Reason::AccessDenied
        }
        Class::Throttled { .. } => Reason::Throttled,
        _ => Reason::AwsUnavailable,
    };
    let next = match reason {
        Reason::AccessDenied => {
            "give the operator's role the permission that AWS names; it is tried again"
        }
        _ => "it is tried again",
    };
    Trouble { reason, message: format!("{error}; {next}") }
}

/// The assignment that an item is about; none for a permission set itself.
#[must_use]
pub fn assignment(run: &Run, item: usize) -> Option<AssignmentKey> {
    match run.item(item)?.key() {
        Key::Assignment(key) => Some(key),
        Key::PermissionSet(_) => None,
    }
}

/// Items as a set, for taking them out of what is under way.
pub fn no_longer_resolving(run: &Run, items: &BTreeSet<usize>) {
    let mut observations = run.observations();
    for item in items {
        observations.under_way.resolving.remove(item);
    }
}
