use serde_json::{Value, json};

use super::chart::{Histogram, Timeline};
use super::facts::{Outcome, Report};
use super::*;
use crate::api::{Phase, Rollback, RollbackPlan};
use crate::cli::fixtures::{self, is_in};

/// A page of 10,000 actions is at most this large (3 MB).
const MOST_BYTES: usize = 3_000_000;
const BEGAN: &str = "2026-11-23T21:00:00Z";

fn now() -> jiff::Timestamp {
    "2026-11-23T22:00:00Z".parse().unwrap()
}

fn at(milliseconds: usize) -> String {
    let began: jiff::Timestamp = BEGAN.parse().unwrap();
    let after = jiff::SignedDuration::from_millis(i64::try_from(milliseconds).unwrap());
    began.checked_add(after).unwrap().to_string()
}

/// An undo of so many actions, ten at work at once, in parts of a thousand keys; each 50th failed.
fn ended(count: usize) -> (Rollback, Vec<RollbackPlan>) {
    let failed = |index: usize| index % 50 == 49;
    let item = |index: usize| {
        json!({
            "disposition": "Act", "action": "DeleteAssignment",
            "account": format!("{:012}", 100_000_000_000 + index % 500),
            "accountName": format!("member-{}", index % 500),
            "principal": {
                "type": "USER", "name": format!("person-{}@example.com", index / 500),
                "id": format!("0f791059-3b41-4313-86da-{:012}", index / 500),
            },
            "permissionSet": "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j",
            "permissionSetName": "ReadOnlyAccess",
            "live": "Present", "grade": "Exact",
        })
    };
    let action = |index: usize| {
        let accepted = index * 300;
        let took = 2000 + index * 7919 % 2500;
        json!({
            "item": index, "attempts": 1,
            "requestId": format!("6a1f0d6e-8b1c-4a7e-9a57-{index:012}"),
            "requestedAt": at(accepted), "endedAt": at(accepted + took),
            "verifiedAt": (!failed(index)).then(|| at(accepted + took + 1500)),
            "reason": failed(index).then_some("AWS: the role cannot be deleted"),
        })
    };
    let failures: Vec<Value> = (0..count)
        .filter(|index| failed(*index))
        .take(50)
        .map(|index| {
            json!({
                "item": index, "action": "DeleteAssignment member", "reason": "AccessDenied",
                "message": "AWS: the role cannot be deleted", "nextStep": "raise spec.attempt",
            })
        })
        .collect();
    let shards: Vec<String> =
        (0..count.div_ceil(1000)).map(|part| format!("undo-{part}")).collect();
    let letter = |index: usize| if failed(index) { 'f' } else { 'v' };
    let journal: Vec<String> = (0..shards.len())
        .map(|part| (part * 1000..count.min((part + 1) * 1000)).map(letter).collect())
        .collect();
    let rollback = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
        "metadata": {
            "name": "undo", "namespace": "access", "uid": "6f2c1d1e-8a0b-4c52-9f3e-1d2c3b4a5968",
            "generation": 1, "creationTimestamp": "2026-11-23T20:55:00Z",
        },
        "spec": {
            "operations": {"names": ["assign-2abdc948"]}, "reason": "wrong group",
            "ticket": "SEC-1234", "requestedBy": "alice@example.com",
        },
        "status": {
            "observedGeneration": 1, "phase": "PartiallySucceeded", "attempt": 1,
            "summary": format!("{} of {count} undone and read back", count - count / 50),
            "instance": "main", "ledger": "undo-6f2c1d1e-1",
            "plan": {
                "digest": "sha256:7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069",
                "createdAt": "2026-11-23T20:55:01Z", "policy": "SeparateApprover", "grade": "Exact",
                "actions": count, "kept": 0, "blocked": 0, "shards": shards,
                "givesAccess": false, "assumed": false, "approvedBy": "bob@example.com",
                "warnings": ["sessions that are open now last until 2026-11-24T08:50:00Z"],
                "estimate": {"seconds": 6.5, "calls": 9},
            },
            "progress": {
                "total": count, "done": count - count / 50, "failed": count / 50, "skipped": 0,
                "inFlight": 0, "percent": 98, "display": "", "shards": journal,
            },
            "failures": failures,
            "timing": {
                "planningAt": "2026-11-23T20:55:00Z", "plannedAt": "2026-11-23T20:55:01Z",
                "approvedAt": "2026-11-23T20:59:59Z", "executingAt": BEGAN,
                "verifyingAt": at(count * 300 + 4000), "finishedAt": at(count * 300 + 6000),
                "awsRequests": count * 2, "throttled": 0, "conflicts": 0, "provisioned": count,
                "actionsPerSecond": 3.3, "boundSeconds": 0.2, "efficiency": 0.9,
            },
        },
    });
    let parts = shards.iter().enumerate().map(|(part, name)| {
        let indices = part * 1000..count.min((part + 1) * 1000);
        json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "RollbackPlan",
            "metadata": {"name": name, "namespace": "access"},
            "spec": {
                "rollback": "undo", "instanceArn": "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7",
                "rollbackUid": "6f2c1d1e-8a0b-4c52-9f3e-1d2c3b4a5968", "attempt": 1, "shard": part,
                "digest": "sha256:7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069",
                "items": indices.clone().map(item).collect::<Vec<_>>(),
            },
            "status": {"actions": indices.map(action).collect::<Vec<_>>()},
        })
    });
    let parts = parts.map(|part| serde_json::from_value(part).unwrap()).collect();
    (serde_json::from_value(rollback).unwrap(), parts)
}

fn report(count: usize) -> Report {
    let (rollback, parts) = ended(count);
    Report::new(&rollback, &parts, now())
}

#[test]
fn what_became_of_each_key_is_told() {
    let (mut rollback, mut parts) = ended(50);
    let spec = &mut parts[0].spec;
    for (index, disposition) in ["AlreadySo", "Kept", "Unexplained", "Blocked"].iter().enumerate() {
        spec.items[index].disposition = serde_json::from_value(json!(disposition)).unwrap();
    }
    let actions = &mut parts[0].status.as_mut().unwrap().actions;
    actions.retain(|action| !(0..6).contains(&action.item));
    let progress = rollback.status.as_mut().unwrap().progress.as_mut().unwrap();
    progress.shards[0].replace_range(..12, "kkkb.isvukb?");
    let open = json!([{
        "item": 5, "action": "DeleteAssignment", "intentAt": BEGAN, "attempt": 1, "firstAt": BEGAN,
    }]);
    rollback.status.as_mut().unwrap().in_flight = serde_json::from_value(open).unwrap();
    let report = Report::new(&rollback, &parts, now());
    let outcomes: Vec<Outcome> = report.keys.iter().map(|key| key.outcome).collect();
    let wanted = [
        Outcome::AlreadySo,
        Outcome::Kept,
        Outcome::Unexplained,
        Outcome::Blocked,
        Outcome::NotSent,
        Outcome::InFlight,
        Outcome::NotReadBack,
        Outcome::Done,
        Outcome::Unknown,
        Outcome::AlreadySo,
        Outcome::Blocked,
        Outcome::Unknown,
    ];
    assert_eq!(outcomes[..12], wanted);
    assert_eq!(outcomes[49], Outcome::Failed);
    assert_eq!(report.keys[49].next_step.as_deref(), Some("raise spec.attempt"));
    let page = html::page(&report);
    for outcome in wanted {
        assert!(page.contains(&format!("</b>{}", outcome.words())), "{}", outcome.words());
    }
}

#[test]
fn every_failure_is_one_also_those_that_the_status_has_no_room_for() {
    let (rollback, parts) = ended(6000);
    assert_eq!(rollback.status.as_ref().unwrap().failures.len(), 50);
    let report = Report::new(&rollback, &parts, now());
    assert_eq!(report.counts(), [(Outcome::Failed, 120), (Outcome::Done, 5880)].into());
    let why = report.keys.iter().filter(|key| key.outcome == Outcome::Failed);
    assert!(why.clone().all(|key| key.why.as_deref().is_some_and(|why| why.contains("role"))));
}

#[test]
fn before_the_first_write_nothing_was_sent() {
    let (mut rollback, mut parts) = ended(50);
    rollback.status.as_mut().unwrap().progress = None;
    rollback.status.as_mut().unwrap().failures.clear();
    parts[0].status = None;
    let report = Report::new(&rollback, &parts, now());
    assert_eq!(report.counts(), [(Outcome::NotSent, 50)].into());
}

#[test]
fn a_page_says_who_asked_and_approved_and_what_remains() {
    let page = html::page(&report(100));
    for text in [
        "alice@example.com",
        "bob@example.com",
        "SEC-1234",
        "wrong group",
        "PartiallySucceeded",
        "98 of 100 undone and read back",
        "What remains, and why",
        "AccessDenied: AWS: the role cannot be deleted",
        "raise spec.attempt",
        "6a1f0d6e-8b1c-4a7e-9a57-000000000042",
        "member-42 (100000000042)",
        "sessions that are open now last until",
        "undo-6f2c1d1e-1",
    ] {
        assert!(page.contains(text), "{text} is missing");
    }
    assert_eq!(page.matches("<svg").count(), 2);
}

#[test]
fn a_page_needs_nothing_and_runs_nothing() {
    let (mut rollback, mut parts) = ended(10);
    let evil = "<script>alert(1)</script>\"'&";
    rollback.spec.reason = Some(evil.to_owned());
    let item = &mut parts[0].spec.items[0];
    item.account_name = Some(evil.to_owned());
    item.principal.as_mut().unwrap().name = Some(evil.to_owned());
    item.permission_set_name = Some(evil.to_owned());
    let page = html::page(&Report::new(&rollback, &parts, now()));
    assert!(!page.contains("<script"), "a name became a script");
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for reference in ["src=", "href=", "url(", "@import", "http://", "https://"] {
        assert!(!page.contains(reference), "{reference} leads elsewhere");
    }
}

#[test]
fn a_rollback_that_has_not_begun_has_a_report_too() {
    let bare = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
        "metadata": {"name": "undo", "namespace": "access"},
        "spec": {"operations": {"names": ["a", "b"]}},
    });
    let bare: Rollback = serde_json::from_value(bare).unwrap();
    let report = Report::new(&bare, &[], now());
    assert_eq!(report.asked.records, ["a", "b"]);
    let page = html::page(&report);
    assert!(page.contains("No plan was made.") && page.contains("nobody whose name is proven"));
    assert!(!page.contains("<svg"));
    assert_eq!(comma_separated(&report).lines().count(), 1);
    let waits = fixtures::rollback(Phase::AwaitingApproval);
    let page = html::page(&Report::new(&waits, &[fixtures::shard()], now()));
    assert!(page.contains("AwaitingApproval") && page.contains("not sent"));
}

#[test]
fn ten_thousand_actions_are_a_page_of_three_megabytes_at_the_most() {
    for count in [10, 1000, 10_000] {
        let page = html::page(&report(count));
        println!("{count} actions: {} bytes", page.len());
        assert!(page.len() <= MOST_BYTES, "{count} actions make {} bytes", page.len());
        if let Some(directory) = std::env::var_os("REPORT_PAGES") {
            let file = std::path::Path::new(&directory).join(format!("report-{count}.html"));
            std::fs::write(file, page).unwrap();
        }
    }
}

#[test]
fn a_timeline_counts_what_is_at_work_and_what_ended() {
    assert_eq!(Timeline::of(&[]), None);
    let timeline = Timeline::of(&report(100).keys).unwrap();
    let (at_work, ended) = timeline.peaks();
    assert_eq!(ended, 100);
    // One begins each 0.3 s, and takes 2 to 4.5 s.
    assert!((8..=15).contains(&at_work), "{at_work} at work");
    assert_eq!(timeline.moments.last().unwrap().1, 0, "nothing is at work at the end");
    let one = Timeline::of(&report(1).keys).unwrap();
    assert_eq!(one.peaks(), (1, 1));
}

#[test]
fn a_histogram_has_every_request_once() {
    assert_eq!(Histogram::of(&[]), None);
    let report = report(1000);
    let histogram = Histogram::of(&report.keys).unwrap();
    assert_eq!(histogram.bars.iter().sum::<usize>(), 1000);
    let [median, most, longest] = histogram.quantiles;
    assert!(2.0 <= median && median < most && most < longest && longest <= 4.5, "{histogram:?}");
    // Of equal times all are in one bar.
    let equal = Histogram::of(&report.keys[..1]).unwrap();
    assert_eq!((equal.bars.iter().sum::<usize>(), equal.bars.last()), (1, Some(&1)));
}

#[test]
fn other_forms_have_a_line_or_an_object_for_each_key() {
    let report = report(50);
    let lines = comma_separated(&report);
    assert_eq!(lines.lines().count(), 51);
    assert!(lines.lines().nth(50).unwrap().starts_with("49,failed,take,USER,"), "{lines}");
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Report)).unwrap();
    is_in("docs/schemas/report.json", &(schema + "\n"));
    let (rollback, parts) = ended(2);
    let short = Report::new(&rollback, &parts, now());
    is_in("tests/json_schema/report.json", &document(&short, Output::Json).unwrap());
}
