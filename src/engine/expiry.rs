//! When a finished Rollback is deleted by itself, and when never.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::Rollback;
use crate::api::condition::ConditionType;
use crate::api::rollback_status::{Phase, RollbackStatus};
use crate::model::time::{later, parse_duration};

/// Labels of what tools keep as Git or a release says, and would create again.
///
/// Flux: <https://fluxcd.io/flux/components/kustomize/kustomizations/> and its helm-controller.
/// Argo CD: <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>; the label
/// `app.kubernetes.io/instance` is its default up to 2.x, and others set it too: leaving an object
/// that could go is the smaller harm.
const LABELS: [&str; 4] = [
    "kustomize.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/name",
    "argocd.argoproj.io/instance",
    "app.kubernetes.io/instance",
];
/// Annotations of the same kind; the second is that of Helm.
const ANNOTATIONS: [&str; 2] = ["argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name"];

/// When a Rollback is to be deleted; none if it stays.
///
/// It stays while it is not over, while a person has yet to look at it (`Failed`,
/// `PartiallySucceeded`), and while a tool would create it again.
#[must_use]
pub fn expires_at(rollback: &Rollback) -> Option<Timestamp> {
    let after = parse_duration(rollback.spec.ttl_after_finished.as_deref()?)?;
    let status = rollback.status.as_ref()?;
    let needs_nobody = match status.phase {
        Phase::Succeeded | Phase::AlreadyRolledBack | Phase::Cancelled | Phase::Rejected => true,
        Phase::PartiallySucceeded
        | Phase::Failed
        | Phase::Pending
        | Phase::Planning
        | Phase::Planned
        | Phase::AwaitingApproval
        | Phase::Executing
        | Phase::Verifying => false,
    };
    let over = needs_nobody && status.attempt == rollback.spec.attempt;
    (over && !is_kept_by_a_tool(rollback))
        .then(|| finished_at(status))
        .flatten()
        .map(|at| later(at, after))
}

fn is_kept_by_a_tool(rollback: &Rollback) -> bool {
    let any = |found: &Option<BTreeMap<String, String>>, keys: &[&str]| {
        found.as_ref().is_some_and(|found| keys.iter().any(|key| found.contains_key(*key)))
    };
    any(&rollback.metadata.labels, &LABELS) || any(&rollback.metadata.annotations, &ANNOTATIONS)
}

/// What never came to a plan has no timing: then it was over when it stopped reconciling.
fn finished_at(status: &RollbackStatus) -> Option<Timestamp> {
    let timed = status.timing.as_ref().and_then(|timing| timing.finished_at);
    timed.or_else(|| {
        let found =
            status.conditions.iter().find(|it| it.type_ == ConditionType::Reconciling.as_str());
        found.filter(|it| it.status == "False").map(|it| it.last_transition_time.0)
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::api::rollback_status::Timing;
    use crate::api::{Reason, RollbackSpec};
    use crate::engine::conditions;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn over(phase: Phase) -> Rollback {
        let spec: RollbackSpec = serde_json::from_value(serde_json::json!({
            "operations": {"names": ["assign"]}, "ttlAfterFinished": "1h",
        }))
        .unwrap();
        let mut rollback = Rollback::new("undo", spec);
        let timing = Timing { finished_at: Some(at(100)), ..Timing::default() };
        rollback.status = Some(RollbackStatus {
            phase,
            attempt: 1,
            timing: Some(timing),
            ..RollbackStatus::default()
        });
        rollback
    }

    #[test]
    fn what_needs_nobody_any_more_goes_after_its_time() {
        for phase in Phase::ALL {
            let goes = matches!(
                phase,
                Phase::Succeeded | Phase::AlreadyRolledBack | Phase::Cancelled | Phase::Rejected
            );
            assert_eq!(expires_at(&over(phase)), goes.then(|| at(3700)), "{phase}");
        }
        let mut without = over(Phase::Succeeded);
        without.spec.ttl_after_finished = None;
        assert_eq!(expires_at(&without), None);
        let mut again = over(Phase::Cancelled);
        again.spec.attempt = 2;
        assert_eq!(expires_at(&again), None, "another attempt was asked for");
        let mut longest = over(Phase::Succeeded);
        longest.spec.ttl_after_finished = Some("999999h".to_owned());
        assert!(expires_at(&longest).unwrap() > later(at(0), SignedDuration::from_hours(900_000)));
    }

    #[test]
    fn what_a_tool_would_create_again_stays() {
        for key in LABELS {
            let mut kept = over(Phase::Succeeded);
            kept.metadata.labels = Some([(key.to_owned(), "access".to_owned())].into());
            assert_eq!(expires_at(&kept), None, "{key}");
        }
        for key in ANNOTATIONS {
            let mut kept = over(Phase::Succeeded);
            kept.metadata.annotations = Some([(key.to_owned(), "access".to_owned())].into());
            assert_eq!(expires_at(&kept), None, "{key}");
        }
        let mut other = over(Phase::Succeeded);
        other.metadata.labels = Some([("team".to_owned(), "access".to_owned())].into());
        assert_eq!(expires_at(&other), Some(at(3700)));
    }

    #[test]
    fn without_timing_it_counts_from_the_last_word() {
        let mut rollback = over(Phase::AlreadyRolledBack);
        let status = rollback.status.as_mut().unwrap();
        status.timing = None;
        conditions::summarize(status, Reason::AlreadyRolledBack, "nothing is open", at(50));
        assert_eq!(expires_at(&rollback), Some(at(3650)));
    }
}
