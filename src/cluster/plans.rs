//! Plan shards in the cluster.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;

use super::is_not_found;
use crate::api::plan::{PlanItem, RollbackPlanStatus};
use crate::api::{
    FIELD_MANAGER, GROUP, OperationRecord, Rollback, RollbackPlan, RollbackPlanSpec, VERSION, names,
};

/// How many shards are read or written at once.
const AT_ONCE: usize = 4;

/// A plan whose shards cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The API server could not be asked.
    #[error(transparent)]
    Kubernetes(#[from] kube::Error),
    /// A shard has another shape than this version knows.
    #[error(
        "plan shard {0} cannot be read by this version: {1}; write it back as it was, or delete it, and then the Rollback ends"
    )]
    Unreadable(String, String),
    /// A shard that the status names is gone.
    #[error("plan shard {0} does not exist any more; raise spec.attempt to plan again")]
    Missing(String),
    /// The status names no plan.
    #[error("status.plan is gone; raise spec.attempt to plan again")]
    Nameless,
    /// A shard belongs to another plan.
    #[error("plan shard {0} is not of the plan in status.plan; raise spec.attempt to plan again")]
    Foreign(String),
}

/// Writes the shards of a plan, owned by the Rollback, and gives back their names in order. A shard
/// that is there already is the same one: its name holds the plan's digest.
pub async fn create(
    client: &Client,
    rollback: &Rollback,
    shards: Vec<RollbackPlanSpec>,
) -> Result<Vec<String>, kube::Error> {
    let api: Api<RollbackPlan> =
        Api::namespaced(client.clone(), &rollback.namespace().unwrap_or_default());
    let uid = rollback.uid().unwrap_or_default();
    let writes = shards.into_iter().enumerate().map(|(index, spec)| {
        let name = names::shard(&rollback.name_any(), &uid, spec.attempt, &spec.digest, index);
        let mut shard = RollbackPlan::new(&name, spec);
        shard.metadata.owner_references = rollback.owner_ref(&()).map(|owner| vec![owner]);
        shard.metadata.labels = Some(
            [("identitycenter.dev/rollback-uid".to_owned(), uid.clone())].into_iter().collect(),
        );
        let api = api.clone();
        async move {
            match api.create(&PostParams::default(), &shard).await {
                Ok(_) => Ok(name),
                Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(name),
                Err(error) => Err(error),
            }
        }
    });
    stream::iter(writes).buffered(AT_ONCE).try_collect().await
}

/// Reads all shards of a plan, in order.
pub async fn read(client: &Client, rollback: &Rollback) -> Result<Vec<RollbackPlan>, PlanError> {
    let Some(plan) = rollback.status.as_ref().and_then(|status| status.plan.as_ref()) else {
        return Err(PlanError::Nameless);
    };
    let api: Api<RollbackPlan> =
        Api::namespaced(client.clone(), &rollback.namespace().unwrap_or_default());
    let reads = plan.shards.clone().into_iter().map(|name| {
        let api = api.clone();
        async move {
            match api.get(&name).await {
                Ok(shard) => Ok(shard),
                Err(error) if is_not_found(&error) => Err(PlanError::Missing(name)),
                Err(kube::Error::SerdeError(error)) => {
                    Err(PlanError::Unreadable(name, error.to_string()))
                }
                Err(error) => Err(error.into()),
            }
        }
    });
    let shards: Vec<RollbackPlan> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    for shard in &shards {
        if shard.spec.digest != plan.digest
            || Some(&shard.spec.rollback_uid) != rollback.uid().as_ref()
        {
            return Err(PlanError::Foreign(shard.name_any()));
        }
    }
    Ok(shards)
}

/// The items of all shards, in order.
#[must_use]
pub fn items(shards: &[RollbackPlan]) -> Vec<PlanItem> {
    shards.iter().flat_map(|shard| shard.spec.items.iter().cloned()).collect()
}

/// Writes what became of the actions of one shard.
pub async fn write_status(
    client: &Client,
    namespace: &str,
    name: &str,
    status: &RollbackPlanStatus,
) -> Result<(), kube::Error> {
    let api: Api<RollbackPlan> = Api::namespaced(client.clone(), namespace);
    let body = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "RollbackPlan",
        "metadata": {"name": name},
        "status": status,
    });
    api.patch_status(name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(body)).await?;
    Ok(())
}

/// Makes the ledger record the owner of the shards, so that they outlive the Rollback.
pub async fn hand_over(
    client: &Client,
    shards: &[String],
    ledger: &OperationRecord,
) -> Result<(), kube::Error> {
    let Some(owner) = ledger.owner_ref(&()) else { return Ok(()) };
    let owner = OwnerReference { controller: None, block_owner_deletion: None, ..owner };
    let api: Api<RollbackPlan> =
        Api::namespaced(client.clone(), &ledger.namespace().unwrap_or_default());
    for name in shards {
        let body = json!({"metadata": {"ownerReferences": [owner]}});
        match api.patch(name, &PatchParams::default(), &Patch::Merge(body)).await {
            Ok(_) => {}
            Err(error) if is_not_found(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
