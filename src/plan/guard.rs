//! What the instance's policy refuses: nothing of a plan is written until an approval accepts it.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, AdministrativeSets, Changes, Place};
use super::live::Live;
use super::replacements::Replacements;
use crate::api::instance::Policy;
use crate::api::plan::{Disposition, PlanItem};
use crate::api::plan_status::{GuardReason, PlanRefusal};
use crate::model::{AccountId, PermissionSetArn, PrincipalId};

/// The end of the ARN of AWS's policy that allows everything, in every partition
/// (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html>).
const ADMINISTRATOR_ACCESS: &str = ":iam::aws:policy/AdministratorAccess";

/// Whether a permission set counts as administrative by its AWS managed policies, where the policy
/// of the instance names none.
#[must_use]
pub fn gives_administrator_access(managed_policies: &[String]) -> bool {
    managed_policies.iter().any(|policy| policy.ends_with(ADMINISTRATOR_ACCESS))
}

/// What the policy refuses about these items, by reason and by what it is about.
pub(super) fn refusals(
    items: &[PlanItem],
    changes: &Changes,
    live: &Live,
    access: &Access,
    policy: &Policy,
    replacements: &Replacements,
) -> Vec<PlanRefusal> {
    let acting: Vec<&PlanItem> =
        items.iter().filter(|item| item.disposition == Disposition::Act).collect();
    let mut refusals = protected(&acting, policy, replacements);
    refusals.extend(own_access(changes, live, access));
    refusals.extend(administrators(changes, access));
    let allowed = policy.max_actions.and_then(|max| usize::try_from(max).ok());
    if let Some(max) = allowed.filter(|max| acting.len() > *max) {
        let actions = acting.len();
        refusals.push(refusal(
            GuardReason::TooManyActions,
            &actions.to_string(),
            format!(
                "the plan has {actions} actions and the instance's policy.maxActions allows {max}"
            ),
        ));
    }
    refusals.sort_by(|one, other| (one.reason, &one.accept).cmp(&(other.reason, &other.accept)));
    refusals
}

fn refusal(reason: GuardReason, about: &str, message: String) -> PlanRefusal {
    PlanRefusal { reason, accept: format!("{}/{about}", reason.as_str()), message }
}

/// One refusal for each protected thing that would change.
fn protected(
    acting: &[&PlanItem],
    policy: &Policy,
    replacements: &Replacements,
) -> Vec<PlanRefusal> {
    // A set that was created again in place of a protected one is protected too.
    let sets: BTreeSet<&PermissionSetArn> =
        policy.protected.permission_sets.iter().map(|set| replacements.current(set)).collect();
    let mut hits: BTreeMap<(GuardReason, String), usize> = BTreeMap::new();
    for item in acting {
        let mut hit = |reason, about: &str| {
            *hits.entry((reason, about.to_owned())).or_default() += 1;
        };
        if sets.contains(replacements.current(&item.permission_set)) {
            hit(GuardReason::ProtectedPermissionSet, item.permission_set.short_id());
        }
        if let Some(account) = &item.account
            && policy.protected.accounts.contains(account)
        {
            hit(GuardReason::ProtectedAccount, account.as_str());
        }
        if let Some(principal) = &item.principal
            && policy.protected.principals.contains(&principal.id)
        {
            hit(GuardReason::ProtectedPrincipal, principal.id.as_str());
        }
    }
    hits.into_iter()
        .map(|((reason, about), count)| {
            let thing = match reason {
                GuardReason::ProtectedAccount => "account",
                GuardReason::ProtectedPrincipal => "user or group",
                _ => "permission set",
            };
            let message = format!(
                "{count} actions of the plan change {thing} {about}, which the instance's policy protects"
            );
            refusal(reason, &about, message)
        })
        .collect()
}

fn own_access(changes: &Changes, live: &Live, access: &Access) -> Option<PlanRefusal> {
    let own = access.own.as_ref()?;
    let is_own_set = |set: &PermissionSetArn| {
        let name = live.permission_sets.get(set).and_then(|facts| facts.name.as_deref());
        // One whose name is not known may be it.
        name.is_none_or(|name| name == own.permission_set_name)
    };
    let is_own = |place: &&Place| place.0 == own.account && is_own_set(&place.1);
    let at = changes.places_of_removals().find(is_own)?;
    let taken = changes.removed_at(at).next()?;
    Some(refusal(
        GuardReason::OwnAccess,
        own.account.as_str(),
        format!(
            "the operator works with permission set {} in account {}, and the plan removes {} from it there",
            own.permission_set_name, own.account, taken
        ),
    ))
}

/// The accounts that the plan leaves without anybody who administers them.
fn administrators(changes: &Changes, access: &Access) -> Vec<PlanRefusal> {
    let mut refusals = Vec::new();
    let all = changes.beside(&access.being_removed);
    for (account, administrative) in &access.administrative {
        let touched = changes
            .places_of_removals()
            .any(|(at, set)| at == account && administrative.sets.contains(set));
        if !touched {
            continue;
        }
        let about = account.as_str();
        match left(account, administrative, &all, access) {
            Left::Somebody => {}
            Left::Nobody => refusals.push(refusal(
                GuardReason::LastAdministrator,
                about,
                format!(
                    "nobody who may sign in would be left to administer account {about}: the plan removes the last assignment of an administrative permission set there, counted as people{}{}",
                    others(account, access),
                    made(account, administrative, changes)
                ),
            )),
            Left::Unknown => refusals.push(refusal(
                GuardReason::AdministratorsUnknown,
                about,
                format!(
                    "whether anybody would be left to administer account {about} cannot be found out: let the operator list the assignments there, read the members of groups and describe users"
                ),
            )),
        }
    }
    refusals
}

/// Said where other Rollbacks are taking access to the account away.
fn others(account: &AccountId, access: &Access) -> &'static str {
    if access.being_removed.iter().any(|key| key.account == *account) {
        " and without those from whom other Rollbacks are taking it"
    } else {
        ""
    }
}

/// Said where the plan makes administrators in place of those whom it removes.
fn made(
    account: &AccountId,
    administrative: &AdministrativeSets,
    changes: &Changes,
) -> &'static str {
    let mut places = administrative.sets.iter().map(|set| (account.clone(), set.clone()));
    if places.any(|at| changes.makes_at(&at)) {
        ", and without those whom it makes, because AWS may refuse that (restore administrators first, by a Rollback of its own)"
    } else {
        ""
    }
}

/// Who administers an account whatever becomes of the plan.
enum Left {
    Somebody,
    Nobody,
    Unknown,
}

fn left(
    account: &AccountId,
    administrative: &AdministrativeSets,
    changes: &Changes,
    access: &Access,
) -> Left {
    let mut unknown = !administrative.complete;
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    for set in &administrative.sets {
        let at = (account.clone(), set.clone());
        let Some(holders) = access.holders.get(&at) else {
            unknown = true;
            continue;
        };
        let mut count = |principals: &BTreeSet<_>, people: &mut BTreeSet<PrincipalId>| {
            for principal in principals {
                match access.people(principal) {
                    Some(found) => people.extend(found),
                    None => unknown = true,
                }
            }
        };
        count(holders, &mut before);
        count(&changes.keepers(&at, holders), &mut after);
    }
    let enabled = |user: &PrincipalId| access.enabled.get(user).copied();
    if after.iter().any(|user| enabled(user) == Some(true)) {
        Left::Somebody
    } else if unknown || after.iter().any(|user| enabled(user).is_none()) {
        Left::Unknown
    } else if before.is_empty() {
        // It had none before either: an empty group is no administrator.
        Left::Somebody
    } else {
        Left::Nobody
    }
}
