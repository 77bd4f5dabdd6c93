//! Whether a plan, and the ledger of what it does, fit into objects of Kubernetes. It is asked
//! before anything is written: a ledger that cannot be written after AWS was changed helps nobody.

use serde::Serialize;

use crate::api::RollbackPlanSpec;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::record::{MAX_DELETED_SETS, RecordRef};
use crate::engine::Journal;
use crate::engine::conclusion::{deleted_sets, keys};
use crate::model::{ActionKind, ActionState};

/// etcd takes objects of 1.5 MiB; outcomes split groups of keys further while it runs.
const LARGEST_LEDGER: usize = 700_000;
/// The rest is left for the shard's status.
const LARGEST_SHARD: usize = 1_000_000;

/// Why a plan whose shards do not fit is refused.
pub const SHARD_TOO_LARGE: &str = "a part of the plan would not fit into one object, because of the content of its permission sets: undo fewer records at once";

/// Why the plan cannot be kept, if so.
#[must_use]
pub fn excess(
    items: &[PlanItem],
    undone: &[RecordRef],
    shards: &[RollbackPlanSpec],
) -> Option<String> {
    let acts = || items.iter().enumerate().filter(|(_, item)| item.disposition == Disposition::Act);
    let deleted = acts().filter(|(_, item)| item.action == ActionKind::DeletePermissionSet).count();
    if deleted > MAX_DELETED_SETS {
        return Some(format!(
            "the plan deletes {deleted} permission sets and its ledger has room for {MAX_DELETED_SETS}: undo fewer records at once"
        ));
    }
    let mut done = Journal::fresh(items);
    acts().for_each(|(index, _)| done.set(index, ActionState::Verified));
    if bytes(&(keys(items, &done), deleted_sets(items, &done), undone)) > LARGEST_LEDGER {
        return Some("the ledger of this undo would not fit into one object, because its keys have so little in common or its permission sets so much content: undo fewer records at once".to_owned());
    }
    shards.iter().any(|shard| bytes(shard) > LARGEST_SHARD).then(|| SHARD_TOO_LARGE.to_owned())
}

fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::plan::{ActionRecord, ITEMS_PER_SHARD};
    use crate::controller::run::LONGEST_REASON;
    use crate::engine::fixtures;
    use crate::model::PermissionSetContent;

    fn set_deletions(count: usize, policy: usize) -> Vec<PlanItem> {
        (0..count)
            .map(|index| PlanItem {
                permission_set: format!(
                    "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-{index:016}"
                )
                .parse()
                .unwrap(),
                content: Some(PermissionSetContent {
                    inline_policy: Some("x".repeat(policy)),
                    ..PermissionSetContent::default()
                }),
                ..fixtures::set_deletion()
            })
            .collect()
    }

    fn shard(items: Vec<PlanItem>) -> RollbackPlanSpec {
        RollbackPlanSpec {
            rollback: "undo".to_owned(),
            rollback_uid: "1".to_owned(),
            instance_arn: "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7".parse().unwrap(),
            attempt: 1,
            digest: String::new(),
            shard: 0,
            items,
        }
    }

    #[test]
    fn more_sets_than_a_ledger_has_room_for_are_refused() {
        assert_eq!(excess(&set_deletions(100, 0), &[], &[]), None);
        let message = excess(&set_deletions(101, 0), &[], &[]).unwrap();
        assert!(message.contains("101 permission sets"), "{message}");
        let mut blocked = set_deletions(101, 0);
        blocked[0].disposition = Disposition::Blocked;
        assert_eq!(excess(&blocked, &[], &[]), None, "only what is deleted is saved");
    }

    #[test]
    fn the_content_of_deleted_sets_counts() {
        assert_eq!(excess(&set_deletions(20, 30_000), &[], &[]), None);
        let message = excess(&set_deletions(30, 30_000), &[], &[]).unwrap();
        assert!(message.contains("the ledger"), "{message}");
    }

    #[test]
    fn a_shard_that_no_object_can_hold_is_refused() {
        let items = set_deletions(30, 30_000);
        assert_eq!(excess(&[], &[], &[shard(items.clone())]), None);
        let twice = [items.clone(), items].concat();
        assert_eq!(excess(&[], &[], &[shard(twice)]).as_deref(), Some(SHARD_TOO_LARGE));
    }

    #[test]
    fn the_account_of_a_thousand_failures_fits_beside_the_items() {
        let time = "2026-11-23T20:50:11.234159123Z".parse().ok();
        let action = ActionRecord {
            request_id: "6a1f0d6e-8b1c-4a7e-9a57-000000000042".parse().ok(),
            attempts: 3,
            requested_at: time,
            ended_at: time,
            verified_at: time,
            reason: Some("x".repeat(LONGEST_REASON)),
            ..ActionRecord::of(19_999)
        };
        let most = 1_500_000 - LARGEST_SHARD;
        assert!(bytes(&vec![action; ITEMS_PER_SHARD]) <= most);
    }
}
