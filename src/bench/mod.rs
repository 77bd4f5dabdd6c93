//! Measurements on the real components: an API server, the operator's binary, the simulator's.
//!
//! `rollback-bench undo` measures one undo against the bound that AWS's limits set,
//! `rollback-bench suite` many of them, `rollback-bench scale` how the operator does among many
//! objects, `rollback-bench plugin` what the plugin takes, `rollback-bench peer` what awsideman makes
//! of the same undo, `rollback-bench soak` whether what it holds grows. Times are printed, never judged
//! here: machines differ, and a timed test would only teach people to retry.

mod calls;
mod control_plane;
mod error;
mod objects;
mod peer;
mod plugin;
mod process;
mod report;
mod samples;
mod scale;
mod simulator;
mod soak;
mod stage;
mod suite;
mod undo;
mod usage;
mod words;
mod world;

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use error::BenchError;
use tokio::signal::unix::{SignalKind, signal};

/// Measures the operator on real components.
#[derive(Debug, Parser)]
#[command(name = "rollback-bench", version)]
pub struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Undo one recorded operation and compare the time with the bound that AWS's limits set
    Undo(UndoArguments),
    /// Undo operations of many sizes in many worlds, one after another
    Suite(SuiteArguments),
    /// Start the plugin, and let it import, list and report much
    Plugin(PluginArguments),
    /// Let awsideman undo the same operations as the operator, and see who is right about the result
    Peer(PeerArguments),
    /// Start the operator among many finished Rollbacks and records, and undo single operations there
    Scale(ScaleArguments),
    /// Undo again and again for a while, and fail if the operator's memory or open files grow
    Soak(SoakArguments),
}

/// What of the suite is run, and where its results go.
#[derive(Debug, Clone, Args)]
pub struct SuiteArguments {
    /// Leave out what takes more than half a minute
    #[arg(long)]
    pub quick: bool,
    /// Also start the operator among 10,000 finished Rollbacks and 100,000 records, which takes minutes
    #[arg(long, conflicts_with = "quick")]
    pub among_much: bool,
    /// Run only the scenarios whose names contain this
    #[arg(long, value_name = "WORD")]
    pub only: Option<String>,
    /// Also draw a page
    #[arg(long, value_name = "FILE")]
    pub page: Option<PathBuf>,
    /// Also write the results down, for `--compare`
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Compare with an earlier result, as `--json` wrote it
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// How much is there before the operator starts.
#[derive(Debug, Clone, Args)]
pub struct ScaleArguments {
    /// Finished Rollbacks
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub rollbacks: u32,
    /// Records, with those of the finished Rollbacks and their ledgers
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub records: u32,
    /// Operations that are undone one by one among them
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub probes: u32,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// How long the same is done again and again.
#[derive(Debug, Clone, Args)]
pub struct SoakArguments {
    /// Minutes of life; it takes longer where too little was asked of AWS to see a leak
    #[arg(long, default_value_t = 10.0, value_parser = number::<0, 1440>)]
    pub minutes: f64,
    /// Rollbacks at once in each round, of one assignment each
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rollbacks: u32,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// How much the plugin is given.
#[derive(Debug, Clone, Args)]
pub struct PluginArguments {
    /// The plugin to measure; if left out, the one beside this program
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// Operations that are imported and listed
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub operations: u32,
    /// Actions of the undo that is reported
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub actions: u32,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// The size of an undo and the world that it happens in.
#[derive(Debug, Clone, Args)]
pub struct UndoArguments {
    /// Actions of the undo: assignments of one principal, spread evenly over accounts and sets
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub actions: u32,
    /// Accounts that the assignments are in
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=7000))]
    pub accounts: u32,
    /// Seconds that AWS takes from an accepted request to its end
    #[arg(long, default_value_t = 2.0, value_parser = number::<0, 600>)]
    pub latency: f64,
    /// Changes that AWS allows at work at once, and that the operator uses
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub slots: u32,
    /// How much faster than life all clocks run; 1 is the truth
    #[arg(long, default_value_t = 1.0, value_parser = number::<1, 1000>)]
    pub time_scale: f64,
    /// Rollbacks at once, among which the actions are shared out by accounts
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rollbacks: u32,
    /// The type of the operations that are undone
    #[arg(long, value_enum, default_value_t = Kind::Assign)]
    pub kind: Kind,
    /// Let AWS throttle, fail and lose answers now and then, and changes fail after they were accepted
    #[arg(long)]
    pub faults: bool,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// What both tools undo, and in what world.
#[derive(Debug, Clone, Args)]
pub struct PeerArguments {
    /// Actions of the undos in which every change ends well: assignments of one permission set to one user
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 300], value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub actions: Vec<u32>,
    /// Actions of the undos in which some changes are accepted and fail later
    #[arg(long, value_delimiter = ',', default_values_t = [100], value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub failing: Vec<u32>,
    /// Seconds that AWS takes from an accepted request to its end
    #[arg(long, default_value_t = 2.0, value_parser = number::<0, 600>)]
    pub latency: f64,
    /// Changes that AWS allows at work at once, and that the operator uses
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub slots: u32,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

impl UndoArguments {
    /// A hundred actions, each in an account of its own, by one Rollback, in life's own time.
    const USUAL: Self = Self {
        actions: 100,
        accounts: 100,
        latency: 2.0,
        slots: 10,
        time_scale: 1.0,
        rollbacks: 1,
        kind: Kind::Assign,
        faults: false,
        output: Output::Table,
    };

    /// Fails where numbers do not fit each other, before anything is started.
    fn check(&self) -> Result<(), BenchError> {
        let shared = if self.kind == Kind::Clone { self.actions } else { self.accounts };
        let refused = if self.rollbacks > shared.min(self.actions) {
            "there are more Rollbacks than there is to share out among them"
        } else if self.kind == Kind::Clone && self.actions.div_ceil(self.rollbacks) > 1000 {
            "a Rollback names at most 1000 records, and each clone has one"
        } else if self.kind != Kind::Clone && self.actions.div_ceil(self.accounts) > 1000 {
            "a record names at most 1000 permission sets: take more accounts"
        } else {
            return Ok(());
        };
        Err(BenchError::Arguments(refused))
    }
}

impl Kind {
    /// As on the command line.
    const fn word(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Revoke => "revoke",
            Self::Copy => "copy",
            Self::Clone => "clone",
        }
    }
}

fn number<const LEAST: u16, const MOST: u16>(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (f64::from(LEAST)..=f64::from(MOST)).contains(&number) => Ok(number),
        _ => Err(format!("a number from {LEAST} to {MOST} is needed")),
    }
}

/// The type of the operations that are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Access was given; the undo takes it away.
    Assign,
    /// Access was taken away; the undo gives it back.
    Revoke,
    /// The access of one user was copied to another; the undo takes it from the other.
    Copy,
    /// Permission sets were cloned; the undo deletes the clones, one action each.
    Clone,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Shown while something is measured that nobody can say the end of.
fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Takes the bar away when something was measured, and prints what that says.
async fn print<R: Display + Serialize>(
    output: Output,
    bar: &ProgressBar,
    measured: impl Future<Output = Result<R, BenchError>>,
) -> Result<(), BenchError> {
    let report = measured.await?;
    bar.finish_and_clear();
    match output {
        Output::Table => print!("{report}"),
        Output::Json => println!("{}", serde_json::to_value(&report).unwrap_or_default()),
    }
    Ok(())
}

/// Runs a scenario and prints its result.
///
/// # Errors
/// When a component does not start, refuses what is asked, or does not get done in time.
pub async fn run(arguments: Arguments) -> Result<(), BenchError> {
    let mut terminated = signal(SignalKind::terminate()).map_err(BenchError::io("signals"))?;
    let mut hung_up = signal(SignalKind::hangup()).map_err(BenchError::io("signals"))?;
    let scenario = async {
        match arguments.scenario {
            Scenario::Undo(arguments) => undo::run(&arguments).await,
            Scenario::Suite(arguments) => suite::run(&arguments).await,
            Scenario::Scale(arguments) => scale::run(&arguments).await,
            Scenario::Soak(arguments) => soak::run(&arguments).await,
            Scenario::Plugin(arguments) => plugin::run(&arguments).await,
            Scenario::Peer(arguments) => peer::run(&arguments).await,
        }
    };
    // What is dropped stops what it started.
    tokio::select! {
        outcome = scenario => outcome,
        _ = tokio::signal::ctrl_c() => Err(BenchError::Interrupted),
        _ = hung_up.recv() => Err(BenchError::Interrupted),
        _ = terminated.recv() => Err(BenchError::Interrupted),
    }
}
