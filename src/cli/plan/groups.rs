//! The items of a plan, grouped as people think of them: by principal, then by what happens to it.

use std::collections::HashMap;

use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::NamedPrincipal;
use crate::model::{AccountId, ActionKind, BlockedReason, Grade, PermissionSetArn, PrincipalId};

/// All that happens to one principal; or, without one, to permission sets themselves.
#[derive(Debug, PartialEq)]
pub struct Group<'a> {
    /// Whose access.
    pub principal: Option<&'a NamedPrincipal>,
    /// What happens: first what is done, then what cannot be; by permission set, then by account, in
    /// the order of names.
    pub parts: Vec<Part<'a>>,
}

/// The same thing for one permission set in some accounts.
#[derive(Debug, PartialEq)]
pub struct Part<'a> {
    /// An item that stands for all of them.
    pub item: &'a PlanItem,
    /// The accounts with their names, in the order of both; none for a permission set itself.
    pub accounts: Vec<(&'a AccountId, Option<&'a str>)>,
}

#[derive(PartialEq, Eq, Hash)]
struct PartKey<'a> {
    group: usize,
    permission_set: &'a PermissionSetArn,
    disposition: Disposition,
    action: ActionKind,
    grade: Grade,
    message: Option<&'a str>,
    blocked: Option<BlockedReason>,
    kept_for: Option<&'a str>,
    effect: Option<(i32, i32, Vec<&'a PrincipalId>)>,
}

/// Groups items: users and groups by name, those without a name by id, then permission sets.
#[must_use]
pub fn group(items: &[PlanItem]) -> Vec<Group<'_>> {
    let mut groups = Vec::<Group<'_>>::new();
    let mut group_of = HashMap::new();
    let mut part_of = HashMap::new();
    for item in items {
        let identity = item.principal.as_ref().map(|principal| (principal.kind, &principal.id));
        let index = *group_of.entry(identity).or_insert_with(|| {
            groups.push(Group { principal: item.principal.as_ref(), parts: Vec::new() });
            groups.len() - 1
        });
        let Some(group) = groups.get_mut(index) else { continue };
        let key = PartKey {
            group: index,
            permission_set: &item.permission_set,
            disposition: item.disposition,
            action: item.action,
            grade: item.grade,
            message: item.message.as_deref(),
            blocked: item.blocked,
            kept_for: item.kept_for.as_deref(),
            effect: item.effect.as_ref().filter(|effect| effect.unchanged > 0).map(|effect| {
                let through = effect.through.iter().map(|principal| &principal.id).collect();
                (effect.people, effect.unchanged, through)
            }),
        };
        let part = *part_of.entry(key).or_insert_with(|| {
            group.parts.push(Part { item, accounts: Vec::new() });
            group.parts.len() - 1
        });
        if let Some(part) = group.parts.get_mut(part) {
            let name = item.account_name.as_deref();
            part.accounts.extend(item.account.as_ref().map(|account| (account, name)));
        }
    }
    for group in &mut groups {
        for part in &mut group.parts {
            part.accounts.sort_by_key(|(id, name)| (name.is_none(), *name, *id));
        }
        group.parts.sort_by_key(|part| {
            let set = part.item.permission_set_name.as_deref();
            let account = part.accounts.first().map(|(id, name)| (name.is_none(), *name, *id));
            (part.item.disposition.rank(), set.is_none(), set, &part.item.permission_set, account)
        });
    }
    groups.sort_by_key(|group| {
        let name = group.principal.and_then(|principal| principal.name.as_deref());
        let id = group.principal.map(|principal| &principal.id);
        (id.is_none(), name.is_none(), name, id)
    });
    groups
}
