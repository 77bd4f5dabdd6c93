//! Questions about an installation, asked by the same program in pods of their own: the chart's
//! test and the hook of its uninstallation need no other image.

mod busy;
mod installation;

use std::time::Duration;

use clap::Subcommand;

use crate::cluster::client::ConnectError;
use crate::cluster::{ClientOptions, Clients};
use crate::runtime::config::{InvalidFlags, OperatorFlags, duration};

/// What to look at, in place of running the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Check {
    /// Fail, and name them, while Rollbacks have changes at work in AWS or are not yet written down.
    CheckIdle,
    /// Fail, and say what to do, unless the kinds, the permissions, the admission policies and a
    /// leader are there.
    CheckInstallation {
        /// Do without the admission policies.
        #[arg(long, env = "ROLLBACK_OPERATOR_WITHOUT_ADMISSION")]
        without_admission: bool,
        /// How long a first leader may take.
        #[arg(long, default_value = "60s", value_parser = duration)]
        wait: Duration,
    },
}

/// Why a check could not be made, or what it found.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The flags do not go together.
    #[error(transparent)]
    Flags(#[from] InvalidFlags),
    /// No way to the API server.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The API server did not answer, or refused.
    #[error("the API server could not be asked: {0}")]
    Kubernetes(#[from] kube::Error),
    /// Something is at work.
    #[error(
        "{} at work: {}; wait until they end, or cancel them (kubectl rollback cancel). To uninstall all the same: helm uninstall --no-hooks",
        if names.len() == 1 { "a Rollback is" } else { "Rollbacks are" }, names.join(", ")
    )]
    Busy {
        /// `namespace/name` of each.
        names: Vec<String>,
    },
    /// Something is missing.
    #[error("the installation is not whole:\n  {}", .0.join("\n  "))]
    NotWhole(Vec<String>),
}

/// Makes a check; gives a sentence for people.
///
/// # Errors
/// When the answer is no, or could not be had.
pub async fn check(what: Check, flags: &OperatorFlags) -> Result<String, CheckError> {
    flags.validate()?;
    let clients = Clients::infer(&ClientOptions::default()).await?;
    match what {
        Check::CheckIdle => busy::check(&clients.api).await,
        Check::CheckInstallation { without_admission, wait } => {
            installation::check(&clients, flags, without_admission, wait).await
        }
    }
}
