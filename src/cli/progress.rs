//! Progress: a bar that moves on a terminal, plain lines elsewhere.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

use super::quota::Quota;
use super::screen::{Screen, Tone, one_line};
use super::session::Session;
use super::times;
use crate::api::plan::PlanItem;
use crate::api::rollback_status::{Failure, InFlight, RollbackStatus};
use crate::api::{Phase, Rollback};
use crate::model::time::seconds_between;

/// Plain lines about the same phase are at least this far apart.
const LINE_EVERY: SignedDuration = SignedDuration::from_secs(5);
/// So many of what is at work are shown, the longest first.
const AT_WORK: usize = 5;

/// What was shown so far.
pub struct Progress {
    redraws: bool,
    bar: Option<ProgressBar>,
    told_failures: usize,
    last: Option<(Timestamp, Phase, String)>,
    /// What the plan's items are, in order; empty where nobody read them.
    names: Vec<String>,
    quota: Quota,
    /// How the quota is used, below what is at work.
    quota_words: Option<String>,
}

impl Progress {
    /// Nothing is shown yet.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self {
            redraws: screen.can_redraw,
            bar: None,
            told_failures: 0,
            last: None,
            names: Vec::new(),
            quota: Quota::default(),
            quota_words: None,
        }
    }

    /// Shows how it stands now, and on a terminal how the quota is used while something is sent.
    pub async fn follow(&mut self, session: &Session, rollback: &Rollback, screen: Screen) {
        let phase = rollback.status.as_ref().map(|status| status.phase);
        if self.redraws && phase == Some(Phase::Executing) {
            self.quota_words = self.quota.of(session, rollback).await.map(str::to_owned);
        }
        self.show(rollback, session.clock.now(), screen);
    }

    /// Takes the items of the plan, so that what is at work has a name.
    pub fn name_items(&mut self, items: &[PlanItem]) {
        self.names = items.iter().map(item_name).collect();
    }

    fn show(&mut self, rollback: &Rollback, now: Timestamp, screen: Screen) {
        let Some(status) = &rollback.status else { return };
        self.tell_failures(status, screen);
        if self.redraws {
            let message = self.message(status, now);
            draw(self.bar.get_or_insert_with(spinner), status, message);
        } else if let Some(line) = self.next_line(status, now) {
            screen.note(&line);
        }
    }

    /// Says which actions failed since it was last said.
    pub fn tell_failures(&mut self, status: &RollbackStatus, screen: Screen) {
        for failure in status.failures.iter().skip(self.told_failures) {
            self.say(screen, Tone::Bad, &failure_line(failure));
        }
        self.told_failures = self.told_failures.max(status.failures.len());
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
        Some(with_time_left(line, status, now))
    }

    /// The line beside the bar, and below it what is at work, the longest first.
    fn message(&self, status: &RollbackStatus, now: Timestamp) -> String {
        let mut text = with_time_left(line(status), status, now);
        let mut at_work: Vec<&InFlight> =
            status.in_flight.iter().filter(|entry| entry.ended_at.is_none()).collect();
        at_work.sort_by_key(|entry| entry.intent_at);
        for entry in at_work.iter().take(AT_WORK) {
            let index = usize::try_from(entry.item).unwrap_or(usize::MAX);
            let numbered = || format!("item {} {}", entry.item, entry.action.as_str());
            let name = self.names.get(index).cloned().unwrap_or_else(numbered);
            let _ = write!(text, "\n  {:>5}  {name}", times::age(now, entry.intent_at));
        }
        if let Some(more) = at_work.len().checked_sub(AT_WORK).filter(|more| *more > 0) {
            let _ = write!(text, "\n         and {more} more");
        }
        if let Some(quota) = self.quota_words.as_ref().filter(|_| status.phase == Phase::Executing)
        {
            let _ = write!(text, "\n  quota  {quota}");
        }
        text
    }
}

/// Adds how long it will take, if that is known.
fn with_time_left(line: String, status: &RollbackStatus, now: Timestamp) -> String {
    if status.phase != Phase::Executing {
        return line;
    }
    let timing = status.timing.as_ref();
    let planned = || {
        let began = timing?.executing_at?;
        let seconds = SignedDuration::try_from_secs_f64(status.plan.as_ref()?.estimate.seconds);
        began.checked_add(seconds.ok()?).ok()
    };
    let ends = timing.and_then(|timing| timing.expected_at).or_else(planned);
    match ends.map(|at| seconds_between(now, at)).filter(|left| *left > 0.0) {
        Some(left) => format!("{line}; about {} left", times::seconds(left)),
        None => line,
    }
}

/// An action in a few words: what, with which set, for whom, where.
fn item_name(item: &PlanItem) -> String {
    let set = item.permission_set_name.as_deref().unwrap_or(item.permission_set.short_id());
    let mut text = format!("{} {}", item.action.as_str(), one_line(set));
    if let Some(principal) = &item.principal {
        let name = principal.name.as_deref().unwrap_or(principal.id.as_str());
        let _ = write!(text, " for {}", one_line(name));
    }
    if let Some(account) = &item.account {
        let _ = write!(text, " in {account}");
    }
    text
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn draw(bar: &ProgressBar, status: &RollbackStatus, message: String) {
    let Some(progress) = status.progress.as_ref().filter(|progress| progress.total > 0) else {
        bar.set_message(message);
        return;
    };
    let length = u64::try_from(progress.total).unwrap_or_default();
    if bar.length() != Some(length) {
        let template = "{bar:32} {pos}/{len} {percent}%  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.set_length(length);
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
    use crate::api::rollback_status::Timing;
    use crate::cli::fixtures;

    #[test]
    fn plain_lines_are_few_and_say_what_is_new() {
        let mut progress = Progress::new(Screen::SILENT);
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

    #[test]
    fn what_is_at_work_has_a_name_and_the_end_a_time() {
        let mut progress = Progress::new(Screen::SILENT);
        let mut status = fixtures::rollback(Phase::Executing).status.unwrap();
        status.summary = "1 of 3 undone".to_owned();
        let at = |second| Timestamp::from_second(second).unwrap();
        let entry = |item: i32, second: i64| InFlight {
            item,
            action: crate::model::ActionKind::DeleteAssignment,
            intent_at: at(second),
            attempt: 1,
            unsent: 0,
            first_at: at(second),
            request_id: None,
            requested_at: None,
            ended_at: None,
        };
        status.in_flight = vec![entry(0, 7), entry(1, 3)];
        assert_eq!(
            progress.message(&status, at(10)),
            "Executing: 1 of 3 undone\n     7s  item 1 DeleteAssignment\n     3s  item 0 \
             DeleteAssignment"
        );
        progress.name_items(&fixtures::shard().spec.items);
        status.timing = Some(Timing { executing_at: Some(at(8)), ..Timing::default() });
        let said = progress.message(&status, at(10));
        assert!(said.starts_with("Executing: 1 of 3 undone; about 4.5s left\n"), "{said}");
        let named = "     7s  DeleteAssignment ReadOnlyAccess for john.doe in 592740528984";
        assert_eq!(said.lines().nth(1), Some(named));
        status.timing.as_mut().unwrap().expected_at = Some(at(70));
        assert!(progress.message(&status, at(10)).contains("; about 60s left\n"));
        status.in_flight = (0..9).map(|item| entry(item, 3)).collect();
        assert!(progress.message(&status, at(10)).ends_with("and 4 more"));
        progress.quota_words = Some("17.8 of 18 requests a second".to_owned());
        let said = progress.message(&status, at(10));
        assert!(said.ends_with("more\n  quota  17.8 of 18 requests a second"), "{said}");
        status.phase = Phase::Verifying;
        assert!(!progress.message(&status, at(10)).contains("quota"), "nothing is sent any more");
    }
}
