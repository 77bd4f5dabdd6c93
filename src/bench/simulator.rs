//! The simulator as a process of its own, and what it tells beside the API of AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::BenchError;
use super::process::Process;
use super::stage::{until, write};
use crate::runtime::clock::Clock;

/// What asks the pages of local programs, none of which may take this long.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(20))).build().into()
}

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

/// Who has access, and what access there is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    /// Assignments by the name of the user.
    pub assignments: BTreeMap<String, usize>,
    /// Permission sets.
    pub permission_sets: usize,
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
        let mut answer = agent()
            .get(format!("{}{path}", self.url))
            .call()
            .map_err(|error| failed(path, &error))?;
        answer.body_mut().read_json().map_err(|error| failed(path, &error))
    }

    /// Loads the script of what goes wrong.
    pub fn set_faults(&self, faults: &Value) -> Result<(), BenchError> {
        self.post("/_sim/faults", faults)
    }

    /// Lets somebody else change access, at once.
    pub fn change(&self, changes: &Value) -> Result<(), BenchError> {
        self.post("/_sim/changes", changes)
    }

    fn post(&self, path: &str, body: &Value) -> Result<(), BenchError> {
        agent()
            .post(format!("{}{path}", self.url))
            .send(body.to_string())
            .map_err(|error| failed(path, &error))?;
        Ok(())
    }

    /// The assignments that it holds, by the name of the user, and its permission sets.
    pub fn holds(&self) -> Result<Holds, BenchError> {
        let state: Value = self.get("/_sim/state?view=access&format=json")?;
        let instance = &state["instances"][0];
        let mut assignments: BTreeMap<String, usize> = BTreeMap::new();
        for row in instance["assignments"].as_array().into_iter().flatten() {
            let user = row["user"].as_str().unwrap_or_default().to_owned();
            *assignments.entry(user).or_default() += row["accounts"].as_array().map_or(0, Vec::len);
        }
        let permission_sets = instance["permissionSets"].as_array().map_or(0, Vec::len);
        Ok(Holds { assignments, permission_sets })
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
