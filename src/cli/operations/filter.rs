//! Which records are listed.

use jiff::Timestamp;

use crate::api::{OperationRecord, Reason};
use crate::model::{AccountId, OperationType};

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
    /// An account in which something was changed.
    pub account: Option<AccountId>,
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
        let ledger = spec.rollback.iter().flat_map(|ledger| &ledger.keys);
        (self.types.is_empty() || self.types.contains(&spec.operation_type))
            && self.since.is_none_or(|since| spec.occurred_at >= since)
            && self.until.is_none_or(|until| spec.occurred_at <= until)
            && self.source.as_ref().is_none_or(|tool| spec.source.tool == *tool)
            && self.rolled_back.is_none_or(|wanted| is_rolled_back(record) == wanted)
            && self
                .actor
                .as_ref()
                .is_none_or(|part| spec.actor.as_ref().is_some_and(|actor| contains(actor, part)))
            && self.principal.as_ref().is_none_or(|part| {
                let changed = spec.changes.iter().map(|change| &change.principal);
                let mut all =
                    changed.chain(ledger.clone().filter_map(|keys| keys.principal.as_ref()));
                all.any(|principal| {
                    principal.id.as_str().eq_ignore_ascii_case(part)
                        || principal.name.as_ref().is_some_and(|name| contains(name, part))
                })
            })
            && self.account.as_ref().is_none_or(|account| {
                let changed = spec.changes.iter().flat_map(|change| &change.accounts);
                changed.chain(ledger.clone().flat_map(|keys| &keys.accounts)).any(|a| a == account)
            })
            && self.permission_set.as_ref().is_none_or(|part| {
                let made = spec.created_permission_set.as_ref();
                let names = spec.changes.iter().filter_map(|c| c.permission_set_name.as_deref());
                let arns = spec.changes.iter().map(|change| &change.permission_set);
                let arns =
                    arns.chain(made.map(|set| &set.arn)).chain(ledger.map(|k| &k.permission_set));
                names.chain(made.map(|set| set.name.as_str())).any(|name| contains(name, part))
                    || arns.into_iter().any(|arn| arn.as_str().to_lowercase().ends_with(part))
            })
    }
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
        assert!(fits(|f| f.account = "061836611202".parse().ok()));
        assert!(!fits(|f| f.account = "061836611203".parse().ok()));
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
