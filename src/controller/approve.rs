//! From a plan to its execution: the approval, the keys, and whether the plan still holds.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::context::Context;
use super::error::Error;
use super::key_table::Claim;
use super::rollback::{end, write};
use super::select::{Obstacle, Selection, selection};
use super::stamps::stamps;
use super::{execute, plan_stage};
use crate::api::condition::ConditionType;
use crate::api::instance::ApprovalPolicy;
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::api::{Reason, Rollback};
use crate::cluster::{plans, rollbacks};
use crate::engine::approval::{Stamps, Standing, standing};
use crate::engine::{Journal, conditions, timing, words};
use crate::model::Key;
use crate::model::time::{later, parse_duration};
use crate::plan;

/// A plan for which AWS was read longer ago than this is made again before it is executed, and must come
/// out the same.
const YOUNG: SignedDuration = SignedDuration::from_secs(20);
/// How long after a plan became void the next is made.
const PLAN_ANEW: Duration = Duration::from_millis(500);
/// How often a key that another Rollback holds is asked for again.
const HELD: Duration = Duration::from_secs(5);

/// A Rollback whose plan waits.
pub async fn approve(
    context: &Arc<Context>,
    rollback: &Rollback,
    status: RollbackStatus,
) -> Result<Action, Error> {
    Box::pin(decide(context, rollback, status, None)).await
}

/// Decides about a plan. `fresh` is given when the plan was made just now.
pub async fn decide(
    context: &Arc<Context>,
    rollback: &Rollback,
    mut status: RollbackStatus,
    fresh: Option<Selection>,
) -> Result<Action, Error> {
    let now = context.clock.now();
    status.observed_generation = rollback.metadata.generation.unwrap_or_default();
    let Some(plan_status) = status.plan.clone() else {
        return Box::pin(plan_stage::plan(context, rollback, status)).await;
    };
    if let Some((reason, message)) = plan_stage::ended_before_it_began(rollback, now) {
        let phase = if reason == Reason::Cancelled { Phase::Cancelled } else { Phase::Failed };
        return end(context, rollback, status, phase, reason, &message).await;
    }
    if (plan_status.not_before, plan_status.deadline)
        != (rollback.spec.not_before, rollback.spec.deadline)
    {
        let why = "spec.notBefore or spec.deadline changed since it was planned";
        return replan(context, rollback, status, why).await;
    }
    if plan_status.accepted != plan_stage::accepted(rollback) {
        let why = "spec.approval.accept names other failed changes than it was made with";
        return replan(context, rollback, status, why).await;
    }
    let selected = match &fresh {
        Some(selection) => selection.clone(),
        None => match selection(context, rollback, &status).await? {
            Ok(selection) => selection,
            // A record that was deleted since, or an instance that is away: the plan waits.
            Err(Obstacle::Wait(reason, message) | Obstacle::Refuse(reason, message)) => {
                return wait(context, rollback, status, reason, &message, Duration::from_secs(30))
                    .await;
            }
        },
    };
    let policy = selected.instance.spec().policy.clone();
    let separate =
        [plan_status.policy, policy.approval].contains(&ApprovalPolicy::SeparateApprover);
    let needed = separate || !plan_status.refusals.is_empty();
    let approval = rollback.spec.approval.as_ref();
    let stamps = match approval.and_then(|approval| approval.plan.as_ref()) {
        Some(digest) if *digest == plan_status.digest => {
            stamps_of(context, rollback, &selected, needed).await?
        }
        // Nothing is approved, and so nobody's name matters.
        _ => Stamps::distrusted("nothing is approved"),
    };
    match standing(&plan_status, policy.approval, approval, &stamps) {
        Standing::Rejected => {
            note(&mut status, false, Reason::Rejected, "spec.approval.reject is set", now);
            let message = "the plan was rejected; nothing was written";
            return end(context, rollback, status, Phase::Rejected, Reason::Rejected, message)
                .await;
        }
        Standing::Waiting(reason, message) => {
            let expires = policy
                .plan_ttl
                .as_deref()
                .and_then(parse_duration)
                .map(|ttl| later(plan_status.created_at, ttl));
            if expires.is_some_and(|expires| expires <= now) {
                return replan(context, rollback, status, "its time (policy.planTTL) passed").await;
            }
            note(&mut status, false, reason, &message, now);
            let look_again = expires.map_or(Duration::from_mins(5), |expires| {
                expires.duration_since(now).unsigned_abs()
            });
            return wait(context, rollback, status, reason, &message, look_again).await;
        }
        Standing::Approved => {
            let trusted = stamps.proven_approver().cloned();
            let by =
                trusted.as_ref().map(|name| format!(", approved by {name}")).unwrap_or_default();
            let message = format!("spec.approval.plan names {}{by}", plan_status.digest);
            name_people(&mut status, &stamps, trusted);
            note(&mut status, true, Reason::Approved, &message, now);
        }
        Standing::NotRequired => {
            // Who asked for this is an author of it when somebody wants it back.
            let asked = stamps_of(context, rollback, &selected, false).await?;
            name_people(&mut status, &asked, None);
            let message = "the instance's policy asks for no approval of this plan";
            note(&mut status, true, Reason::ApprovalNotRequired, message, now);
        }
    }
    when_approved(context, rollback, status, selected, fresh.is_some()).await
}

fn note(
    status: &mut RollbackStatus,
    approved: bool,
    reason: Reason,
    message: &str,
    now: jiff::Timestamp,
) {
    conditions::step(status, ConditionType::Approved, approved, reason, message, now);
}

async fn stamps_of(
    context: &Context,
    rollback: &Rollback,
    selected: &Selection,
    needed: bool,
) -> Result<Stamps, Error> {
    Ok(stamps(&context.own_name, &context.client, rollback, selected, needed).await?)
}

/// Notes who approved and who asked, as far as that is proven: the ledger keeps it.
fn name_people(status: &mut RollbackStatus, stamps: &Stamps, approved_by: Option<String>) {
    let Some(plan) = status.plan.as_mut().filter(|_| stamps.distrusted.is_none()) else { return };
    plan.approved_by = approved_by;
    for name in [&stamps.requested_by, &stamps.changed_by].into_iter().flatten() {
        if !plan.authors.contains(name) && plan.authors.len() < 100 {
            plan.authors.push(name.clone());
        }
    }
}

/// An approved plan: waits for its time, or begins.
async fn when_approved(
    context: &Arc<Context>,
    rollback: &Rollback,
    mut status: RollbackStatus,
    selected: Selection,
    fresh: bool,
) -> Result<Action, Error> {
    let now = context.clock.now();
    timing_of_approval(&mut status, now);
    if let Some(at) = rollback.spec.not_before.filter(|at| *at > now) {
        let message = format!("approved; waits until {at} as spec.notBefore says");
        return wait(
            context,
            rollback,
            status,
            Reason::NotYet,
            &message,
            at.duration_since(now).unsigned_abs(),
        )
        .await;
    }
    if rollback.spec.suspend {
        let message =
            "approved; suspended before anything was sent; set spec.suspend to false to go on";
        return wait(context, rollback, status, Reason::Suspended, message, Duration::from_mins(5))
            .await;
    }
    Box::pin(begin(context, rollback, status, selected, fresh)).await
}

/// Takes the keys, makes sure that the plan still holds, and begins.
async fn begin(
    context: &Arc<Context>,
    rollback: &Rollback,
    mut status: RollbackStatus,
    selected: Selection,
    fresh: bool,
) -> Result<Action, Error> {
    let now = context.clock.now();
    let uid = rollback.uid().unwrap_or_default();
    let instance = Arc::clone(&selected.instance);
    let planned = Rollback { status: Some(status.clone()), ..rollback.clone() };
    let shards = match plans::read(&context.client, &planned).await {
        Ok(shards) => shards,
        Err(plans::PlanError::Kubernetes(error)) => return Err(error.into()),
        Err(error) => return replan(context, rollback, status, &error.to_string()).await,
    };
    let items = plans::items(&shards);
    if let Err(holder) = instance.keys.acquire(&uid, items.iter().map(Claim::of)) {
        let name = context.runs.get(&holder).map_or(holder, |run| run.reference.to_string());
        let message = format!(
            "waits for {name}, which is writing to a key of this plan; the plan is made anew then"
        );
        return wait(context, rollback, status, Reason::HeldBy, &message, HELD).await;
    }
    // What another Rollback wrote and let go of since the reads began may not be in the plan.
    let planning_at = status.timing.as_ref().and_then(|timing| timing.planning_at);
    let unmoved =
        planning_at.is_some_and(|began| instance.keys.last_release() < began && began <= now);
    let young = status.plan.as_ref().is_some_and(|plan| {
        let read_at = plan.observed_at.unwrap_or(plan.created_at);
        // A clock that was ahead tells no age.
        let age = now.duration_since(read_at);
        !age.is_negative() && age <= YOUNG && status_is_unheld(&status)
    });
    // Another Rollback may be removing the other administrators of an account right now.
    let being_removed = instance.keys.removed_by_others(&uid);
    let alone = !items.iter().map(Claim::of).any(|claim| {
        let Key::Assignment(key) = &claim.key else { return false };
        claim.removes && being_removed.iter().any(|other| other.account == key.account)
    });
    if !(alone && unmoved && (fresh || young)) {
        let again = match plan_stage::make(context, rollback, selected, being_removed).await {
            Ok(again) => again,
            Err(error) => {
                instance.keys.release(&uid, now);
                return Err(error);
            }
        };
        let refusals =
            status.plan.as_ref().map(|plan| plan.refusals.as_slice()).unwrap_or_default();
        let why = match &again {
            Ok(again)
                if plan::still_holds(&items, refusals, &again.plan)
                    && status
                        .plan
                        .as_ref()
                        .is_some_and(|plan| plan.assumed >= again.plan.assumed) =>
            {
                if let Some(plan) = &mut status.plan {
                    plan.observed_at = Some(again.observed_at);
                }
                None
            }
            Ok(_) => Some("what it rests on changed since".to_owned()),
            Err(Obstacle::Wait(_, message) | Obstacle::Refuse(_, message)) => Some(message.clone()),
        };
        if let Some(why) = why {
            instance.keys.release(&uid, now);
            return replan(context, rollback, status, &why).await;
        }
    }
    let rollback = match rollbacks::set_finalizer(&context.client, rollback, true).await {
        Ok(rollback) => rollback,
        Err(error) => {
            // It has not begun, and may never come back: the object may be gone.
            instance.keys.release(&uid, now);
            return Err(error.into());
        }
    };
    let journal = Journal::fresh(&items);
    status.phase = Phase::Executing;
    status.progress = Some(journal.progress(&items));
    timing::phase_began(&mut status, now);
    let actions = status.plan.as_ref().map_or(0, |plan| plan.actions);
    let message = format!("begins with {}", words::count(actions, "action"));
    conditions::summarize(&mut status, Reason::Executing, &message, now);
    // Where this fails, the next reconcile sees whether it was written; if not, `step` lets go.
    let rollback = write(context, &rollback, &status).await?;
    context.event(&rollback, Reason::Executing, &message, false);
    Box::pin(execute::execute(context, &rollback)).await
}

/// A Rollback that waited for a key of another plans anew, because that one's ledger changed the
/// history that its plan rests on.
fn status_is_unheld(status: &RollbackStatus) -> bool {
    !status.conditions.iter().any(|condition| condition.reason == Reason::HeldBy.as_str())
}

/// Lets the next reconcile plan anew. Not this one: whatever voids one plan may void the next.
async fn replan(
    context: &Context,
    rollback: &Rollback,
    mut status: RollbackStatus,
    why: &str,
) -> Result<Action, Error> {
    let message =
        format!("the plan is made anew, and an approval of the old one has no effect: {why}");
    context.event(rollback, Reason::PlanVoid, &message, true);
    status.plan = None;
    status.phase = Phase::Planning;
    conditions::summarize(&mut status, Reason::PlanVoid, &message, context.clock.now());
    write(context, rollback, &status).await?;
    Ok(Action::requeue(context.clock.real_duration(PLAN_ANEW)))
}

async fn wait(
    context: &Context,
    rollback: &Rollback,
    mut status: RollbackStatus,
    reason: Reason,
    message: &str,
    look_again: Duration,
) -> Result<Action, Error> {
    conditions::summarize(&mut status, reason, message, context.clock.now());
    let known = rollback.status.as_ref().map(|before| before.summary.as_str());
    write(context, rollback, &status).await?;
    if known != Some(message) {
        context.event(rollback, reason, message, false);
    }
    Ok(Action::requeue(context.clock.real_duration(look_again.max(Duration::from_millis(100)))))
}

fn timing_of_approval(status: &mut RollbackStatus, now: jiff::Timestamp) {
    let timing = status.timing.get_or_insert_with(Default::default);
    timing.approved_at.get_or_insert(now);
}
