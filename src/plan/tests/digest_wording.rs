//! The same plan in other words and in another order.

use super::digest_properties::{Meaning, toggle};
use crate::api::instance::{Policy, Protected};
use crate::api::plan::{AccessEffect, PlanItem};
use crate::api::plan_status::PlanRefusal;
use crate::api::record::{PermissionSetContent, RecordRef, Source};

/// Whatever is only for people's eyes. Every field is named, so that a further one has to be put on
/// one side or the other.
pub(super) fn reword(meaning: &mut Meaning) {
    let Meaning { items, refusals, records, instance: _, policy, intent: _ } = meaning;
    for item in items {
        let PlanItem {
            disposition: _,
            action: _,
            account: _,
            account_name,
            principal,
            permission_set: _,
            permission_set_name,
            live: _,
            grade: _,
            assumed: _,
            message,
            blocked: _,
            kept_for: _,
            content,
            gives: _,
            effect,
        } = item;
        toggle(account_name, "Payments".to_owned());
        toggle(permission_set_name, "Readers".to_owned());
        toggle(message, "other words".to_owned());
        toggle(effect, AccessEffect { people: 5, ..AccessEffect::default() });
        if let Some(principal) = principal {
            toggle(&mut principal.name, "alice".to_owned());
        }
        if let Some(content) = content {
            lay_out(content);
        }
    }
    for PlanRefusal { reason: _, accept: _, message } in refusals {
        message.push('!');
    }
    for RecordRef { name, source: Source { tool: _, id: _ }, digest: _ } in records {
        name.push('x');
    }
    let Policy {
        approval: _,
        protected: Protected { permission_sets, accounts, principals },
        administrative_sets,
        max_actions: _,
        plan_ttl: _,
        retention: _,
    } = policy;
    another_order(permission_sets);
    another_order(accounts);
    another_order(principals);
    another_order(administrative_sets);
}

/// The same elements in another order, one of them twice.
fn another_order<T: Clone>(list: &mut Vec<T>) {
    list.reverse();
    list.extend(list.first().cloned());
}

/// The same content as another tool would write it.
pub(super) fn lay_out(content: &mut PermissionSetContent) {
    if let Some(value) = content
        .inline_policy
        .as_deref()
        .and_then(|it| serde_json::from_str::<serde_json::Value>(it).ok())
    {
        content.inline_policy = serde_json::to_string_pretty(&value).ok();
    }
    content.description.get_or_insert_default();
    another_order(&mut content.managed_policies);
    another_order(&mut content.customer_managed_policies);
    another_order(&mut content.tags);
}
