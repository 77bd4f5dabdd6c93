//! What an operation works with, and who may do what.

use jiff::Timestamp;

use super::agenda::Agenda;
use super::counters::Counters;
use super::error::AwsError;
use super::faults::Injected;
use super::input::Input;
use super::instance::Instance;
use super::operation::{Operation, Service};
use super::organization::{Caller, Organization};
use super::permission_set::PermissionSet;
use super::random::Random;
use super::settings::Settings;
use super::world::World;
use crate::model::{AccountId, PermissionSetArn};

/// One call within one instance.
pub(super) struct Scope<'w> {
    pub now: Timestamp,
    pub operation: &'static Operation,
    pub input: Input<'w>,
    pub caller: &'w Caller,
    pub instance: &'w mut Instance,
    pub organization: &'w Organization,
    pub settings: &'w Settings,
    pub random: &'w mut Random,
    pub counters: &'w mut Counters,
    pub agenda: &'w mut Agenda,
    pub injected: &'w Injected,
    /// The id of this call, which is also that of the asynchronous request that it begins.
    pub request_id: &'w str,
}

/// One call over all instances.
pub(super) struct Global<'w> {
    pub now: Timestamp,
    pub world: &'w mut World,
    pub operation: &'static Operation,
    pub input: Input<'w>,
    pub caller: &'w Caller,
    pub region: Option<&'w str>,
}

impl Scope<'_> {
    /// The permission set that the request names.
    pub fn permission_set(&mut self) -> Result<&mut PermissionSet, AwsError> {
        let arn = self.permission_set_arn()?;
        self.instance.sets.get_mut(&arn).ok_or_else(|| no_permission_set(&arn))
    }

    /// The ARN of a permission set that exists.
    pub fn permission_set_arn(&self) -> Result<PermissionSetArn, AwsError> {
        let arn: PermissionSetArn =
            self.input.required_id("PermissionSetArn", PermissionSetArn::PATTERN)?;
        if self.instance.sets.contains_key(&arn) { Ok(arn) } else { Err(no_permission_set(&arn)) }
    }

    /// Refuses a delegated administrator where AWS does: the management account and every set
    /// that is provisioned there are the management account's own.
    pub fn refuse_delegate(&self, account: Option<&AccountId>) -> Result<(), AwsError> {
        let management = &self.organization.management;
        let is_delegate =
            self.caller.account != *management && self.caller.account != self.instance.owner;
        if is_delegate && account == Some(management) {
            let partition = &self.organization.partition;
            return Err(AwsError::new(
                "AccessDeniedException",
                format!(
                    "User: {} is not authorized to perform: sso:{} on resource: \
                     arn:{partition}:sso:::account/{management} with an explicit deny in a resource-based policy",
                    self.caller.arn, self.operation.name
                ),
            ));
        }
        Ok(())
    }

    /// The same for a change of a permission set.
    pub fn refuse_delegate_for(&self, set: &PermissionSetArn) -> Result<(), AwsError> {
        let management = &self.organization.management;
        let place = (management.clone(), set.clone());
        if self.instance.provisioned.contains_key(&place) {
            self.refuse_delegate(Some(management))?;
        }
        Ok(())
    }

    /// The permission set that the request changes.
    pub fn changed_permission_set(&mut self) -> Result<&mut PermissionSet, AwsError> {
        let arn = self.permission_set_arn()?;
        self.refuse_delegate_for(&arn)?;
        self.instance.sets.get_mut(&arn).ok_or_else(|| no_permission_set(&arn))
    }
}

fn no_permission_set(arn: &PermissionSetArn) -> AwsError {
    AwsError::not_found(format!("Could not find PermissionSet with id {}", arn.short_id()))
}

/// Whether a caller may use an operation at all: IAM first, then the instance's own rule that
/// only its owner, the management account and delegated administrators may call.
pub(super) fn authorize(
    operation: &Operation,
    caller: &Caller,
    organization: &Organization,
    instance: Option<&Instance>,
) -> Result<(), AwsError> {
    let action = format!("{}:{}", operation.service.iam_prefix(), operation.name);
    let belongs = instance.is_none_or(|instance| {
        caller.account == organization.management
            || caller.account == instance.owner
            || instance.delegated_administrators.contains(&caller.account)
    });
    if belongs && !caller.denied.contains(&action) {
        return Ok(());
    }
    let resource = match (operation.service, instance) {
        (Service::SsoAdmin, Some(instance)) => instance.arn.to_string(),
        (Service::IdentityStore, Some(instance)) => format!(
            "arn:{}:identitystore::{}:identitystore/{}",
            organization.partition, instance.owner, instance.directory.id
        ),
        _ => "*".to_owned(),
    };
    Err(access_denied(operation, caller, &resource))
}

/// The refusal of what no policy allows.
pub(super) fn access_denied(operation: &Operation, caller: &Caller, resource: &str) -> AwsError {
    let action = format!("{}:{}", operation.service.iam_prefix(), operation.name);
    AwsError::new(
        "AccessDeniedException",
        format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no \
             identity-based policy allows the {action} action",
            caller.arn
        ),
    )
}
