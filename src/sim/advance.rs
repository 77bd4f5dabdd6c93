//! What happens by itself: requests have their effects and end, roles go.

use jiff::Timestamp;

use super::agenda::Event;
use super::assignments::Place;
use super::failures::{self, FailureKind};
use super::instance::{Instance, Provisioned};
use super::organization::{AccountStatus, Organization};
use super::requests::{AsyncRequest, Kind, Status, Subject};
use super::settings::{MissingPrincipal, Settings};
use super::time::later;
use super::world::World;
use crate::model::{AccountId, AssignmentKey, InstanceArn, PermissionSetArn, RequestId};

impl World {
    /// Lets everything happen that is due by `now`, each thing at its own time.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.agenda.due(now) {
            match event {
                Event::Apply(arn, kind, id) => self.apply(at, &arn, kind, &id),
                Event::End(arn, kind, id) => {
                    if let Some(instance) = self.instances.get_mut(&arn) {
                        instance.requests.end(kind, &id, at);
                        let forgotten = later(at, self.settings.status_retention.0);
                        self.agenda.add(forgotten, Event::Forget(arn, kind, id));
                    }
                }
                Event::Forget(arn, kind, id) => {
                    if let Some(instance) = self.instances.get_mut(&arn) {
                        instance.requests.forget(kind, &id);
                    }
                }
                Event::RemoveRole(arn, place) => {
                    if let Some(instance) = self.instances.get_mut(&arn)
                        && instance.is_role_unused(&place)
                    {
                        instance.provisioned.remove(&place);
                    }
                }
            }
        }
    }

    /// A request has its effect, or does not; its status will show which.
    fn apply(&mut self, now: Timestamp, arn: &InstanceArn, kind: Kind, id: &RequestId) {
        let Some(instance) = self.instances.get_mut(arn) else { return };
        let Some(request) = instance.requests.get(kind, id).cloned() else { return };
        let injected = request.failure.as_ref().map(|failure| {
            let like = |kind: FailureKind| {
                kind.text(&request.subject, &instance.directory.id, &request.caller)
            };
            let reason = failure.reason.clone().or_else(|| failure.like.map(like));
            (failure.applied, Status::Failed(reason.unwrap_or_default()))
        });
        let outcome = match injected {
            Some((false, failed)) => failed,
            other => {
                let outcome = match &request.subject {
                    Subject::Assignment(key) => self.apply_assignment(now, arn, &request, key),
                    Subject::Provisioning(set, account) => {
                        provision(instance, &self.organization, &request, set, account.as_ref())
                    }
                };
                other.map_or(outcome, |(_, failed)| failed)
            }
        };
        let request = self.instances.get_mut(arn).and_then(|at| at.requests.get_mut(kind, id));
        if let Some(request) = request {
            request.outcome = Some(outcome);
        }
    }

    fn apply_assignment(
        &mut self,
        now: Timestamp,
        arn: &InstanceArn,
        request: &AsyncRequest,
        key: &AssignmentKey,
    ) -> Status {
        let Some(instance) = self.instances.get(arn) else { return Status::Succeeded };
        if let Some(reason) = refusal(instance, &self.organization, &self.settings, request, key) {
            return Status::Failed(reason);
        }
        self.change(now, arn, key, request.kind == Kind::Create, true);
        Status::Succeeded
    }

    /// Makes an assignment present or absent at once. True if that changed anything.
    pub(super) fn change(
        &mut self,
        now: Timestamp,
        arn: &InstanceArn,
        key: &AssignmentKey,
        present: bool,
        counted: bool,
    ) -> bool {
        let Some(instance) = self.instances.get_mut(arn) else { return false };
        let seen = later(now, self.random.up_to(self.settings.lag.0));
        let changed = if present {
            instance.grant(key, now, seen, self.random.hex(16))
        } else {
            instance.assignments.set(key, false, now, seen)
        };
        let place: Place = (key.account.clone(), key.permission_set.clone());
        if instance.is_role_unused(&place) {
            let gone = later(now, self.random.latency(&self.settings.latency.deprovision));
            if gone <= now {
                instance.provisioned.remove(&place);
            } else {
                self.agenda.add(gone, Event::RemoveRole(arn.clone(), place));
            }
        }
        if changed && counted {
            self.counters.effect(&key_text(key));
        }
        changed
    }
}

/// A key as the counters name it.
pub(super) fn key_text(key: &AssignmentKey) -> String {
    let AssignmentKey { account, permission_set, principal } = key;
    format!("{account} {permission_set} {principal}")
}

/// Why an accepted change of an assignment does not come about.
fn refusal(
    instance: &Instance,
    organization: &Organization,
    settings: &Settings,
    request: &AsyncRequest,
    key: &AssignmentKey,
) -> Option<String> {
    let creates = request.kind == Kind::Create;
    if !creates && !instance.assignments.contains(key) {
        return Some(failures::assignment_missing(key));
    }
    if is_closed(organization, &key.account) {
        return Some(failures::account_not_ready(&key.account));
    }
    let strict = creates || settings.delete_for_missing_principal == MissingPrincipal::Fail;
    if strict && !instance.directory.has(&key.principal) {
        return Some(failures::principal_missing(&key.principal, &instance.directory.id));
    }
    if !creates {
        return None;
    }
    role_refusal(instance, organization, request, &key.permission_set, &key.account)
}

/// Why a role cannot be made or changed in an account.
fn role_refusal(
    instance: &Instance,
    organization: &Organization,
    request: &AsyncRequest,
    set: &PermissionSetArn,
    account: &AccountId,
) -> Option<String> {
    if *account == organization.management && !request.iam_in_management_account {
        return Some(failures::access_denied_by_iam(&request.caller));
    }
    let policies = &organization.accounts.get(account)?.policies;
    let content = &instance.sets.get(set)?.content;
    let missing = content.needs().find(|policy| !policies.contains(policy))?;
    Some(failures::policy_missing(&missing.name))
}

fn is_closed(organization: &Organization, account: &AccountId) -> bool {
    organization
        .accounts
        .get(account)
        .is_some_and(|account| account.status != AccountStatus::Active)
}

/// Brings the roles of a permission set up to date.
fn provision(
    instance: &mut Instance,
    organization: &Organization,
    request: &AsyncRequest,
    set: &PermissionSetArn,
    account: Option<&AccountId>,
) -> Status {
    let version = instance.sets.get(set).map_or(0, |set| set.version);
    let accounts: Vec<AccountId> = match account {
        Some(account) => vec![account.clone()],
        None => instance
            .provisioned
            .keys()
            .filter(|(_, provisioned)| provisioned == set)
            .map(|(account, _)| account.clone())
            .collect(),
    };
    for account in accounts {
        if is_closed(organization, &account) {
            return Status::Failed(failures::account_not_ready(&account));
        }
        if let Some(reason) = role_refusal(instance, organization, request, set, &account) {
            return Status::Failed(reason);
        }
        if let Some(provisioned) = instance.provisioned.get_mut(&(account, set.clone())) {
            *provisioned = Provisioned { version, ..provisioned.clone() };
        }
    }
    Status::Succeeded
}
