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

    /// Asks it to end (SIGTERM) and waits for it.
    #[track_caller]
    pub fn stop(&mut self, patience: Duration) -> ExitStatus {
        let id = self.child.id().to_string();
        if self.ended().is_none() {
            Command::new("bash").args(["-c", "kill -TERM \"$1\"", "-", &id]).status().unwrap();
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
