//! Child processes that end with their owner.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::BenchError;

/// A running program; killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program that stands beside this one, logging into `directory`.
    pub fn start(
        name: &str,
        directory: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self, BenchError> {
        Self::launch(name, &beside(name)?, directory, prepare)
    }

    /// Starts any program under a name of ours, logging into `directory`.
    pub fn launch(
        name: &str,
        program: &Path,
        directory: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self, BenchError> {
        let log = directory.join(format!("{name}.log"));
        let file = File::create(&log).map_err(BenchError::io(log.display().to_string()))?;
        let errors = file.try_clone().map_err(BenchError::io(log.display().to_string()))?;
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        prepare(&mut command);
        let child = command.spawn().map_err(BenchError::io(program.display().to_string()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails when the program has ended.
    pub fn check(&mut self) -> Result<(), BenchError> {
        self.status()?.map_or(Ok(()), |status| Err(self.ended(status)))
    }

    /// Whether the program has ended; fails when it ended badly.
    pub fn is_over(&mut self) -> Result<bool, BenchError> {
        match self.status()? {
            Some(status) if !status.success() => Err(self.ended(status)),
            status => Ok(status.is_some()),
        }
    }

    fn status(&mut self) -> Result<Option<ExitStatus>, BenchError> {
        self.child.try_wait().map_err(BenchError::io(self.name.clone()))
    }

    fn ended(&self, status: ExitStatus) -> BenchError {
        BenchError::Ended {
            program: self.name.clone(),
            status: status.to_string(),
            log: tail(&self.log),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program of this name that stands beside this one.
pub fn beside(name: &str) -> Result<PathBuf, BenchError> {
    let me = std::env::current_exe().map_err(BenchError::io("this program's own path"))?;
    let program = me.with_file_name(name);
    if program.is_file() { Ok(program) } else { Err(BenchError::NotBuilt(program)) }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Runs a command to its end and gives what it printed.
pub fn output(command: &mut Command) -> Result<String, BenchError> {
    let what = format!("{command:?}");
    let done = command.stdin(Stdio::null()).output().map_err(BenchError::io(what.clone()))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(BenchError::Ended {
        program: what,
        status: done.status.to_string(),
        log: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}
