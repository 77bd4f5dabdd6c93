//! Progress: a bar that moves on a terminal, plain lines elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

use super::screen::{Screen, Tone, one_line};
use crate::api::rollback_status::{Failure, RollbackStatus};
use crate::api::{Phase, Rollback};

/// Plain lines about the same phase are at least this far apart.
const LINE_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// What was shown so far.
pub struct Progress {
    redraws: bool,
    bar: Option<ProgressBar>,
    told_failures: usize,
    last: Option<(Timestamp, Phase, String)>,
}

impl Progress {
    /// Nothing is shown yet.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self { redraws: screen.can_redraw, bar: None, told_failures: 0, last: None }
    }

    /// Shows how it stands now.
    pub fn show(&mut self, rollback: &Rollback, now: Timestamp, screen: Screen) {
        let Some(status) = &rollback.status else { return };
        for failure in status.failures.iter().skip(self.told_failures) {
            self.say(screen, Tone::Bad, &failure_line(failure));
        }
        self.told_failures = self.told_failures.max(status.failures.len());
        if self.redraws {
            draw(self.bar.get_or_insert_with(spinner), status);
        } else if let Some(line) = self.next_line(status, now) {
            screen.note(&line);
        }
    }

    /// Says something beside the progress.
    pub fn note(&self, screen: Screen, text: &str) {
        self.say(screen, Tone::Warning, text);
    }

    fn say(&self, screen: Screen, tone: Tone, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| screen.note_in(tone, text)),
            None => screen.note_in(tone, text),
        }
    }

    /// Takes the bar away, until there is progress again; what was printed stays.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// The next plain line, if there is something new to say.
    fn next_line(&mut self, status: &RollbackStatus, now: Timestamp) -> Option<String> {
        let line = line(status);
        if let Some((at, phase, last)) = &self.last {
            let too_soon = now.duration_since(*at) < LINE_EVERY;
            if *last == line || (*phase == status.phase && too_soon) {
                return None;
            }
        }
        self.last = Some((now, status.phase, line.clone()));
        Some(line)
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn draw(bar: &ProgressBar, status: &RollbackStatus) {
    let message = line(status);
    let Some(progress) = status.progress.as_ref().filter(|progress| progress.total > 0) else {
        bar.set_message(message);
        return;
    };
    let length = u64::try_from(progress.total).unwrap_or_default();
    if bar.length() != Some(length) {
        // The estimate begins when there is something to count.
        let template = "{bar:32} {pos}/{len} {percent}%  eta {eta}  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_length(length);
        bar.reset_eta();
    }
    let over = progress.done.saturating_add(progress.failed).saturating_add(progress.skipped);
    bar.set_position(u64::try_from(over).unwrap_or_default());
    bar.set_message(message);
}

/// How it stands, in one line.
fn line(status: &RollbackStatus) -> String {
    let phase = status.phase;
    if status.summary.is_empty() {
        return phase.to_string();
    }
    format!("{phase}: {}", one_line(&status.summary))
}

/// A failure in one line.
#[must_use]
pub fn failure_line(failure: &Failure) -> String {
    let mut text = format!("failed: {}: {}", one_line(&failure.action), one_line(&failure.reason));
    if !failure.message.is_empty() {
        text = format!("{text}: {}", one_line(&failure.message));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    #[test]
    fn plain_lines_are_few_and_say_what_is_new() {
        let mut progress = Progress { redraws: false, bar: None, told_failures: 0, last: None };
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut status = fixtures::rollback(Phase::Executing).status.unwrap();
        status.summary = "1 of 9 undone".to_owned();
        assert_eq!(progress.next_line(&status, at(0)).unwrap(), "Executing: 1 of 9 undone");
        assert_eq!(progress.next_line(&status, at(60)), None, "nothing new");
        status.summary = "2 of 9 undone".to_owned();
        assert_eq!(progress.next_line(&status, at(4)), None, "too soon");
        assert_eq!(progress.next_line(&status, at(5)).unwrap(), "Executing: 2 of 9 undone");
        status.phase = Phase::Verifying;
        assert!(progress.next_line(&status, at(6)).is_some(), "a new phase is told at once");
    }
}
