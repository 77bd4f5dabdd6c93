//! What the operator makes of an approval that was just written.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::error::CliError;
use super::exit::Exit;
use super::follow::{Event, Follow};
use super::screen::one_line;
use super::session::Session;
use crate::api::condition::{ConditionType, Reason};
use crate::api::rollback_status::RollbackStatus;
use crate::api::{Phase, Rollback};

/// Waits until the approval of the plan with this digest, which the spec has since this generation,
/// counts.
///
/// # Errors
/// Why it has no effect, or that nobody judged it within `limit`.
pub async fn wait(
    session: &Session,
    name: &str,
    digest: &str,
    generation: i64,
    limit: Duration,
) -> Result<(), CliError> {
    let mut follow = Follow::new(session, name, limit);
    loop {
        let written = |exit, why: &str| {
            CliError::new(exit, format!("the approval of {name} is written, but {why}"))
        };
        // Whoever may approve need not be allowed to watch: what was done is said first.
        let next = follow.next().await.map_err(|error| written(error.exit, &error.message))?;
        let (exit, why) = match next {
            Event::Seen(rollback) => match judge(&rollback, digest, generation) {
                None => continue,
                Some(judged) => return judged,
            },
            Event::Notice(_) => continue,
            Event::Gone => (Exit::NotFound, "it was deleted".to_owned()),
            Event::TimedOut => (
                Exit::TimedOut,
                format!(
                    "nobody has judged it yet; is the operator running? See how it stands: kubectl \
                     rollback status {name} -n {}",
                    session.namespace
                ),
            ),
            Event::Interrupted => (Exit::Interrupted, "stopped waiting".to_owned()),
        };
        return Err(written(exit, &why));
    }
}

/// Whether the approval counts, once that is known.
fn judge(rollback: &Rollback, digest: &str, generation: i64) -> Option<Result<(), CliError>> {
    let status = rollback.status.as_ref()?;
    if status.observed_generation < generation {
        return None;
    }
    let inert = |exit, why: &str| {
        let message = format!("the approval is written, but has no effect: {}", one_line(why));
        Some(Err(CliError::new(exit, message)))
    };
    let another = status.plan.as_ref().is_some_and(|plan| plan.digest != digest);
    let judged = status.conditions.iter().find(|it| it.type_ == ConditionType::Approved.as_str());
    match status.phase {
        Phase::Pending | Phase::Planning | Phase::Planned => None,
        Phase::AwaitingApproval if another => inert(
            Exit::AwaitingApproval,
            "the plan was made anew in the meantime; look at it and approve again",
        ),
        Phase::AwaitingApproval => {
            let judged = judged.filter(|it| it.observed_generation >= Some(generation))?;
            let refused = judged.reason == Reason::RefusedByPolicy.as_str();
            let exit = if refused { Exit::RefusedByPolicy } else { Exit::AwaitingApproval };
            // One that counts and waits all the same is suspended, or for later, or waits for a key.
            if judged.status == "True" { Some(Ok(())) } else { inert(exit, &judged.message) }
        }
        Phase::Executing | Phase::Verifying | Phase::Succeeded | Phase::PartiallySucceeded
            if another =>
        {
            inert(Exit::AwaitingApproval, &overtaken(status, judged))
        }
        Phase::Failed if another && judged.is_some_and(|it| it.status == "True") => {
            inert(Exit::of(rollback), &overtaken(status, judged))
        }
        Phase::Executing | Phase::Verifying | Phase::Succeeded | Phase::PartiallySucceeded => {
            Some(Ok(()))
        }
        _ if judged.is_some_and(|it| it.status == "True") => Some(Ok(())),
        phase => inert(Exit::of(rollback), &format!("it is {phase} ({})", status.summary)),
    }
}

/// That another plan than the one that was approved is or was executed.
fn overtaken(status: &RollbackStatus, judged: Option<&Condition>) -> String {
    let free = judged.is_some_and(|it| it.reason == Reason::ApprovalNotRequired.as_str());
    let why = if free {
        "under its policy the new one needs no approval"
    } else {
        "the new one was approved"
    };
    let stop =
        if status.phase.is_terminal() { "" } else { ", and cancel it if that is not wanted" };
    format!(
        "the plan was made anew in the meantime, and {why}: it is {} ({}); look at what it changes \
         with kubectl rollback plan --rollback{stop}",
        status.phase, status.summary
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    fn judged(rollback: &Rollback, generation: i64) -> Option<Result<(), CliError>> {
        judge(
            rollback,
            &fixtures::rollback(Phase::Planned).status.unwrap().plan.unwrap().digest,
            generation,
        )
    }

    #[test]
    fn an_approval_without_effect_is_an_error_that_says_why() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        assert_eq!(judged(&rollback, 1), None, "nobody has said anything yet");
        for (reason, exit) in [
            (Reason::ApprovalNotSeparate, Exit::AwaitingApproval),
            (Reason::RefusedByPolicy, Exit::RefusedByPolicy),
        ] {
            fixtures::condition(&mut rollback, ConditionType::Approved, false, reason);
            assert_eq!(judged(&rollback, 2), None, "said before the approval");
            let error = judged(&rollback, 1).unwrap().unwrap_err();
            assert_eq!(error.exit, exit);
            assert!(error.message.ends_with("has no effect: said so"), "{error}");
        }
        fixtures::condition(&mut rollback, ConditionType::Approved, true, Reason::Approved);
        assert_eq!(judged(&rollback, 1), Some(Ok(())), "approved, and suspended");
        let error = judge(&rollback, "sha256:other", 1).unwrap().unwrap_err();
        assert!(error.message.contains("made anew"), "{error}");
    }

    #[test]
    fn what_goes_on_was_approved() {
        for phase in [Phase::Executing, Phase::Verifying, Phase::Succeeded] {
            let rollback = fixtures::rollback(phase);
            assert_eq!(judged(&rollback, 1), Some(Ok(())), "{phase}");
            let other = judge(&rollback, "sha256:other", 1).unwrap().unwrap_err();
            assert!(other.message.contains("the new one was approved: it is"), "{phase}: {other}");
            let mut free = rollback.clone();
            let kind = ConditionType::Approved;
            fixtures::condition(&mut free, kind, true, Reason::ApprovalNotRequired);
            let other = judge(&free, "sha256:other", 1).unwrap().unwrap_err();
            assert_eq!(other.exit, Exit::AwaitingApproval);
            assert!(other.message.contains("needs no approval: it is"), "{phase}: {other}");
        }
        let rejected = judged(&fixtures::rollback(Phase::Rejected), 1).unwrap().unwrap_err();
        assert_eq!(rejected.exit, Exit::Failed);
        let mut failed = fixtures::rollback(Phase::Failed);
        fixtures::condition(&mut failed, ConditionType::Approved, true, Reason::Approved);
        assert_eq!(judged(&failed, 1), Some(Ok(())), "it failed after its approval");
    }
}
