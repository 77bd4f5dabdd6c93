//! How long planning takes: `cargo bench --bench plan`.
//!
//! Prints milliseconds of processor time, the least of several rounds, for one record of many keys
//! and for a history of 500 operations with overlaps and earlier undos.

#![allow(clippy::unwrap_used)]

mod history;

use std::time::Duration;

use history::{history, live, operation};
use rollback_operator::api::instance::Policy;
use rollback_operator::model::{Before, Effect, InstanceArn};
use rollback_operator::plan::{Intent, Plan, Record, Request, plan};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 10;

fn main() {
    println!(
        "| {:<42} | {:>8} | {:>8} | {:>8} | {:>8} |",
        "", "keys", "records", "CPU ms", "µs a key"
    );
    println!("|{}|{1}:|{1}:|{1}:|{1}:|", "-".repeat(44), "-".repeat(9));
    for keys in [5_000, 10_000, 20_000] {
        let records = vec![operation(0, 0..keys, Effect::Granted, Before::Absent)];
        measure("one record", &records, 1);
    }
    for keys in [5_000, 10_000, 20_000] {
        let records = history(500, keys);
        measure("500 operations, overlapping, some undone", &records, 500);
    }
    // A plan has at most 20,000 keys.
    let records = history(500, 40_000);
    measure("… of 40,000 keys, half of them selected", &records, 249);
}

fn measure(what: &str, records: &[Record], selected: usize) {
    let selected = &records[..selected];
    let (policy, live) = (Policy::default(), live(selected));
    let arn: InstanceArn = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7".parse().unwrap();
    let request = Request {
        instance: "main",
        instance_arn: &arn,
        records,
        selected,
        policy: &policy,
        live: &live,
        intent: Intent::default(),
        accept: &[],
    };
    let mut best: Option<(Duration, Plan)> = None;
    for _ in 0..ROUNDS {
        let begun = processor_time();
        let planned = plan(&request).unwrap();
        let took = processor_time().saturating_sub(begun);
        if best.as_ref().is_none_or(|(least, _)| took < *least) {
            best = Some((took, planned));
        }
    }
    let (took, planned) = best.unwrap();
    let keys = planned.items.len();
    println!(
        "| {what:<42} | {keys:>8} | {:>8} | {:>8.1} | {:>8.2} |",
        records.len(),
        took.as_secs_f64() * 1e3,
        took.as_secs_f64() * 1e6 / f64::from(u32::try_from(keys).unwrap()),
    );
}

/// What this thread has used of a processor, which other work on the machine does not change.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}
