//! Whether the cluster serves the kinds as this plugin knows them.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use serde_json::Value;

use super::finding::{Finding, Level};
use crate::api::{GROUP, VERSION, crd};
use crate::cli::error::CliError;
use crate::cli::session::Session;

const CHECK: &str = "kinds";
const INSTALL: &str = "install the chart with crds.install, or apply crds/";

/// Looks at what is served, and at the schemas where this user may.
pub async fn findings(session: &Session) -> Result<Vec<Finding>, CliError> {
    let served = session
        .raw(
            "list the kinds",
            session.client.list_api_group_resources(&format!("{GROUP}/{VERSION}")),
        )
        .await?;
    let served: BTreeSet<String> = match served {
        Ok(found) => found.resources.into_iter().map(|resource| resource.name).collect(),
        Err(kube::Error::Api(answer)) if answer.code == 404 => BTreeSet::new(),
        Err(error) => return Err(CliError::request("list the kinds", &error)),
    };
    let known = known()?;
    let mut found: Vec<Finding> = known
        .iter()
        .filter(|(plural, _)| !served.contains(plural))
        .map(|(plural, _)| {
            let said = format!("{plural}.{GROUP} is not served in version {VERSION}");
            Finding::of(Level::Wrong, CHECK, said, INSTALL)
        })
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    found.push(Finding::good(CHECK, format!("all four kinds of {GROUP}/{VERSION} are served")));
    let api: Api<CustomResourceDefinition> = Api::all(session.client.clone());
    for (plural, schema) in &known {
        let name = format!("{plural}.{GROUP}");
        let doing = format!("read the CRD {name}");
        match session.raw(&doing, api.get(&name)).await? {
            Ok(crd) => found.extend(compare(plural, schema, &crd)),
            // Most people may not, and what is served works.
            Err(kube::Error::Api(answer)) if answer.code == 403 => break,
            Err(error) => found.push(Finding::unknown(CHECK, &CliError::request(&doing, &error))),
        }
    }
    Ok(found)
}

/// Plural and schema of each kind, as this plugin was built with.
fn known() -> Result<Vec<(String, Value)>, CliError> {
    let all = crd::all().map_err(|error| {
        CliError::failed(format!("the plugin's own kinds cannot be written: {error}; report this"))
    })?;
    let plural =
        |crd: &Value| crd.pointer("/spec/names/plural").and_then(Value::as_str).map(str::to_owned);
    Ok(all.into_iter().filter_map(|(_, crd)| Some((plural(&crd)?, schema_of(&crd)?))).collect())
}

fn schema_of(crd: &Value) -> Option<Value> {
    let versions = crd.pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version["name"] == VERSION)?;
    version.pointer("/schema/openAPIV3Schema").cloned()
}

fn compare(plural: &str, known: &Value, crd: &CustomResourceDefinition) -> Option<Finding> {
    let served = serde_json::to_value(crd).ok().and_then(|crd| schema_of(&crd))?;
    let (known, served) = (fields(known), fields(&served));
    let missing: Vec<&str> = known.difference(&served).map(String::as_str).collect();
    let more: Vec<&str> = served.difference(&known).map(String::as_str).collect();
    if missing.is_empty() && more.is_empty() {
        return None;
    }
    // What the cluster does not know it drops without a word; what the plugin does not know it does
    // not show.
    let (level, what, remedy) = if missing.is_empty() {
        (
            Level::Note,
            format!("the cluster knows more fields: {}", more.join(", ")),
            "install the plugin of the operator's version",
        )
    } else {
        (
            Level::Wrong,
            format!("the cluster does not know {}", missing.join(", ")),
            "upgrade the CRDs with the operator, or install the plugin of the operator's version",
        )
    };
    Some(Finding::of(level, CHECK, format!("{plural}: {what}"), remedy))
}

/// Paths of all fields of a schema.
fn fields(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(schema, "", &mut found);
    found
}

fn collect(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        // Those of Kubernetes itself are not described.
        if path.is_empty() && !matches!(name.as_str(), "spec" | "status") {
            continue;
        }
        let path = format!("{path}.{name}");
        collect(field, &path, found);
        found.insert(path);
    }
    if schema["items"].is_object() {
        collect(&schema["items"], &format!("{path}[]"), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(change: impl FnOnce(&mut Value)) -> Option<Finding> {
        let all = crd::all().unwrap();
        let (_, mut crd) = all.into_iter().find(|(file, _)| *file == "rollbacks.yaml").unwrap();
        let known = schema_of(&crd).unwrap();
        change(&mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]);
        compare("rollbacks", &known, &serde_json::from_value(crd).unwrap())
    }

    #[test]
    fn fields_that_the_cluster_does_not_know_are_wrong() {
        assert_eq!(found(|_| ()), None);
        let fewer = found(|spec| {
            spec["properties"]["operations"]["properties"]
                .as_object_mut()
                .unwrap()
                .remove("select");
        })
        .unwrap();
        assert_eq!(fewer.level, Level::Wrong);
        assert!(
            fewer.what.starts_with("rollbacks: the cluster does not know .spec.operations.select"),
            "{fewer:?}"
        );
        let more =
            found(|spec| spec["properties"]["later"] = serde_json::json!({"type": "string"}));
        let more = more.unwrap();
        assert_eq!(
            (more.level, more.what.as_str()),
            (Level::Note, "rollbacks: the cluster knows more fields: .spec.later")
        );
    }

    #[test]
    fn all_four_kinds_are_known() {
        let plurals: Vec<String> = known().unwrap().into_iter().map(|(plural, _)| plural).collect();
        assert_eq!(
            plurals,
            ["identitycenterinstances", "operationrecords", "rollbacks", "rollbackplans"]
        );
    }
}
