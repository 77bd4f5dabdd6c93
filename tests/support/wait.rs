//! Waiting for something outside, with an end and an explanation.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

thread_local! {
    /// Logs of the processes that this test started; a test runs in a thread of its own.
    static LOGS: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

/// This log is shown when a wait of this test fails.
pub fn watch_log(log: &Path) {
    LOGS.with_borrow_mut(|logs| logs.push(log.to_owned()));
}

/// Waits until the condition gives something.
///
/// # Panics
/// When it does not within the timeout: with what was waited for, and the ends of the logs of all
/// processes that this test started.
#[track_caller]
pub fn wait_for<T>(what: &str, timeout: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    let mut pause = Duration::from_millis(20);
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(
            began.elapsed() < timeout,
            "waited {} s for {what}, in vain\n{}",
            timeout.as_secs(),
            LOGS.with_borrow(|logs| logs.iter().map(|l| tail(l)).collect::<String>())
        );
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}

/// The last lines of a log, with its name.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(40)..];
    format!("--- the end of {}\n{}\n", log.display(), last.join("\n"))
}
