//! `ListInstances` and `DescribeInstance`.

use serde_json::{Value, json};

use super::pager;
use crate::sim::instance::Instance;
use crate::sim::operation::Answer;
use crate::sim::scope::{Global, Scope};
use crate::sim::time::epoch_seconds;

/// The instances of the region that the caller may see: in the wrong region there are none.
pub(in crate::sim) fn list(global: &mut Global<'_>) -> Answer {
    let world = &mut *global.world;
    let pager = pager(global.operation, global.input, &world.settings, &mut world.random);
    let rows = world
        .instances
        .values()
        .filter(|instance| {
            let account = &global.caller.account;
            let sees = *account == world.organization.management
                || *account == instance.owner
                || instance.delegated_administrators.contains(account);
            sees && global.region.is_none_or(|region| instance.region == region)
        })
        .map(|instance| (instance.arn.to_string(), instance));
    Ok(pager.page(rows)?.reply("Instances", metadata))
}

#[expect(clippy::unnecessary_wraps, reason = "all operations have one signature")]
pub(in crate::sim) fn describe(scope: &mut Scope<'_>) -> Answer {
    let mut answer = metadata(scope.instance);
    answer["EncryptionConfigurationDetails"] =
        json!({"KeyType": "AWS_OWNED_KMS_KEY", "EncryptionStatus": "ENABLED"});
    Ok(answer)
}

fn metadata(instance: &Instance) -> Value {
    let mut metadata = json!({
        "InstanceArn": instance.arn,
        "IdentityStoreId": instance.directory.id,
        "OwnerAccountId": instance.owner,
        "CreatedDate": epoch_seconds(instance.created),
        "Status": "ACTIVE",
    });
    if let Some(name) = &instance.name {
        metadata["Name"] = json!(name);
    }
    metadata
}
