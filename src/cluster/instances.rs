//! Identity Center instances in the cluster.

use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::is_not_found;
use crate::api::instance::IdentityCenterInstanceStatus;
use crate::api::{FIELD_MANAGER, GROUP, IdentityCenterInstance, VERSION};

/// Who sets the fields of instances that the installation declares.
pub const DECLARING_MANAGER: &str = "rollback-operator-instances";

/// What a name stands for.
#[derive(Debug)]
pub enum Named {
    /// An instance.
    Found(Box<IdentityCenterInstance>),
    /// No such object.
    Missing,
    /// An object that this version cannot read, and why.
    Invalid(String),
}

/// Reads one instance, past every cache.
pub async fn get(client: &Client, name: &str) -> Result<Named, kube::Error> {
    let api: Api<DeserializeGuard<IdentityCenterInstance>> = Api::all(client.clone());
    match api.get(name).await {
        Ok(DeserializeGuard(Ok(instance))) => Ok(Named::Found(Box::new(instance))),
        Ok(DeserializeGuard(Err(error))) => Ok(Named::Invalid(error.error)),
        Err(error) if is_not_found(&error) => Ok(Named::Missing),
        Err(error) => Err(error),
    }
}

/// Every instance that this version can read.
pub async fn list(client: &Client) -> Result<Vec<IdentityCenterInstance>, kube::Error> {
    let api: Api<DeserializeGuard<IdentityCenterInstance>> = Api::all(client.clone());
    let found = api.list(&ListParams::default()).await?;
    Ok(found.items.into_iter().filter_map(|guarded| guarded.0.ok()).collect())
}

/// Writes the whole status, if the object is still the one that was looked at.
pub async fn write_status(
    client: &Client,
    instance: &IdentityCenterInstance,
    status: &IdentityCenterInstanceStatus,
) -> Result<(), kube::Error> {
    let api: Api<IdentityCenterInstance> = Api::all(client.clone());
    let body = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "IdentityCenterInstance",
        "metadata": {"name": instance.name_any(), "resourceVersion": instance.resource_version()},
        "status": status,
    });
    api.patch_status(
        &instance.name_any(),
        &PatchParams::apply(FIELD_MANAGER).force(),
        &Patch::Apply(body),
    )
    .await?;
    Ok(())
}

/// Applies a declared spec. A field that somebody else set to another value is a 409, and a field
/// that the kind does not have a 400.
pub async fn apply(client: &Client, name: &str, spec: &Value) -> Result<(), kube::Error> {
    let api: Api<DeserializeGuard<IdentityCenterInstance>> = Api::all(client.clone());
    let body = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "IdentityCenterInstance",
        "metadata": {"name": name},
        "spec": spec,
    });
    let parameters = PatchParams::apply(DECLARING_MANAGER).validation_strict();
    api.patch(name, &parameters, &Patch::Apply(body)).await.map(|_| ())
}
