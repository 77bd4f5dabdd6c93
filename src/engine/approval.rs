//! Whether a plan may be executed.

use crate::api::Reason;
use crate::api::instance::ApprovalPolicy;
use crate::api::plan_status::PlanStatus;
use crate::api::rollback::Approval;

/// Whether a plan may be executed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may: the policy asks for no approval of it.
    NotRequired,
    /// It may: it was approved.
    Approved,
    /// Not yet.
    Waiting(Reason, String),
    /// Never: it was rejected.
    Rejected,
}

/// Judges the approval of a plan. The stricter of the policy that the plan was made under and the
/// one of now holds.
#[must_use]
pub fn standing(
    plan: &PlanStatus,
    policy_now: ApprovalPolicy,
    approval: Option<&Approval>,
) -> Standing {
    if approval.is_some_and(|approval| approval.reject) {
        return Standing::Rejected;
    }
    let refused = !plan.refusals.is_empty();
    if !refused && !required(plan, plan.policy) && !required(plan, policy_now) {
        return Standing::NotRequired;
    }
    if refused {
        let refused: Vec<&str> = plan.refusals.iter().map(|it| it.message.as_str()).collect();
        return Standing::Waiting(
            Reason::RefusedByPolicy,
            format!("the instance's policy refuses this plan: {}", refused.join("; ")),
        );
    }
    match approval.and_then(|approval| approval.plan.as_deref()) {
        Some(digest) if digest == plan.digest => Standing::Approved,
        Some(other) => Standing::Waiting(
            Reason::ApprovalForAnotherPlan,
            format!(
                "spec.approval.plan names {other}, but the plan is {}: look at it and approve that digest",
                plan.digest
            ),
        ),
        None => Standing::Waiting(
            Reason::AwaitingApproval,
            format!("to approve, set spec.approval.plan to {}", plan.digest),
        ),
    }
}

fn required(plan: &PlanStatus, policy: ApprovalPolicy) -> bool {
    // With nothing to write there is nothing to approve.
    if plan.actions == 0 {
        return false;
    }
    match policy {
        ApprovalPolicy::Never => plan.assumed,
        ApprovalPolicy::WhenNotExact => {
            plan.assumed || plan.gives_access || plan.grade != crate::model::Grade::Exact
        }
        ApprovalPolicy::Always | ApprovalPolicy::SeparateApprover => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures::plan_status;

    const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    fn plan(policy: ApprovalPolicy) -> PlanStatus {
        PlanStatus { policy, ..plan_status() }
    }

    fn approval(digest: &str) -> Approval {
        Approval { plan: Some(digest.into()), ..Approval::default() }
    }

    #[test]
    fn only_the_digest_of_the_plan_approves_it() {
        let always = plan(ApprovalPolicy::Always);
        assert_eq!(
            standing(&always, ApprovalPolicy::Always, Some(&approval(DIGEST))),
            Standing::Approved
        );
        let other = approval(&DIGEST.replace('0', "1"));
        assert!(matches!(
            standing(&always, ApprovalPolicy::Always, Some(&other)),
            Standing::Waiting(Reason::ApprovalForAnotherPlan, _)
        ));
        assert!(matches!(
            standing(&always, ApprovalPolicy::Always, None),
            Standing::Waiting(Reason::AwaitingApproval, _)
        ));
        assert!(matches!(
            standing(&always, ApprovalPolicy::Always, Some(&approval("sha256:"))),
            Standing::Waiting(Reason::ApprovalForAnotherPlan, _)
        ));
    }

    #[test]
    fn the_stricter_policy_holds() {
        let never = plan(ApprovalPolicy::Never);
        assert_eq!(standing(&never, ApprovalPolicy::Never, None), Standing::NotRequired);
        assert!(matches!(standing(&never, ApprovalPolicy::Always, None), Standing::Waiting(..)));
        let always = plan(ApprovalPolicy::Always);
        assert!(matches!(standing(&always, ApprovalPolicy::Never, None), Standing::Waiting(..)));
    }

    #[test]
    fn an_assumption_waits_under_every_policy() {
        let mut assumed = plan(ApprovalPolicy::Never);
        assumed.assumed = true;
        assert!(matches!(standing(&assumed, ApprovalPolicy::Never, None), Standing::Waiting(..)));
        assumed.actions = 0;
        assert_eq!(standing(&assumed, ApprovalPolicy::Never, None), Standing::NotRequired);
    }

    #[test]
    fn a_rejection_ends_it_even_beside_an_approval() {
        let both = Approval { reject: true, ..approval(DIGEST) };
        assert_eq!(
            standing(&plan(ApprovalPolicy::Never), ApprovalPolicy::Never, Some(&both)),
            Standing::Rejected
        );
    }
}
