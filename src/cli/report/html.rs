//! A report as one page that needs nothing else: no network, no script.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Histogram, Timeline};
use super::facts::{KeyFacts, Outcome, Report};
use super::keys;
use crate::api::Phase;
use crate::api::plan_status::PlanStatus;
use crate::api::rollback_status::{Latency, Timing};
use crate::cli::times;

/// The page allows itself its own style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = include_str!("style.css");
/// So many keys that are not done are listed at the top; all are in the table of all keys.
const FIRST: usize = 100;

/// The page.
pub fn page(report: &Report) -> String {
    let title = format!("Rollback {}/{}", report.namespace, report.name);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) ": " (report.phase.as_str()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p {
                        span class={ "phase " (tone(report.phase)) } { (report.phase.as_str()) }
                        " " (report.summary)
                    }
                }
                main {
                    (asked(report))
                    (became(report))
                    @if let Some(plan) = &report.plan { (planned(plan)) }
                    (took(report))
                    @if !report.keys.is_empty() {
                        section aria-labelledby="keys" {
                            h2 id="keys" { "Every key of the plan" }
                            (keys::table(report))
                        }
                    }
                }
                footer {
                    "Attempt " (report.attempt) ", uid " code { (report.uid) }
                    @if let Some(ledger) = &report.ledger { ", written down as OperationRecord " code { (ledger) } }
                    ". Written at " (at(report.written_at)) " from the objects in the cluster."
                }
            }
        }
    };
    page.into_string()
}

fn asked(report: &Report) -> Markup {
    let asked = &report.asked;
    let policy = report.plan.as_ref().map(|plan| plan.policy.as_str());
    let rows: [(&str, Option<String>); 9] = [
        ("Asked by", Some(named(asked.by.as_deref()))),
        ("Asked at", asked.at.map(at)),
        ("Changed by", asked.changed_by.clone()),
        ("Reason", asked.reason.clone()),
        ("Ticket", asked.ticket.clone()),
        ("Approved by", Some(named(asked.approved_by.as_deref()))),
        ("Approved at", report.timing.as_ref().and_then(|it| it.approved_at).map(at)),
        ("Policy", policy.map(str::to_owned)),
        ("Instance", asked.instance.clone()),
    ];
    html! {
        section aria-labelledby="asked" {
            h2 id="asked" { "What was asked, and who approved it" }
            dl {
                @for (what, value) in rows {
                    @if let Some(value) = value { dt { (what) } dd { (value) } }
                }
                dt { "Records" }
                dd {
                    @for (index, record) in asked.records.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (record) }
                    }
                }
            }
        }
    }
}

/// A name that the API server wrote; without it nothing is claimed.
fn named(name: Option<&str>) -> String {
    name.map_or_else(|| "nobody whose name is proven".to_owned(), str::to_owned)
}

fn became(report: &Report) -> Markup {
    let counts = report.counts();
    let open: Vec<&KeyFacts> = report.keys.iter().filter(|key| key.outcome.remains()).collect();
    html! {
        section aria-labelledby="became" {
            h2 id="became" { "What became of it" }
            ul class="numbers" {
                @for (outcome, count) in counts.iter().rev() {
                    li { b class=(outcome_tone(*outcome)) { (count) } (outcome.words()) }
                }
                @if counts.is_empty() { li { "No plan was made." } }
            }
            @for created in &report.created_permission_sets {
                p { "Permission set " code { (created.arn) } " stands for " code { (created.replaces) } " now." }
            }
            @if !open.is_empty() {
                h3 { "What remains, and why" }
                (keys::remaining(open.iter().copied().take(FIRST)))
                @if open.len() > FIRST {
                    p class="faint" { "The first " (FIRST) " of " (open.len()) "; all are in the last table." }
                }
            }
        }
    }
}

fn planned(plan: &PlanStatus) -> Markup {
    html! {
        section aria-labelledby="planned" {
            h2 id="planned" { "What was planned" }
            dl {
                dt { "Grade" } dd { (plan.grade.as_str()) }
                dt { "Actions" } dd { (plan.actions) @if plan.gives_access { ", some of which give access" } }
                dt { "Left" } dd {
                    (plan.already_so) " as wanted already, " (plan.kept - plan.already_so) " kept, "
                    (plan.blocked) " blocked"
                }
                dt { "Estimate" } dd { (times::seconds(plan.estimate.seconds)) ", " (plan.estimate.calls) " calls to AWS" }
                dt { "Digest" } dd { code { (plan.digest) } }
                @if let Some(people) = &plan.people {
                    dt { "People" } dd { (people.lose) " lose access, " (people.gain) " gain access" }
                }
            }
            @if !plan.warnings.is_empty() {
                h3 { "Warnings" }
                ul { @for warning in &plan.warnings { li { (warning) } } }
            }
            @if !plan.refusals.is_empty() {
                h3 { "Refused by the policy" }
                ul {
                    @for refusal in &plan.refusals {
                        li {
                            (refusal.message)
                            @if plan.accepted.contains(&refusal.accept) { " (accepted)" }
                        }
                    }
                }
            }
        }
    }
}

fn took(report: &Report) -> Markup {
    let Some(timing) = &report.timing else { return html! {} };
    let moments = [
        ("Planning", timing.planning_at, timing.planned_at),
        ("Waiting for an approval", timing.planned_at, timing.approved_at),
        ("Executing", timing.executing_at, timing.verifying_at),
        ("Verifying", timing.verifying_at, timing.finished_at),
    ];
    let (timeline, histogram) = (Timeline::of(&report.keys), Histogram::of(&report.keys));
    html! {
        section aria-labelledby="took" {
            h2 id="took" { "How it went" }
            @if let Some(timeline) = timeline { (timeline.draw()) }
            @if let Some(histogram) = histogram { (histogram.draw()) }
            div class="wide" {
                table {
                    thead { tr {
                        th scope="col" { "Phase" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Took" }
                    } }
                    tbody {
                        @for (what, from, to) in moments {
                            @if let Some(from) = from {
                                tr {
                                    th scope="row" { (what) }
                                    td { (at(from)) }
                                    td { @if let Some(to) = to { (at(to)) } }
                                    td { @if let Some(to) = to { (times::seconds(to.duration_since(from).as_secs_f64())) } }
                                }
                            }
                        }
                    }
                }
            }
            dl {
                @if let Some(pace) = timing.actions_per_second { dt { "Throughput" } dd { (format!("{pace:.2} actions a second")) } }
                @if let Some(bound) = timing.bound_seconds { dt { "What AWS's limits require" } dd { (times::seconds(bound)) } }
                @if let Some(efficiency) = timing.efficiency { dt { "Efficiency" } dd { (format!("{:.0} %", efficiency * 100.0)) } }
                dt { "Calls to AWS" } dd { (calls(timing)) }
                @for (what, latency) in [
                    ("Seconds until a reply", &timing.request_latency),
                    ("Seconds until a change was done", &timing.provisioning_latency),
                ] {
                    @if let Some(latency) = latency { dt { (what) } dd { (spread(latency)) } }
                }
                @if let Some(shares) = &timing.shares { dt { "Where the time went" } dd { (times::spent(shares)) } }
            }
            @if !report.recommendations.is_empty() {
                h3 { "What would have made it faster" }
                ul {
                    @for it in &report.recommendations {
                        li { (it.message) " (about " (times::seconds(it.expected_gain_seconds)) ")" }
                    }
                }
            }
        }
    }
}

fn calls(timing: &Timing) -> String {
    format!(
        "{}: {} changes, {} polls, {} other reads; {} throttled, {} conflicts, {} made again",
        timing.aws_requests,
        timing.changes,
        timing.polls,
        timing.reads,
        timing.throttled,
        timing.conflicts,
        timing.retried
    )
}

fn spread(latency: &Latency) -> String {
    let Latency { p50, p90, p99, max, .. } = latency;
    format!("{p50:.2} (half), {p90:.2} (nine of ten), {p99:.2} (99 of 100), {max:.2} (all)")
}

/// To the second, in UTC.
fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

const fn tone(phase: Phase) -> &'static str {
    match phase {
        Phase::Succeeded | Phase::AlreadyRolledBack => "good",
        Phase::Failed | Phase::PartiallySucceeded | Phase::Rejected => "bad",
        _ => "warn",
    }
}

/// How an outcome is coloured; its words say it too.
pub const fn outcome_tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "good",
        Outcome::Failed | Outcome::Unknown | Outcome::Blocked => "bad",
        Outcome::AlreadySo => "faint",
        _ => "warn",
    }
}
