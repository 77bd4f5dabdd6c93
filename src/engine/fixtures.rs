//! Plans for tests.

use jiff::Timestamp;

use crate::api::instance::ApprovalPolicy;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::{Estimate, PlanStatus};
use crate::api::record::NamedPrincipal;
use crate::model::{ActionKind, Grade, Presence, PrincipalType};

/// One user's assignments of one set in accounts 1, 2, 3 …: all to be removed.
pub fn deletes(count: usize) -> Vec<PlanItem> {
    (0..count).map(|index| assignment(ActionKind::DeleteAssignment, index, 0)).collect()
}

/// One action on the assignment of user `user` in account `account`.
pub fn assignment(action: ActionKind, account: usize, user: usize) -> PlanItem {
    PlanItem {
        disposition: Disposition::Act,
        action,
        account: Some(format!("{:012}", account + 1).parse().unwrap()),
        principal: Some(NamedPrincipal {
            kind: PrincipalType::User,
            id: format!("00000000-0000-4000-8000-{user:012}").parse().unwrap(),
            name: None,
        }),
        permission_set: "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j"
            .parse()
            .unwrap(),
        account_name: None,
        permission_set_name: Some("ReadOnlyAccess".into()),
        live: action.goal().inverse(),
        grade: Grade::Exact,
        assumed: false,
        message: None,
        blocked: None,
        kept_for: None,
        content: None,
        gives: None,
        effect: None,
    }
}

/// The deletion of the set that the assignments above are of.
pub fn set_deletion() -> PlanItem {
    PlanItem {
        action: ActionKind::DeletePermissionSet,
        account: None,
        principal: None,
        live: Presence::Present,
        ..assignment(ActionKind::DeleteAssignment, 0, 0)
    }
}

/// The status of a plan of three exact actions.
pub fn plan_status() -> PlanStatus {
    PlanStatus {
        digest: format!("sha256:{}", "0".repeat(64)),
        created_at: Timestamp::UNIX_EPOCH,
        observed_at: None,
        policy: ApprovalPolicy::Always,
        grade: Grade::Exact,
        actions: 3,
        kept: 0,
        already_so: 0,
        blocked: 0,
        gives_access: false,
        not_before: None,
        deadline: None,
        assumed: false,
        shards: Vec::new(),
        warnings: Vec::new(),
        authors: Vec::new(),
        approved_by: None,
        refusals: Vec::new(),
        accepted: Vec::new(),
        people: None,
        estimate: Estimate::default(),
    }
}
