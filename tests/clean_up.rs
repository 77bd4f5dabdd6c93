//! The guard of `tests/support` cleans up after a test program that ended in any way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs the guard over these lines to its end, with stand-ins for hack/control-plane and
/// hack/node/run that note what they were asked.
fn guard(directory: &Path, lines: &str) -> String {
    let (stand_in, notes) = (directory.join("control-plane"), directory.join("notes"));
    let node = directory.join("node/run");
    fs::create_dir(directory.join("node")).unwrap();
    for (program, name) in [(&stand_in, ""), (&node, "node ")] {
        let script = format!("#!/bin/sh\necho \"{name}$@\" >>{}\n", notes.display());
        fs::write(program, script).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/guard.sh");
    let mut guard =
        Command::new("bash").arg(script).arg(&stand_in).stdin(Stdio::piped()).spawn().unwrap();
    guard.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(guard.wait().unwrap().success());
    fs::read_to_string(notes).unwrap_or_default()
}

/// A process that would sleep for a while, with its id and start time as the guard takes them.
fn sleeper() -> (Child, String, String) {
    let child = Command::new("sleep").arg("30").spawn().unwrap();
    let fields = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let start = fields.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().to_owned();
    let id = child.id().to_string();
    (child, id, start)
}

/// Whether it still sleeps; ends it then.
fn sleeps(mut child: Child) -> bool {
    let sleeps = child.try_wait().unwrap().is_none();
    let _ = child.kill();
    child.wait().unwrap();
    sleeps
}

#[test]
fn what_was_started_is_ended_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let (mut left, left_id, left_start) = sleeper();
    let (done, done_id, done_start) = sleeper();
    let (reused, reused_id, _) = sleeper();
    guard(
        directory.path(),
        &format!(
            "process {left_id} {left_start}\nprocess {done_id} {done_start}\ndone {done_id}\nprocess {reused_id} 1\n"
        ),
    );
    let end = left.wait().unwrap();
    assert_eq!(end.signal(), Some(9), "a process that was left running");
    assert!(sleeps(done), "a process that was waited for: its id may be somebody else's by now");
    assert!(sleeps(reused), "a process with the same id and another start");
}

#[test]
fn control_planes_are_stopped_and_directories_removed() {
    let directory = tempfile::tempdir().unwrap();
    let (left, done) = (directory.path().join("left"), directory.path().join("done"));
    for folder in [&left, &done] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("log"), "").unwrap();
    }
    let (left_name, done_name) = (left.display(), done.display());
    let asked = guard(
        directory.path(),
        &format!(
            "directory {left_name}\ncontrol-plane {left_name}\ncontrol-plane {done_name}\ndone {done_name}\n"
        ),
    );
    assert_eq!(asked, format!("stop {left_name}\n"));
    assert!(!left.exists() && done.exists());
}

#[test]
fn nodes_are_stopped_before_their_directories_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let left = directory.path().join("left");
    fs::create_dir(&left).unwrap();
    let left_name = left.display();
    let asked = guard(
        directory.path(),
        &format!("directory {left_name}\nnode {left_name}\nnode /done\ndone /done\n"),
    );
    assert_eq!(asked, format!("node stop {left_name}\n"));
    assert!(!left.exists());
}
