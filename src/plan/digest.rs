//! Digests of records, of the content of permission sets, and of whole plans.
//!
//! They cover meaning, not wording: names for people and messages may change, and the same records
//! in another order give the same digest.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::request::Intent;
use crate::api::OperationRecordSpec;
use crate::api::instance::{ApprovalPolicy, Policy};
use crate::api::names::hex;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::PlanRefusal;
use crate::api::record::{PermissionSetContent, RecordRef, Source};
use crate::model::{
    AccountId, ActionKind, BlockedReason, Grade, InstanceArn, PermissionSetArn, Presence,
    PrincipalId, PrincipalType,
};

/// Longest session of a permission set that names none.
const DEFAULT_SESSION: &str = "PT1H";

/// Digest of what a record says.
///
/// Who created the object is not part of it: the same record imported again by somebody else is
/// the same record.
#[must_use]
pub fn record_digest(spec: &OperationRecordSpec) -> String {
    let mut digest = Running::default();
    digest.add(&OperationRecordSpec { recorded_by: None, ..spec.clone() });
    digest.finish()
}

/// Digest of everything that makes up a permission set.
///
/// Lists count as sets, policy documents by what they say rather than how they are laid out, and
/// a session without a length lasts [one hour](https://docs.aws.amazon.com/singlesignon/latest/userguide/howtosessionduration.html).
#[must_use]
pub fn content_digest(content: &PermissionSetContent) -> String {
    let mut digest = Running::default();
    digest.add(&normalized(content));
    digest.finish()
}

/// Digest of the access that a permission set gives, whatever it is described and tagged as.
pub(super) fn access_digest(content: &PermissionSetContent) -> String {
    content_digest(&access(content))
}

/// Whether two permission sets give the same access, whatever they are described and tagged as.
pub(super) fn same_access(one: &PermissionSetContent, other: &PermissionSetContent) -> bool {
    access(one) == access(other)
}

fn access(content: &PermissionSetContent) -> PermissionSetContent {
    PermissionSetContent {
        description: None,
        relay_state: None,
        tags: Vec::new(),
        ..normalized(content)
    }
}

fn normalized(content: &PermissionSetContent) -> PermissionSetContent {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list.dedup();
        list
    };
    PermissionSetContent {
        description: filled(&content.description),
        session_duration: filled(&content.session_duration)
            .or_else(|| Some(DEFAULT_SESSION.to_owned())),
        relay_state: filled(&content.relay_state),
        inline_policy: filled(&content.inline_policy).map(|policy| {
            serde_json::from_str(&policy).map_or(policy, |value: Value| {
                let mut text = String::new();
                write_canonical(&value, &mut text);
                text
            })
        }),
        managed_policies: sorted(&content.managed_policies),
        customer_managed_policies: sorted(&content.customer_managed_policies),
        permissions_boundary: filled(&content.permissions_boundary),
        tags: sorted(&content.tags),
    }
}

/// JSON without white space and with sorted members.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(element, text);
            }
            text.push(']');
        }
        simple => text.push_str(&simple.to_string()),
    }
}

#[derive(Serialize)]
struct Frame<'a> {
    instance: &'a InstanceArn,
    intent: &'a Intent,
    approval: ApprovalPolicy,
    protected_sets: Vec<&'a PermissionSetArn>,
    protected_accounts: Vec<&'a AccountId>,
    protected_principals: Vec<&'a PrincipalId>,
    administrative_sets: Vec<&'a PermissionSetArn>,
    max_actions: Option<i32>,
    plan_ttl: Option<&'a str>,
    records: Vec<(&'a Source, &'a str)>,
    refusals: Vec<&'a str>,
}

#[derive(Serialize)]
struct ItemMeaning<'a> {
    disposition: Disposition,
    action: ActionKind,
    account: Option<&'a AccountId>,
    principal: Option<(PrincipalType, &'a PrincipalId)>,
    permission_set: &'a PermissionSetArn,
    live: Presence,
    grade: Grade,
    assumed: bool,
    blocked: Option<BlockedReason>,
    kept_for: Option<&'a str>,
    content: Option<String>,
    gives: Option<&'a str>,
}

/// Digest of a plan: its items in order, what the policy refuses of it, the records, the instance, the
/// policy and the intent. What it means for people is told beside it: memberships change at any time.
pub(super) fn plan_digest(
    items: &[PlanItem],
    refusals: &[PlanRefusal],
    records: &[RecordRef],
    instance: &InstanceArn,
    policy: &Policy,
    intent: &Intent,
) -> String {
    let mut digest = Running::default();
    digest.add(&Frame {
        instance,
        intent,
        approval: policy.approval,
        protected_sets: sorted(&policy.protected.permission_sets),
        protected_accounts: sorted(&policy.protected.accounts),
        protected_principals: sorted(&policy.protected.principals),
        administrative_sets: sorted(&policy.administrative_sets),
        max_actions: policy.max_actions,
        plan_ttl: policy.plan_ttl.as_deref(),
        records: records.iter().map(|record| (&record.source, record.digest.as_str())).collect(),
        refusals: refusals.iter().map(|refusal| refusal.accept.as_str()).collect(),
    });
    for item in items {
        digest.add(&ItemMeaning {
            disposition: item.disposition,
            action: item.action,
            account: item.account.as_ref(),
            principal: item.principal.as_ref().map(|principal| (principal.kind, &principal.id)),
            permission_set: &item.permission_set,
            live: item.live,
            grade: item.grade,
            assumed: item.assumed,
            blocked: item.blocked,
            kept_for: item.kept_for.as_deref(),
            content: item.content.as_ref().map(content_digest),
            gives: item.gives.as_deref(),
        });
    }
    digest.finish()
}

fn sorted<T: Ord>(list: &[T]) -> Vec<&T> {
    let mut list: Vec<&T> = list.iter().collect();
    list.sort();
    list.dedup();
    list
}

/// A hash over one JSON text a line; the members of a struct come in the order of its fields.
#[derive(Default)]
struct Running {
    hash: Sha256,
    line: Vec<u8>,
}

impl Running {
    fn add(&mut self, value: &impl Serialize) {
        self.line.clear();
        // Only a map with other keys than strings can fail, and none of these types holds one.
        if let Err(error) = serde_json::to_writer(&mut self.line, value) {
            self.line.extend_from_slice(error.to_string().as_bytes());
        }
        self.line.push(b'\n');
        self.hash.update(&self.line);
    }

    fn finish(self) -> String {
        format!("sha256:{}", hex(&self.hash.finalize()))
    }
}
