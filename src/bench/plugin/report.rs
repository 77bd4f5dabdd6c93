//! What a measurement of the plugin says.

use std::fmt;

use serde::Serialize;

use super::run::Run;
use crate::bench::words::{known, mebibytes};

/// What the plugin took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Operations that were imported and listed.
    pub operations: u32,
    /// Actions of the undo that was reported.
    pub actions: u32,
    /// The size of the program.
    pub program_bytes: u64,
    /// From its start to its end where it only says its version, in the middle of all starts.
    pub start_seconds: f64,
    /// The same of the slowest start.
    pub slowest_start_seconds: f64,
    /// The report of the undo, as a page.
    pub reported: Run,
    /// The size of that page.
    pub page_bytes: u64,
    /// The import of the operations.
    pub import: Run,
    /// The list of all of them.
    pub list: Run,
    /// The list of those of one actor in a thousand.
    pub found: Run,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = |run: Run| known(run.peak_memory_bytes.map(mebibytes));
        let mut line = |what: &str, value: String| writeln!(f, "{what:<36} {value}");
        line("program", format!("{}   (target: 15 MB)", mebibytes(self.program_bytes)))?;
        let milliseconds = |seconds: f64| format!("{:.0} ms", seconds * 1000.0);
        let starts = [self.start_seconds, self.slowest_start_seconds].map(milliseconds);
        line("start", format!("{}, slowest {}   (target: 50 ms)", starts[0], starts[1]))?;
        line(
            &format!("report of {} actions", self.actions),
            format!(
                "{:.2} s, {}, a page of {}   (target: 1 s, 3 MB)",
                self.reported.seconds,
                memory(self.reported),
                mebibytes(self.page_bytes)
            ),
        )?;
        let each_second = f64::from(self.operations) / self.import.seconds;
        line(
            &format!("import of {} operations", self.operations),
            format!(
                "{:.1} s, {each_second:.0} a second, {}   (target: 500 a second)",
                self.import.seconds,
                memory(self.import)
            ),
        )?;
        line(
            "  listed",
            format!("{:.2} s, {}   (target: 3 s, 100 MiB)", self.list.seconds, memory(self.list)),
        )?;
        line(
            "  those of one actor in a thousand",
            format!("{:.2} s, {}", self.found.seconds, memory(self.found)),
        )
    }
}
