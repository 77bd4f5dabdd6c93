//! Holds the layers: fails when a room of `src/` uses what its row of the table does not allow.
//!
//! Code under `#[cfg(test)]` keeps to the same rooms, so that a test of a lower room does not need
//! a higher one to compile, but may use any crate and any effect: it ships nothing. A test that
//! needs more rooms belongs to `tests/`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "architecture/caught.rs"]
mod caught;
#[path = "architecture/rooms.rs"]
mod rooms;
#[path = "architecture/scan.rs"]
mod scan;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rooms::{ROOMS, Room};
use scan::{Findings, Used};

const HARD_END: usize = 450;
const PROGRAM_END: usize = 60;

/// A source file: its path below the checkout, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// `src/aws/mod.rs` and `src/aws.rs` are `aws`; `src/aws/sdk.rs` is `aws::sdk`.
    fn module(&self) -> Vec<String> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
        if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
            parts.pop();
        }
        parts
    }
}

/// Everything wrong with these sources, one sentence each.
fn judge(sources: &[Source], crates: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut tests: BTreeSet<Vec<String>> = BTreeSet::new();
    // Twice: the second time it is known which files are compiled for tests only.
    for last in [false, true] {
        wrong.clear();
        for source in sources {
            let module = source.module();
            let in_test = (1..=module.len()).any(|n| tests.contains(&module[..n]));
            match scan::scan(&source.text, &module, crates, in_test) {
                Err(error) => wrong.push(format!("{}: {error}", source.path)),
                Ok(found) if last => judge_one(source, &module, &found, &mut wrong),
                Ok(found) => tests.extend(found.test_modules),
            }
        }
    }
    wrong
}

fn judge_one(source: &Source, module: &[String], found: &Findings, wrong: &mut Vec<String>) {
    let path = &source.path;
    let lines = source.text.lines().count();
    if lines > HARD_END {
        wrong.push(format!("{path}: has {lines} lines, more than {HARD_END}; split it by idea"));
    }
    for (what, line) in &found.oddities {
        wrong.push(format!("{path}:{line}: {what}"));
    }
    let Some(name) = module.first() else {
        for used in &found.used {
            if used.path[0] != "crate" {
                wrong.push(format!("{path}:{}: the root only names the rooms", used.line));
            }
        }
        return;
    };
    if name == "bin" && lines >= PROGRAM_END {
        wrong.push(format!(
            "{path}: has {lines} lines; programs stay below {PROGRAM_END}, logic lives in a room"
        ));
    }
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        wrong.push(format!("{path}: '{name}' is not in the table of rooms; give it a row in tests/architecture/rooms.rs and docs/architecture.md"));
        return;
    };
    for used in &found.used {
        if let Some(why) = forbidden(room, used) {
            wrong.push(format!(
                "{path}:{}: {} may not use {}: {why}",
                used.line,
                room.name,
                used.path.join("::")
            ));
        }
    }
}

/// Why a room may not use this path, if so.
fn forbidden(room: &Room, used: &Used) -> Option<String> {
    let first = used.path[0].as_str();
    if first == "crate" {
        return match used.path.get(1).map(String::as_str) {
            None if used.glob => Some("a glob over the root hides which room is meant".to_owned()),
            None => None,
            Some(other) if other == room.name || room.rooms.contains(&other) => None,
            // A constant or macro of the root, not a room.
            Some(other) if ROOMS.iter().all(|r| r.name != other) => None,
            Some(_) => Some(room.why.to_owned()),
        };
    }
    if used.in_test {
        return None;
    }
    if !matches!(first, "std" | "core" | "alloc") && !room.crates.allow(first) {
        return Some(room.why.to_owned());
    }
    let path = used.path.join("::");
    let within = |outer: &str, inner: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"))
    };
    room.never
        .iter()
        .copied()
        .flatten()
        .any(|never| within(never, &path) || (used.glob && within(&path, never)))
        .then(|| room.why.to_owned())
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut folders = vec![checkout().join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .into_iter()
        .map(|file| Source {
            path: file.strip_prefix(checkout()).unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&file).unwrap(),
        })
        .collect()
}

/// The names by which code can reach a dependency.
fn crates() -> BTreeSet<String> {
    let manifest = fs::read_to_string(checkout().join("Cargo.toml")).unwrap();
    let mut names: BTreeSet<String> =
        ["std", "core", "alloc", "proc_macro"].map(str::to_owned).into();
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            in_dependencies = section.trim_end_matches(']').ends_with("dependencies");
        } else if let (true, Some((name, _))) = (in_dependencies, line.split_once('=')) {
            names.insert(name.trim().trim_end_matches(".workspace").replace('-', "_"));
        }
    }
    names
}

#[test]
fn every_room_keeps_to_its_row() {
    let sources = sources();
    assert!(sources.len() > 10, "only {} sources found", sources.len());
    let wrong = judge(&sources, &crates());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle_and_no_unknown_name() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < ROOMS.len() {
        let before = done.len();
        for room in ROOMS {
            if room.rooms.iter().all(|r| done.contains(r)) {
                done.insert(room.name);
            }
        }
        assert!(done.len() > before, "these stand on each other or on nothing: {:?}", {
            ROOMS.iter().map(|r| r.name).filter(|r| !done.contains(r)).collect::<Vec<_>>()
        });
    }
}

#[test]
fn the_document_and_the_table_name_the_same_rooms() {
    let document = fs::read_to_string(checkout().join("docs/architecture.md")).unwrap();
    let rows: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `src/")?.split_once("/`").map(|(room, _)| room))
        .collect();
    let table: BTreeSet<&str> = ROOMS.iter().map(|room| room.name).collect();
    assert_eq!(rows, table, "docs/architecture.md and tests/architecture/rooms.rs differ");
}
