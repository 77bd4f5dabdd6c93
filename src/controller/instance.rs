//! One reconcile of one `IdentityCenterInstance`: is it usable, and what is known about it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;

use super::context::Context;
use super::error::Error;
use super::instance_handle::{Facts, InstanceHandle};
use super::{grants, poll, startup};
use crate::api::condition::{ConditionType, set_condition};
use crate::api::instance::{IdentityCenterInstanceStatus, QuotaView};
use crate::api::{IdentityCenterInstance, IdentityCenterInstanceSpec, Reason};
use crate::aws;
use crate::cluster::instances;
use crate::model::Class;

/// How often a usable instance is looked at again.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// How often the quota view is renewed while requests are at work.
const BUSY: Duration = Duration::from_secs(5);
/// How long to wait after AWS could not be asked.
const RETRY: Duration = Duration::from_secs(10);
/// How often AWS is asked whether it still answers for a usable instance.
const ASK_AGAIN: Duration = Duration::from_mins(5);
/// How long it may then keep silent: one lost answer says nothing.
const DOUBT: Duration = Duration::from_mins(1);

/// Looks at one instance.
pub async fn reconcile(
    guarded: Arc<DeserializeGuard<IdentityCenterInstance>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let instance = match &guarded.0 {
        Ok(instance) => instance,
        Err(invalid) => {
            tracing::error!(
                name = invalid.metadata.name,
                error = invalid.error,
                "an IdentityCenterInstance cannot be read and is left alone; delete it and create it again"
            );
            return Ok(Action::await_change());
        }
    };
    let name = instance.name_any();
    if instance.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let generation = instance.metadata.generation.unwrap_or_default();
    let mut status = instance.status.clone().unwrap_or_default();
    let current = is_ready(&status) && status.observed_generation == generation;
    // What is written about a failed try wakes this again at once.
    let tried = context.instances.failed_at(instance).filter(|_| !current);
    let since = |at: Timestamp| context.clock.now().duration_since(at).unsigned_abs();
    let wait = tried.and_then(|at| RETRY.checked_sub(since(at)));
    if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
        return Ok(Action::requeue(context.clock.real_duration(wait)));
    }
    let known = context.instances.get(&name).filter(|known| *known.spec() == instance.spec);
    let answered = if let Some((reason, message)) = stuck(&context, instance).await? {
        Err((reason, message, LOOK_AGAIN))
    } else if let Some(handle) = known.filter(|_| current) {
        let answered = still_answers(&context, &handle).await;
        answered.map_err(|error| unusable(&context, instance, &error))
    } else {
        let connected = connect(&context, &name, &instance.spec).await;
        connected.map_err(|error| unusable(&context, instance, &error)).map(|facts| {
            status.identity_store_id = Some(facts.identity_store);
            status.owner_account = facts.owner_account;
            status.delegated_administrator = Some(facts.delegated_administrator);
            LOOK_AGAIN
        })
    };
    let (ready, reason, message, again) = match answered {
        Ok(again) => {
            (true, Reason::InstanceReady, "AWS answers for this instance".to_owned(), again)
        }
        Err((reason, message, again)) => (false, reason, message, again),
    };
    status.observed_generation = generation;
    set_ready(&mut status, ready, reason, &message, context.clock.now());
    let mut busy = false;
    if let Some(handle) = context.instances.get(&name) {
        let view = quota(&handle);
        busy = view.in_flight > 0 || view.queued > 0;
        status.quota = Some(view);
    }
    if instance.status.as_ref() != Some(&status) {
        match instances::write_status(&context.client, instance, &status).await {
            Err(kube::Error::Api(answer)) if answer.is_conflict() => {}
            outcome => outcome?,
        }
    }
    Ok(Action::requeue(context.clock.real_duration(if busy { BUSY } else { again })))
}

/// What is said of an instance that AWS does not answer for.
fn unusable(
    context: &Context,
    instance: &IdentityCenterInstance,
    error: &Error,
) -> (Reason, String, Duration) {
    context.instances.note_failed(instance, context.clock.now());
    let reason = match error.class() {
        Class::Blocked(_) => Reason::AccessDenied,
        Class::Terminal(_) => Reason::InstanceNotFound,
        _ => Reason::AwsUnavailable,
    };
    let hint =
        "check spec.instanceArn, spec.region and the operator's credentials; it is tried again";
    tracing::warn!(%error, "an instance is not usable; it is tried again");
    (reason, format!("{}; {hint}", error.lasting()), RETRY)
}

/// Asks AWS now and then for an instance that was usable: else one that nobody uses would look
/// usable long after its role was taken away. Gives when to look again.
async fn still_answers(context: &Context, handle: &InstanceHandle) -> Result<Duration, Error> {
    if context.clock.now().duration_since(handle.answered_at()).unsigned_abs() < ASK_AGAIN {
        return Ok(LOOK_AGAIN);
    }
    let Err(error) = handle.aws(aws::Priority::PreRead).describe_instance().await else {
        handle.answered(context.clock.now());
        return Ok(LOOK_AGAIN);
    };
    let now = context.clock.now();
    match error.class() {
        // It waited in our own queue, or another process leads: nothing was asked.
        _ if matches!(error, aws::Error::NotAdmitted { .. } | aws::Error::Fenced { .. }) => {
            Ok(RETRY)
        }
        // To refuse for a quota is an answer too.
        Class::Throttled { .. } => {
            handle.answered(now);
            Ok(LOOK_AGAIN)
        }
        Class::Retry | Class::Conflict
            if now.duration_since(handle.doubted(now)).unsigned_abs() < DOUBT =>
        {
            Ok(RETRY)
        }
        _ => Err(error.into()),
    }
}

/// When to try again after an error.
#[allow(clippy::needless_pass_by_value, reason = "the signature is the controller's")]
pub fn error_policy(
    _: Arc<DeserializeGuard<IdentityCenterInstance>>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    tracing::warn!(%error, "an instance could not be looked at; it is tried again");
    Action::requeue(context.clock.real_duration(RETRY))
}

/// What nobody but its authors can mend: why it cannot be used as it is written.
async fn stuck(
    context: &Context,
    instance: &IdentityCenterInstance,
) -> Result<Option<(Reason, String)>, Error> {
    if let Some(namespace) =
        instance.spec.allowed_namespaces.iter().find(|allowed| !context.watches(allowed))
    {
        // Plans look at the records of all of them, and those of this one cannot be seen.
        let message = format!(
            "spec.allowedNamespaces names {namespace}, which this operator does not watch: add it to the chart's watchNamespaces, or take it off"
        );
        return Ok(Some((Reason::NamespaceNotWatched, message)));
    }
    let other = duplicate(context, instance).await?.map(|other| {
        let message = format!(
            "{other} names the same instanceArn; two of them would not share one quota: delete one of the two"
        );
        (Reason::Duplicate, message)
    });
    Ok(other)
}

/// Another instance with the same ARN.
async fn duplicate(
    context: &Context,
    instance: &IdentityCenterInstance,
) -> Result<Option<String>, Error> {
    let all = instances::list(&context.client).await?;
    let other = all.iter().find(|other| {
        other.spec.instance_arn == instance.spec.instance_arn
            && other.uid() != instance.uid()
            && other.metadata.deletion_timestamp.is_none()
    });
    Ok(other.map(ResourceExt::name_any))
}

/// Connects to an instance and puts it among those that are ready.
pub async fn connect(
    context: &Arc<Context>,
    name: &str,
    spec: &IdentityCenterInstanceSpec,
) -> Result<Facts, Error> {
    // One that was made again under its name for another ARN is another instance.
    let same = |known: &Arc<InstanceHandle>| known.spec().instance_arn == spec.instance_arn;
    let known = context.instances.get(name).filter(same);
    let gate = context.instances.gate(&spec.instance_arn, || context.new_gate(spec));
    gate.set_limits(spec.limits.requests_per_second, spec.limits.outstanding_requests);
    let aws = context.connect_aws(spec, &gate).await?;
    let described = aws.describe_instance().await?;
    let caller = caller(&aws).await?;
    let own_account = caller.as_ref().map(|caller| &caller.account);
    let delegated =
        matches!((own_account, &described.owner_account), (Some(own), Some(owner)) if own != owner);
    let facts = Facts {
        identity_store: described.identity_store_id,
        owner_account: described.owner_account,
        delegated_administrator: delegated,
        caller,
    };
    if let Some(known) = known {
        known.reconnect(spec.clone(), aws, facts.clone(), context.clock.now());
    } else {
        let stop = context.stop.child_token();
        let handle = Arc::new(InstanceHandle::new(
            name.to_owned(),
            spec.clone(),
            aws,
            gate,
            facts.clone(),
            context.clock.now(),
            stop,
        ));
        // What may be at work in AWS takes its slots and keys before anybody else can have one.
        startup::take_up_all(context, &handle).await?;
        context.instances.put(Arc::clone(&handle));
        tokio::spawn(poll::poll(Arc::clone(context), Arc::clone(&handle)));
        tokio::spawn(grants::follow_holds(Arc::clone(context), handle));
    }
    Ok(facts)
}

/// Who we are is worth knowing, but not every endpoint tells. What may go away is waited for: the
/// answer is kept for as long as the instance is.
pub async fn caller(aws: &aws::Client) -> Result<Option<aws::Caller>, aws::Error> {
    match aws.caller().await {
        Ok(caller) => Ok(Some(caller)),
        Err(error) if matches!(error.class(), Class::Blocked(_) | Class::Terminal(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_ready(status: &IdentityCenterInstanceStatus) -> bool {
    crate::api::condition::is_true(&status.conditions, ConditionType::Ready)
}

fn set_ready(
    status: &mut IdentityCenterInstanceStatus,
    ready: bool,
    reason: Reason,
    message: &str,
    now: jiff::Timestamp,
) {
    let generation = Some(status.observed_generation);
    let stuck = matches!(reason, Reason::Duplicate | Reason::NamespaceNotWatched);
    let conditions = &mut status.conditions;
    set_condition(conditions, ConditionType::Ready, ready, reason, message, generation, now);
    set_condition(
        conditions,
        ConditionType::Reconciling,
        !ready && !stuck,
        reason,
        message,
        generation,
        now,
    );
    set_condition(conditions, ConditionType::Stalled, stuck, reason, message, generation, now);
}

fn quota(handle: &InstanceHandle) -> QuotaView {
    let view = handle.gate.governor().view();
    QuotaView {
        requests_per_second: crate::engine::timing::rounded(view.requests_per_second),
        slots: i32::try_from(view.slots).unwrap_or(i32::MAX),
        in_flight: i32::try_from(view.in_flight).unwrap_or(i32::MAX),
        queued: i32::try_from(view.queued).unwrap_or(i32::MAX),
        throttled_since: view.throttled_since,
    }
}
