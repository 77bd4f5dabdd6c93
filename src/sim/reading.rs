//! What a call says about itself: who calls, which instance is meant, what it is about.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::AwsError;
use super::faults::Facts;
use super::input::Input;
use super::instance::Instance;
use super::log::LogEntry;
use super::operation::{self, Operation, Service};
use super::ops;
use super::organization::{Caller, Organization};
use super::requests::Kind;
use super::scope::access_denied;
use super::time::later;
use super::trail::Called;
use super::world::{Request, World};
use crate::model::{IdentityStoreId, InstanceArn, RequestId};

impl World {
    /// Who calls with this access key. Keys that the seed does not name belong to the management account.
    pub(super) fn caller(&self, access_key: Option<&str>) -> Caller {
        if let Some(caller) = access_key.and_then(|key| self.callers.get(key)) {
            return caller.clone();
        }
        let Organization { partition, management, .. } = &self.organization;
        Caller {
            account: management.clone(),
            arn: format!("arn:{partition}:iam::{management}:user/administrator"),
            denied: BTreeSet::new(),
            iam_in_management_account: true,
        }
    }

    /// The instance that a request names: by its ARN, by a tagged resource or by its identity store.
    pub(super) fn named_instance(
        &self,
        operation: &Operation,
        caller: &Caller,
        input: Input<'_>,
        region: Option<&str>,
    ) -> Result<InstanceArn, AwsError> {
        let in_region =
            |instance: &&Instance| region.is_none_or(|region| instance.region == region);
        if operation.service == Service::IdentityStore {
            let text = input.required_text("IdentityStoreId")?;
            let bare = serde_json::json!({"IdentityStoreId": text.rsplit('/').next()});
            let bare = bare.as_object().cloned().unwrap_or_default();
            let id: IdentityStoreId =
                Input(&bare).required_id("IdentityStoreId", IdentityStoreId::PATTERN)?;
            let found = self.instances.values().filter(in_region).find(|at| at.directory.id == id);
            return found.map(|instance| instance.arn.clone()).ok_or_else(|| {
                AwsError::not_found("IDENTITY_STORE not found.")
                    .with("ResourceType", "IDENTITY_STORE")
            });
        }
        let arn: InstanceArn = match input.text("ResourceArn")? {
            Some(resource) if input.text("InstanceArn")?.is_none() => {
                ops::tags::instance_of(resource)?
            }
            _ => input.required_id("InstanceArn", InstanceArn::PATTERN)?,
        };
        match self.instances.get(&arn).filter(in_region) {
            Some(instance) => Ok(instance.arn.clone()),
            // This operation's model has no ResourceNotFoundException.
            None if operation.name == "DescribeInstance" => {
                Err(access_denied(operation, caller, arn.as_str()))
            }
            None => Err(no_instance(&arn)),
        }
    }

    /// Counts a request against the quota that it shares; false if that is spent.
    pub(super) fn admit(&mut self, now: Timestamp, facts: &Facts) -> bool {
        let shared = match (facts.operation.service, &facts.instance) {
            (Service::SsoAdmin, Some(instance)) => instance.to_string(),
            (Service::SsoAdmin, None) => "no instance".to_owned(),
            (Service::IdentityStore, instance) => {
                let store = instance.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{store} {}", facts.operation.name)
            }
            // LookupEvents has a quota of its own.
            (Service::Organizations | Service::CloudTrail, _) => return true,
        };
        let limit = self.settings.limits.requests_per_second;
        self.windows.entry(shared).or_default().admit(now, limit)
    }

    /// What a call is about, as far as its body says or the request that it asks about knows.
    pub(super) fn facts(&self, operation: &'static Operation, input: Input<'_>) -> Facts {
        fn get<T: std::str::FromStr>(input: Input<'_>, member: &str) -> Option<T> {
            input.text(member).ok().flatten().and_then(|text| text.parse().ok())
        }
        let store: Option<IdentityStoreId> = get(input, "IdentityStoreId");
        let named: Option<InstanceArn> = get(input, "InstanceArn");
        let instance = self.instances.values().find(|instance| {
            Some(&instance.arn) == named.as_ref() || Some(&instance.directory.id) == store.as_ref()
        });
        let mut facts = Facts {
            operation,
            instance: instance.map(|instance| instance.arn.clone()),
            account: get(input, "TargetId").or_else(|| get(input, "AccountId")),
            principal: get(input, "PrincipalId")
                .or_else(|| get(input, "UserId"))
                .or_else(|| get(input, "GroupId")),
            permission_set: get(input, "PermissionSetArn"),
        };
        for (kind, member) in [
            (Kind::Create, "AccountAssignmentCreationRequestId"),
            (Kind::Delete, "AccountAssignmentDeletionRequestId"),
            (Kind::Provision, "ProvisionPermissionSetRequestId"),
        ] {
            let asked: Option<RequestId> = get(input, member);
            let request = asked.and_then(|id| instance?.requests.get(kind, &id));
            if let Some(request) = request {
                request.subject.tell(&mut facts);
            }
        }
        facts
    }

    /// Writes a change down for `CloudTrail`.
    pub(super) fn write_down(
        &mut self,
        now: Timestamp,
        request: &Request<'_>,
        facts: &Facts,
        body: &Map<String, Value>,
        answer: &operation::Answer,
        request_id: &str,
    ) {
        let home = facts.instance.as_ref().and_then(|arn| self.instances.get(arn));
        let home = home.map(|instance| instance.region.clone());
        let called = Called {
            operation: facts.operation,
            body,
            answer,
            caller: &self.caller(request.access_key),
            access_key: request.access_key.unwrap_or("AKIAEXAMPLE"),
            region: home.as_deref().or(request.region).unwrap_or("us-east-1"),
            request_id,
            user_agent: request.user_agent,
        };
        let seen = later(now, self.random.latency(&self.settings.latency.trail));
        let id = self.random.uuid();
        self.trail.write(&called, now, seen, id);
    }

    /// Writes a call into the log.
    pub(super) fn note(
        &mut self,
        at: Timestamp,
        request: &Request<'_>,
        facts: &Facts,
        answer: &operation::Answer,
        request_id: Option<String>,
        reply_lost: bool,
    ) {
        let parts = [
            facts.account.as_ref().map(ToString::to_string),
            facts.permission_set.as_ref().map(|set| set.short_id().to_owned()),
            facts.principal.as_ref().map(ToString::to_string),
        ];
        let outcome = match answer {
            Ok(_) => "ok".to_owned(),
            Err(error) => format!("{}: {}", error.code, error.message),
        };
        self.log.push(LogEntry {
            at,
            operation: facts.operation.name.to_owned(),
            access_key: request.access_key.map(ToOwned::to_owned),
            key: parts.into_iter().flatten().collect::<Vec<_>>().join(" "),
            outcome,
            request_id,
            reply_lost,
        });
    }
}

/// The refusal of an ARN that no instance has, or none in this region.
pub(super) fn no_instance(arn: &InstanceArn) -> AwsError {
    let id = arn.as_str().rsplit('/').next().unwrap_or_default();
    AwsError::not_found(format!("Could not find Instance with id {id}"))
}
