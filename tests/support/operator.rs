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
    options: OperatorOptions,
    admin: String,
}

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct OperatorOptions {
    /// Whose rights it has in the cluster.
    pub kubeconfig: PathBuf,
    /// Where it finds AWS without an instance's endpoint: never in the network.
    pub simulator: String,
    /// Flags.
    pub arguments: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
}

impl Operator {
    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(options: OperatorOptions) -> Self {
        let mut operator = Self::launch(options);
        operator.wait_until_ready();
        operator
    }

    /// Starts it and waits for nothing: it may be meant to end early.
    #[track_caller]
    pub fn launch(options: OperatorOptions) -> Self {
        let directory = guard::directory("operator");
        let (process, admin) = spawn(&directory, &options);
        Self { process, directory, options, admin }
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

    /// Stops it where it is, with everything it has open.
    #[track_caller]
    pub fn freeze(&mut self) {
        self.process.freeze();
    }

    /// Lets it go on.
    #[track_caller]
    pub fn thaw(&mut self) {
        self.process.thaw();
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
        (self.process, self.admin) = spawn(&self.directory, &self.options);
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

fn spawn(directory: &Path, options: &OperatorOptions) -> (Process, String) {
    let admin = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollback-operator"));
    command
        .args(["--lease-namespace", "rollback-system"])
        .args(&options.arguments)
        .current_dir(directory)
        .env_clear()
        .env("KUBECONFIG", &options.kubeconfig)
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned()))
        .env("ROLLBACK_OPERATOR_ADMIN_ADDRESS", &admin)
        .env("AWS_ACCESS_KEY_ID", "AKIDSIMULATOR")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", &options.simulator)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(options.environment.iter().cloned());
    (Process::start("rollback-operator", directory, &mut command), format!("http://{admin}"))
}

/// A port that nothing listens on just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
