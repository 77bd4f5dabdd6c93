//! The command line of `idc-sim`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::faults::FaultScript;
use super::http::{Options, Server};
use super::seed::Seed;

/// Simulates AWS IAM Identity Center: sso-admin, identitystore, organizations and a little of STS.
#[derive(Debug, Parser)]
#[command(name = "idc-sim", version)]
pub struct Args {
    /// The state to begin with, in YAML (docs/simulator.md)
    #[arg(long, value_name = "FILE")]
    seed: PathBuf,
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How many times faster than the clock on the wall time runs: latencies, quotas, everything
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    time_scale: f64,
    /// When simulated time is the same as on the wall [default: now]
    #[arg(long, value_name = "TIMESTAMP")]
    time_origin: Option<Timestamp>,
    /// What goes wrong, in YAML (docs/simulator.md)
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// The seed of all chance: the same number gives the same latencies and ids
    #[arg(long, value_name = "N", default_value_t = 0)]
    random_seed: u64,
    /// Write the port to this file once it is open
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
}

/// Why the simulator does not run.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file does not say what it should.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong in it.
        problem: String,
    },
    /// The time scale is not a positive number.
    #[error("--time-scale {0} is not a positive number")]
    TimeScale(f64),
    /// The server does not start.
    #[error("{listen}: {error}")]
    Listen {
        /// Where it should listen.
        listen: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
}

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path)
        .map_err(|error| CliError::File { path: path.display().to_string(), error })
}

/// Serves until SIGTERM or an interrupt.
pub async fn run(args: Args) -> Result<(), CliError> {
    if !(args.time_scale.is_finite() && args.time_scale > 0.0) {
        return Err(CliError::TimeScale(args.time_scale));
    }
    let content = |path: &Path, problem: String| CliError::Content {
        path: path.display().to_string(),
        problem,
    };
    let seed = Seed::from_yaml(&read(&args.seed)?)
        .map_err(|error| content(&args.seed, error.to_string()))?;
    let faults = match &args.faults {
        Some(path) => {
            FaultScript::from_yaml(&read(path)?).map_err(|problem| content(path, problem))?
        }
        None => FaultScript::default(),
    };
    let options = Options {
        seed,
        faults,
        random_seed: args.random_seed,
        time_scale: args.time_scale,
        time_origin: args.time_origin,
    };
    let listen = args.listen;
    let failed = |error| CliError::Listen { listen, error };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(failed)?;
    let server = Server::start(listener, options).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => content(&args.seed, error.to_string()),
        _ => failed(error),
    })?;
    if let Some(path) = &args.port_file {
        // Renamed into place, so that a reader never sees half of it.
        let part = path.with_extension("part");
        std::fs::write(&part, format!("{}\n", server.address().port()))
            .and_then(|()| std::fs::rename(&part, path))
            .map_err(|error| CliError::File { path: path.display().to_string(), error })?;
    }
    #[expect(clippy::print_stdout, reason = "the one line that tells the address")]
    {
        println!("idc-sim listens on {}", server.url());
    }
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    server.stop().await;
    Ok(())
}
