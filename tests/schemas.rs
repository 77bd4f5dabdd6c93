//! The CRDs as files: what the types give is what is committed, and nothing in them is left open.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rollback_operator::api::crd;
use serde_json::{Value, json};

const SCHEMA: &str = "/spec/versions/0/schema/openAPIV3Schema";

#[test]
fn generated_files_are_those_that_are_committed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["crds", "charts/rollback-operator/files/crds"] {
        let mut expected = BTreeSet::new();
        for (file, crd) in crd::all().unwrap() {
            let generated = serde_saphyr::to_string(&crd).unwrap();
            let committed = fs::read_to_string(root.join(folder).join(file)).unwrap_or_default();
            assert!(generated == committed, "{folder}/{file} is out of date: run `make generate`");
            expected.insert(file.to_owned());
        }
        let present: BTreeSet<String> = fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(present, expected, "{folder} holds other files than the generated ones");
    }
}

#[test]
fn the_charts_values_hold_what_an_instance_may_say() {
    let file = "charts/rollback-operator/values.schema.json";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let expected = crd::instance_values().unwrap();
    assert!(schema["$defs"]["instance"] == expected, "{file} is out of date: run `make generate`");
    assert_eq!(expected["additionalProperties"], false);
    assert_eq!(expected["properties"]["policy"]["additionalProperties"], false);
}

/// What a schema leaves open, with the path of the field.
fn open_ends(schema: &Value, path: &str, found: &mut Vec<String>) {
    let has = |name: &str| schema.get(name).is_some();
    for name in
        ["nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"]
    {
        if has(name) {
            found.push(format!("{path}: {name}"));
        }
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => {
            let date = schema.get("format") == Some(&json!("date-time"));
            if !has("maxLength") && !has("enum") && !date {
                found.push(format!("{path}: a string without maxLength or enum"));
            }
        }
        Some("array") => {
            if !has("maxItems") {
                found.push(format!("{path}: a list without maxItems"));
            }
            // Without it, two writers merge lists by replacing them, silently.
            if !has("x-kubernetes-list-type") {
                found.push(format!("{path}: a list without x-kubernetes-list-type"));
            }
        }
        Some("object") => {
            if has("additionalProperties") && !has("maxProperties") {
                found.push(format!("{path}: a map without maxProperties"));
            }
            if !has("properties") && !has("additionalProperties") {
                found.push(format!("{path}: an object without properties"));
            }
        }
        Some("integer" | "number" | "boolean") => {}
        other => found.push(format!("{path}: the type is {other:?}")),
    }
    if let Some(items) = schema.get("items") {
        open_ends(items, &format!("{path}[]"), found);
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}.{name}");
        if field.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            found.push(format!("{path}: no description"));
        }
        open_ends(field, &path, found);
    }
}

#[test]
fn every_field_is_described_and_bounded() {
    let mut found = Vec::new();
    for (file, crd) in crd::all().unwrap() {
        let root = crd.pointer(SCHEMA).unwrap();
        assert!(
            root["description"].as_str().is_some_and(|d| d.len() > 20),
            "{file}: no description"
        );
        let fields = root["properties"].as_object().unwrap();
        for (name, field) in fields {
            assert!(field.get("description").is_some(), "{file}: {name} has no description");
            open_ends(field, &format!("{file}: {name}"), &mut found);
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn an_open_end_is_noticed() {
    for (schema, what) in [
        (json!({"type": "string"}), "maxLength"),
        (
            json!({"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "boolean"}}),
            "maxItems",
        ),
        (json!({"type": "array", "maxItems": 1, "items": {"type": "boolean"}}), "list-type"),
        (json!({"type": "object", "properties": {"a": {"type": "boolean"}}}), "no description"),
        (json!({"type": "object", "additionalProperties": {"type": "boolean"}}), "maxProperties"),
        (json!({"type": "boolean", "nullable": true}), "nullable"),
        (
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
            "preserve-unknown",
        ),
        (json!({"description": "anything"}), "the type is"),
    ] {
        let mut found = Vec::new();
        open_ends(&schema, "field", &mut found);
        assert!(found.iter().any(|f| f.contains(what)), "{schema}: {found:?}");
    }
}

#[test]
fn names_columns_and_versions_are_as_the_documents_say() {
    for (file, crd) in crd::all().unwrap() {
        let names = &crd["spec"]["names"];
        assert_eq!(names["categories"], json!(["identitycenter"]), "{file}");
        assert_eq!(names["shortNames"].as_array().map(Vec::len), Some(1), "{file}");
        assert_eq!(crd["spec"]["versions"].as_array().map(Vec::len), Some(1), "{file}");
        assert_eq!(crd.pointer("/spec/versions/0/name"), Some(&json!("v1alpha1")), "{file}");
        assert!(crd.pointer("/spec/versions/0/subresources/status").is_some(), "{file}");
        let default = crd.pointer(&format!("{SCHEMA}/properties/status/default"));
        // What kstatus waits for; the other two kinds are data and have nothing to wait for.
        let waits = ["rollbacks.yaml", "identitycenterinstances.yaml"].contains(&file);
        assert_eq!(default, waits.then_some(&json!({"observedGeneration": -1})), "{file}");
    }
}

#[test]
fn every_reason_is_explained() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshooting.md");
    let text = fs::read_to_string(file).unwrap();
    let explained: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
        .collect();
    let all: BTreeSet<&str> =
        rollback_operator::api::Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(explained, all, "docs/troubleshooting.md has a line for each reason");
}
