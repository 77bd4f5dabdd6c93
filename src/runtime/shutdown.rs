//! One way to stop: a token that everybody watches.
//!
//! The first SIGTERM or SIGINT cancels it, and what is in flight is drained. A second one ends the
//! process at once; the journal makes that safe.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::clock::Elapsed;

/// The token, and who cancels it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// A shutdown that only [`Shutdown::trigger`] starts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown that starts with SIGTERM or SIGINT, too. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(watch_signals(shutdown.clone(), terminate, interrupt));
        Ok(shutdown)
    }

    /// The token; it is cancelled once and stays so.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Starts the shutdown; says why, the first time.
    pub fn trigger(&self, why: &str) {
        if !self.token.is_cancelled() {
            tracing::info!(why, "shutting down");
            self.token.cancel();
        }
    }
}

async fn watch_signals(shutdown: Shutdown, mut terminate: Signal, mut interrupt: Signal) {
    let mut next = async || {
        tokio::select! {
            _ = terminate.recv() => ("SIGTERM", 128 + 15),
            _ = interrupt.recv() => ("SIGINT", 128 + 2),
        }
    };
    let (name, _) = next().await;
    shutdown.trigger(name);
    let (name, code) = next().await;
    tracing::warn!(signal = name, "second signal: ending without waiting for what is in flight");
    std::process::exit(code);
}

/// Waits for what is in flight, for at most `grace` of real time.
///
/// # Errors
/// [`Elapsed`] when it did not end in time; the future is dropped then.
pub async fn drain<F: Future>(grace: Duration, work: F) -> Result<F::Output, Elapsed> {
    let outcome = tokio::time::timeout(grace, work).await;
    if outcome.is_err() {
        tracing::warn!(?grace, "not everything ended within the grace period");
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::process::{Child, Command};

    use super::*;

    const CHILD: &str = "ROLLBACK_OPERATOR_TEST_SHUTDOWN_CHILD";

    #[tokio::test(start_paused = true)]
    async fn a_drain_is_bounded() {
        assert_eq!(drain(Duration::from_secs(20), async { 7 }).await.unwrap(), 7);
        assert!(drain(Duration::from_secs(20), std::future::pending::<()>()).await.is_err());
    }

    /// Not a test by itself: what the next one starts as its own process and sends signals to.
    #[tokio::test]
    async fn as_a_child_process() {
        let Ok(mode) = std::env::var(CHILD) else { return };
        let shutdown = Shutdown::on_signals().unwrap();
        println!("listening");
        shutdown.token().cancelled().await;
        println!("cancelled");
        if mode == "stuck" {
            std::future::pending::<()>().await;
        }
    }

    async fn start(
        mode: &str,
    ) -> (Child, tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "runtime::shutdown::tests::as_a_child_process", "--nocapture"])
            .env(CHILD, mode)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        wait_for(&mut lines, "listening").await;
        (child, lines)
    }

    async fn wait_for(
        lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
        word: &str,
    ) {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.ends_with(word) {
                return;
            }
        }
        panic!("the child ended before it said {word}");
    }

    async fn send(child: &Child, signal: &str) {
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }

    #[tokio::test]
    async fn the_first_signal_cancels_and_the_second_ends_the_process() {
        let (mut child, mut lines) = start("willing").await;
        send(&child, "-TERM").await;
        wait_for(&mut lines, "cancelled").await;
        assert!(child.wait().await.unwrap().success());

        let (mut child, mut lines) = start("stuck").await;
        send(&child, "-TERM").await;
        wait_for(&mut lines, "cancelled").await;
        send(&child, "-INT").await;
        assert_eq!(child.wait().await.unwrap().code(), Some(130));
    }
}
