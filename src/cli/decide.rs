//! Asking a person about a plan, and writing what a yes means.

use kube::ResourceExt as _;
use serde_json::{Value, json};

use super::error::{CliError, is_conflict};
use super::follow::interrupted;
use super::screen::Screen;
use super::session::Session;
use crate::api::Rollback;
use crate::api::plan_status::PlanStatus;
use crate::model::Grade;

/// More actions than this are approved by typing their number.
const MANY: i32 = 20;

/// How often a change is tried while the operator writes as well.
pub(super) const TRIES: usize = 10;

/// How a plan is confirmed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// What is asked.
    pub text: String,
    expected: Option<String>,
}

impl Question {
    /// Asks for a plain yes; for the number of actions where they are many or not all comes back.
    #[must_use]
    pub fn about(plan: &PlanStatus) -> Self {
        let what = match plan.actions {
            1 => "this action".to_owned(),
            actions => format!("these {actions} actions"),
        };
        let lossy = plan.grade == Grade::Lossy;
        if plan.actions <= MANY && !lossy {
            return Self { text: format!("Execute {what}? [y/N]"), expected: None };
        }
        let warning = if lossy { ", of which AWS cannot undo all" } else { "" };
        Self {
            text: format!("Type {} to execute {what}{warning}:", plan.actions),
            expected: Some(plan.actions.to_string()),
        }
    }

    /// Whether an answer means yes.
    #[must_use]
    pub fn accepts(&self, answer: &str) -> bool {
        match &self.expected {
            Some(number) => answer == number,
            None => matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"),
        }
    }
}

/// What a person decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The plan with this digest was approved, as of this generation of the Rollback.
    Approved {
        /// The digest.
        digest: String,
        /// The generation of the spec that has the approval.
        generation: i64,
    },
    /// Nobody said yes.
    Declined,
    /// Somebody said yes to a plan that was made anew in the meantime.
    Outdated,
    /// There is nobody to ask, and `--yes` was not given.
    NobodyToAsk,
    /// Ctrl-C.
    Interrupted,
}

/// Whether the plan is approved already, but by nobody who may.
fn bears_no_name(rollback: &Rollback, plan: &PlanStatus) -> bool {
    rollback.spec.approval.as_ref().is_some_and(|approval| {
        approval.plan.as_ref() == Some(&plan.digest) && approval.approved_by.as_deref() == Some("")
    })
}

/// What a yes writes.
#[derive(Debug)]
pub(super) struct Consent<'a> {
    /// What is accepted although the policy refuses it.
    pub accept: &'a [String],
    /// Whether the plan is approved; else it needs none.
    pub approves: bool,
    /// Whether a suspension is lifted.
    pub lifts: bool,
}

impl Consent<'_> {
    /// The changes of the spec.
    fn spec(&self, plan: &PlanStatus) -> Value {
        let mut spec = json!({});
        if self.approves {
            spec["approval"] = json!({"plan": plan.digest});
            if !self.accept.is_empty() {
                spec["approval"]["accept"] = json!(self.accept);
            }
        }
        if self.lifts {
            spec["suspend"] = json!(false);
        }
        spec
    }
}

/// Asks about a plan that was shown and writes the approval of exactly this plan.
pub(super) async fn decide(
    session: &Session,
    screen: Screen,
    rollback: &Rollback,
    plan: &PlanStatus,
    yes: bool,
    consent: &Consent<'_>,
) -> Result<Decision, CliError> {
    if !yes {
        if !screen.can_ask {
            return Ok(Decision::NobodyToAsk);
        }
        let question = Question::about(plan);
        let answer = tokio::select! {
            answer = screen.ask(&question.text) => answer,
            () = interrupted() => return Ok(Decision::Interrupted),
        };
        if !answer.is_some_and(|answer| question.accepts(&answer)) {
            return Ok(Decision::Declined);
        }
    }
    if !consent.approves {
        return let_go(session, rollback, plan, consent).await;
    }
    let doing = format!("approve the plan of rollback {}", rollback.name_any());
    if bears_no_name(rollback, plan) {
        // The same approval again is no change, and nobody is stamped for what does not change.
        session.patch(&doing, rollback, json!({"approval": {"plan": null}})).await?;
    }
    let patched = session.patch(&doing, rollback, consent.spec(plan)).await?;
    Ok(approved(plan, &patched))
}

/// Lets a plan be executed that needs no approval. Then no digest holds the operator to the plan that
/// was shown, so it must be the present one.
async fn let_go(
    session: &Session,
    shown: &Rollback,
    plan: &PlanStatus,
    consent: &Consent<'_>,
) -> Result<Decision, CliError> {
    let name = shown.name_any();
    let doing = format!("let rollback {name} go on");
    for _ in 0..TRIES {
        let now = session.rollback(&name).await?;
        if !is_still(&now, shown, plan) {
            return Ok(Decision::Outdated);
        }
        match session.patch_as_read(&doing, &now, consent.spec(plan)).await? {
            Ok(patched) => return Ok(approved(plan, &patched)),
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(CliError::request(&doing, &error)),
        }
    }
    Err(CliError::failed(format!("cannot {doing}: it keeps changing; try again")))
}

/// Whether it is the object and the plan that were shown.
fn is_still(now: &Rollback, shown: &Rollback, plan: &PlanStatus) -> bool {
    let digest = now.status.as_ref().and_then(|status| status.plan.as_ref()).map(|it| &it.digest);
    now.metadata.uid == shown.metadata.uid && digest == Some(&plan.digest)
}

fn approved(plan: &PlanStatus, patched: &Rollback) -> Decision {
    let generation = patched.metadata.generation.unwrap_or_default();
    Decision::Approved { digest: plan.digest.clone(), generation }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Phase;
    use crate::cli::fixtures;

    fn question(actions: i32, grade: Grade) -> Question {
        let plan = fixtures::rollback(Phase::AwaitingApproval).status.unwrap().plan.unwrap();
        Question::about(&PlanStatus { grade, actions, ..plan })
    }

    #[test]
    fn small_exact_plans_take_a_yes() {
        let small = question(20, Grade::Exact);
        assert_eq!(small.text, "Execute these 20 actions? [y/N]");
        assert!(small.accepts("y") && small.accepts("YES"));
        assert!(!small.accepts("") && !small.accepts("n") && !small.accepts("20"));
        assert_eq!(question(1, Grade::Assumed).text, "Execute this action? [y/N]");
    }

    #[test]
    fn large_and_lossy_plans_take_their_number() {
        let large = question(21, Grade::Exact);
        assert_eq!(large.text, "Type 21 to execute these 21 actions:");
        assert!(large.accepts("21") && !large.accepts("y") && !large.accepts("2"));
        let lossy = question(1, Grade::Lossy);
        assert_eq!(lossy.text, "Type 1 to execute this action, of which AWS cannot undo all:");
        assert!(lossy.accepts("1") && !lossy.accepts("yes"));
    }

    #[test]
    fn a_yes_is_to_the_plan_and_the_object_that_were_shown() {
        let shown = fixtures::rollback(Phase::AwaitingApproval);
        let plan = shown.status.clone().unwrap().plan.unwrap();
        assert!(is_still(&shown, &shown, &plan));
        let mut anew = shown.clone();
        anew.status.as_mut().unwrap().plan.as_mut().unwrap().digest = "sha256:0".to_owned();
        assert!(!is_still(&anew, &shown, &plan));
        let mut another = shown.clone();
        another.metadata.uid = Some("another".to_owned());
        assert!(!is_still(&another, &shown, &plan));
    }

    #[test]
    fn a_yes_writes_no_more_than_it_means() {
        let plan = fixtures::rollback(Phase::AwaitingApproval).status.unwrap().plan.unwrap();
        let accept = ["LastAdministrator/123456789012".to_owned()];
        for (consent, spec) in [
            (
                Consent { accept: &accept, approves: true, lifts: false },
                json!({"approval": {"plan": plan.digest, "accept": accept}}),
            ),
            (
                Consent { accept: &[], approves: true, lifts: true },
                json!({"approval": {"plan": plan.digest}, "suspend": false}),
            ),
            (Consent { accept: &[], approves: false, lifts: true }, json!({"suspend": false})),
        ] {
            assert_eq!(consent.spec(&plan), spec, "{consent:?}");
        }
    }
}
