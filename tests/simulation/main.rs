//! Deterministic simulation: the operator's real code on paused time, behind kube's and the SDK's
//! real clients, against an API server and an AWS in memory. `docs/testing.md` says how to read it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aws;
mod cluster;
mod judge;
mod life;
mod place;
mod play;
mod process;
mod scenario;
mod trace;

use scenario::Scenario;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["calm", kind] => {
            let report = play::play(&Scenario::of_type(kind), &[]);
            print!("{}", report.trace.text());
            println!(
                "{:?} {:.1} s {} requests {:?}",
                report.phases, report.seconds, report.requests, report.violations
            );
        }
        _ => {}
    }
}
