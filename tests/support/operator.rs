//! The operator as a process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::process::Process;
use super::{guard, wait, wait_for};

/// A running `rollback-operator`, ended when dropped.
pub struct Operator {
    process: Process,
    directory: PathBuf,
    kubeconfig: PathBuf,
    simulator: String,
    arguments: Vec<String>,
    admin: String,
}

impl Operator {
    /// Starts it with these credentials and waits until it is ready. Whatever it asks of AWS without
    /// an instance's endpoint goes to the simulator too, never to the network.
    #[track_caller]
    pub fn start(kubeconfig: &Path, simulator: &str, arguments: &[&str]) -> Self {
        let directory = guard::directory("operator");
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let (process, admin) = spawn(&directory, kubeconfig, simulator, &arguments);
        let mut operator = Self {
            process,
            directory,
            kubeconfig: kubeconfig.to_owned(),
            simulator: simulator.to_owned(),
            arguments,
            admin,
        };
        operator.wait_until_ready();
        operator
    }

    /// Where `/readyz`, `/metrics` and `/debug/state` are.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// Reads one page of the admin port.
    pub fn read(&self, path: &str) -> Result<String, ureq::Error> {
        ureq::get(format!("{}{path}", self.admin)).call()?.body_mut().read_to_string()
    }

    /// All that it wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.process.log).unwrap_or_default()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// Ends it as a power cut would.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Asks it to end and waits for that.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.process.stop(Duration::from_secs(30))
    }

    /// Starts it again, as it was started, after it has ended.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.kill9();
        (self.process, self.admin) =
            spawn(&self.directory, &self.kubeconfig, &self.simulator, &self.arguments);
        self.wait_until_ready();
    }

    #[track_caller]
    fn wait_until_ready(&mut self) {
        wait_for("the operator to be ready", Duration::from_mins(1), || {
            if let Some(status) = self.process.ended() {
                panic!("the operator ended with {status}\n{}", wait::tail(&self.process.log));
            }
            self.read("/readyz").ok().map(|_| ())
        });
    }
}

fn spawn(
    directory: &Path,
    kubeconfig: &Path,
    simulator: &str,
    arguments: &[String],
) -> (Process, String) {
    let admin = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollback-operator"));
    command
        .args(["--admin-address", &admin, "--lease-namespace", "rollback-system"])
        .args(arguments)
        .env_clear()
        .env("KUBECONFIG", kubeconfig)
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned()))
        .env("AWS_ACCESS_KEY_ID", "AKIDSIMULATOR")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", simulator)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    (Process::start("rollback-operator", directory, &mut command), format!("http://{admin}"))
}

/// A port that nothing listens on just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
