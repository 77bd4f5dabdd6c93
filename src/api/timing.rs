//! How long a Rollback took, where the time went, and what would make it shorter.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;
use crate::model::Histogram;

/// How long each part took.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// When the plan was first asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub planning_at: Option<Timestamp>,
    /// When the plan was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub planned_at: Option<Timestamp>,
    /// When the plan was approved, or needed no approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub approved_at: Option<Timestamp>,
    /// When the first intent was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub executing_at: Option<Timestamp>,
    /// When the last request had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub verifying_at: Option<Timestamp>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub finished_at: Option<Timestamp>,
    /// When the last key will be read back at the present pace; from a tenth of the actions on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub expected_at: Option<Timestamp>,
    /// Seconds from approval to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_seconds: Option<f64>,
    /// Actions a second over the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions_per_second: Option<f64>,
    /// When the present phase began; from its last word on, when the attempt was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub since: Option<Timestamp>,
    /// Seconds from the creation of the object until it was looked at, and those in which something that it needs was missing or no more than a plan was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_seconds: Option<f64>,
    /// Seconds of planning, over all plans of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planning_seconds: Option<f64>,
    /// Seconds in which a plan waited for its approval, its time, or another Rollback that held a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaiting_approval_seconds: Option<f64>,
    /// Seconds of execution, until the last request had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executing_seconds: Option<f64>,
    /// Seconds from then until the last key was read back and the ledger was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifying_seconds: Option<f64>,
    /// Requests to AWS for this Rollback. A poll that serves several Rollbacks counts for each.
    #[serde(default)]
    pub aws_requests: i64,
    /// Of those, requests that change something.
    #[serde(default)]
    pub changes: i64,
    /// Of those, polls of changes at work.
    #[serde(default)]
    pub polls: i64,
    /// Of those, all other reads, planning included.
    #[serde(default)]
    pub reads: i64,
    /// Of those, requests without an answer that can be used; what was still to be done was asked for again.
    #[serde(default)]
    pub retried: i64,
    /// Requests that AWS throttled.
    #[serde(default)]
    pub throttled: i64,
    /// Requests that met another change at work.
    #[serde(default)]
    pub conflicts: i64,
    /// Seconds from sending a request to its reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_latency: Option<Latency>,
    /// Seconds from an accepted change to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_latency: Option<Latency>,
    /// Seconds of capacity that AWS's throttling took while actions waited: a half of the slots for two seconds is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttling_seconds: Option<f64>,
    /// Seconds of capacity that other Rollbacks of the instance took while actions waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_seconds: Option<f64>,
    /// Where the time went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Shares>,
    /// Number of requests whose provisioning latency was seen.
    #[serde(default)]
    pub provisioned: i64,
    /// Mean seconds from an accepted request to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_seconds: Option<f64>,
    /// Seconds that AWS's limits would have required at this latency: the lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_seconds: Option<f64>,
    /// The bound divided by the time it took, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efficiency: Option<f64>,
}

/// How durations are spread, in seconds. Quantiles are off by at most a tenth.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Default, PartialEq)]
pub struct Latency {
    /// How many there were.
    pub count: i64,
    /// Half of them took at most this long.
    pub p50: f64,
    /// Nine of ten took at most this long.
    pub p90: f64,
    /// Ninety-nine of a hundred took at most this long.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// All of them, as `bucket:count`; bucket n ends at 1 ms × 1.1ⁿ. What several Rollbacks show can be added up.
    #[schemars(schema_with = "schema::text")]
    pub buckets: String,
}

impl Latency {
    /// Adds durations, the longest of which is given. What cannot be read of its own buckets is
    /// left out.
    pub fn add(&mut self, more: &Histogram, longest: f64) {
        let mut all = self.histogram();
        all.merge(more);
        let quantile = |part| rounded(all.quantile(part).unwrap_or_default());
        let max = rounded(self.max.max(longest));
        *self = Self {
            count: all.count(),
            p50: quantile(0.5).min(max),
            p90: quantile(0.9).min(max),
            p99: quantile(0.99).min(max),
            max,
            buckets: all.to_string(),
        };
    }

    /// All of them; empty if the buckets cannot be read.
    #[must_use]
    pub fn histogram(&self) -> Histogram {
        Histogram::parse(&self.buckets).unwrap_or_default()
    }
}

/// Three decimals: what a person reads, and equal after it was written and read again.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Parts of the time from the creation of the object to the end, each from 0 to 1; together 1.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq)]
pub struct Shares {
    /// Waiting for an approval, for `notBefore`, or for another Rollback that held a key.
    pub approval: f64,
    /// Capacity that was taken by others or by AWS's throttling.
    pub quota: f64,
    /// What AWS's limits require at the latency that was seen.
    pub aws: f64,
    /// All else: planning, settle time, reading back, writing the status.
    pub overhead: f64,
}

/// What would make it faster, with its evidence.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Recommendation {
    /// A stable reason.
    #[schemars(schema_with = "schema::line")]
    pub reason: String,
    /// What was seen and what to change, in words.
    #[schemars(schema_with = "schema::text")]
    pub message: String,
    /// Seconds that it would save.
    pub expected_gain_seconds: f64,
}
