//! Why a measurement was not made.

use std::path::PathBuf;

/// Why a measurement was not made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A file or a process could not be used.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A program ended that should have gone on, or ended badly.
    #[error("{program} ended with {status}; its log:\n{log}")]
    Ended {
        /// Which.
        program: String,
        /// How.
        status: String,
        /// The end of what it wrote.
        log: String,
    },
    /// Something did not happen in time.
    #[error("waited {seconds} s for {what}; last seen: {last}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long, in seconds of life.
        seconds: u64,
        /// What was there instead.
        last: String,
    },
    /// The undo ended otherwise than Succeeded.
    #[error("the undo ended {phase}: {summary}")]
    NotUndone {
        /// Its phase.
        phase: String,
        /// Its summary.
        summary: String,
    },
    /// One of several measurements was not made.
    #[error("the scenario '{0}': {1}")]
    Scenario(String, #[source] Box<BenchError>),
    /// Some of several measurements were not made.
    #[error("{0} of the scenarios failed, see above; the others are in the results")]
    Scenarios(usize),
    /// Numbers do not fit each other.
    #[error("{0}")]
    Arguments(&'static str),
    /// No scenario has a name with this word.
    #[error("no scenario is called '{0}'; there are: {1}")]
    NoScenario(String, String),
    /// An earlier result cannot be read.
    #[error("{0} is no result of this command, as --json writes it: {1}")]
    Base(String, String),
    /// What the operator holds grew from undo to undo.
    #[error("the operator grew, though nothing was left to hold: {0}")]
    Grown(String),
    /// What a process uses cannot be read.
    #[error("/proc does not say what the operator holds: this is measured on Linux only")]
    NoUsage,
    /// A program that is measured is not built.
    #[error(
        "{0} is not there: build all programs with the same profile (cargo build --profile measured --bins)"
    )]
    NotBuilt(PathBuf),
    /// The Kubernetes API refused something.
    #[error("{what}: {error}")]
    Kubernetes {
        /// What was tried.
        what: &'static str,
        /// What it says.
        error: Box<kube::Error>,
    },
    /// Somebody ended it.
    #[error("interrupted; what it started is stopped")]
    Interrupted,
    /// No client for the API server.
    #[error("the kubeconfig of the control plane: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The simulator does not answer.
    #[error("the simulator: {0}")]
    Simulator(String),
    /// The operator does not show its metrics.
    #[error("the operator's metrics: {0}")]
    Metrics(String),
    /// The world cannot be described.
    #[error("the world to measure in: {0}")]
    World(String),
}

impl BenchError {
    /// A system error with what was tried.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }

    /// A refusal of the API server with what was tried.
    pub(super) fn kubernetes(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |error| Self::Kubernetes { what, error: Box::new(error) }
    }
}
