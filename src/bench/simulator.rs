//! The simulator as a process of its own, and what it tells beside the API of AWS.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::BenchError;
use super::process::Process;
use super::stage::{until, write};
use crate::runtime::clock::Clock;

/// A running simulator; it ends when this is dropped.
pub struct Simulator {
    process: Process,
    pages: Pages,
}

/// The pages that the simulator has beside the API of AWS.
#[derive(Debug, Clone)]
pub struct Pages {
    url: String,
}

impl Simulator {
    /// Starts one that keeps its files in `directory`, and waits until it listens.
    pub async fn start(
        directory: &Path,
        seed: &Value,
        time: &[String],
    ) -> Result<Self, BenchError> {
        let world = directory.join("world.yaml");
        write(&world, &seed.to_string())?;
        let port = directory.join("port");
        let mut process = Process::start("idc-sim", directory, |command| {
            command.arg("--seed").arg(&world).arg("--port-file").arg(&port).args(time);
        })?;
        let url = until(&Clock::real(), "the simulator to listen", || {
            process.check()?;
            let text = std::fs::read_to_string(&port).unwrap_or_default();
            Ok(text.trim().parse::<u16>().ok().map(|port| format!("http://127.0.0.1:{port}")))
        })
        .await?;
        Ok(Self { process, pages: Pages { url } })
    }

    /// Its endpoint.
    pub fn url(&self) -> &str {
        &self.pages.url
    }

    /// Its pages.
    pub const fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Fails when it has ended.
    pub fn check(&mut self) -> Result<(), BenchError> {
        self.process.check()
    }
}

impl Pages {
    /// Reads one.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, BenchError> {
        let mut answer = ureq::get(format!("{}{path}", self.url))
            .call()
            .map_err(|error| failed(path, &error))?;
        answer.body_mut().read_json().map_err(|error| failed(path, &error))
    }

    /// Loads the script of what goes wrong.
    pub fn set_faults(&self, faults: &Value) -> Result<(), BenchError> {
        let path = "/_sim/faults";
        ureq::post(format!("{}{path}", self.url))
            .send(faults.to_string())
            .map_err(|error| failed(path, &error))?;
        Ok(())
    }

    /// The assignments that it holds, all principals together.
    pub fn assignments(&self) -> Result<usize, BenchError> {
        Ok(self.assigned_accounts()?.len())
    }

    /// The accounts of these.
    pub fn accounts_with_access(&self) -> Result<BTreeSet<String>, BenchError> {
        Ok(self.assigned_accounts()?.into_iter().collect())
    }

    fn assigned_accounts(&self) -> Result<Vec<String>, BenchError> {
        let state: Value = self.get("/_sim/state?view=access&format=json")?;
        let rows = state["instances"][0]["assignments"].as_array().cloned().unwrap_or_default();
        let accounts = rows.iter().filter_map(|row| row["accounts"].as_array()).flatten();
        Ok(accounts.filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

fn failed(path: &str, error: &ureq::Error) -> BenchError {
    BenchError::Simulator(format!("{path}: {error}"))
}
