//! The image of the Dockerfile, from the programs that were built for this test.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Finished, Node, checkout};

const NAME: &str = "localhost/rollback-operator:test";

/// Builds it from the programs of this build, or those in the directory `$IMAGE_PROGRAMS`, and
/// gives it to the containers of a node.
#[track_caller]
pub fn build_for(node: &Node) {
    let built = Path::new(env!("CARGO_BIN_EXE_rollback-operator")).parent().unwrap();
    let programs =
        std::env::var_os("IMAGE_PROGRAMS").map_or_else(|| built.to_owned(), PathBuf::from);
    let archive = node.directory().join("image.tar");
    let mut command = Command::new(checkout().join("hack/image"));
    Finished::run(command.arg(programs).arg(&archive).arg(NAME), "").succeeded();
    node.import(&archive);
}

/// Whether its programs were compiled for users: those of a directory are taken for such.
pub fn is_optimised() -> bool {
    !cfg!(debug_assertions) || std::env::var_os("IMAGE_PROGRAMS").is_some()
}

/// Registry, repository and tag.
pub fn name() -> (&'static str, &'static str, &'static str) {
    let (repository, tag) = NAME.rsplit_once(':').unwrap();
    let (registry, repository) = repository.split_once('/').unwrap();
    (registry, repository, tag)
}
