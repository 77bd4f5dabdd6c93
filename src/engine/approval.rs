//! Whether a plan may be executed.

use crate::api::Reason;
use crate::api::instance::ApprovalPolicy;
use crate::api::plan_status::PlanStatus;
use crate::api::rollback::Approval;
use crate::model::Grade;

/// More authors than this are not listed, and so nobody is known to be none of them.
const MAX_AUTHORS: usize = 100;
/// How the names begin that Kubernetes keeps for itself: of service accounts, nodes, its own parts and
/// `system:anonymous`
/// (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects>).
const NO_PERSON: &str = "system:";

/// Why an approval without a name has no effect.
const UNNAMED: &str = "it bears no name, because it came with the object from somebody without the verb approve; take it out and approve again";

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

/// The names that the API server stamped on a Rollback, as far as they can be trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Why they prove nothing, if so: what is missing, as a clause.
    pub distrusted: Option<String>,
    /// Who asked for the undo.
    pub requested_by: Option<String>,
    /// Who last changed what it intends.
    pub changed_by: Option<String>,
    /// Who approved. Empty where the API server noted that it was nobody who may.
    pub approved_by: Option<String>,
    /// Who recorded what is undone, as the records say now; the plan lists whom they named when it
    /// was made.
    pub recorded_by: Vec<String>,
}

impl Stamps {
    /// Stamps that prove nothing.
    #[must_use]
    pub fn distrusted(why: &str) -> Self {
        Self { distrusted: Some(why.to_owned()), ..Self::default() }
    }

    /// Who approved, where a name is there and proves something.
    #[must_use]
    pub fn proven_approver(&self) -> Option<&String> {
        let name = self.approved_by.as_ref().filter(|name| !name.is_empty());
        name.filter(|_| self.distrusted.is_none())
    }

    /// Whether somebody with the verb may have approved; else why not.
    ///
    /// Where nothing is stamped there is no name at all, and whoever may write the Rollback may
    /// approve. An empty name is a stamp, and nothing makes it better: it counts against the approval
    /// also where stamps prove nothing.
    fn permitted(&self) -> Result<(), String> {
        if self.approved_by.as_deref() == Some("") {
            return Err(UNNAMED.to_owned());
        }
        Ok(())
    }

    /// Whether the approver is surely a person and none of the authors; else why not.
    fn separate(&self, plan: &PlanStatus) -> Result<(), String> {
        if let Some(why) = &self.distrusted {
            return Err(format!("who approved cannot be known, because {why}"));
        }
        let Some(approver) = self.approved_by.as_deref().filter(|name| !name.is_empty()) else {
            return Err(UNNAMED.to_owned());
        };
        if self.requested_by.as_ref().is_none_or(String::is_empty) {
            return Err(
                "who asked for the undo is not on record; create the Rollback again".to_owned()
            );
        }
        if plan.authors.len() >= MAX_AUTHORS {
            return Err(format!(
                "{MAX_AUTHORS} people or more recorded what is undone; undo fewer records at once"
            ));
        }
        let own = [&self.requested_by, &self.changed_by].into_iter().flatten();
        if own.chain(&plan.authors).chain(&self.recorded_by).any(|author| author == approver) {
            return Err(format!(
                "{approver} asked for the undo, changed what it intends or recorded what it undoes; somebody else has to approve"
            ));
        }
        if approver.starts_with(NO_PERSON) {
            return Err(format!(
                "{approver} is a service account or another name of Kubernetes' own; a person has to approve"
            ));
        }
        Ok(())
    }
}

/// Judges the approval of a plan. The stricter of the policy that the plan was made under and the
/// one of now holds.
#[must_use]
pub fn standing(
    plan: &PlanStatus,
    policy_now: ApprovalPolicy,
    approval: Option<&Approval>,
    stamps: &Stamps,
) -> Standing {
    if approval.is_some_and(|approval| approval.reject) {
        return Standing::Rejected;
    }
    let policies = [plan.policy, policy_now];
    if plan.actions == 0 || !policies.into_iter().any(|policy| is_required(plan, policy)) {
        return Standing::NotRequired;
    }
    let refused = refused(plan, approval);
    let to_accept = if refused.is_empty() {
        String::new()
    } else {
        format!(
            " and spec.approval.accept to [{}]",
            plan.refusals.iter().map(|it| it.accept.as_str()).collect::<Vec<_>>().join(", ")
        )
    };
    match approval.and_then(|approval| approval.plan.as_deref()) {
        Some(digest) if digest == plan.digest => {}
        Some(other) => {
            return Standing::Waiting(
                Reason::ApprovalForAnotherPlan,
                format!(
                    "spec.approval.plan names {other}, but the plan is {}: look at it and approve that digest",
                    plan.digest
                ),
            );
        }
        None if refused.is_empty() => {
            return Standing::Waiting(
                Reason::AwaitingApproval,
                format!("to approve, set spec.approval.plan to {}", plan.digest),
            );
        }
        None => {}
    }
    if !refused.is_empty() {
        return Standing::Waiting(
            Reason::RefusedByPolicy,
            format!(
                "the instance's policy refuses this plan: {}; to have it done all the same, somebody who is no author of it sets spec.approval.plan to {}{to_accept}",
                refused.join("; "),
                plan.digest
            ),
        );
    }
    if let Err(why) = stamps.permitted() {
        return Standing::Waiting(
            Reason::ApprovalNotPermitted,
            format!("the approval has no effect: {why}"),
        );
    }
    if policies.contains(&ApprovalPolicy::SeparateApprover) || !plan.refusals.is_empty() {
        let rule = if plan.refusals.is_empty() {
            "SeparateApprover"
        } else {
            "what the policy refuses is accepted only by somebody who is no author"
        };
        if let Err(why) = stamps.separate(plan) {
            return Standing::Waiting(
                Reason::ApprovalNotSeparate,
                format!("the approval has no effect ({rule}): {why}"),
            );
        }
    }
    Standing::Approved
}

/// What the policy refuses and the approval does not accept.
fn refused<'a>(plan: &'a PlanStatus, approval: Option<&Approval>) -> Vec<&'a str> {
    let accepted = |token: &String| approval.is_some_and(|it| it.accept.contains(token));
    let refusals = plan.refusals.iter().filter(|refusal| !accepted(&refusal.accept));
    refusals.map(|refusal| refusal.message.as_str()).collect()
}

fn is_required(plan: &PlanStatus, policy: ApprovalPolicy) -> bool {
    if !plan.refusals.is_empty() {
        return true;
    }
    match policy {
        ApprovalPolicy::Never => plan.assumed,
        ApprovalPolicy::WhenNotExact => {
            plan.assumed
                || plan.gives_access
                || plan.grade != Grade::Exact
                || plan.kept > plan.already_so
                || plan.blocked > 0
        }
        ApprovalPolicy::Always | ApprovalPolicy::SeparateApprover => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::plan_status::{GuardReason, PlanRefusal};
    use crate::engine::fixtures::plan_status;

    const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    fn plan(policy: ApprovalPolicy) -> PlanStatus {
        PlanStatus { policy, ..plan_status() }
    }

    fn approval(digest: &str) -> Approval {
        Approval { plan: Some(digest.into()), ..Approval::default() }
    }

    fn by(approver: &str) -> Stamps {
        Stamps {
            distrusted: None,
            requested_by: Some("asker".to_owned()),
            changed_by: Some("changer".to_owned()),
            approved_by: Some(approver.to_owned()),
            recorded_by: vec!["importer".to_owned()],
        }
    }

    fn stands(plan: &PlanStatus, now: ApprovalPolicy, approval: Option<&Approval>) -> Standing {
        standing(plan, now, approval, &Stamps::distrusted("nothing stamps"))
    }

    #[track_caller]
    fn waits(standing: &Standing, for_what: Reason, saying: &str) {
        let Standing::Waiting(reason, message) = standing else { panic!("{standing:?}") };
        assert_eq!(*reason, for_what, "{message}");
        assert!(message.contains(saying), "{message}");
    }

    #[test]
    fn only_the_digest_of_the_plan_approves_it() {
        use ApprovalPolicy::Always;
        let always = plan(Always);
        assert_eq!(stands(&always, Always, Some(&approval(DIGEST))), Standing::Approved);
        let other = approval(&DIGEST.replace('0', "1"));
        waits(&stands(&always, Always, Some(&other)), Reason::ApprovalForAnotherPlan, DIGEST);
        waits(&stands(&always, Always, None), Reason::AwaitingApproval, DIGEST);
        let part = approval("sha256:");
        waits(&stands(&always, Always, Some(&part)), Reason::ApprovalForAnotherPlan, DIGEST);
    }

    #[test]
    fn the_stricter_policy_holds() {
        use ApprovalPolicy::{Always, Never, SeparateApprover};
        let never = plan(Never);
        assert_eq!(stands(&never, Never, None), Standing::NotRequired);
        waits(&stands(&never, Always, None), Reason::AwaitingApproval, "");
        waits(&stands(&plan(Always), Never, None), Reason::AwaitingApproval, "");
        let approval = approval(DIGEST);
        for (then, now) in [(SeparateApprover, Never), (Always, SeparateApprover)] {
            let found = standing(&plan(then), now, Some(&approval), &by("asker"));
            waits(&found, Reason::ApprovalNotSeparate, "asker asked");
        }
    }

    #[test]
    fn an_assumption_waits_under_every_policy() {
        use ApprovalPolicy::Never;
        let mut assumed = plan(Never);
        assumed.assumed = true;
        waits(&stands(&assumed, Never, None), Reason::AwaitingApproval, "");
        assumed.actions = 0;
        assert_eq!(stands(&assumed, Never, None), Standing::NotRequired);
    }

    #[test]
    fn when_not_exact_asks_about_whatever_is_not_plain() {
        use ApprovalPolicy::WhenNotExact;
        assert_eq!(stands(&plan(WhenNotExact), WhenNotExact, None), Standing::NotRequired);
        let edits: [fn(&mut PlanStatus); 6] = [
            |plan| plan.grade = Grade::Equivalent,
            |plan| plan.gives_access = true,
            |plan| plan.kept = 1,
            |plan| plan.blocked = 1,
            |plan| plan.assumed = true,
            |plan| plan.refusals.push(refusal()),
        ];
        for edit in edits {
            let mut plan = plan(WhenNotExact);
            edit(&mut plan);
            let found = stands(&plan, WhenNotExact, None);
            assert!(matches!(found, Standing::Waiting(..)), "{plan:?}");
        }
        let mut as_wanted = plan(WhenNotExact);
        (as_wanted.kept, as_wanted.already_so) = (2, 2);
        assert_eq!(stands(&as_wanted, WhenNotExact, None), Standing::NotRequired);
    }

    #[test]
    fn a_separate_approver_is_a_person_and_no_author() {
        use ApprovalPolicy::SeparateApprover;
        let mut plan = plan(SeparateApprover);
        plan.authors.push("recorder".to_owned());
        let approval = approval(DIGEST);
        let found = |stamps: &Stamps| standing(&plan, SeparateApprover, Some(&approval), stamps);
        assert_eq!(found(&by("approver")), Standing::Approved);
        for author in ["asker", "changer", "recorder", "importer"] {
            waits(&found(&by(author)), Reason::ApprovalNotSeparate, "somebody else has to approve");
        }
        for nobody in ["serviceaccount:flux-system:kustomize-controller", "anonymous", "node:one"] {
            let found = found(&by(&format!("system:{nobody}")));
            waits(&found, Reason::ApprovalNotSeparate, "a person has to approve");
        }
        waits(&found(&by("")), Reason::ApprovalNotPermitted, "bears no name");
        let unnamed = Stamps { approved_by: None, ..by("approver") };
        waits(&found(&unnamed), Reason::ApprovalNotSeparate, "bears no name");
        for requested_by in [None, Some(String::new())] {
            let unknown = Stamps { requested_by, ..by("approver") };
            waits(&found(&unknown), Reason::ApprovalNotSeparate, "create the Rollback again");
        }
        let distrusted = Stamps { distrusted: Some("nothing stamps".into()), ..by("approver") };
        waits(&found(&distrusted), Reason::ApprovalNotSeparate, "because nothing stamps");
        let crowd = PlanStatus { authors: vec!["x".to_owned(); 100], ..plan.clone() };
        let found = standing(&crowd, SeparateApprover, Some(&approval), &by("approver"));
        waits(&found, Reason::ApprovalNotSeparate, "undo fewer records");
    }

    fn refusal() -> PlanRefusal {
        PlanRefusal {
            reason: GuardReason::LastAdministrator,
            accept: "LastAdministrator/1".to_owned(),
            message: "nobody would be left".to_owned(),
        }
    }

    #[test]
    fn what_is_refused_is_accepted_by_name_and_by_somebody_else() {
        use ApprovalPolicy::Never;
        let refused = PlanStatus { refusals: vec![refusal()], ..plan(Never) };
        let found = stands(&refused, Never, None);
        waits(&found, Reason::RefusedByPolicy, "accept to [LastAdministrator/1]");
        let accepting =
            |token: &str| Approval { accept: vec![token.to_owned()], ..approval(DIGEST) };
        let found = |token: &str, stamps: &Stamps| {
            standing(&refused, Never, Some(&accepting(token)), stamps)
        };
        assert_eq!(found("LastAdministrator/1", &by("approver")), Standing::Approved);
        let other = found("LastAdministrator/2", &by("approver"));
        waits(&other, Reason::RefusedByPolicy, "nobody would be left");
        let own = found("LastAdministrator/1", &by("asker"));
        waits(&own, Reason::ApprovalNotSeparate, "somebody else has to approve");
        let unproven = found("LastAdministrator/1", &Stamps::distrusted("nothing stamps"));
        waits(&unproven, Reason::ApprovalNotSeparate, "nothing stamps");
        // Accepted, but for another plan.
        let elsewhere =
            Approval { plan: Some("sha256:1".into()), ..accepting("LastAdministrator/1") };
        let found = standing(&refused, Never, Some(&elsewhere), &by("approver"));
        waits(&found, Reason::ApprovalForAnotherPlan, DIGEST);
    }

    #[test]
    fn an_approval_by_nobody_who_may_has_no_effect_under_any_policy() {
        use ApprovalPolicy::{Always, Never, SeparateApprover, WhenNotExact};
        let approval = approval(DIGEST);
        for policy in [Always, SeparateApprover, WhenNotExact, Never] {
            let assumed = PlanStatus { assumed: true, ..plan(policy) };
            for distrusted in [None, Some("nothing stamps".to_owned())] {
                let stamps = Stamps { distrusted, ..by("") };
                let found = standing(&assumed, policy, Some(&approval), &stamps);
                waits(&found, Reason::ApprovalNotPermitted, "take it out and approve again");
                assert_eq!(stamps.proven_approver(), None);
            }
        }
        // Nothing stamps: there is no name.
        assert_eq!(stands(&plan(Always), Always, Some(&approval)), Standing::Approved);
    }

    #[test]
    fn a_rejection_ends_it_even_beside_an_approval() {
        use ApprovalPolicy::Never;
        let both = Approval { reject: true, ..approval(DIGEST) };
        assert_eq!(stands(&plan(Never), Never, Some(&both)), Standing::Rejected);
    }
}
