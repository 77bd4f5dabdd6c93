//! Holding a Rollback back until somebody has said yes to its plan.
//!
//! Under a policy that asks for no approval the operator begins as soon as there is a plan. So that
//! a person who is asked is asked before anything is sent, the Rollback is created suspended, and
//! goes on with the answer.

use kube::ResourceExt as _;
use serde_json::json;

use super::approve::hint;
use super::error::CliError;
use super::screen::{Screen, Tone};
use super::session::Session;
use super::watch::apply_again;
use crate::api::Rollback;
use crate::api::condition::ConditionType;

/// Whether the plan needs an approval that it has not got; none while nobody has said so.
pub(super) fn needs_approval(rollback: &Rollback) -> Option<bool> {
    let conditions = &rollback.status.as_ref()?.conditions;
    let judged = conditions.iter().find(|condition| {
        condition.type_ == ConditionType::Approved.as_str()
            && condition.observed_generation >= rollback.metadata.generation
    });
    judged.map(|condition| condition.status != "True")
}

/// Lets it go on.
pub(super) async fn lift(session: &Session, rollback: &Rollback) -> Result<Rollback, CliError> {
    let doing = format!("let rollback {} go on", rollback.name_any());
    session.patch(&doing, rollback, json!({"suspend": false})).await
}

/// Cancels it, before anything was sent.
pub(super) async fn cancel(session: &Session, rollback: &Rollback) -> Result<Rollback, CliError> {
    let doing = format!("cancel rollback {}", rollback.name_any());
    session.patch(&doing, rollback, json!({"cancel": true})).await
}

/// That nothing comes of it, and what can be done instead.
pub(super) fn cancelled(rollback: &Rollback) -> String {
    let name = rollback.name_any();
    if rollback.spec.attempt > 1 {
        let again = apply_again(rollback);
        return format!(
            "Cancelled rollback {name}: nothing of attempt {} was written. To undo what is open: \
             {again}",
            rollback.spec.attempt
        );
    }
    format!("Cancelled rollback {name}: nothing was written.")
}

/// Says that it stays as it is until somebody decides.
pub(super) fn note(screen: Screen, name: &str, session: &Session) {
    let text = format!("Rollback {name} is suspended; nothing is sent.");
    screen.note_in(Tone::Warning, &text);
    screen.note(&hint("Let it go on with", "resume", name, session, ""));
    screen.note(&hint("Cancel it with", "cancel", name, session, ""));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Phase, Reason};
    use crate::cli::fixtures;

    #[test]
    fn what_a_plan_needs_is_known_once_the_operator_has_said_it_of_this_spec() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        assert_eq!(needs_approval(&rollback), None);
        let kind = ConditionType::Approved;
        fixtures::condition(&mut rollback, kind, true, Reason::ApprovalNotRequired);
        assert_eq!(needs_approval(&rollback), Some(false));
        fixtures::condition(&mut rollback, kind, false, Reason::AwaitingApproval);
        assert_eq!(needs_approval(&rollback), Some(true));
        rollback.metadata.generation = Some(2);
        assert_eq!(needs_approval(&rollback), None, "it was said of an older spec");
    }

    #[test]
    fn a_no_says_what_it_means_for_this_attempt() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        assert_eq!(cancelled(&rollback), "Cancelled rollback undo: nothing was written.");
        rollback.spec.attempt = 2;
        let text = cancelled(&rollback);
        assert!(text.contains("nothing of attempt 2 was written"), "{text}");
        assert!(text.ends_with(": kubectl rollback apply assign-2abdc948 -n access"), "{text}");
    }
}
