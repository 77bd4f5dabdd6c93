//! The plan of a Rollback, read from its shards and checked against what the status says of it.
//!
//! What is shown is what is approved: an approval names a digest, so the items that a person looks
//! at have to be the very ones behind that digest.

use kube::ResourceExt as _;

use super::error::{CliError, is_missing};
use super::session::Session;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::PlanStatus;
use crate::api::{Rollback, RollbackPlan};

/// Reads and checks all items of a plan, in order.
pub async fn read(session: &Session, rollback: &Rollback) -> Result<Vec<PlanItem>, CliError> {
    let parts = parts(session, rollback).await?;
    Ok(parts.into_iter().flat_map(|part| part.spec.items).collect())
}

/// Reads and checks all parts of a plan, in order.
pub async fn parts(session: &Session, rollback: &Rollback) -> Result<Vec<RollbackPlan>, CliError> {
    let name = rollback.name_any();
    let plan = rollback.status.as_ref().and_then(|status| status.plan.as_ref());
    let plan = plan.ok_or_else(|| CliError::failed(format!("rollback {name} has no plan yet")))?;
    let mut shards = Vec::with_capacity(plan.shards.len());
    for shard in &plan.shards {
        let doing = format!("read the plan {shard} of rollback {name}");
        match session.raw(&doing, session.plans().get(shard)).await? {
            Ok(shard) => shards.push(shard),
            Err(error) if is_missing(&error) => {
                return Err(CliError::failed(format!(
                    "cannot {doing}: it is gone, so the plan was made anew or deleted; look again"
                )));
            }
            Err(error) => return Err(CliError::request(&doing, &error)),
        }
    }
    check(rollback, plan, &shards).map_err(|why| {
        CliError::failed(format!(
            "the plan of rollback {name} is not the one that its status names: {why}; do not \
             approve it, find out who writes plans"
        ))
    })?;
    Ok(shards)
}

/// Whether the shards are the plan that the status names.
fn check(rollback: &Rollback, plan: &PlanStatus, shards: &[RollbackPlan]) -> Result<(), String> {
    let attempt = rollback.status.as_ref().map(|status| status.attempt);
    for (index, shard) in shards.iter().enumerate() {
        let (name, spec) = (shard.name_any(), &shard.spec);
        if Some(&spec.rollback_uid) != rollback.metadata.uid.as_ref() {
            return Err(format!("{name} belongs to another rollback"));
        }
        if spec.digest != plan.digest {
            return Err(format!("{name} has the digest {}, not {}", spec.digest, plan.digest));
        }
        if usize::try_from(spec.shard) != Ok(index) || Some(spec.attempt) != attempt {
            return Err(format!(
                "{name} is part {} of attempt {}, not part {index} of attempt {}",
                spec.shard,
                spec.attempt,
                attempt.unwrap_or_default()
            ));
        }
    }
    let items = || shards.iter().flat_map(|shard| &shard.spec.items);
    let count = |fits: fn(Disposition) -> bool| {
        i32::try_from(items().filter(|item| fits(item.disposition)).count()).unwrap_or(i32::MAX)
    };
    for (what, found, said) in [
        ("actions", count(|d| d == Disposition::Act), plan.actions),
        ("blocked keys", count(|d| d == Disposition::Blocked), plan.blocked),
    ] {
        if found != said {
            return Err(format!("it has {found} {what}, the status says {said}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Phase;
    use crate::cli::fixtures;

    fn refusal(change: impl FnOnce(&mut RollbackPlan)) -> String {
        let rollback = fixtures::rollback(Phase::AwaitingApproval);
        let plan = rollback.status.clone().unwrap().plan.unwrap();
        let mut shard = fixtures::shard();
        change(&mut shard);
        check(&rollback, &plan, &[shard]).err().unwrap_or_default()
    }

    #[test]
    fn only_the_plan_that_the_status_names_is_shown() {
        assert_eq!(refusal(|_| ()), "");
        assert!(refusal(|s| s.spec.rollback_uid = "x".into()).contains("another rollback"));
        assert!(refusal(|s| s.spec.digest = "sha256:0".into()).contains("has the digest sha256:0"));
        assert!(refusal(|s| s.spec.shard = 1).contains("is part 1 of attempt 1"));
        assert!(refusal(|s| s.spec.attempt = 2).contains("attempt 2"));
        assert!(refusal(|s| drop(s.spec.items.remove(0))).contains("actions, the status says 3"));
    }
}
