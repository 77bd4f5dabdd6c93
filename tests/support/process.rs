//! One child process with a log.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{guard, wait};

/// A child process, ended when dropped.
pub struct Process {
    child: Child,
    pub log: PathBuf,
}

impl Process {
    /// Starts it with its output appended to a log in this directory.
    pub fn start(name: &str, directory: &Path, command: &mut Command) -> Self {
        let log = directory.join(format!("{name}.log"));
        let file: File = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        guard::process(child.id());
        wait::watch_log(&log);
        Self { child, log }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Ends it as a power cut would.
    pub fn kill9(&mut self) {
        if self.ended().is_none() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }

    /// Stops it where it is (SIGSTOP): it is there, and does nothing.
    #[track_caller]
    pub fn freeze(&mut self) {
        self.signal("STOP");
    }

    /// Lets it go on (SIGCONT).
    #[track_caller]
    pub fn thaw(&mut self) {
        self.signal("CONT");
    }

    #[track_caller]
    fn signal(&mut self, name: &str) {
        assert!(self.ended().is_none(), "the process has ended: {}", wait::tail(&self.log));
        let (option, id) = (format!("-{name}"), self.child.id().to_string());
        let kill = ["-c", "kill \"$1\" \"$2\"", "-", &option, &id];
        assert!(Command::new("bash").args(kill).status().unwrap().success());
    }

    /// Asks it to end (SIGTERM) and waits for it.
    #[track_caller]
    pub fn stop(&mut self, patience: Duration) -> ExitStatus {
        if self.ended().is_none() {
            self.signal("TERM");
        }
        wait::wait_for("the process to end after SIGTERM", patience, || self.ended())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        guard::done(self.child.id());
    }
}
