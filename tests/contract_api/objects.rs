//! Objects to create, and what is looked at in those that come back.

use kube::api::{Api, DynamicObject, PostParams};
use kube::core::Status;
use serde_json::{Value, json};

use crate::cluster::Kind;

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const PRINCIPAL: &str = "0f791059-3b41-4313-86da-59fa2cf217a7";
pub const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
pub const TIME: &str = "2026-11-23T20:50:39.440975Z";

/// An object of this kind with this name and more members.
pub fn object(kind: Kind, name: &str, more: &Value) -> DynamicObject {
    let mut object = json!({
        "apiVersion": kind.api_version(),
        "kind": kind.name(),
        "metadata": {"name": name},
    });
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(object).unwrap()
}

pub fn instance(name: &str) -> DynamicObject {
    let spec = json!({"instanceArn": INSTANCE, "region": "eu-central-1"});
    object(Kind::Instance, name, &json!({"spec": spec}))
}

pub fn rollback(name: &str) -> DynamicObject {
    object(Kind::Rollback, name, &json!({"spec": {"operations": {"names": ["assign"]}}}))
}

/// A record of a change in these accounts.
pub fn record(name: &str, instance: &str, accounts: &[String]) -> DynamicObject {
    let change = json!({
        "effect": "Granted",
        "principal": {"type": "USER", "id": PRINCIPAL},
        "permissionSet": SET,
        "accounts": accounts,
    });
    let spec = json!({
        "instance": instance,
        "type": "Assign",
        "occurredAt": TIME,
        "source": {"tool": "awsideman", "id": "2abdc948-e85d-486a-8d50-37afbf1855ff"},
        "changes": [change],
    });
    object(Kind::Record, name, &json!({"spec": spec}))
}

pub fn one_account() -> Vec<String> {
    vec!["061836611202".to_owned()]
}

pub fn shard(name: &str) -> DynamicObject {
    let spec = json!({
        "rollback": "undo",
        "rollbackUid": PRINCIPAL,
        "attempt": 1,
        "digest": DIGEST,
        "shard": 0,
        "instanceArn": INSTANCE,
        "items": [],
    });
    object(Kind::Plan, name, &json!({"spec": spec}))
}

/// The same with these fields of the metadata.
pub fn with_metadata(mut object: DynamicObject, more: &Value) -> DynamicObject {
    let mut metadata = json!(object.metadata);
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object.metadata = serde_json::from_value(metadata).unwrap();
    object
}

pub async fn create(api: &Api<DynamicObject>, object: &DynamicObject) -> DynamicObject {
    api.create(&PostParams::default(), object).await.unwrap()
}

pub fn name(object: &DynamicObject) -> String {
    object.metadata.name.clone().unwrap()
}

pub fn uid(object: &DynamicObject) -> String {
    object.metadata.uid.clone().unwrap()
}

pub fn version(object: &DynamicObject) -> u64 {
    object.metadata.resource_version.as_ref().unwrap().parse().unwrap()
}

pub fn generation(object: &DynamicObject) -> i64 {
    object.metadata.generation.unwrap()
}

/// The object as a kind of the operator's.
pub fn typed<K: serde::de::DeserializeOwned>(object: &DynamicObject) -> K {
    serde_json::from_value(json!(object)).unwrap()
}

/// What the API server refused with.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, kube::Error>) -> Status {
    match answer {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("not refused: {other:?}"),
    }
}

/// Holds that a refusal has this code and reason and is about this object.
#[track_caller]
pub fn is_about(status: &Status, code: u16, reason: &str, kind: Kind, name: &str) {
    assert_eq!((status.code, status.reason.as_str()), (code, reason), "{status:?}");
    let details = status.details.as_ref().expect("details");
    let about = (details.group.as_str(), details.kind.as_str(), details.name.as_str());
    assert_eq!(about, (kind.group(), kind.plural(), name), "{status:?}");
}
