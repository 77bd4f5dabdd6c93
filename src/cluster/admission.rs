//! Whether the chart's admission policies are in force, and since when: only then are names on objects
//! true. The policies are part of the program, so that a weakened one is noticed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use serde_json::Value;

/// Who may approve, and what only the operator writes.
const APPROVAL: &str = include_str!("../../charts/rollback-operator/files/admission/approval.yaml");
/// Names that the API server stamps.
const STAMPS: &str = include_str!("../../charts/rollback-operator/files/admission/stamps.yaml");
/// Names that whoever writes them has to bear, where the API server cannot stamp.
const NAMES: &str = include_str!("../../charts/rollback-operator/files/admission/names.yaml");
/// What stands for the operator's user name in them.
const OPERATOR: &str = "${OPERATOR}";

/// Since when the policies are in force; else what is missing, as a clause.
pub type InForce = Result<Timestamp, String>;

/// The user name that the API server knows us by.
pub async fn own_name(client: &Client) -> Result<String, kube::Error> {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = api.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    let user = review.status.and_then(|status| status.user_info);
    Ok(user.and_then(|user| user.username).unwrap_or_default())
}

/// Looks at the policies of this cluster.
pub async fn in_force(client: &Client, own_name: &str) -> Result<InForce, kube::Error> {
    let approval = match since(client, &expected(APPROVAL, own_name)).await? {
        Ok(since) => since,
        Err(why) => return Ok(Err(why)),
    };
    let stamped = since(client, &expected(STAMPS, own_name)).await?;
    let names = match stamped {
        Ok(since) => since,
        Err(missing) => match since(client, &expected(NAMES, own_name)).await? {
            Ok(since) => since,
            Err(_) => return Ok(Err(missing)),
        },
    };
    Ok(Ok(approval.max(names)))
}

/// The policies and bindings of a file of the chart, with the operator's name in them.
fn expected(file: &str, own_name: &str) -> Vec<Value> {
    let named = file.replace(OPERATOR, own_name);
    named.split("\n---\n").filter_map(|object| serde_saphyr::from_str(object).ok()).collect()
}

async fn since(client: &Client, expected: &[Value]) -> Result<InForce, kube::Error> {
    let mut live = BTreeMap::new();
    for object in expected {
        let (kind, name) = (text(object, "kind"), text(&object["metadata"], "name"));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "admissionregistration.k8s.io",
            "v1",
            kind,
        ));
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        match api.get_opt(name).await {
            Ok(found) => {
                live.extend(found.map(|found| ((kind.to_owned(), name.to_owned()), found)));
            }
            Err(kube::Error::Api(answer)) if answer.is_forbidden() => {
                return Ok(Err(format!(
                    "the operator may not read {kind} {name}: give its role the verb get on it"
                )));
            }
            Err(kube::Error::Api(answer)) if answer.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(judge(expected, &live))
}

type Live = BTreeMap<(String, String), DynamicObject>;

/// Since when all that is expected is there, unchanged.
fn judge(expected: &[Value], live: &Live) -> InForce {
    let mut since = Timestamp::UNIX_EPOCH;
    for object in expected {
        let (kind, name) = (text(object, "kind"), text(&object["metadata"], "name"));
        let Some(found) = live.get(&(kind.to_owned(), name.to_owned())) else {
            return Err(format!(
                "{kind} {name} is not there: install the chart with admission.enabled"
            ));
        };
        if normal(&found.data["spec"]) != normal(&object["spec"]) {
            return Err(format!(
                "{kind} {name} is not what this version of the operator relies on: upgrade the chart, or undo the change to it"
            ));
        }
        // A label or a status changes nothing of what a policy demands.
        let managed = found.metadata.managed_fields.iter().flatten().filter(|entry| {
            entry.fields_v1.as_ref().is_none_or(|fields| may_be_of_the_spec(&fields.0))
        });
        let changed = managed.filter_map(|entry| entry.time.as_ref()).map(|time| time.0);
        since = changed.chain(found.creation_timestamp().map(|time| time.0)).fold(since, Ord::max);
    }
    Ok(since)
}

/// Whether a manager of these fields may have changed the spec. One who put back what he had changed
/// by `kubectl apply` is left with the annotation of that command.
fn may_be_of_the_spec(fields: &Value) -> bool {
    let applied = "f:kubectl.kubernetes.io/last-applied-configuration";
    !fields["f:spec"].is_null() || !fields["f:metadata"]["f:annotations"][applied].is_null()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// The same with white space in expressions evened out: YAML may fold it in several ways.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        Value::Array(elements) => elements.iter().map(normal).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), normal(member))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "system:serviceaccount:rollback-system:rollback-operator";

    fn installed(file: &str, at: &str) -> Live {
        let objects = expected(file, OWN).into_iter().map(|mut object| {
            object["metadata"]["creationTimestamp"] = Value::from(at);
            let key =
                (text(&object, "kind").to_owned(), text(&object["metadata"], "name").to_owned());
            (key, serde_json::from_value(object).unwrap())
        });
        objects.collect()
    }

    #[test]
    fn every_file_holds_policies_and_a_binding_for_each() {
        for (file, policies) in [(APPROVAL, 4), (STAMPS, 2), (NAMES, 2)] {
            let objects = expected(file, OWN);
            assert_eq!(objects.len(), policies * 2);
            assert_eq!(file.matches("\nkind: ").count(), policies * 2, "none was lost");
            let bound: Vec<&str> =
                objects.iter().map(|it| text(&it["spec"], "policyName")).collect();
            for object in objects.iter().filter(|it| !text(it, "kind").ends_with("Binding")) {
                assert!(bound.contains(&text(&object["metadata"], "name")));
                assert_eq!(object["spec"]["failurePolicy"], "Fail");
            }
        }
    }

    #[test]
    fn what_is_missing_or_weakened_is_named() {
        let at = "2026-01-02T03:04:05Z";
        let wanted = expected(APPROVAL, OWN);
        let whole = installed(APPROVAL, at);
        assert_eq!(judge(&wanted, &whole), Ok(at.parse().unwrap()));
        for object in &wanted {
            let key =
                (text(object, "kind").to_owned(), text(&object["metadata"], "name").to_owned());
            let mut live = whole.clone();
            live.remove(&key);
            assert!(judge(&wanted, &live).unwrap_err().contains(&key.1));
            let mut live = whole.clone();
            live.get_mut(&key).unwrap().data["spec"]["matchResources"] =
                serde_json::json!({"namespaceSelector": {}});
            assert!(judge(&wanted, &live).unwrap_err().contains("not what this version"));
        }
        let other = expected(APPROVAL, "somebody");
        assert!(judge(&other, &whole).is_err(), "another operator's policies");
    }

    #[test]
    fn every_way_to_weaken_a_policy_is_noticed() {
        let at = "2026-01-02T03:04:05Z";
        let selector = serde_json::json!({"matchLabels": {"a": "b"}});
        let weaker = [
            ("failurePolicy", Value::from("Ignore")),
            ("validationActions", serde_json::json!(["Audit"])),
            ("validationActions", serde_json::json!(["Warn"])),
            ("paramKind", serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap"})),
            ("paramRef", serde_json::json!({"name": "x", "parameterNotFoundAction": "Allow"})),
            ("auditAnnotations", serde_json::json!([{"key": "a", "valueExpression": "''"}])),
            ("matchResources", serde_json::json!({"namespaceSelector": selector})),
            ("matchConstraints", serde_json::json!({"objectSelector": selector})),
            ("matchConditions", serde_json::json!([{"name": "never", "expression": "false"}])),
            ("variables", serde_json::json!([])),
            ("validations", serde_json::json!([{"expression": "true"}])),
            ("mutations", serde_json::json!([])),
            ("policyName", Value::from("another")),
        ];
        for file in [APPROVAL, STAMPS, NAMES] {
            let (wanted, whole) = (expected(file, OWN), installed(file, at));
            for key in whole.keys() {
                for (field, value) in &weaker {
                    let mut live = whole.clone();
                    live.get_mut(key).unwrap().data["spec"][field] = value.clone();
                    assert!(judge(&wanted, &live).is_err(), "{key:?} with {field} {value}");
                }
            }
        }
    }

    #[test]
    fn the_last_change_of_what_is_demanded_counts() {
        let (installed_at, changed_at) = ("2026-01-02T03:04:05Z", "2026-02-02T00:00:00Z");
        let since = |fields: Value| {
            let mut live = installed(STAMPS, installed_at);
            let mut changed = serde_json::json!([{"manager": "somebody", "operation": "Update", "time": changed_at}]);
            if !fields.is_null() {
                changed[0]["fieldsV1"] = fields;
            }
            live.values_mut().next().unwrap().metadata.managed_fields =
                serde_json::from_value(changed).unwrap();
            judge(&expected(STAMPS, OWN), &live).unwrap().to_string()
        };
        assert_eq!(since(Value::Null), changed_at, "what is not said may be anything");
        assert_eq!(since(serde_json::json!({"f:spec": {"f:failurePolicy": {}}})), changed_at);
        let note = serde_json::json!({"f:metadata": {"f:annotations": {"f:team": {}}}});
        assert_eq!(since(note), installed_at);
        assert_eq!(since(serde_json::json!({"f:status": {}})), installed_at);
        let applied = serde_json::json!({"f:kubectl.kubernetes.io/last-applied-configuration": {}});
        assert_eq!(
            since(serde_json::json!({"f:metadata": {"f:annotations": applied}})),
            changed_at
        );
    }
}
