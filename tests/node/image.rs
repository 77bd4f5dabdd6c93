//! The image of the Dockerfile, from the programs that were built for this test.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

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
    says_what_it_is(&archive);
    node.import(&archive);
}

/// Holds who runs in the image, what it says about itself and, if its programs were compiled for users,
/// how large it is.
#[track_caller]
fn says_what_it_is(archive: &Path) {
    let read = |file: &str| {
        let mut tar = Command::new("tar");
        Finished::run(tar.arg("-xOf").arg(archive).arg(file), "").succeeded().stdout
    };
    let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
    let config: Value =
        serde_json::from_str(&read(manifest[0]["Config"].as_str().unwrap())).unwrap();
    let config = &config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/rollback-operator"]));
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!(label("title"), "rollback-operator");
    assert_eq!(label("licenses"), "Apache-2.0");
    assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
    assert!(label("revision").as_str().is_some_and(|it| !it.is_empty()));
    if is_optimised() {
        let mut compressed = Command::new("sh");
        let script = r#"tar -xOf "$0" --wildcards '*.tar' | gzip | wc -c"#;
        let bytes = Finished::run(compressed.args(["-c", script]).arg(archive), "").succeeded();
        let bytes: u64 = bytes.stdout.trim().parse().unwrap();
        assert!((1_000_000..=40_000_000).contains(&bytes), "{bytes} bytes compressed");
        println!("the image has {bytes} bytes compressed");
    }
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
