//! The programs of hack/tools/gitops.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::support::{Finished, checkout};

/// The directory that holds them; they are built with the first call.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let build =
            Finished::run(&mut Command::new(checkout().join("hack/tools/gitops/build")), "");
        PathBuf::from(build.succeeded().stdout.trim())
    })
}

/// What kstatus says of an object, and what a Lua script answers for it.
pub struct Judged {
    pub kstatus: String,
    pub lua: Value,
}

/// Asks about objects, all with the same script.
#[track_caller]
pub fn judge<'a>(objects: impl IntoIterator<Item = &'a Value>, script: &str) -> Vec<Judged> {
    let requests: Vec<String> = objects
        .into_iter()
        .map(|object| json!({"object": object, "script": script}).to_string())
        .collect();
    let said = Finished::run(&mut Command::new(directory().join("health")), &requests.join("\n"));
    let said = said.succeeded().stdout;
    let judged: Vec<Judged> = said
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).unwrap();
            assert!(answer["error"].is_null(), "{answer}");
            Judged {
                kstatus: answer["kstatus"].as_str().unwrap().to_owned(),
                lua: answer["lua"].clone(),
            }
        })
        .collect();
    assert_eq!(judged.len(), requests.len());
    judged
}
