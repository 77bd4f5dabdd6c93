//! Whether an operator is alive and leads.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;

use super::finding::{Finding, Level};
use crate::cli::lease;
use crate::cli::screen::one_line;
use crate::cli::times;

const CHECK: &str = "operator";
/// Times in a Lease are its holder's, and the API server's are whole seconds.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// What the leases say, at this time of the API server's clock.
#[must_use]
pub fn findings(leases: &[Lease], now: Timestamp) -> Vec<Finding> {
    if leases.is_empty() {
        return vec![Finding::of(
            Level::Wrong,
            CHECK,
            "no lease of an operator was found: none is installed, or its lease has another name",
            "install the chart; if the lease has a name of its own, give it with --lease \
             NAMESPACE/NAME",
        )];
    }
    leases.iter().map(|it| one(it, now)).collect()
}

fn one(found: &Lease, now: Timestamp) -> Finding {
    let place = lease::place(found);
    let logs = format!(
        "look at the operator's pods and their logs: kubectl get pods -n {}",
        place.namespace
    );
    let Some(holder) = lease::holder(found) else {
        let said = format!("nobody holds the lease {place}: no operator leads");
        return Finding::of(Level::Wrong, CHECK, said, logs);
    };
    let holder = one_line(holder);
    let Some(renewed) = lease::renewed(found) else {
        let said = format!("{holder} holds the lease {place} and has never renewed it");
        return Finding::of(Level::Wrong, CHECK, said, logs);
    };
    let age = now.duration_since(renewed);
    if age > lease::lasts(found) + TOLERANCE {
        let said = format!(
            "{holder} holds the lease {place} and has not renewed it for {}: no operator leads",
            times::length(age.as_secs())
        );
        return Finding::of(Level::Wrong, CHECK, said, logs);
    }
    let changes = found.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
    let times = match changes {
        0 => "has led from the start".to_owned(),
        1 => "leads after 1 change".to_owned(),
        changes => format!("leads after {changes} changes"),
    };
    Finding::good(CHECK, format!("{holder} {times} (lease {place}), and renews"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "so that it is called with json!")]
    fn found(spec: Value) -> Finding {
        let lease = json!({"metadata": {"namespace": "system", "name": "x-rollback-operator"}, "spec": spec});
        let now = "2026-11-23T21:00:20Z".parse().unwrap();
        findings(&[serde_json::from_value(lease).unwrap()], now).remove(0)
    }

    #[test]
    fn only_a_lease_that_is_renewed_is_good() {
        let held = |renewed: &str| {
            found(json!({"holderIdentity": "pod-1", "leaseDurationSeconds": 15,
                "leaseTransitions": 2, "renewTime": renewed}))
        };
        let good = held("2026-11-23T21:00:05.000000Z");
        assert_eq!(good.level, Level::Good, "{good:?}");
        assert!(good.what.contains("pod-1 leads after 2 changes"), "{good:?}");
        let late = held("2026-11-23T20:57:59.000000Z");
        assert_eq!(late.level, Level::Wrong);
        assert!(late.what.contains("has not renewed it for 2m21s"), "{late:?}");
        assert_eq!(found(json!({"holderIdentity": ""})).level, Level::Wrong);
        assert_eq!(found(json!({"holderIdentity": "pod-1"})).level, Level::Wrong);
        assert_eq!(findings(&[], Timestamp::UNIX_EPOCH)[0].level, Level::Wrong);
    }
}
