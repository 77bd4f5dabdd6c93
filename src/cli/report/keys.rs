//! The tables of keys in a report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};

use super::facts::{KeyFacts, Report};
use super::html::outcome_tone;
use crate::model::ActionKind;

/// The keys that are not done, each with its reason.
pub fn remaining<'a>(keys: impl Iterator<Item = &'a KeyFacts>) -> Markup {
    html! {
        div class="wide" {
            table {
                thead { tr {
                    th scope="col" { "Outcome" } th scope="col" { "Action" } th scope="col" { "Who and what" }
                    th scope="col" { "Account" } th scope="col" { "Why" } th scope="col" { "What to do" }
                } }
                tbody {
                    @for key in keys {
                        tr {
                            td class=(outcome_tone(key.outcome)) { (key.outcome.words()) }
                            td { (verb(key.item.action)) }
                            td { (subject(key)) }
                            td { (account(key)) }
                            td { (key.why.as_deref().unwrap_or_default()) }
                            td { (key.next_step.as_deref().unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}

/// All keys, by principal and permission set: what many rows share is said once.
pub fn table(report: &Report) -> Markup {
    let mut groups: BTreeMap<String, Vec<&KeyFacts>> = BTreeMap::new();
    for key in &report.keys {
        groups.entry(subject(key)).or_default().push(key);
    }
    let first = report.keys.iter().filter_map(|key| key.requested_at).min();
    html! {
        @if let Some(first) = first {
            p class="faint" { "Times are seconds from " (first) ", when AWS accepted the first request." }
        }
        div class="wide" {
            table {
                thead { tr {
                    th scope="col" { "Account" } th scope="col" { "Action" } th scope="col" { "Outcome" }
                    th scope="col" { "Accepted" } th scope="col" { "Took" } th scope="col" { "Read back" }
                    th scope="col" { "Sent" } th scope="col" { "Request of AWS" }
                } }
                @for (subject, keys) in &groups {
                    tbody {
                        tr { th scope="rowgroup" colspan="8" { (subject) } }
                        @for key in keys { (row(key, first)) }
                    }
                }
            }
        }
    }
}

fn row(key: &KeyFacts, first: Option<Timestamp>) -> Markup {
    let since = |at: Option<Timestamp>| {
        at.zip(first).map(|(at, first)| format!("{:.1}", at.duration_since(first).as_secs_f64()))
    };
    html! {
        tr {
            td { (account(key)) }
            td { (verb(key.item.action)) }
            td class=(outcome_tone(key.outcome)) { (key.outcome.words()) }
            td class="number" { @if let Some(at) = since(key.requested_at) { (at) } }
            td class="number" { @if let Some(took) = key.seconds() { (format!("{took:.1}")) } }
            td class="number" { @if let Some(at) = since(key.verified_at) { (at) } }
            td class="number" { @if key.attempts > 0 { (key.attempts) } }
            td { @if let Some(id) = &key.request_id { code { (id) } } }
        }
    }
}

/// Whose access it is, and through which permission set.
fn subject(key: &KeyFacts) -> String {
    let set = with_id(key.item.permission_set_name.as_deref(), key.item.permission_set.as_str());
    match &key.item.principal {
        Some(principal) => {
            let name = with_id(principal.name.as_deref(), principal.id.as_str());
            format!("{} {name} through {set}", principal.kind.as_str())
        }
        None => format!("permission set {set}"),
    }
}

fn account(key: &KeyFacts) -> String {
    let Some(id) = &key.item.account else { return String::new() };
    with_id(key.item.account_name.as_deref(), id.as_str())
}

fn with_id(name: Option<&str>, id: &str) -> String {
    name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

/// What an action does, in a word.
pub const fn verb(action: ActionKind) -> &'static str {
    match action {
        ActionKind::CreateAssignment => "give",
        ActionKind::DeleteAssignment => "take",
        ActionKind::DeletePermissionSet => "delete",
        ActionKind::CreatePermissionSet => "create",
    }
}
