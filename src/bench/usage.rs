//! What a process has used of the machine, as Linux counts it in `/proc`.
//! Source: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.

use std::path::PathBuf;

/// `USER_HZ`, the unit of processor time in `/proc`, on every architecture that matters here.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used so far; nothing where there is no `/proc`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// The most memory that it held at once, in bytes.
    pub peak_memory: Option<u64>,
    /// The memory that it holds now, in bytes.
    pub memory: Option<u64>,
    /// Processor time of all its threads, in seconds.
    pub processor_seconds: Option<f64>,
    /// Files and connections that it has open.
    pub open_files: Option<u64>,
}

impl Usage {
    /// Of a running process.
    pub fn of(pid: u32) -> Self {
        let path = |name: &str| -> PathBuf { ["/proc", &pid.to_string(), name].iter().collect() };
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap_or_default();
        Self {
            peak_memory: kibibytes(&read("status"), "VmHWM:"),
            memory: kibibytes(&read("status"), "VmRSS:"),
            processor_seconds: processor_seconds(&read("stat")),
            open_files: std::fs::read_dir(path("fd")).ok().map(|files| files.map(|_| 1).sum()),
        }
    }
}

/// A line of `/proc/PID/status`, in bytes.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The fields behind the name, which may hold blanks and brackets: `utime` and `stime` are the 12th
/// and 13th of them.
fn processor_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_read_from_what_linux_says() {
        let status = "Name:\ta (b) c\nVmPeak:\t  9000 kB\nVmHWM:\t    7788 kB\nVmRSS:\t 5000 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(7788 * 1024));
        assert_eq!(kibibytes(status, "VmRSS:"), Some(5000 * 1024));
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194304 2000 0 5 0 1234 66 0 0 20 0 8 0 99 1 2";
        assert_eq!(processor_seconds(stat), Some(13.0));
    }

    #[test]
    fn a_process_that_is_gone_has_no_figures() {
        assert_eq!(Usage::of(u32::MAX), Usage::default());
        assert_eq!(processor_seconds("42 (short) S 1"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_both() {
        let usage = Usage::of(std::process::id());
        assert!(usage.peak_memory.is_some_and(|bytes| bytes > 1 << 20), "{usage:?}");
        assert!(usage.processor_seconds.is_some(), "{usage:?}");
        assert!(usage.open_files > Some(2), "{usage:?}");
    }
}
