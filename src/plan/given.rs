//! What the permission sets give through which a plan restores access.
//!
//! A record says who had which set, not what the set was made of, and AWS does not tell when a set
//! was changed last. So what it gives now is read, shown and made part of what is approved: a change
//! between the plan and its execution makes the plan void.

use std::collections::BTreeMap;

use super::access::Access;
use super::catalogue::Catalogue;
use super::digest::{access_digest, same_access};
use super::items::Draft;
use super::warnings::listed;
use crate::api::plan::{Disposition, PlanItem};
use crate::model::{ActionKind, Grade, PermissionSetArn, PermissionSetContent, words};

/// So many permission sets are told of one by one.
const TOLD: usize = 5;

/// What a permission set gives, as far as it could be read: policies, boundary and session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// This.
    Content(PermissionSetContent),
    /// The operator may not read it, or there are too many.
    Unknown,
}

/// Notes on every restored assignment what its set gives, and lowers its grade where nobody knows.
pub(super) fn judge(drafts: &mut [Draft], access: &Access) {
    for item in drafts.iter_mut().map(|draft| &mut draft.item).filter(|item| restores(item)) {
        match access.given.get(&item.permission_set) {
            Some(Given::Content(content)) => item.gives = Some(access_digest(content)),
            Some(Given::Unknown) => {
                item.grade = item.grade.max(Grade::Assumed);
                item.assumed = true;
                let why = "what the permission set gives now could not be read";
                item.message = Some(match item.message.take() {
                    Some(message) => format!("{message}; {why}"),
                    None => why.to_owned(),
                });
            }
            // The plan creates it, and holds what it is made of.
            None => {}
        }
    }
}

/// What an approver should know about the sets through which access is restored.
pub(super) fn warnings(
    items: &[PlanItem],
    access: &Access,
    catalogue: &Catalogue<'_>,
) -> Vec<String> {
    let mut sets: BTreeMap<&PermissionSetArn, Option<&str>> = BTreeMap::new();
    for item in items.iter().filter(|item| restores(item)) {
        sets.insert(&item.permission_set, item.permission_set_name.as_deref());
    }
    let mut warnings = Vec::new();
    let (mut unknown, mut untold) = (Vec::new(), 0);
    for (set, name) in sets {
        let name = name.unwrap_or_else(|| set.as_str());
        match access.given.get(set) {
            Some(Given::Content(_)) if warnings.len() == TOLD => untold += 1,
            Some(Given::Content(content)) => {
                let since = match recorded(catalogue, set) {
                    Some(recorded) if same_access(recorded, content) => {
                        "as it did when it was created"
                    }
                    Some(_) => "which is not what it gave when it was created",
                    None => "and nobody recorded what it gave at the time of the operation",
                };
                warnings.push(format!(
                    "Restores access through {name}, which gives {}, {since}",
                    in_words(content)
                ));
            }
            Some(Given::Unknown) => unknown.push(name),
            None => {}
        }
    }
    if untold > 0 {
        let sets = words::count(untold, "more permission set");
        warnings.push(format!("Restores access through {sets}; see what they give in AWS"));
    }
    if !unknown.is_empty() {
        warnings.push(format!(
            "Assumed: restores access through {}, of which could not be read what it gives: {}",
            words::count(unknown.len(), "permission set"),
            listed(&unknown)
        ));
    }
    warnings
}

fn restores(item: &PlanItem) -> bool {
    item.disposition == Disposition::Act && item.action == ActionKind::CreateAssignment
}

/// What a set was made of, if a record tells.
fn recorded<'a>(
    catalogue: &'a Catalogue<'_>,
    set: &PermissionSetArn,
) -> Option<&'a PermissionSetContent> {
    let clones = catalogue.entries.iter();
    let mut clones = clones.filter_map(|listed| listed.record.spec.created_permission_set.as_ref());
    let created = clones.find(|created| created.arn == *set);
    created.or_else(|| catalogue.creation_in_place(set))?.content.as_ref()
}

fn in_words(content: &PermissionSetContent) -> String {
    let last = |policy: &String| policy.rsplit('/').next().unwrap_or_default().to_owned();
    let named = |what: &str, policies: Vec<String>| {
        let names: Vec<&str> = policies.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{what} {}", listed(&names)))
    };
    let policies = [
        named("AWS's", content.managed_policies.iter().map(last).collect()),
        named("your own", content.customer_managed_policies.clone()),
        content.inline_policy.as_ref().map(|_| "an inline policy".to_owned()),
    ];
    let policies: Vec<String> = policies.into_iter().flatten().collect();
    let policies =
        if policies.is_empty() { "no policy at all".to_owned() } else { policies.join(" and ") };
    match &content.permissions_boundary {
        Some(boundary) => format!("{policies} within the boundary {}", last(boundary)),
        None => policies,
    }
}
