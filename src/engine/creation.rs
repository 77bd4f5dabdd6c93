//! Permission sets that are created in place of deleted ones.
//!
//! AWS takes no client token, but a name only once, and so a creation whose answer was lost is found
//! again: by its name, and by a tag that says whose it is.

use super::journal::Journal;
use crate::api::plan::PlanItem;
use crate::api::record::CreatedPermissionSet;
use crate::api::rollback_status::Replacement;
use crate::model::{ActionKind, ActionState, PermissionSetArn, PermissionSetContent};

/// The key of the tag on every permission set that a Rollback created.
const TAG: &str = "identitycenter.dev/rollback";

/// The tag of what a Rollback creates, as `key=value`. All its attempts have the same one: a later
/// attempt completes what an earlier one left.
#[must_use]
pub fn tag(rollback_uid: &str) -> String {
    format!("{TAG}={rollback_uid}")
}

/// The content that a permission set is created with: what was saved, and the tag in place of one of
/// an earlier creation.
#[must_use]
pub fn content(saved: &PermissionSetContent, tag: &str) -> PermissionSetContent {
    let earlier = format!("{TAG}=");
    let mut content = saved.clone();
    content.tags.retain(|tag| !tag.starts_with(&earlier));
    content.tags.push(tag.to_owned());
    content.tags.sort();
    content
}

/// The items through the permission sets that were created for them.
#[must_use]
pub fn in_place(items: &[PlanItem], created: &[Replacement]) -> Vec<PlanItem> {
    let current = |set: &PermissionSetArn| {
        created
            .iter()
            .find(|it| it.replaces == *set)
            .map_or_else(|| set.clone(), |it| it.arn.clone())
    };
    items
        .iter()
        .map(|item| PlanItem { permission_set: current(&item.permission_set), ..item.clone() })
        .collect()
}

/// What a ledger says about the permission sets that were created. Those that were not read back
/// are there, too.
#[must_use]
pub fn created_sets(
    items: &[PlanItem],
    journal: &Journal,
    created: &[Replacement],
    tag: &str,
) -> Vec<CreatedPermissionSet> {
    let is_made = |state| !matches!(state, ActionState::Planned | ActionState::Blocked);
    items
        .iter()
        .enumerate()
        .filter(|(index, item)| {
            item.action == ActionKind::CreatePermissionSet && is_made(journal.state(*index))
        })
        .filter_map(|(_, item)| {
            let made = created.iter().find(|it| it.arn == item.permission_set)?;
            Some(CreatedPermissionSet {
                arn: made.arn.clone(),
                name: item.permission_set_name.clone()?,
                source: None,
                content_digest: None,
                content: item.content.as_ref().map(|saved| content(saved, tag)),
                replaces: Some(made.replaces.clone()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;

    fn arn(number: usize) -> PermissionSetArn {
        format!("arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-{number:016}")
            .parse()
            .unwrap()
    }

    #[test]
    fn a_tag_of_an_earlier_creation_is_replaced() {
        let saved = PermissionSetContent {
            tags: vec![tag("earlier"), "team=a".to_owned()],
            ..PermissionSetContent::default()
        };
        let tags = content(&saved, &tag("uid")).tags;
        assert_eq!(tags, ["identitycenter.dev/rollback=uid", "team=a"]);
    }

    #[test]
    fn items_follow_the_permission_set_that_was_created_for_them() {
        let mut items = fixtures::deletes(2);
        items[0].permission_set = arn(1);
        let created = [Replacement { replaces: arn(1), arn: arn(2) }];
        let moved = in_place(&items, &created);
        assert_eq!(moved[0].permission_set, arn(2));
        assert_eq!(moved[1], items[1]);
        assert_eq!(in_place(&moved, &created), moved);
    }
}
