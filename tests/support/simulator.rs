//! The Identity Center simulator as a process.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::Process;
use super::{guard, wait, wait_for};

/// A running `idc-sim`, ended when dropped.
pub struct Simulator {
    process: Process,
    url: String,
}

/// How to start it.
pub struct SimulatorOptions {
    /// How much faster than life its time goes.
    pub time_scale: f64,
    /// Further arguments.
    pub arguments: Vec<String>,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self { time_scale: 20.0, arguments: Vec::new() }
    }
}

impl Simulator {
    /// Starts it with this world (YAML) and waits until it listens.
    #[track_caller]
    pub fn start(world: &str, options: &SimulatorOptions) -> Self {
        let directory = guard::directory("simulator");
        let (seed, port): (PathBuf, PathBuf) =
            (directory.join("world.yaml"), directory.join("port"));
        std::fs::write(&seed, world).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_idc-sim"));
        command
            .arg("--seed")
            .arg(&seed)
            .args(["--listen", "127.0.0.1:0", "--time-scale", &options.time_scale.to_string()])
            .arg("--port-file")
            .arg(&port)
            .args(&options.arguments);
        let mut process = Process::start("idc-sim", &directory, &mut command);
        let port: u16 = wait_for("the simulator to listen", Duration::from_secs(30), || {
            if let Some(status) = process.ended() {
                panic!("idc-sim ended with {status}\n{}", wait::tail(&process.log));
            }
            std::fs::read_to_string(&port).ok()?.trim().rsplit(':').next()?.parse().ok()
        });
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }

    /// Where it listens; what `spec.endpoint` of an instance names.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it where it is: it takes requests and does not answer, and its time goes on.
    #[track_caller]
    pub fn freeze(&mut self) {
        self.process.freeze();
    }

    /// Lets it go on.
    #[track_caller]
    pub fn thaw(&mut self) {
        self.process.thaw();
    }

    /// Begins anew, from what it was started with.
    #[track_caller]
    pub fn reset(&self) {
        self.post("/_sim/reset", &Value::Null);
    }

    /// The last requests, oldest first.
    #[track_caller]
    pub fn log(&self) -> Vec<Value> {
        let log = self.read("/_sim/log?last=10000");
        log.as_array().unwrap().clone()
    }

    /// All that it holds.
    #[track_caller]
    pub fn state(&self) -> Value {
        self.read("/_sim/state")
    }

    /// Who may enter where: equal when access is equal, whatever times and roles are.
    #[track_caller]
    pub fn access(&self) -> Value {
        self.read("/_sim/state?view=access")
    }

    /// What time it is there.
    #[track_caller]
    pub fn health(&self) -> Value {
        self.read("/_sim/health")
    }

    /// Calls by operation, peaks, throttles.
    #[track_caller]
    pub fn counters(&self) -> Value {
        self.read("/_sim/counters")
    }

    /// The operations that it answers, by the first half of `X-Amz-Target`.
    #[track_caller]
    pub fn operations(&self) -> Value {
        self.read("/_sim/operations")
    }

    /// Injects faults, by its fault script.
    #[track_caller]
    pub fn faults(&self, script: &Value) {
        self.post("/_sim/faults", script);
    }

    /// Sends a document to one of its `/_sim/` addresses.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) {
        self.answer(path, plain().post(format!("{}{path}", self.url)).send_json(body));
    }

    /// One call of sso-admin, as somebody else makes it.
    #[track_caller]
    pub fn call(&self, operation: &str, input: &Value) {
        self.ask(&format!("SWBExternalService.{operation}"), input);
    }

    /// One call of any service, by its `X-Amz-Target`; gives the answer.
    #[track_caller]
    pub fn ask(&self, target: &str, input: &Value) -> Value {
        let call = plain()
            .post(&self.url)
            .header("x-amz-target", target)
            .content_type("application/x-amz-json-1.1");
        let text = self.answer(target, call.send(input.to_string()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{target}: {error}\n{text}"))
    }

    /// Reads JSON or YAML.
    #[track_caller]
    fn read(&self, path: &str) -> Value {
        let text = self.answer(path, plain().get(format!("{}{path}", self.url)).call());
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"))
    }

    #[track_caller]
    fn answer(
        &self,
        path: &str,
        got: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> String {
        let log = || wait::tail(&self.process.log);
        let mut answer = got.unwrap_or_else(|error| panic!("{path}: {error}\n{}", log()));
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{path}: {} {text}\n{}", answer.status(), log());
        text
    }
}

/// A client that shows what a refusal says.
fn plain() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
