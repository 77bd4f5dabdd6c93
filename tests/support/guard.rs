//! Leaves nothing behind: a process beside the test program that cleans up after it.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The guard's standard input: it closes when this program ends, whichever way.
static GUARD: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

#[expect(clippy::zombie_processes, reason = "it outlives this program on purpose")]
fn tell(line: &str) {
    let guard = GUARD.get_or_init(|| {
        let mut child = Command::new("bash")
            .arg(super::checkout().join("tests/support/guard.sh"))
            .arg(super::checkout().join("hack/control-plane"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Standard error stays open: whoever reads ours to its end waits for the guard too.
            .stderr(Stdio::inherit())
            .process_group(0) // Ctrl-C is for us, not for it
            .spawn()
            .expect("bash starts");
        Mutex::new(child.stdin.take().expect("its input is a pipe"))
    });
    let mut pipe = guard.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(pipe, "{line}").expect("the guard reads");
}

/// From now on this process is ended with the test program.
pub fn process(id: u32) {
    let fields = fs::read_to_string(format!("/proc/{id}/stat")).expect("a child has a stat");
    // Fields are counted behind the name, which may hold blanks and brackets.
    let start = fields.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(19));
    tell(&format!("process {id} {}", start.expect("field 22 of /proc/PID/stat")));
}

/// From now on the control plane in this directory is stopped with the test program.
pub fn control_plane(directory: &Path) {
    tell(&format!("control-plane {}", directory.display()));
}

/// From now on the node in this directory is stopped with the test program.
pub fn node(directory: &Path) {
    tell(&format!("node {}", directory.display()));
}

/// This process was waited for, or this control plane or node stopped.
pub fn done(what: impl std::fmt::Display) {
    tell(&format!("done {what}"));
}

/// A new directory that goes with the test program.
pub fn directory(prefix: &str) -> PathBuf {
    let directory = tempfile::Builder::new()
        .prefix(&format!("rollback-operator-{prefix}-"))
        .tempdir()
        .expect("a temporary directory")
        .keep();
    tell(&format!("directory {}", directory.display()));
    directory
}
