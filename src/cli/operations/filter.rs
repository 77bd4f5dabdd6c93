//! Which records are listed.

use jiff::Timestamp;

use crate::api::record::NamedPrincipal;
use crate::api::{OperationRecord, OperationRecordSpec, Reason};
use crate::model::{AccountId, OperationType, PermissionSetArn};

/// Criteria; all that are given must fit. Texts are in lower case.
#[derive(Debug, Default)]
pub struct Filter {
    /// Any of these types; all if empty.
    pub types: Vec<OperationType>,
    /// A part of the actor's name.
    pub actor: Option<String>,
    /// A principal's id or a part of its name.
    pub principal: Option<String>,
    /// A permission set's ARN, its end, or a part of its name.
    pub permission_set: Option<String>,
    /// Accounts in any of which something was changed; all if empty.
    pub accounts: Vec<AccountId>,
    /// The tool that kept the original.
    pub source: Option<String>,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Not after this time.
    pub until: Option<Timestamp>,
    /// Whether it is rolled back.
    pub rolled_back: Option<bool>,
}

impl Filter {
    /// Whether a record fits.
    #[must_use]
    pub fn fits(&self, record: &OperationRecord) -> bool {
        let spec = &record.spec;
        (self.types.is_empty() || self.types.contains(&spec.operation_type))
            && self.since.is_none_or(|since| spec.occurred_at >= since)
            && self.until.is_none_or(|until| spec.occurred_at <= until)
            && self.source.as_ref().is_none_or(|tool| spec.source.tool == *tool)
            && self.rolled_back.is_none_or(|wanted| is_rolled_back(record) == wanted)
            && (self.actor.is_none()
                || spec.actor.as_ref().is_some_and(|actor| self.fits_actor(actor)))
            && (self.principal.is_none() || principals(spec).any(|it| self.fits_principal(it)))
            && (self.permission_set.is_none()
                || sets(spec).any(|(arn, name)| self.fits_set(arn, name)))
            && (self.accounts.is_empty() || accounts(spec).any(|it| self.accounts.contains(it)))
    }

    /// Whether an actor is meant.
    #[must_use]
    pub fn fits_actor(&self, actor: &str) -> bool {
        self.actor.as_ref().is_none_or(|part| contains(actor, part))
    }

    /// Whether a user or group is meant.
    #[must_use]
    pub fn fits_principal(&self, principal: &NamedPrincipal) -> bool {
        self.principal.as_ref().is_none_or(|part| {
            principal.id.as_str().eq_ignore_ascii_case(part)
                || principal.name.as_ref().is_some_and(|name| contains(name, part))
        })
    }

    /// Whether a permission set is meant.
    #[must_use]
    pub fn fits_set(&self, arn: &PermissionSetArn, name: Option<&str>) -> bool {
        self.permission_set.as_ref().is_none_or(|part| {
            arn.as_str().to_lowercase().ends_with(part)
                || name.is_some_and(|name| contains(name, part))
        })
    }
}

/// The users and groups that a record is about.
pub fn principals(spec: &OperationRecordSpec) -> impl Iterator<Item = &NamedPrincipal> {
    let ledger = spec.rollback.iter().flat_map(|ledger| &ledger.keys);
    let changed = spec.changes.iter().map(|change| &change.principal);
    changed.chain(ledger.filter_map(|keys| keys.principal.as_ref()))
}

/// The permission sets that a record is about, with the names that it knows.
pub fn sets(spec: &OperationRecordSpec) -> impl Iterator<Item = (&PermissionSetArn, Option<&str>)> {
    let changed = spec
        .changes
        .iter()
        .map(|change| (&change.permission_set, change.permission_set_name.as_deref()));
    let made = spec.created_permission_set.iter().map(|set| (&set.arn, Some(set.name.as_str())));
    let ledger = spec.rollback.iter().flat_map(|ledger| &ledger.keys);
    changed.chain(made).chain(ledger.map(|keys| (&keys.permission_set, None)))
}

fn accounts(spec: &OperationRecordSpec) -> impl Iterator<Item = &AccountId> {
    let ledger = spec.rollback.iter().flat_map(|ledger| &ledger.keys);
    let changed = spec.changes.iter().flat_map(|change| &change.accounts);
    changed.chain(ledger.flat_map(|keys| &keys.accounts))
}

/// Whether no key of the record is open any more.
#[must_use]
pub fn is_rolled_back(record: &OperationRecord) -> bool {
    rolled_back(record) == Some(true)
}

/// What the condition `RolledBack` says, if it is there.
#[must_use]
pub fn rolled_back(record: &OperationRecord) -> Option<bool> {
    let conditions = &record.status.as_ref()?.conditions;
    let found = conditions.iter().find(|condition| condition.type_ == "RolledBack")?;
    // What was undone and put back is as if nothing had been undone.
    (found.reason != Reason::Redone.as_str()).then_some(found.status == "True")
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    fn fits(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = Filter::default();
        change(&mut filter);
        filter.fits(&fixtures::record())
    }

    #[test]
    fn each_criterion_takes_and_leaves() {
        assert!(fits(|_| ()));
        assert!(fits(|f| f.types = vec![OperationType::Assign, OperationType::Revoke]));
        assert!(!fits(|f| f.types = vec![OperationType::Revoke]));
        assert!(fits(|f| f.actor = Some("alic".into())));
        assert!(!fits(|f| f.actor = Some("bob".into())));
        assert!(fits(|f| f.principal = Some("john".into())));
        assert!(fits(|f| f.principal = Some("0f791059-3b41-4313-86da-59fa2cf217a7".into())));
        assert!(!fits(|f| f.principal = Some("jane".into())));
        assert!(fits(|f| f.permission_set = Some("readonly".into())));
        assert!(fits(|f| f.permission_set = Some("ps-64rrohtnuu77rp8j".into())));
        assert!(!fits(|f| f.permission_set = Some("admin".into())));
        assert!(fits(|f| f.accounts.extend("061836611202".parse())));
        assert!(!fits(|f| f.accounts.extend("061836611203".parse())));
        assert!(fits(|f| f.source = Some("awsideman".into())));
        assert!(!fits(|f| f.source = Some("cloudtrail".into())));
        assert!(fits(|f| f.since = "2026-11-23T20:50:11Z".parse().ok()));
        assert!(!fits(|f| f.since = "2026-11-23T20:50:12Z".parse().ok()));
        assert!(fits(|f| f.until = "2026-11-23T20:50:12Z".parse().ok()));
        assert!(!fits(|f| f.until = "2026-11-23T20:50:11Z".parse().ok()));
        assert!(fits(|f| f.rolled_back = Some(false)));
        assert!(!fits(|f| f.rolled_back = Some(true)));
    }
}
