//! Who is told about requests.

use std::time::Duration;

use crate::model::class::Limit;
use crate::runtime::Metrics;

/// Is told about every request that was sent or refused at the gate.
pub trait Observer: Send + Sync + 'static {
    /// A request ended. `outcome` is one of `ok`, `throttled`, `conflict`, `refused`,
    /// `server_error`, `timeout`, `lost`, `fenced` and `not_admitted`; `seconds` is the time from
    /// sending to the reply, `waited` the time in the queue before.
    fn request(&self, operation: &'static str, outcome: &'static str, seconds: f64, waited: f64);

    /// AWS throttled a request.
    fn throttled(&self, limit: Limit) {
        let _ = limit;
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn request(&self, _: &'static str, _: &'static str, _: f64, _: f64) {}
}

impl Observer for Metrics {
    fn request(&self, operation: &'static str, outcome: &'static str, seconds: f64, waited: f64) {
        let duration = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        self.aws_request(operation, outcome, duration(seconds), duration(waited));
        if outcome == "conflict" {
            self.conflicted(operation);
        }
    }

    fn throttled(&self, limit: Limit) {
        Self::throttled(
            self,
            match limit {
                Limit::Rate => "rate",
                Limit::Outstanding => "outstanding",
            },
        );
    }
}
