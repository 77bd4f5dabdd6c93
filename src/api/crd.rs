//! The CRDs as they are written to files: what the derive leaves out is added here.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::{IdentityCenterInstance, OperationRecord, Rollback, RollbackPlan};

/// Every CRD with its file name.
///
/// # Errors
/// When a schema cannot be written as JSON: a defect of the types.
pub fn all() -> Result<Vec<(&'static str, Value)>, serde_json::Error> {
    Ok(vec![
        (
            "identitycenterinstances.yaml",
            finish(IdentityCenterInstance::crd(), Status::StartsUnobserved)?,
        ),
        ("operationrecords.yaml", finish(OperationRecord::crd(), Status::Plain)?),
        ("rollbacks.yaml", finish(Rollback::crd(), Status::StartsUnobserved)?),
        ("rollbackplans.yaml", finish(RollbackPlan::crd(), Status::Plain)?),
    ])
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    /// `{observedGeneration: -1}` by default, so that a fresh object never looks done to kstatus.
    StartsUnobserved,
    Plain,
}

fn finish(crd: CustomResourceDefinition, status: Status) -> Result<Value, serde_json::Error> {
    let mut crd = serde_json::to_value(crd)?;
    let schema = "/spec/versions/0/schema/openAPIV3Schema";
    if let Some(root) = crd.pointer_mut(schema) {
        bound(root);
        if status == Status::StartsUnobserved
            && let Some(Value::Object(status)) = root.pointer_mut("/properties/status")
        {
            status.insert("default".to_owned(), json!({"observedGeneration": -1}));
        }
    }
    Ok(crd)
}

/// Gives what k8s-openapi's own types leave open (the members of `conditions`) a bound, and drops
/// formats that Kubernetes does not know.
fn bound(schema: &mut Value) {
    if let Value::Object(map) = schema {
        let is_string = map.get("type").and_then(Value::as_str) == Some("string");
        if is_string && !map.contains_key("maxLength") && !map.contains_key("enum") {
            map.insert("maxLength".to_owned(), json!(32768));
        }
        // A null would count as given in CEL's has(); without `nullable` the API server prunes it.
        if map.get("nullable") == Some(&json!(true)) {
            map.remove("nullable");
        }
        if matches!(map.get("format").and_then(Value::as_str), Some("uint32" | "uint64" | "uint")) {
            map.remove("format");
        }
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(bound),
        Value::Array(list) => list.iter_mut().for_each(bound),
        _ => {}
    }
}

/// What the spec of an instance may hold, as the JSON schema that the chart checks its values by.
/// Fields that the kind does not have are refused; rules in CEL are left to the API server.
///
/// # Errors
/// When a schema cannot be written as JSON: a defect of the types.
pub fn instance_values() -> Result<Value, serde_json::Error> {
    let crd = finish(IdentityCenterInstance::crd(), Status::StartsUnobserved)?;
    let spec = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    let mut schema = spec.cloned().unwrap_or_default();
    close(&mut schema);
    Ok(schema)
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.retain(|name, _| !name.starts_with("x-kubernetes-"));
            if map.get("type") == Some(&json!("object")) && map.contains_key("properties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}
