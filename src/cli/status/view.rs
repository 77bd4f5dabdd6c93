//! The state of a Rollback as a person reads it.

use std::fmt::Write as _;

use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::api::plan_status::PlanStatus;
use crate::api::rollback_status::{Progress, RollbackStatus, Timing};
use crate::api::{Phase, Rollback};
use crate::cli::hold;
use crate::cli::plan::view::grade_tone;
use crate::cli::progress::failure_line;
use crate::cli::screen::{Paint, Tone, one_line};
use crate::cli::selection::described;
use crate::cli::times;
use crate::cli::wrap::wrap;
use crate::model::time::seconds_between;
use crate::model::words::count;

/// Failures that are shown; the others are in the plan's shards.
const FAILURES: usize = 20;
/// Requests in flight that are shown.
const IN_FLIGHT: usize = 10;
/// Width of the bar.
const BAR: usize = 20;

/// The whole state.
#[must_use]
pub fn render(rollback: &Rollback, now: Timestamp, paint: Paint) -> String {
    wrap(&state(rollback, now, paint), paint.width)
}

fn state(rollback: &Rollback, now: Timestamp, paint: Paint) -> String {
    let name = rollback.name_any();
    let namespace = rollback.namespace().unwrap_or_default();
    let default = RollbackStatus::default();
    let status = rollback.status.as_ref().unwrap_or(&default);
    let mut text = String::new();
    let phase = paint.text(phase_tone(status.phase), status.phase.as_str());
    let title = paint.text(Tone::Strong, &format!("rollback {name}"));
    let _ = writeln!(text, "{title} in namespace {namespace}: {phase}");
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {label:<10} {value}");
        }
    };
    line("summary", &one_line(&status.summary));
    line("operations", &operations(rollback, status));
    line("instance", status.instance.as_deref().unwrap_or_default());
    line("asked", &asked(rollback, now));
    line("reason", &one_line(rollback.spec.reason.as_deref().unwrap_or_default()));
    line("ticket", &one_line(rollback.spec.ticket.as_deref().unwrap_or_default()));
    if let Some(plan) = &status.plan {
        line("plan", &plan_line(plan, paint));
        line("digest", &plan.digest);
        line("approval", &approval_line(plan, status, now));
    }
    if let Some(progress) = status.progress.as_ref().filter(|progress| progress.total > 0) {
        line("progress", &progress_line(progress, status.phase));
    }
    if let Some(timing) = &status.timing {
        line("timing", &timing_line(timing, now));
        line("spent", &timing.shares.as_ref().map(times::spent).unwrap_or_default());
    }
    line("ledger", status.ledger.as_deref().unwrap_or_default());
    text.push_str(&in_flight(status, now, paint));
    text.push_str(&failures(status, paint));
    for (title, lines) in [
        ("Warnings", status.plan.iter().flat_map(|plan| plan.warnings.clone()).collect()),
        ("Faster", status.recommendations.iter().map(|r| r.message.clone()).collect::<Vec<_>>()),
    ] {
        if !lines.is_empty() {
            let _ = writeln!(text, "{title}");
        }
        for line in lines {
            let _ = writeln!(text, "  - {}", one_line(&line));
        }
    }
    if let Some(next) = next_step(rollback, status) {
        let _ = writeln!(text, "Next\n  {next}");
    }
    text
}

/// How a phase looks.
#[must_use]
pub const fn phase_tone(phase: Phase) -> Tone {
    match phase {
        Phase::Succeeded | Phase::AlreadyRolledBack => Tone::Good,
        Phase::Failed => Tone::Bad,
        Phase::PartiallySucceeded
        | Phase::AwaitingApproval
        | Phase::Cancelled
        | Phase::Rejected => Tone::Warning,
        _ => Tone::Strong,
    }
}

fn operations(rollback: &Rollback, status: &RollbackStatus) -> String {
    let names = described(rollback, false);
    match &status.operation_type {
        Some(kind) => format!("{names} ({kind})"),
        None => names,
    }
}

fn asked(rollback: &Rollback, now: Timestamp) -> String {
    let Some(at) = rollback.metadata.creation_timestamp.as_ref() else { return String::new() };
    let by = rollback.spec.requested_by.as_ref().map(|by| format!(" by {}", one_line(by)));
    format!("{} ago{}", times::age(now, at.0), by.unwrap_or_default())
}

fn plan_line(plan: &PlanStatus, paint: Paint) -> String {
    let grade = paint.text(grade_tone(plan.grade), plan.grade.as_str());
    let actions = count(plan.actions, "action");
    let (as_wanted, kept) = (plan.already_so, plan.kept - plan.already_so);
    format!(
        "{actions}, {as_wanted} as wanted already, {kept} kept, {} blocked, {grade}",
        plan.blocked
    )
}

fn approval_line(plan: &PlanStatus, status: &RollbackStatus, now: Timestamp) -> String {
    let policy = plan.policy.as_str();
    let at = status.timing.as_ref().and_then(|timing| timing.approved_at);
    let at = at.map(|at| format!(" {} ago", times::age(now, at))).unwrap_or_default();
    match &plan.approved_by {
        Some(by) => format!("{policy}; approved by {}{at}", one_line(by)),
        None if !at.is_empty() => format!("{policy}; released{at}"),
        None => policy.to_owned(),
    }
}

fn progress_line(progress: &Progress, phase: Phase) -> String {
    let part = |value: i32| usize::try_from(value).unwrap_or_default();
    let filled = (part(progress.done) * BAR / part(progress.total).max(1)).min(BAR);
    let bar = "━".repeat(filled) + &"─".repeat(BAR - filled);
    let mut text = format!("{bar} {}/{} {}%", progress.done, progress.total, progress.percent);
    let unread = i32::try_from(progress.unread()).unwrap_or(i32::MAX);
    for (value, what) in [
        (unread, "written and not read back yet"),
        (if phase.is_terminal() { 0 } else { progress.in_flight }, "in flight"),
        (progress.failed, "failed"),
        (progress.skipped, "blocked or skipped"),
    ] {
        if value > 0 {
            let _ = write!(text, ", {value} {what}");
        }
    }
    text
}

fn timing_line(timing: &Timing, now: Timestamp) -> String {
    let mut parts = Vec::new();
    let between = |from: Option<Timestamp>, to: Option<Timestamp>| {
        Some(times::seconds(seconds_between(from?, to?)))
    };
    if let Some(length) = between(timing.planning_at, timing.planned_at) {
        parts.push(format!("planned in {length}"));
    }
    if let Some(length) = between(timing.planned_at, timing.approved_at) {
        parts.push(format!("approved after {length}"));
    }
    match (timing.execution_seconds, timing.executing_at, timing.finished_at) {
        (Some(length), ..) => parts.push(format!("executed in {}", times::seconds(length))),
        (None, Some(at), None) => parts.push(format!("executing for {}", times::age(now, at))),
        _ => {}
    }
    if let Some(left) = timing.expected_at.map(|at| seconds_between(now, at)).filter(|it| *it > 0.0)
    {
        parts.push(format!("about {} left", times::seconds(left)));
    }
    if let Some(rate) = timing.actions_per_second {
        parts.push(format!("{rate:.1} actions/s"));
    }
    if timing.aws_requests > 0 {
        parts.push(format!("{} AWS requests", timing.aws_requests));
    }
    if timing.throttled > 0 {
        parts.push(format!("{} throttled", timing.throttled));
    }
    if timing.conflicts > 0 {
        parts.push(format!("{} conflicts", timing.conflicts));
    }
    parts.join(", ")
}

fn in_flight(status: &RollbackStatus, now: Timestamp, paint: Paint) -> String {
    let mut text = String::new();
    if status.in_flight.is_empty() || status.phase.is_terminal() {
        return text;
    }
    let _ = writeln!(text, "{}", paint.text(Tone::Strong, "In flight"));
    for entry in status.in_flight.iter().take(IN_FLIGHT) {
        let request = entry.request_id.as_ref().map(|id| format!(", request {id}"));
        let _ = writeln!(
            text,
            "  item {} {} for {}, attempt {}{}",
            entry.item,
            entry.action.as_str(),
            times::age(now, entry.intent_at),
            entry.attempt,
            request.unwrap_or_default()
        );
    }
    if let Some(more) = status.in_flight.len().checked_sub(IN_FLIGHT).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more");
    }
    text
}

fn failures(status: &RollbackStatus, paint: Paint) -> String {
    let mut text = String::new();
    if status.failures.is_empty() {
        return text;
    }
    let _ = writeln!(text, "{}", paint.text(Tone::Bad, "Failures"));
    for failure in status.failures.iter().take(FAILURES) {
        let line = failure_line(failure);
        let _ = writeln!(text, "  - {}", line.strip_prefix("failed: ").unwrap_or(&line));
        if let Some(id) = &failure.request_id {
            let _ = writeln!(text, "    request {id}");
        }
        if !failure.next_step.is_empty() {
            let _ = writeln!(text, "    next: {}", one_line(&failure.next_step));
        }
    }
    if let Some(more) = status.failures.len().checked_sub(FAILURES).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more; -o yaml shows them");
    }
    text
}

fn next_step(rollback: &Rollback, status: &RollbackStatus) -> Option<String> {
    let name = rollback.name_any();
    let namespace = rollback.namespace().unwrap_or_default();
    let resume = format!("kubectl rollback resume {name} -n {namespace}");
    match status.phase {
        Phase::AwaitingApproval if hold::needs_approval(rollback) != Some(false) => {
            let approve = format!("kubectl rollback approve {name} -n {namespace}");
            Some(if rollback.spec.suspend {
                format!("{approve}; it is suspended, to let it go on then: {resume}")
            } else {
                approve
            })
        }
        Phase::PartiallySucceeded | Phase::Failed => {
            Some(format!("to try again what is open: kubectl rollback retry {name} -n {namespace}"))
        }
        _ if rollback.spec.suspend && !status.phase.is_terminal() => {
            Some(format!("it is suspended; to let it go on: {resume}"))
        }
        Phase::Planned => Some(format!(
            "to execute it: kubectl patch rollback {name} -n {namespace} --type merge -p \
             '{{\"spec\":{{\"mode\":\"Apply\"}}}}'"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::fixtures;

    fn now() -> Timestamp {
        "2026-11-23T20:58:00Z".parse().unwrap()
    }

    #[test]
    fn a_waiting_rollback_reads_as_text() {
        let rollback = fixtures::rollback(Phase::AwaitingApproval);
        assert_eq!(
            render(&rollback, now(), Paint::PLAIN),
            "\
rollback undo in namespace access: AwaitingApproval
  summary    3 actions wait for approval
  operations assign-2abdc948 (Assign)
  instance   main
  asked      3m ago
  reason     wrong group
  plan       3 actions, 0 as wanted already, 1 kept, 1 blocked, Lossy
  digest     sha256:7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069
  approval   Always
Warnings
  - sessions that are open now last until 2026-11-24T08:50:00Z
Next
  kubectl rollback approve undo -n access
"
        );
    }

    #[test]
    fn a_running_and_a_failed_one_show_what_matters() {
        let mut rollback = fixtures::rollback(Phase::Executing);
        let status = rollback.status.as_mut().unwrap();
        status.summary = "1 of 3 undone, 1 failed, 1 in flight".to_owned();
        status.plan.as_mut().unwrap().warnings.clear();
        status.plan.as_mut().unwrap().approved_by = Some("bob".to_owned());
        status.progress = serde_json::from_value(json!({
            "total": 4, "done": 1, "failed": 1, "skipped": 0, "inFlight": 1, "percent": 25,
            "shards": ["vfrs"],
        }))
        .unwrap();
        status.in_flight = serde_json::from_value(json!([{
            "item": 2, "action": "DeleteAssignment", "intentAt": "2026-11-23T20:57:48Z",
            "attempt": 1, "firstAt": "2026-11-23T20:57:48Z",
            "requestId": "3c3b70b4-4776-41de-9a49-39631b4f118b",
        }]))
        .unwrap();
        status.failures = serde_json::from_value(json!([{
            "item": 1, "action": "take ReadOnlyAccess in account 592740528984 from USER john.doe",
            "reason": "AsynchronousFailure", "message": "Received a 404 status error",
            "requestId": "4c3b70b4-4776-41de-9a49-39631b4f118b",
            "nextStep": "Mend what AWS names, then raise spec.attempt.",
        }]))
        .unwrap();
        status.timing = serde_json::from_value(json!({
            "planningAt": "2026-11-23T20:55:00Z", "plannedAt": "2026-11-23T20:55:01.5Z",
            "approvedAt": "2026-11-23T20:57:00Z", "executingAt": "2026-11-23T20:57:00Z",
            "awsRequests": 14, "throttled": 2,
        }))
        .unwrap();
        let running = render(&rollback, now(), Paint::PLAIN);
        assert!(running.ends_with(
            "\
  approval   Always; approved by bob 60s ago
  progress   ━━━━━─────────────── 1/4 25%, 1 written and not read back yet, 1 in flight, 1 failed
  timing     planned in 1.5s, approved after 119s, executing for 60s, 14 AWS requests, 2 throttled
In flight
  item 2 DeleteAssignment for 12s, attempt 1, request 3c3b70b4-4776-41de-9a49-39631b4f118b
Failures
  - take ReadOnlyAccess in account 592740528984 from USER john.doe: AsynchronousFailure: Received a 404 status error
    request 4c3b70b4-4776-41de-9a49-39631b4f118b
    next: Mend what AWS names, then raise spec.attempt.
"
        ), "{running}");

        rollback.status.as_mut().unwrap().phase = Phase::PartiallySucceeded;
        let ended = render(&rollback, now(), Paint::PLAIN);
        assert!(!ended.contains("In flight"), "{ended}");
        assert!(!ended.contains("spent"), "{ended}");
        assert!(ended.ends_with("kubectl rollback retry undo -n access\n"), "{ended}");

        let status = rollback.status.as_mut().unwrap();
        status.timing.as_mut().unwrap().shares = Some(crate::api::rollback_status::Shares {
            approval: 0.6,
            quota: 0.0,
            aws: 0.304,
            overhead: 0.096,
        });
        let ended = render(&rollback, now(), Paint::PLAIN);
        let spent = "\n  spent      60% waiting for approval, 30% what AWS's limits require, 10% all else\n";
        assert!(ended.contains(spent), "{ended}");
    }

    #[test]
    fn a_rollback_that_nobody_looked_at_is_pending() {
        let mut rollback = fixtures::rollback(Phase::Pending);
        rollback.status = None;
        let text = render(&rollback, now(), Paint::PLAIN);
        assert!(text.starts_with("rollback undo in namespace access: Pending\n"), "{text}");
    }
}
