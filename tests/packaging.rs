//! The krew manifest of a release, made from archives as a release makes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

const URL: &str = "https://example.com/releases/v0";

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest(arguments: &[&str]) -> Output {
    Command::new(checkout().join("packaging/krew/manifest")).args(arguments).output().unwrap()
}

/// An archive of a platform that holds these files.
fn archive(directory: &Path, platform: &str, files: &[&str]) -> PathBuf {
    let content = directory.join(format!("{platform}.d"));
    std::fs::create_dir(&content).unwrap();
    for file in files {
        std::fs::write(content.join(file), platform).unwrap();
    }
    let archive = directory.join(format!("kubectl-rollback_{platform}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(&archive).arg("-C").arg(&content).args(files);
    assert!(tar.status().unwrap().success());
    archive
}

/// The rules of krew's own validation: <https://github.com/kubernetes-sigs/krew>,
/// internal/index/validation/validate.go.
#[test]
fn the_manifest_is_valid_and_names_what_the_archives_are() {
    let directory = tempfile::tempdir().unwrap();
    let platforms = ["linux_amd64", "linux_arm64", "darwin_arm64", "windows_amd64"];
    let archives: Vec<PathBuf> = platforms
        .iter()
        .map(|platform| {
            let windows = platform.starts_with("windows");
            let program = if windows { "kubectl-rollback.exe" } else { "kubectl-rollback" };
            archive(directory.path(), platform, &[program, "LICENSE"])
        })
        .collect();
    let mut arguments = vec![URL];
    arguments.extend(archives.iter().map(|path| path.to_str().unwrap()));
    let output = manifest(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Value = serde_saphyr::from_str(&text).unwrap();

    assert_eq!(found["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!(found["kind"], "Plugin");
    // krew makes `kubectl rollback` of it.
    assert_eq!(found["metadata"]["name"], "rollback");
    let spec = &found["spec"];
    assert_eq!(spec["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    for field in ["homepage", "shortDescription", "description", "caveats"] {
        let said = spec[field].as_str().unwrap();
        assert!(!said.is_empty() && !said.contains('@'), "{field}: {said}");
    }
    let short = spec["shortDescription"].as_str().unwrap();
    assert!(short.len() <= 50 && !short.ends_with('.') && !short.contains('\n'), "{short}");
    let listed = spec["platforms"].as_array().unwrap();
    assert_eq!(listed.len(), platforms.len());
    let mut selectors = BTreeSet::new();
    for ((one, platform), path) in listed.iter().zip(platforms).zip(&archives) {
        let labels = &one["selector"]["matchLabels"];
        let named =
            format!("{}_{}", labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        assert_eq!(named, platform);
        assert!(selectors.insert(named), "{platform} twice");
        assert_eq!(one["uri"], format!("{URL}/kubectl-rollback_{platform}.tar.gz"));
        let sum = Sha256::digest(std::fs::read(path).unwrap());
        let hex: Vec<String> = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(one["sha256"], hex.concat());
        let program = one["bin"].as_str().unwrap();
        let extension = Path::new(program).extension();
        assert_eq!(extension.is_some_and(|it| it == "exe"), platform.starts_with("windows"));
        assert_eq!(one["files"], serde_json::json!([{"from": "*", "to": "."}]));
    }
}

#[test]
fn archives_that_krew_could_not_install_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let good = archive(directory.path(), "linux_amd64", &["kubectl-rollback", "LICENSE"]);
    let without = archive(directory.path(), "linux_arm64", &["kubectl-rollback"]);
    let strange = archive(directory.path(), "plan9_amd64", &["kubectl-rollback", "LICENSE"]);
    let refused = |url: &str, path: &Path, why: &str| {
        let output = manifest(&[url, path.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(URL, &without, "does not hold LICENSE");
    refused(URL, &strange, "is not named kubectl-rollback_<os>_<arch>.tar.gz");
    refused("http://example.com", &good, "is not an https URL");
}
