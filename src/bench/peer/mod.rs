//! The same undo by awsideman's rollback engine and by the operator, one after the other, each
//! against a fresh simulator with the same seed. What is true afterwards is read from the
//! simulator, never from who made the changes.

mod awsideman;
mod faults;
mod operator;
mod report;
mod truth;

use std::collections::BTreeSet;

use indicatif::ProgressBar;
use jiff::Timestamp;

use self::faults::Faults;
use self::report::{Report, Row};
use super::calls::Calls;
use super::usage::Usage;
use super::{BenchError, PeerArguments, UndoArguments, print, spinner};

/// What a tool says that it did, and what it took.
struct Said {
    /// Name, version and build of the tool.
    tool: String,
    /// When it was told to undo.
    begun_at: Timestamp,
    planned_seconds: f64,
    /// Until it says that it is done, its own verification included.
    ended_seconds: f64,
    /// What it says in the end.
    conclusion: String,
    /// Accounts of the assignments that it says are undone.
    undone: BTreeSet<String>,
    usage: Usage,
    calls: Calls,
}

/// Measures both tools and prints the result.
pub async fn run(arguments: &PeerArguments) -> Result<(), BenchError> {
    let bar = spinner();
    print(arguments.output, &bar, Box::pin(measure(arguments, &bar))).await
}

async fn measure(arguments: &PeerArguments, bar: &ProgressBar) -> Result<Report, BenchError> {
    let mut report =
        Report { latency_seconds: arguments.latency, slots: arguments.slots, rows: Vec::new() };
    let smooth = arguments.actions.iter().map(|actions| (*actions, Faults::None));
    let troubled = arguments.failing.iter().flat_map(|actions| {
        [Faults::ATenthOfTheChanges, Faults::ATenthOfTheAccounts].map(|faults| (*actions, faults))
    });
    for (actions, faults) in smooth.chain(troubled) {
        let world = UndoArguments {
            actions,
            // A record of awsideman has one permission set.
            accounts: actions,
            latency: arguments.latency,
            slots: arguments.slots,
            ..UndoArguments::USUAL
        };
        bar.set_message(format!("awsideman, {actions} actions, {}", faults.words()));
        let (said, left) = awsideman::measure(&world, faults).await?;
        report.rows.push(Row::new(&world, faults, said, &left));
        bar.set_message(format!("the operator, {actions} actions, {}", faults.words()));
        let (said, left) = Box::pin(operator::measure(&world, faults)).await?;
        report.rows.push(Row::new(&world, faults, said, &left));
    }
    Ok(report)
}
