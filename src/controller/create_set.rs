//! Creating a permission set in place of one that was deleted: several calls, each of which may be
//! made again.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use super::context::Context;
use super::instance_handle::InstanceHandle;
use super::perform::{BACK_OFF, failed, settle};
use super::run::Run;
use crate::aws;
use crate::engine::creation;
use crate::engine::observations::Event;
use crate::model::time::later;
use crate::model::{
    ActionKind, BlockedReason, Class, FailureReason, PermissionSetArn, PermissionSetContent,
};
use crate::plan::content_digest;
use crate::runtime::Clock;

/// How often the content is read back before it counts as not verified …
const READS: u32 = 3;
/// … and how long after one another.
const READ_AGAIN: Duration = Duration::from_secs(2);
/// Calls that wait for their answers at once.
const AT_ONCE: usize = 16;

/// What a permission set is to be.
struct Wanted {
    replaces: PermissionSetArn,
    name: String,
    content: PermissionSetContent,
    tag: String,
}

/// How a creation ended.
enum Made {
    /// It is there with all its content.
    Whole(PermissionSetArn),
    /// Another permission set has its name.
    NameTaken,
    /// AWS says that its name is taken, and lists, which lag, show none that has it.
    Unseen(String),
    /// What is read back is not what was put.
    Differs(PermissionSetArn),
}

/// Creates the permission set of an item with all its content, and leaves an event.
pub async fn create(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
) {
    let Some(wanted) = wanted(run, item) else {
        let class = Class::Blocked(BlockedReason::Unsupported);
        let message = "the plan does not say what the permission set is made of".to_owned();
        let at = context.clock.now();
        settle(context, instance, run, item, Event::Refused { item, class, message, at });
        return;
    };
    let aws = instance.aws(aws::Priority::Mutation);
    let outcome = match aws.create_permission_set(&wanted.name, &wanted.content).await {
        Ok(arn) => read_back(context.clock, &aws, arn, &wanted.content).await,
        // Ours from before a lost reply, or somebody else's.
        Err(error) if error.code() == "ConflictException" => match find(instance, &wanted).await {
            Ok(Some(Named::Ours(arn))) => complete(context.clock, &aws, arn, &wanted).await,
            Ok(Some(Named::Foreign)) => Ok(Made::NameTaken),
            Ok(None) => Ok(Made::Unseen(error.to_string())),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    leave(context, instance, run, item, wanted, outcome);
}

/// Looks for what an intent in doubt may have created, and completes it. Says whether it was found.
pub async fn resume(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
) -> Result<bool, aws::Error> {
    let Some(wanted) = wanted(run, item) else { return Ok(false) };
    let Some(Named::Ours(arn)) = find(instance, &wanted).await? else { return Ok(false) };
    let aws = instance.aws(aws::Priority::Mutation);
    let outcome = complete(context.clock, &aws, arn, &wanted).await;
    let passes = |error: &aws::Error| {
        matches!(error.class(), Class::Retry | Class::Throttled { .. } | Class::Conflict)
    };
    let outcome = match outcome {
        Err(error) if passes(&error) => return Err(error),
        outcome => outcome,
    };
    leave(context, instance, run, item, wanted, outcome);
    Ok(true)
}

fn wanted(run: &Run, item: usize) -> Option<Wanted> {
    let items = run.items();
    let plan = items.get(item)?;
    let tag = creation::tag(&run.uid);
    Some(Wanted {
        replaces: plan.permission_set.clone(),
        name: plan.permission_set_name.clone()?,
        content: creation::content(plan.content.as_ref()?, &tag),
        tag,
    })
}

fn leave(
    context: &Arc<Context>,
    instance: &Arc<InstanceHandle>,
    run: &Arc<Run>,
    item: usize,
    wanted: Wanted,
    outcome: Result<Made, aws::Error>,
) {
    let at = context.clock.now();
    instance.note_answer(ActionKind::CreatePermissionSet, outcome.as_ref().err(), at);
    let refused = |class, message| Event::Refused { item, class, message, at };
    let Wanted { replaces, name, .. } = wanted;
    let event = match outcome {
        Ok(Made::Whole(arn)) => Event::Created { item, replaces, arn, at },
        Ok(Made::NameTaken) => refused(
            Class::Blocked(BlockedReason::NameTaken),
            format!("another permission set of the instance is named {name}"),
        ),
        Ok(Made::Unseen(message)) => {
            let mut observations = run.observations();
            let memory = observations.item_mut(item);
            memory.sent = None;
            memory.not_before = Some(later(at, BACK_OFF));
            refused(Class::Conflict, message)
        }
        Ok(Made::Differs(arn)) => refused(
            Class::Terminal(FailureReason::NotVerified),
            format!("permission set {arn} was created as {name}, but reads show another content"),
        ),
        Err(error) => return failed(context, instance, run, item, &error, at),
    };
    settle(context, instance, run, item, event);
}

/// A permission set that has the wanted name.
enum Named {
    Ours(PermissionSetArn),
    Foreign,
}

/// Looks through all permission sets: AWS finds none by name.
async fn find(instance: &InstanceHandle, wanted: &Wanted) -> Result<Option<Named>, aws::Error> {
    let aws = instance.aws(aws::Priority::Recovery);
    let sets = aws.list_permission_sets().await?;
    let mut described = stream::iter(sets)
        .map(|set| {
            let aws = aws.clone();
            async move { Ok::<_, aws::Error>((aws.describe_permission_set(&set).await?, set)) }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(found) = described.next().await {
        let (facts, set) = found?;
        if facts.is_some_and(|facts| facts.name == wanted.name) {
            let ours = aws.tags(&set).await?.contains(&wanted.tag);
            return Ok(Some(if ours { Named::Ours(set) } else { Named::Foreign }));
        }
    }
    Ok(None)
}

/// Puts what a set that was created before does not have yet.
async fn complete(
    clock: Clock,
    aws: &aws::Client,
    arn: PermissionSetArn,
    wanted: &Wanted,
) -> Result<Made, aws::Error> {
    let live = aws.permission_set_content(&arn).await?.map(|(_, content)| content);
    let missing = missing(&wanted.content, &live.unwrap_or_default());
    aws.put_permission_set_content(&arn, &missing).await?;
    read_back(clock, aws, arn, &wanted.content).await
}

/// The policies and the boundary that are wanted and not there.
fn missing(wanted: &PermissionSetContent, live: &PermissionSetContent) -> PermissionSetContent {
    let other =
        |wanted: &Option<String>, live: &Option<String>| wanted.clone().filter(|_| wanted != live);
    let without = |wanted: &[String], live: &[String]| {
        wanted.iter().filter(|policy| !live.contains(policy)).cloned().collect()
    };
    PermissionSetContent {
        inline_policy: other(&wanted.inline_policy, &live.inline_policy),
        permissions_boundary: other(&wanted.permissions_boundary, &live.permissions_boundary),
        managed_policies: without(&wanted.managed_policies, &live.managed_policies),
        customer_managed_policies: without(
            &wanted.customer_managed_policies,
            &live.customer_managed_policies,
        ),
        ..PermissionSetContent::default()
    }
}

async fn read_back(
    clock: Clock,
    aws: &aws::Client,
    arn: PermissionSetArn,
    wanted: &PermissionSetContent,
) -> Result<Made, aws::Error> {
    for _ in 0..READS {
        let live = aws.permission_set_content(&arn).await?;
        if live.is_some_and(|(_, live)| content_digest(&live) == content_digest(wanted)) {
            return Ok(Made::Whole(arn));
        }
        clock.sleep(READ_AGAIN).await;
    }
    Ok(Made::Differs(arn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_put() {
        let wanted = PermissionSetContent {
            inline_policy: Some("{}".to_owned()),
            managed_policies: vec!["a".to_owned(), "b".to_owned()],
            permissions_boundary: Some("c".to_owned()),
            ..PermissionSetContent::default()
        };
        assert_eq!(missing(&wanted, &PermissionSetContent::default()), wanted);
        let half = PermissionSetContent {
            managed_policies: vec!["b".to_owned()],
            permissions_boundary: None,
            ..wanted.clone()
        };
        let rest = missing(&wanted, &half);
        assert_eq!((rest.inline_policy, rest.managed_policies), (None, vec!["a".to_owned()]));
        assert_eq!(rest.permissions_boundary.as_deref(), Some("c"));
        assert_eq!(missing(&wanted, &wanted), PermissionSetContent::default());
    }
}
