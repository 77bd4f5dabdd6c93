//! What was asked and what it changed: the simulator's testimony about its callers.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Requests of all kinds.
    pub requests: u64,
    /// By operation.
    pub calls: BTreeMap<String, Calls>,
    /// Creates and deletes that were accepted, by key.
    pub accepted: BTreeMap<String, u64>,
    /// Changes of state by requests, by key: those that made something present or absent.
    pub effective: BTreeMap<String, u64>,
    /// The most creates and deletes at work at once, in the busiest instance.
    pub peak_outstanding: usize,
    /// The most requests that arrived in any one second at the busiest instance, refused ones too.
    pub peak_per_second: usize,
    /// Refusals for too many requests.
    pub throttles: Throttles,
    /// Refusals because another change was at work.
    pub conflicts: u64,
    /// Replies that the fault script took away.
    pub lost_replies: u64,
}

/// The calls of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// All of them.
    pub total: u64,
    /// Those that were refused, by error code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, u64>,
}

/// Refusals for too many requests, by limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Throttles {
    /// Too many requests in a second.
    pub rate: u64,
    /// Too many creates and deletes at work.
    pub outstanding: u64,
    /// Too many provisioning requests at work.
    pub provisioning: u64,
    /// By the fault script.
    pub injected: u64,
}

impl Counters {
    pub(super) fn call(&mut self, operation: &str, error: Option<&str>) {
        self.requests += 1;
        let calls = self.calls.entry(operation.to_owned()).or_default();
        calls.total += 1;
        if let Some(code) = error {
            *calls.errors.entry(code.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn accept(&mut self, key: &str) {
        *self.accepted.entry(key.to_owned()).or_default() += 1;
    }

    pub(super) fn effect(&mut self, key: &str) {
        *self.effective.entry(key.to_owned()).or_default() += 1;
    }
}
