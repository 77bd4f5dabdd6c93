//! Names and labels that the API server takes, whatever the release is called.

use regex_lite::Regex;
use serde_json::Value;

use super::render::{objects_as, of_kind, try_template_as};

/// All that has a name or labels of its own.
const EVERYTHING: [&str; 6] = [
    "simulator.enabled=true",
    "serviceMonitor.enabled=true",
    "prometheusRule.enabled=true",
    "dashboard.enabled=true",
    r#"watchNamespaces=["access"]"#,
    r#"fullnameOverride="""#,
];

/// Names that Helm gives releases, up to the longest.
pub fn releases() -> [String; 4] {
    // Cut off where the dash is, dots as Helm allows them, and the chart's name within.
    let dash = format!("{}----{}", "a".repeat(44), "b".repeat(5));
    ["r".repeat(53), dash, "team.a".to_owned(), format!("{}-rollback-operator", "x".repeat(35))]
}

/// Every map of labels of an object and of its pods, and what selects by labels.
fn labels<'a>(object: &'a Value, found: &mut Vec<&'a Value>) {
    match object {
        Value::Object(members) => {
            for (key, member) in members {
                if key == "labels" || key == "matchLabels" {
                    found.push(member);
                }
                labels(member, found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| labels(element, found)),
        _ => {}
    }
}

#[test]
fn every_name_and_label_fits_whatever_the_release_is_called() {
    let name = Regex::new("^[a-z]([-a-z0-9]*[a-z0-9])?$").unwrap();
    let label = Regex::new("^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$").unwrap();
    for release in releases() {
        let rendered = objects_as(&release, &EVERYTHING);
        assert_eq!(of_kind(&rendered, "Job").len(), 1);
        for object in rendered.iter().filter(|it| it["kind"] != "CustomResourceDefinition") {
            let found = object["metadata"]["name"].as_str().unwrap();
            // A Job's name is a label of its pods.
            assert!(found.len() <= 63 && name.is_match(found), "{}: {found}", object["kind"]);
            let mut all = Vec::new();
            labels(object, &mut all);
            for (key, value) in all.iter().filter_map(|it| it.as_object()).flatten() {
                let value = value.as_str().unwrap();
                assert!(value.len() <= 63 && label.is_match(value), "{found}: {key}={value}");
            }
        }
    }
}

#[test]
fn a_release_whose_name_cannot_be_a_services_is_told_what_to_set() {
    let said = try_template_as("1st", &[]).unwrap_err();
    assert!(
        said.contains("the release is called 1st") && said.contains("fullnameOverride"),
        "{said}"
    );
    assert!(try_template_as("1st", &["--set", "fullnameOverride=first"]).is_ok());
}
