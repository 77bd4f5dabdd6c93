//! The last requests, for whoever looks for the reason of something.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

const KEPT: usize = 10_000;

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// When it arrived, in simulated time.
    pub at: Timestamp,
    /// The operation.
    pub operation: String,
    /// Who asked: the access key of the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// What it was about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// `ok`, or the error code and message.
    pub outcome: String,
    /// The handle of an asynchronous request that it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whether the fault script took the reply away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reply_lost: bool,
}

/// The last requests, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(VecDeque<LogEntry>);

impl Log {
    pub fn push(&mut self, entry: LogEntry) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    pub fn last(&self, count: usize) -> impl Iterator<Item = &LogEntry> {
        self.0.iter().skip(self.0.len().saturating_sub(count))
    }
}
