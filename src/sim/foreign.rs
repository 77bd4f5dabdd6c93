//! Changes that somebody else makes, at once and outside the API: what drift tests need.

use jiff::Timestamp;
use serde::Deserialize;

use super::organization::AccountStatus;
use super::seed::AssignmentSeed;
use super::world::World;
use crate::model::{AccountId, AssignmentKey, InstanceArn};

/// What to change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ForeignChange {
    /// In which instance: the only one if left out.
    pub instance: Option<InstanceArn>,
    /// Assignments to make.
    pub grant: Vec<AssignmentSeed>,
    /// Assignments to remove.
    pub revoke: Vec<AssignmentSeed>,
    /// Accounts to suspend.
    pub suspend: Vec<AccountId>,
    /// Accounts to open again.
    pub reopen: Vec<AccountId>,
}

/// Why a foreign change cannot be made. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ChangeError(String);

impl World {
    /// Makes a foreign change: all of it or nothing. Gives back how many assignments changed.
    pub fn change_from_outside(
        &mut self,
        now: Timestamp,
        change: &ForeignChange,
    ) -> Result<usize, ChangeError> {
        self.advance(now);
        let mut instances = self.instances.values();
        let instance = match (&change.instance, instances.next(), instances.next()) {
            (Some(arn), ..) => self.instances.get(arn),
            (None, only, None) => only,
            (None, ..) => None,
        };
        let instance = instance
            .ok_or_else(|| ChangeError("name one of the instances in `instance`".to_owned()))?;
        let arn = instance.arn.clone();
        let keys = |rows: &[AssignmentSeed], place: &str| {
            let mut keys: Vec<AssignmentKey> = Vec::new();
            for row in rows {
                let found = instance.keys(&self.organization, row, place);
                keys.extend(found.map_err(|error| ChangeError(error.to_string()))?);
            }
            Ok(keys)
        };
        let granted = keys(&change.grant, "grant")?;
        let revoked = keys(&change.revoke, "revoke")?;
        for id in change.suspend.iter().chain(&change.reopen) {
            if !self.organization.accounts.contains_key(id) {
                return Err(ChangeError(format!("there is no account {id}")));
            }
        }
        let mut changed = 0;
        for key in &granted {
            changed += usize::from(self.change(now, &arn, key, true, false));
        }
        for key in &revoked {
            changed += usize::from(self.change(now, &arn, key, false, false));
        }
        for (ids, status) in
            [(&change.suspend, AccountStatus::Suspended), (&change.reopen, AccountStatus::Active)]
        {
            for id in ids {
                if let Some(account) = self.organization.accounts.get_mut(id) {
                    account.status = status;
                }
            }
        }
        Ok(changed)
    }
}
