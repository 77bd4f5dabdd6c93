//! Rollbacks in the cluster: status by compare-and-swap, and the finalizer.

use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::is_not_found;
use crate::api::{FIELD_MANAGER, FINALIZER, GROUP, Rollback, RollbackStatus, VERSION};

/// Reads the newest state of a Rollback, past every cache; none when it does not exist.
pub async fn get(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<Rollback>, kube::Error> {
    // Not `get_opt`: a starting API server answers a bare 404, which is no deletion.
    match Api::<Rollback>::namespaced(client.clone(), namespace).get(name).await {
        Ok(rollback) => Ok(Some(rollback)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the whole status, if the object is still the one that was looked at: a 409 says that it
/// is not. Gives back the object as it is now.
pub async fn write_status(
    client: &Client,
    rollback: &Rollback,
    status: &RollbackStatus,
) -> Result<Rollback, kube::Error> {
    let body = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "Rollback",
        "metadata": {"name": rollback.name_any(), "resourceVersion": rollback.resource_version()},
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    api(client, rollback).patch_status(&rollback.name_any(), &parameters, &Patch::Apply(body)).await
}

/// Whether the finalizer is set.
#[must_use]
pub fn has_finalizer(rollback: &impl ResourceExt) -> bool {
    rollback.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Sets or removes the finalizer, if the object is still the one that was looked at.
pub async fn set_finalizer(
    client: &Client,
    rollback: &Rollback,
    wanted: bool,
) -> Result<Rollback, kube::Error> {
    if has_finalizer(rollback) == wanted {
        return Ok(rollback.clone());
    }
    let mut finalizers: Vec<String> =
        rollback.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).cloned().collect();
    if wanted {
        finalizers.push(FINALIZER.to_owned());
    }
    let body = json!({"metadata": {"resourceVersion": rollback.resource_version(), "finalizers": finalizers}});
    let parameters =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    api(client, rollback).patch(&rollback.name_any(), &parameters, &Patch::Merge(body)).await
}

/// Deletes a Rollback, if it is still the one that was looked at.
pub async fn delete(client: &Client, rollback: &Rollback) -> Result<(), kube::Error> {
    let preconditions =
        Some(Preconditions { uid: rollback.uid(), resource_version: rollback.resource_version() });
    let parameters = DeleteParams { preconditions, ..DeleteParams::background() };
    api(client, rollback).delete(&rollback.name_any(), &parameters).await.map(|_| ())
}

fn api(client: &Client, rollback: &Rollback) -> Api<Rollback> {
    Api::namespaced(client.clone(), &rollback.namespace().unwrap_or_default())
}
