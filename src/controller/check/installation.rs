//! Whether all is there that the operator needs: what a person would look at after an installation.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::Client;
use kube::api::{Api, PostParams};

use super::CheckError;
use crate::api::{GROUP, VERSION};
use crate::cluster::{Clients, admission};
use crate::runtime::Clock;
use crate::runtime::config::OperatorFlags;

/// What the chart gives the operator: everywhere, or plans and records in the watched namespaces.
const ROLE: &str = include_str!("../../../charts/rollback-operator/files/operator-role.yaml");
const PLURALS: [&str; 4] =
    ["identitycenterinstances", "operationrecords", "rollbackplans", "rollbacks"];
/// How often the lease is looked at.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn check(
    clients: &Clients,
    flags: &OperatorFlags,
    without_admission: bool,
    wait: Duration,
) -> Result<String, CheckError> {
    let client = &clients.api;
    let mut missing = kinds(client).await?;
    missing.extend(permissions(client, &flags.watch_namespaces).await?);
    let mut said = vec!["the kinds are served", "the permissions are given"];
    if !without_admission {
        let own_name = admission::own_name(client).await?;
        missing.extend(admission::in_force(client, &own_name).await?.err());
        said.push("the admission policies are in force");
    }
    if flags.leader_election() {
        let namespace = flags.lease_namespace.as_deref().unwrap_or(&clients.namespace);
        missing.extend(leader(&clients.lease, namespace, &flags.lease_name, wait).await?);
        said.push("an operator leads");
    }
    if missing.is_empty() { Ok(said.join("; ")) } else { Err(CheckError::NotWhole(missing)) }
}

async fn kinds(client: &Client) -> Result<Vec<String>, kube::Error> {
    let version = format!("{GROUP}/{VERSION}");
    let served: BTreeSet<String> = match client.list_api_group_resources(&version).await {
        Ok(found) => found.resources.into_iter().map(|resource| resource.name).collect(),
        Err(kube::Error::Api(answer)) if answer.code == 404 => BTreeSet::new(),
        Err(error) => return Err(error),
    };
    let missing = PLURALS.iter().filter(|plural| !served.contains(**plural));
    Ok(missing
        .map(|plural| {
            format!("the kind {plural}.{GROUP} is not served: install the chart with crds.install, or apply crds/")
        })
        .collect())
}

async fn permissions(client: &Client, watched: &[String]) -> Result<Vec<String>, CheckError> {
    let role: ClusterRole = serde_saphyr::from_str(ROLE).unwrap_or_default();
    let mut missing = Vec::new();
    for rule in role.rules.into_iter().flatten() {
        if watched.is_empty() || !is_namespaced(&rule) {
            missing.extend(denied(client, &rule, None).await?);
            continue;
        }
        for namespace in watched {
            missing.extend(denied(client, &rule, Some(namespace)).await?);
        }
    }
    Ok(missing)
}

/// Whether a rule is given in watched namespaces only, as templates/rbac.yaml does.
fn is_namespaced(rule: &PolicyRule) -> bool {
    let first = rule.resources.iter().flatten().next();
    first.is_some_and(|it| it.starts_with("rollbackplans") || it.starts_with("operationrecords"))
}

/// What of a rule we are not allowed, as sentences.
async fn denied(
    client: &Client,
    rule: &PolicyRule,
    namespace: Option<&String>,
) -> Result<Vec<String>, kube::Error> {
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let mut denied = Vec::new();
    for attributes in questions(rule, namespace) {
        let what = said(&attributes);
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let answer = api.create(&PostParams::default(), &review).await?;
        if !answer.status.is_some_and(|status| status.allowed) {
            denied.push(format!(
                "the operator may not {what}: install the chart with rbac.create, or give its account the chart's roles"
            ));
        }
    }
    Ok(denied)
}

/// Everything that a rule gives, one right each.
fn questions(rule: &PolicyRule, namespace: Option<&String>) -> Vec<ResourceAttributes> {
    // A right to all names is asked for without one.
    let names: Vec<Option<String>> = match rule.resource_names.as_deref() {
        Some(names) if !names.is_empty() => names.iter().cloned().map(Some).collect(),
        _ => vec![None],
    };
    let mut questions = Vec::new();
    for group in rule.api_groups.iter().flatten() {
        for resource in rule.resources.iter().flatten() {
            let (resource, subresource) = match resource.split_once('/') {
                Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
                None => (resource.as_str(), None),
            };
            for verb in &rule.verbs {
                questions.extend(names.iter().map(|name| ResourceAttributes {
                    group: Some(group.clone()),
                    resource: Some(resource.to_owned()),
                    subresource: subresource.clone(),
                    name: name.clone(),
                    verb: Some(verb.clone()),
                    namespace: namespace.cloned(),
                    ..ResourceAttributes::default()
                }));
            }
        }
    }
    questions
}

/// A right in words: `patch rollbacks/status.identitycenter.dev in namespace access`.
fn said(right: &ResourceAttributes) -> String {
    let text = |part: &Option<String>, before: &str| {
        part.as_deref().map_or_else(String::new, |part| format!("{before}{part}"))
    };
    let place = right
        .namespace
        .as_ref()
        .map_or("every namespace".to_owned(), |namespace| format!("namespace {namespace}"));
    format!(
        "{}{}{}{}{} in {place}",
        text(&right.verb, ""),
        text(&right.resource, " "),
        text(&right.subresource, "/"),
        text(&right.group, "."),
        text(&right.name, " "),
    )
}

/// Waits until somebody holds the lease and has renewed it lately.
async fn leader(
    client: &Client,
    namespace: &str,
    name: &str,
    wait: Duration,
) -> Result<Option<String>, kube::Error> {
    let api: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let clock = Clock::real();
    let began = clock.now();
    loop {
        let lease = api.get_opt(name).await?;
        let now = clock.now();
        if lease.as_ref().is_some_and(|lease| is_held(lease, now)) {
            return Ok(None);
        }
        if now.duration_since(began).unsigned_abs() >= wait {
            return Ok(Some(format!(
                "no operator leads: nobody renews the lease {name} in namespace {namespace}; look at the logs of the operator's pods"
            )));
        }
        clock.sleep(LOOK).await;
    }
}

fn is_held(lease: &Lease, now: Timestamp) -> bool {
    let Some(spec) = &lease.spec else { return false };
    let lasts = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or_default().into());
    spec.holder_identity.as_ref().is_some_and(|holder| !holder.is_empty())
        && spec.renew_time.as_ref().is_some_and(|renewed| now.duration_since(renewed.0) < lasts)
}
