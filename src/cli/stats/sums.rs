//! Sums over records and Rollbacks. Pure: what is counted is what is given.
//!
//! An *undo* is one attempt of a Rollback that has a ledger record. It counts on the day on which it
//! finished; a recorded operation counts on the day on which it occurred.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::window::{Window, day};
use crate::api::record::{LedgerEntry, LedgerOutcome, Source};
use crate::api::rollback_status::Latency;
use crate::api::{OperationRecord, Phase, Rollback};
use crate::cli::operations::filter::{is_rolled_back, principals};
use crate::model::OperationType;
use crate::model::time::seconds_between;

/// One group: all, a type, a principal or a day.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sum {
    /// Operations that were recorded, undos not among them.
    pub operations: u64,
    /// Of these: rolled back wholly.
    pub rolled_back: u64,
    /// Attempts of Rollbacks with a ledger record.
    pub undos: u64,
    /// Of these: every key as wanted.
    pub succeeded: u64,
    /// Of these: some keys still open.
    pub partly: u64,
    /// Of these: no key undone.
    pub failed: u64,
    /// Of these: ended by a person.
    pub ended: u64,
    /// Keys that were changed and read back.
    pub keys_changed: u64,
    /// Keys that are still open: failed, blocked, not sent, unknown.
    pub keys_open: u64,
    /// Undos that succeeded, of all; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// Median of the seconds from the first change to the last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_p50: Option<f64>,
    /// 95th percentile of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_p95: Option<f64>,
    /// Keys changed for each second in which undos ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_per_second: Option<f64>,
    #[serde(skip)]
    seconds: Vec<f64>,
}

/// What AWS did, over the latest attempts of the Rollbacks that still exist: records do not keep it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfAws {
    /// How many Rollbacks that is.
    pub rollbacks: u64,
    /// Requests that AWS answered.
    pub requests: i64,
    /// Requests that AWS throttled.
    pub throttled: i64,
    /// Requests that met another change at work.
    pub conflicts: i64,
    /// Nine of ten replies came within so many seconds; off by a tenth at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_seconds_p90: Option<f64>,
    /// Half of the changes had ended within so many seconds from their acceptance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_seconds_p50: Option<f64>,
    /// Ninety-nine of a hundred of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_seconds_p99: Option<f64>,
    /// The sum of the times that AWS's limits require, divided by the sum of the times it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efficiency: Option<f64>,
}

/// All that is counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// First day, of UTC.
    pub from: String,
    /// Last day, of UTC: today.
    pub to: String,
    /// Everything.
    pub total: Sum,
    /// What AWS did.
    pub aws: OfAws,
    /// By the type of the operation; undos by the type of what they undid.
    pub by_type: BTreeMap<String, Sum>,
    /// By the user or group whose access was changed: name, or id where no name is known.
    pub by_principal: BTreeMap<String, Sum>,
    /// By day of UTC; days without anything are left out.
    pub by_day: BTreeMap<String, Sum>,
}

/// Counts.
#[must_use]
pub fn sums(records: &[OperationRecord], rollbacks: &[Rollback], window: Window) -> Stats {
    let types: BTreeMap<&Source, OperationType> =
        records.iter().map(|it| (&it.spec.source, it.spec.operation_type)).collect();
    let names = names(records);
    let mut stats = Stats {
        from: window.first.to_string(),
        to: window.last.to_string(),
        total: Sum::default(),
        aws: of_aws(rollbacks, window),
        by_type: BTreeMap::new(),
        by_principal: BTreeMap::new(),
        by_day: BTreeMap::new(),
    };
    for record in records {
        match &record.spec.rollback {
            Some(ledger) if window.has(ledger.finished_at) => {
                stats.add_undo(ledger, &undone_type(ledger, &types), &names);
            }
            None if window.has(record.spec.occurred_at) => stats.add_operation(record, &names),
            _ => {}
        }
    }
    let Stats { total, by_type, by_principal, by_day, .. } = &mut stats;
    std::iter::once(total)
        .chain(by_type.values_mut())
        .chain(by_principal.values_mut())
        .chain(by_day.values_mut())
        .for_each(Sum::conclude);
    stats
}

type Names = BTreeMap<String, String>;

/// The latest name that each principal's id was recorded with.
fn names(records: &[OperationRecord]) -> Names {
    let mut known: BTreeMap<String, (jiff::Timestamp, String)> = BTreeMap::new();
    for record in records {
        for principal in principals(&record.spec) {
            let Some(name) = &principal.name else { continue };
            let at = record.spec.occurred_at;
            let entry = known.entry(principal.id.to_string()).or_insert((at, name.clone()));
            if at > entry.0 {
                *entry = (at, name.clone());
            }
        }
    }
    known.into_iter().map(|(id, (_, name))| (id, name)).collect()
}

fn shown(names: &Names, id: &str) -> String {
    names.get(id).map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

/// The type of what an attempt undid; `Mixed` if there are several, as on a Rollback.
fn undone_type(ledger: &LedgerEntry, types: &BTreeMap<&Source, OperationType>) -> String {
    let found: BTreeSet<Option<OperationType>> =
        ledger.undone.iter().map(|record| types.get(&record.source).copied()).collect();
    match found.iter().collect::<Vec<_>>().as_slice() {
        [Some(kind)] => kind.to_string(),
        [] | [None] => "Unknown".to_owned(),
        _ => "Mixed".to_owned(),
    }
}

impl Stats {
    fn add_operation(&mut self, record: &OperationRecord, names: &Names) {
        let rolled_back = u64::from(is_rolled_back(record));
        let add = |sum: &mut Sum| {
            sum.operations += 1;
            sum.rolled_back += rolled_back;
        };
        add(&mut self.total);
        add(self.by_type.entry(record.spec.operation_type.to_string()).or_default());
        add(self.by_day.entry(day(record.spec.occurred_at).to_string()).or_default());
        let ids: BTreeSet<&str> = principals(&record.spec).map(|it| it.id.as_str()).collect();
        for id in ids {
            add(self.by_principal.entry(shown(names, id)).or_default());
        }
    }

    fn add_undo(&mut self, ledger: &LedgerEntry, kind: &str, names: &Names) {
        let all = Keys::of(ledger, None);
        self.total.add_undo(ledger, all);
        self.by_type.entry(kind.to_owned()).or_default().add_undo(ledger, all);
        let day = day(ledger.finished_at).to_string();
        self.by_day.entry(day).or_default().add_undo(ledger, all);
        let ids: BTreeSet<&str> = ledger
            .keys
            .iter()
            .filter_map(|keys| keys.principal.as_ref().map(|it| it.id.as_str()))
            .collect();
        for id in ids {
            let sum = self.by_principal.entry(shown(names, id)).or_default();
            sum.add_undo(ledger, Keys::of(ledger, Some(id)));
        }
    }
}

#[derive(Clone, Copy)]
struct Keys {
    changed: u64,
    open: u64,
}

impl Keys {
    /// The keys of an attempt, or those of one principal.
    fn of(ledger: &LedgerEntry, principal: Option<&str>) -> Self {
        let mut found = Self { changed: 0, open: 0 };
        for keys in &ledger.keys {
            let whose = keys.principal.as_ref().map(|it| it.id.as_str());
            if principal.is_some() && whose != principal {
                continue;
            }
            // The existence of a permission set is a key without an account.
            let number = u64::try_from(keys.accounts.len().max(1)).unwrap_or(u64::MAX);
            if keys.outcome == LedgerOutcome::Verified {
                found.changed += number;
            } else if !keys.outcome.is_settled() {
                found.open += number;
            }
        }
        found
    }
}

impl Sum {
    fn add_undo(&mut self, ledger: &LedgerEntry, keys: Keys) {
        self.undos += 1;
        let is = |phase: Phase| u64::from(ledger.outcome == phase.as_str());
        self.succeeded += is(Phase::Succeeded) + is(Phase::AlreadyRolledBack);
        self.partly += is(Phase::PartiallySucceeded);
        self.failed += is(Phase::Failed);
        self.ended += is(Phase::Cancelled) + is(Phase::Rejected);
        self.keys_changed += keys.changed;
        self.keys_open += keys.open;
        if let Some(began) = ledger.started_at {
            self.seconds.push(seconds_between(began, ledger.finished_at).max(0.0));
        }
    }

    fn conclude(&mut self) {
        self.seconds.sort_by(f64::total_cmp);
        self.seconds_p50 = percentile(&self.seconds, 50);
        self.seconds_p95 = percentile(&self.seconds, 95);
        self.success_rate = ratio(as_f64(self.succeeded), as_f64(self.undos));
        self.keys_per_second = ratio(as_f64(self.keys_changed), self.seconds.iter().sum());
    }
}

/// The nearest rank of sorted values: one that was measured.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| (part / whole * 1000.0).round() / 1000.0)
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

fn of_aws(rollbacks: &[Rollback], window: Window) -> OfAws {
    let mut sum = OfAws::default();
    let (mut bound, mut took) = (0.0, 0.0);
    let (mut replies, mut provisioning) = (Latency::default(), Latency::default());
    for timing in rollbacks.iter().filter_map(|it| it.status.as_ref()?.timing.as_ref()) {
        let (Some(finished), Some(_)) = (timing.finished_at, timing.executing_at) else { continue };
        if !window.has(finished) {
            continue;
        }
        sum.rollbacks += 1;
        sum.requests += timing.aws_requests;
        sum.throttled += timing.throttled;
        sum.conflicts += timing.conflicts;
        for (all, one) in [
            (&mut replies, &timing.request_latency),
            (&mut provisioning, &timing.provisioning_latency),
        ] {
            if let Some(one) = one {
                all.add(&one.histogram(), one.max);
            }
        }
        if let (Some(least), Some(seconds)) = (timing.bound_seconds, timing.execution_seconds) {
            bound += least.min(seconds);
            took += seconds;
        }
    }
    sum.efficiency = ratio(bound, took);
    sum.reply_seconds_p90 = (replies.count > 0).then_some(replies.p90);
    sum.provisioning_seconds_p50 = (provisioning.count > 0).then_some(provisioning.p50);
    sum.provisioning_seconds_p99 = (provisioning.count > 0).then_some(provisioning.p99);
    sum
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::fixtures;

    fn window(days: u32) -> Window {
        Window::of(days, "2026-11-30T12:00:00Z".parse().unwrap())
    }

    fn ledger(name: &str, outcome: &str, seconds: i64, key: &str) -> OperationRecord {
        let mut record = fixtures::ledger(name, "undo", "a", key);
        let ledger = record.spec.rollback.as_mut().unwrap();
        outcome.clone_into(&mut ledger.outcome);
        let began = ledger.finished_at - jiff::SignedDuration::from_secs(seconds);
        ledger.started_at = Some(began);
        ledger.undone = vec![
            serde_json::from_value(json!({
                "name": "assign-2abdc948", "digest": "",
                "source": {"tool": "awsideman", "id": "2abdc948-e85d-486a-8d50-37afbf1855ff"},
            }))
            .unwrap(),
        ];
        record
    }

    #[test]
    fn operations_and_undos_are_counted_by_type_principal_and_day() {
        let records = [
            fixtures::record(),
            ledger("a", "Succeeded", 10, "Verified"),
            ledger("b", "PartiallySucceeded", 30, "Failed"),
        ];
        let stats = sums(&records, &[], window(30));
        let total = &stats.total;
        assert_eq!((total.operations, total.rolled_back, total.undos), (1, 0, 2));
        assert_eq!((total.succeeded, total.partly, total.success_rate), (1, 1, Some(0.5)));
        assert_eq!((total.keys_changed, total.keys_open), (1, 1));
        assert_eq!((total.seconds_p50, total.seconds_p95), (Some(10.0), Some(30.0)));
        assert_eq!(total.keys_per_second, Some(0.025));
        assert_eq!(stats.by_type.keys().collect::<Vec<_>>(), ["Assign"]);
        assert_eq!(stats.by_type["Assign"], *total, "the undos are of the one operation");
        let john = "john.doe (0f791059-3b41-4313-86da-59fa2cf217a7)";
        assert_eq!(stats.by_principal.keys().collect::<Vec<_>>(), [john]);
        assert_eq!(stats.by_day.keys().collect::<Vec<_>>(), ["2026-11-23"]);
        assert_eq!((stats.from.as_str(), stats.to.as_str()), ("2026-11-01", "2026-11-30"));
        assert_eq!(sums(&records, &[], window(7)).total, Sum::default(), "a week has no 23rd");
        assert_eq!(sums(&records, &[], window(8)).total, *total);
    }

    #[test]
    fn an_undo_of_what_nobody_knows_any_more_has_no_type() {
        let stats = sums(&[ledger("a", "Succeeded", 10, "Verified")], &[], window(30));
        assert_eq!(stats.by_type.keys().collect::<Vec<_>>(), ["Unknown"]);
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 50), Some(50.0));
        assert_eq!(percentile(&values, 95), Some(95.0));
        assert_eq!(percentile(&values[..1], 95), Some(1.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn what_aws_did_is_summed_over_what_ran_in_these_days() {
        let ran = |finished: &str, bound: f64, took: f64| {
            let mut rollback = fixtures::rollback(Phase::Succeeded);
            rollback.status.as_mut().unwrap().timing = serde_json::from_value(json!({
                "executingAt": "2026-11-23T20:57:00Z", "finishedAt": finished,
                "awsRequests": 20, "throttled": 2, "conflicts": 1,
                "executionSeconds": took, "boundSeconds": bound,
            }))
            .unwrap();
            rollback
        };
        let rollbacks = [
            ran("2026-11-23T20:58:00Z", 9.0, 10.0),
            ran("2026-11-24T20:58:00Z", 21.0, 30.0),
            ran("2026-10-01T20:58:00Z", 1.0, 100.0),
            fixtures::rollback(Phase::AwaitingApproval),
        ];
        let aws = sums(&[], &rollbacks, window(30)).aws;
        assert_eq!((aws.rollbacks, aws.requests, aws.throttled, aws.conflicts), (2, 40, 4, 2));
        assert_eq!(aws.efficiency, Some(0.75));
    }
}
