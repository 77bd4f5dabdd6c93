//! `import` as a command without a cluster: what it prints and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";

fn command(directory: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-rollback"));
    command
        .args(["import", "awsideman", directory.to_str().unwrap(), "--dry-run"])
        .args(more)
        .env("KUBECONFIG", "/nowhere")
        .stdin(Stdio::null());
    command
}

fn import(directory: &Path, more: &[&str]) -> Output {
    command(directory, more).output().unwrap()
}

fn samples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/awsideman")
}

const KNOWN: [&str; 4] = ["--instance", "main", "--instance-arn", INSTANCE];

#[test]
fn a_dry_run_prints_a_stream_of_objects_and_a_summary_beside_it() {
    let output = import(&samples(), &[&KNOWN[..], &["-n", "access"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.split("---\n").count(), 6);
    let first: serde_json::Value =
        serde_saphyr::from_str(text.split("---\n").next().unwrap()).unwrap();
    assert_eq!(first["kind"], "OperationRecord");
    assert_eq!(first["metadata"]["namespace"], "access");
    assert_eq!(first["spec"]["instance"], "main");
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.ends_with("6 printed, nothing was written, 2 repaired\n"), "{words}");
    assert!(!words.contains('\u{1b}'), "no colours where nobody sees them: {words:?}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_torn_store_is_taken_as_far_as_it_goes() {
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    std::fs::write(directory.path().join("operations.json"), &text[..text.len() - 100]).unwrap();
    let output = import(directory.path(), &[&KNOWN[..], &["-o", "name"]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.contains("torn      operations.json: torn at byte 6366: the operation (5b006792-"),
        "{words}"
    );
}

#[test]
fn a_reader_who_has_gone_away_changes_no_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    std::fs::write(directory.path().join("operations.json"), &text[..text.len() - 100]).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(directory.path(), &KNOWN).stdout(writer).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("3 printed, nothing was written"), "{words}");
    assert_eq!(output.status.code(), Some(3), "{words}");
}

#[test]
fn what_cannot_be_done_is_a_sentence_and_a_code() {
    for (directory, more, code, words) in [
        ("tests", &KNOWN[..], 5, "holds no awsideman store"),
        ("nowhere", &KNOWN[..], 1, "cannot read"),
        (
            "tests/fixtures/awsideman",
            &["--profile", "prod", KNOWN[0], KNOWN[1], KNOWN[2], KNOWN[3]],
            5,
            "no store of the profile \"prod\"",
        ),
        ("tests/fixtures/awsideman", &[], 1, "no cluster to talk to"),
        ("tests/fixtures/awsideman", &["--instance-arn", INSTANCE], 2, "--instance"),
        ("tests/fixtures/awsideman", &["--timezone", "Mars"], 2, "is not a time zone"),
    ] {
        let output = import(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), more);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
}
