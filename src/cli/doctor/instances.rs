//! What the instances' status says: ready, AWS permissions, quota.

use jiff::Timestamp;
use kube::ResourceExt as _;

use super::finding::{Finding, Level};
use crate::api::IdentityCenterInstance;
use crate::api::condition::{ConditionType, Reason};
use crate::cli::quota;

const CHECK: &str = "instance";

/// What is to be known of all instances, from this namespace.
#[must_use]
pub fn findings(
    instances: &[IdentityCenterInstance],
    namespace: &str,
    now: Timestamp,
) -> Vec<Finding> {
    if instances.is_empty() {
        return vec![Finding::of(
            Level::Wrong,
            CHECK,
            "there is no IdentityCenterInstance, so nothing can be undone",
            "create one; kubectl explain idc.spec describes it",
        )];
    }
    let mut found: Vec<Finding> = instances.iter().flat_map(|it| one(it, namespace, now)).collect();
    let allows = |it: &&IdentityCenterInstance| {
        it.spec.allowed_namespaces.iter().any(|allowed| allowed == namespace)
    };
    if instances.iter().find(allows).is_none() {
        found.push(Finding::of(
            Level::Note,
            CHECK,
            format!("no instance allows the namespace {namespace}: Rollbacks in it wait for ever"),
            format!("name it in spec.allowedNamespaces of an instance, or use another with -n ({namespace} is the one of your context)"),
        ));
    }
    found
}

fn one(instance: &IdentityCenterInstance, namespace: &str, now: Timestamp) -> Vec<Finding> {
    let name = instance.name_any();
    let status = instance.status.clone().unwrap_or_default();
    let ready = status.conditions.iter().find(|it| it.type_ == ConditionType::Ready.as_str());
    let current = Some(status.observed_generation) >= instance.metadata.generation;
    let Some(ready) = ready.filter(|_| current) else {
        return vec![Finding::of(
            Level::Wrong,
            CHECK,
            format!("{name}: no operator has looked at it as it is now"),
            "see the finding about the operator",
        )];
    };
    if ready.status != "True" {
        let said = format!("{name} is not ready: {}: {}", ready.reason, ready.message);
        return vec![Finding::of(Level::Wrong, CHECK, said, remedy(&ready.reason))];
    }
    let of_namespace = if instance.spec.allowed_namespaces.iter().any(|it| it == namespace) {
        format!(", and allows the namespace {namespace}")
    } else {
        String::new()
    };
    let mut found = vec![Finding::good(
        CHECK,
        format!("{name} is ready: AWS answers with the operator's permissions{of_namespace}"),
    )];
    if status.delegated_administrator == Some(true) {
        found.push(Finding::of(
            Level::Note,
            CHECK,
            format!("{name}: the operator is a delegated administrator, who cannot change access to the management account"),
            "undo what was changed there with credentials of the management account (docs/iam)",
        ));
    }
    found.extend(quota(instance, now));
    found
}

fn remedy(reason: &str) -> &'static str {
    let is = |known: Reason| reason == known.as_str();
    if is(Reason::AccessDenied) {
        "give the operator's role the policy that docs/iam names; it is looked at again by itself"
    } else if is(Reason::InstanceNotFound) {
        "check spec.instanceArn and spec.region: aws sso-admin list-instances shows both"
    } else if is(Reason::Duplicate) {
        "delete one of the two instances with this ARN"
    } else if is(Reason::NamespaceNotWatched) {
        "add the namespace to the chart's watchNamespaces, or take it off spec.allowedNamespaces"
    } else if is(Reason::AwsUnavailable) {
        "check the way to AWS: spec.endpoint, network policies, proxy, VPC endpoints"
    } else {
        "docs/troubleshooting.md explains every reason"
    }
}

fn quota(instance: &IdentityCenterInstance, now: Timestamp) -> Option<Finding> {
    let said = format!("{}: {}", instance.name_any(), quota::words(instance, now)?);
    let throttled = instance.status.as_ref()?.quota.as_ref()?.throttled_since.is_some();
    Some(if throttled {
        Finding::of(
            Level::Note,
            "quota",
            said,
            "something else uses AWS's quota: find it, or lower spec.limits to leave it room",
        )
    } else {
        Finding::good("quota", said)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "so that it is called with json!")]
    fn instance(status: Value) -> IdentityCenterInstance {
        serde_json::from_value(json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "IdentityCenterInstance",
            "metadata": {"name": "main", "generation": 1},
            "spec": {
                "instanceArn": "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7",
                "region": "eu-west-1", "allowedNamespaces": ["access"],
            },
            "status": status,
        }))
        .unwrap()
    }

    fn ready(status: &str, reason: &str) -> Value {
        json!({"observedGeneration": 1, "conditions": [{
            "type": "Ready", "status": status, "reason": reason, "message": "said so",
            "lastTransitionTime": "2026-11-23T21:00:00Z",
        }]})
    }

    fn said(instances: &[IdentityCenterInstance]) -> Vec<(Level, String)> {
        let now = "2026-11-23T21:05:00Z".parse().unwrap();
        findings(instances, "access", now).into_iter().map(|it| (it.level, it.what)).collect()
    }

    #[test]
    fn what_is_not_ready_is_wrong_and_has_its_remedy() {
        for (reason, remedy) in [
            ("AccessDenied", "docs/iam"),
            ("InstanceNotFound", "list-instances"),
            ("Duplicate", "delete one"),
            ("NamespaceNotWatched", "watchNamespaces"),
            ("AwsUnavailable", "spec.endpoint"),
            ("Pending", "docs/troubleshooting.md"),
        ] {
            let found =
                findings(&[instance(ready("False", reason))], "access", Timestamp::UNIX_EPOCH);
            assert_eq!((found.len(), found[0].level), (1, Level::Wrong), "{found:?}");
            assert!(found[0].remedy.contains(remedy), "{found:?}");
        }
        assert_eq!(said(&[])[0].0, Level::Wrong);
        let unseen = instance(json!({"observedGeneration": -1}));
        assert!(said(&[unseen])[0].1.contains("no operator has looked"));
        let mut changed = instance(ready("True", "InstanceReady"));
        changed.metadata.generation = Some(2);
        assert_eq!(said(&[changed])[0].0, Level::Wrong);
    }

    #[test]
    fn quota_throttling_and_the_namespace_are_told() {
        let mut status = ready("True", "InstanceReady");
        status["quota"] = json!({"requestsPerSecond": 9.0, "slots": 5, "inFlight": 5, "queued": 30,
                "throttledSince": "2026-11-23T21:00:00Z"});
        status["delegatedAdministrator"] = json!(true);
        let mut one = instance(status);
        let found = said(std::slice::from_ref(&one));
        let levels: Vec<Level> = found.iter().map(|it| it.0).collect();
        assert_eq!(levels, [Level::Good, Level::Note, Level::Note]);
        assert_eq!(
            found[2].1,
            "main: 5 of 5 slots at work (spec.limits: 10), 30 waiting; up to 9.0 requests a second \
             (spec.limits: 18); AWS has throttled for 5m"
        );
        one.spec.allowed_namespaces.clear();
        let found = said(&[one]);
        assert!(found.last().unwrap().1.contains("no instance allows the namespace access"));
    }
}
