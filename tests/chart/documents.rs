//! What documents say about the chart: labels of its pods, keys of its values.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

use super::render::{container, objects, objects_of, pods};
use super::schema::leaves;
use super::support::checkout;
use super::support::docs::commands;

/// Pages that tell people what to type and what to set.
fn pages() -> Vec<(PathBuf, String)> {
    let read = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let docs = checkout().join("docs");
    let mut found = [read(&docs), read(&docs.join("runbooks"))].concat();
    found.retain(|path| path.extension().is_some_and(|it| it == "md"));
    assert!(found.len() > 20, "{found:?}");
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn logs_are_read_of_all_operators_by_the_labels_that_they_have() {
    let rendered = objects(&["simulator.enabled=true"]);
    let selected = |selector: &str| -> Vec<String> {
        let labels: Vec<(&str, &str)> =
            selector.split(',').map(|it| it.split_once('=').unwrap()).collect();
        let fits = pods(&rendered).into_iter().filter(|(_, metadata, _)| {
            labels.iter().all(|(key, value)| metadata["labels"][*key] == **value)
        });
        fits.map(|(pod, ..)| pod).collect()
    };
    let selector = Regex::new(r"logs -l (\S+)([^\n`]*)").unwrap();
    let mut seen = 0;
    for (path, text) in pages() {
        // That would read one of two pods, perhaps the one that does not lead.
        assert!(!text.contains("logs deployment/"), "{}", path.display());
        for found in selector.captures_iter(&text) {
            let pods = selected(&found[1]);
            assert_eq!(pods, ["Deployment/rollback-operator"], "{}: {}", path.display(), &found[1]);
            assert!(found[2].contains("--prefix"), "{}: whose line is it?", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn values_that_documents_name_are_there() {
    let leaves: BTreeSet<String> = leaves().into_iter().map(|(path, _)| path).collect();
    let roots: BTreeSet<&str> = leaves.iter().map(|it| it.split('.').next().unwrap()).collect();
    let known = |path: &str| {
        leaves.iter().any(|leaf| {
            let starts = |whole: &str, part: &str| {
                whole
                    .strip_prefix(part)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            // A value, the map that it is in, or what is in it.
            starts(leaf, path) || starts(path, leaf)
        })
    };
    let word = Regex::new(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)+)(?:=[^`]*)?`").unwrap();
    let mut seen = BTreeSet::new();
    for (path, text) in pages() {
        assert!(!text.contains("--lease-duration"), "{}: the chart has values", path.display());
        for found in word.captures_iter(&text) {
            let value = found[1].to_owned();
            let is_file =
                Path::new(&value).extension().is_some_and(|it| it == "json" || it == "yaml");
            if !is_file && roots.contains(value.split('.').next().unwrap()) {
                assert!(known(&value), "{}: there is no value {value}", path.display());
                seen.insert(value);
            }
        }
    }
    let expected = ["leaderElection.leaseDuration", "leaderElection.renewDeadline"];
    assert!(expected.iter().all(|it| seen.contains(*it)) && seen.len() > 12, "{seen:?}");
}

#[test]
fn the_image_that_is_pushed_is_the_one_that_is_installed() {
    let install = "docs/install.md";
    let all = commands(install);
    let find = |start: &str| all.iter().find(|it| it.command.starts_with(start)).unwrap();
    let pushed = find("docker push ").command.strip_prefix("docker push ").unwrap();
    let built = format!("rollback-operator:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(find("docker tag ").command, format!("docker tag {built} {pushed}"));

    let text = std::fs::read_to_string(checkout().join(install)).unwrap();
    let file = text.split_once("```yaml\nimage:").expect("the file image.yaml is shown").1;
    let file = format!("image:{}", file.split_once("```").unwrap().0);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.yaml");
    std::fs::write(&path, file).unwrap();
    assert_eq!(container(&objects_of(&path))["image"], pushed);

    let chart = "charts/rollback-operator/README.md";
    let installed: Vec<String> = [commands(install), commands(chart)]
        .concat()
        .into_iter()
        .map(|shown| shown.command)
        .filter(|command| command.starts_with("helm install"))
        .collect();
    assert!(installed.len() >= 3, "{installed:?}");
    for command in installed {
        assert!(command.contains("--values image.yaml"), "no image is published: {command}");
    }
}
