//! Prometheus: the server as a process, and promtool.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::support::process::Process;
use super::support::{checkout, guard, wait_for};

/// The directory of the programs; taken from Debian's package the first time.
fn programs() -> &'static PathBuf {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let output = Command::new(checkout().join("hack/tools/prometheus")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "hack/tools/prometheus failed:\n{said}");
        String::from_utf8(output.stdout).unwrap().trim().into()
    })
}

/// Runs promtool in the checkout. Gives what it said, as an error if it found something.
pub fn promtool(arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(programs().join("promtool"));
    let output = command.args(arguments).current_dir(checkout()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// A running server, ended when dropped.
pub struct Prometheus {
    _process: Process,
    url: String,
}

impl Prometheus {
    /// Starts one that asks these addresses every second, and waits until it answers.
    #[track_caller]
    pub fn scraping(targets: &[&str]) -> Self {
        let directory = guard::directory("prometheus");
        let configuration = directory.join("prometheus.yaml");
        let scrape = serde_json::json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "operator", "static_configs": [{"targets": targets}]}],
        });
        std::fs::write(&configuration, scrape.to_string()).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(programs().join("prometheus"));
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .current_dir(&directory);
        let process = Process::start("prometheus", &directory, &mut command);
        let url = format!("http://{address}");
        wait_for("Prometheus to be ready", Duration::from_mins(1), || {
            ureq::get(format!("{url}/-/ready")).call().ok()
        });
        Self { _process: process, url }
    }

    /// The series that a query gives now.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let asked = ureq::get(format!("{}/api/v1/query", self.url)).query("query", expression);
        let answer = asked.call().unwrap_or_else(|error| panic!("{expression}: {error}"));
        let answer: Value = answer.into_body().read_json().unwrap();
        answer["data"]["result"].as_array().unwrap().clone()
    }
}
