//! What to do about a Rollback that is carried through, by how it stands.

use super::hold;
use crate::api::condition::ConditionType;
use crate::api::plan_status::PlanStatus;
use crate::api::{Phase, Rollback};

/// What to do about what was seen.
#[derive(Debug, PartialEq)]
pub(super) enum Step<'a> {
    /// Wait for more.
    Wait,
    /// Let it go on: there is nothing to ask about.
    Lift,
    /// Show the plan and ask.
    Decide(&'a PlanStatus),
    /// The approval has no effect, for this reason.
    Inert(String),
    /// Nothing more will happen.
    Ended,
}

/// What to do next; `approved` is the digest that was approved and the generation that has it, and
/// `held` says that it goes on only with an answer.
pub(super) fn step<'a>(
    rollback: &'a Rollback,
    approved: Option<&(String, i64)>,
    held: bool,
) -> Step<'a> {
    let Some(status) = &rollback.status else { return Step::Wait };
    let is_current = Some(status.observed_generation) >= rollback.metadata.generation
        && status.attempt >= rollback.spec.attempt;
    if !is_current {
        return Step::Wait;
    }
    if status.phase.is_terminal() {
        return Step::Ended;
    }
    let awaited = status.phase == Phase::AwaitingApproval;
    let Some(plan) = status.plan.as_ref().filter(|_| awaited) else { return Step::Wait };
    // With nothing to write there is nothing to approve: the operator goes on by itself.
    if plan.actions == 0 {
        return if held { Step::Lift } else { Step::Wait };
    }
    if held && hold::needs_approval(rollback).is_none() {
        return Step::Wait;
    }
    match approved.filter(|(digest, _)| *digest == plan.digest) {
        None => Step::Decide(plan),
        Some((_, generation)) => {
            let judged = status.conditions.iter().find(|condition| {
                condition.type_ == ConditionType::Approved.as_str()
                    && condition.status == "False"
                    && condition.observed_generation >= Some(*generation)
            });
            judged.map_or(Step::Wait, |condition| Step::Inert(condition.message.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::condition::Reason;
    use crate::cli::fixtures;

    #[test]
    fn a_plan_is_asked_about_once_and_again_when_it_was_made_anew() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        let plan = rollback.status.clone().unwrap().plan.unwrap();
        assert_eq!(step(&rollback, None, false), Step::Decide(&plan));
        let approved = (plan.digest.clone(), 2);
        assert_eq!(step(&rollback, Some(&approved), false), Step::Wait);
        let other = ("sha256:other".to_owned(), 2);
        assert_eq!(step(&rollback, Some(&other), false), Step::Decide(&plan));
        rollback.metadata.generation = Some(2);
        assert_eq!(step(&rollback, None, false), Step::Wait, "the status is about an older spec");
    }

    #[test]
    fn an_approval_without_effect_is_told() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        let digest = rollback.status.as_ref().unwrap().plan.as_ref().unwrap().digest.clone();
        let approved = (digest, 2);
        let reason = Reason::AwaitingApproval;
        fixtures::condition(&mut rollback, ConditionType::Approved, false, reason);
        assert_eq!(step(&rollback, Some(&approved), false), Step::Wait, "said before the approval");
        rollback.metadata.generation = Some(2);
        rollback.status.as_mut().unwrap().observed_generation = 2;
        fixtures::condition(&mut rollback, ConditionType::Approved, false, reason);
        assert_eq!(step(&rollback, Some(&approved), false), Step::Inert("said so".to_owned()));
    }

    #[test]
    fn it_ends_with_a_terminal_phase_of_the_present_spec() {
        assert_eq!(step(&fixtures::rollback(Phase::PartiallySucceeded), None, false), Step::Ended);
        assert_eq!(step(&fixtures::rollback(Phase::Executing), None, false), Step::Wait);
        let mut fresh = fixtures::rollback(Phase::Succeeded);
        fresh.status.as_mut().unwrap().observed_generation = -1;
        assert_eq!(step(&fresh, None, false), Step::Wait);
        let mut again = fixtures::rollback(Phase::Failed);
        again.spec.attempt = 2;
        assert_eq!(step(&again, None, false), Step::Wait, "the next attempt has not begun");
        fresh.status = None;
        assert_eq!(step(&fresh, None, false), Step::Wait);
    }

    #[test]
    fn what_is_held_back_is_asked_about_under_every_policy() {
        let mut rollback = fixtures::rollback(Phase::AwaitingApproval);
        let plan = rollback.status.clone().unwrap().plan.unwrap();
        assert_eq!(step(&rollback, None, true), Step::Wait, "nobody has said what it needs");
        for reason in [Reason::ApprovalNotRequired, Reason::AwaitingApproval] {
            let approved = reason == Reason::ApprovalNotRequired;
            fixtures::condition(&mut rollback, ConditionType::Approved, approved, reason);
            assert_eq!(step(&rollback, None, true), Step::Decide(&plan), "{reason:?}");
        }
        let lifted = (plan.digest.clone(), 3);
        assert_eq!(step(&rollback, Some(&lifted), false), Step::Wait, "it goes on");
        rollback.status.as_mut().unwrap().plan.as_mut().unwrap().actions = 0;
        assert_eq!(step(&rollback, None, true), Step::Lift, "nothing to ask about");
        assert_eq!(step(&fixtures::rollback(Phase::Failed), None, true), Step::Ended);
    }
}
