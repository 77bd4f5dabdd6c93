//! What this user may do, as the API server says.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::finding::{Finding, Level};
use crate::api::GROUP;
use crate::cli::error::CliError;
use crate::cli::session::Session;

const CHECK: &str = "access";

/// One right: verb and resource.
type Right = (&'static str, &'static str);
/// What somebody does, the end of the name of the chart's role that gives it, and what it takes.
type Deed = (&'static str, &'static str, &'static [Right]);

/// What people do, with what it takes and the chart's role that gives it.
const DEEDS: [Deed; 5] = [
    (
        "look",
        "view",
        &[
            ("list", "rollbacks"),
            ("watch", "rollbacks"),
            ("get", "rollbackplans"),
            ("list", "operationrecords"),
            ("list", "identitycenterinstances"),
        ],
    ),
    ("ask for an undo", "edit", &[("create", "rollbacks"), ("patch", "rollbacks")]),
    ("plan without leaving anything", "edit", &[("create", "rollbacks"), ("delete", "rollbacks")]),
    ("approve", "approve", &[("approve", "rollbacks"), ("patch", "rollbacks")]),
    ("record operations", "record", &[("create", "operationrecords")]),
];

/// Asks the API server about all that the plugin does.
pub async fn findings(session: &Session) -> Result<Vec<Finding>, CliError> {
    let mut rights: Vec<Right> =
        DEEDS.iter().flat_map(|(_, _, needs)| needs.iter().copied()).collect();
    rights.sort_unstable();
    rights.dedup();
    let asked = rights
        .into_iter()
        .map(|right| async move { may(session, right).await.map(|allowed| (right, allowed)) });
    let answers = stream::iter(asked).buffered(4).try_collect().await?;
    Ok(judge(&answers, &session.namespace))
}

async fn may(session: &Session, (verb, resource): Right) -> Result<bool, CliError> {
    let cluster_wide = resource == "identitycenterinstances";
    let attributes = ResourceAttributes {
        group: Some(GROUP.to_owned()),
        resource: Some(resource.to_owned()),
        verb: Some(verb.to_owned()),
        namespace: (!cluster_wide).then(|| session.namespace.clone()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(session.client.clone());
    let doing = format!("ask whether you may {verb} {resource}");
    let answer = session.call(&doing, api.create(&PostParams::default(), &review)).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// One finding for each deed. Not to be allowed to look is wrong; the others are roles of their own,
/// which most people rightly lack.
fn judge(answers: &BTreeMap<Right, bool>, namespace: &str) -> Vec<Finding> {
    let judged = DEEDS.iter().map(|(deed, role, needs)| {
        let lacking: Vec<String> = needs
            .iter()
            .filter(|right| answers.get(*right) != Some(&true))
            .map(|(verb, resource)| format!("{verb} {resource}"))
            .collect();
        if lacking.is_empty() {
            return Finding::good(CHECK, format!("you may {deed} in namespace {namespace}"));
        }
        let level = if *role == "view" { Level::Wrong } else { Level::Note };
        Finding::of(
            level,
            CHECK,
            format!("you may not {deed} in namespace {namespace}: {}", lacking.join(", ")),
            format!("if you should, ask for the chart's ClusterRole that ends with -{role}"),
        )
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named_with_the_role_that_gives_it() {
        let all = DEEDS.iter().flat_map(|(_, _, needs)| needs.iter().copied());
        let mut answers: BTreeMap<Right, bool> = all.map(|right| (right, true)).collect();
        assert!(judge(&answers, "access").iter().all(|it| it.level == Level::Good));
        answers.insert(("approve", "rollbacks"), false);
        let found = judge(&answers, "access");
        let approve = found.iter().find(|it| it.level == Level::Note).unwrap();
        assert_eq!(approve.what, "you may not approve in namespace access: approve rollbacks");
        assert!(approve.remedy.ends_with("-approve"), "{approve:?}");
        answers.insert(("get", "rollbackplans"), false);
        assert_eq!(judge(&answers, "access")[0].level, Level::Wrong);
    }
}
