//! The clock of a server: simulated time runs a fixed number of times faster than the wall's.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::sim::time::later;

/// Simulated time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Instant,
    /// Simulated time at the start.
    from: Timestamp,
    pub scale: f64,
    /// When simulated time and the wall's were the same.
    pub origin: Timestamp,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's own clock: it shares none with callers"
)]
impl Clock {
    pub fn new(scale: f64, origin: Option<Timestamp>) -> Self {
        let wall = Timestamp::now();
        let origin = origin.unwrap_or(wall);
        let gone = Duration::try_from(wall.duration_since(origin)).unwrap_or_default();
        Self { started: Instant::now(), from: later(origin, gone.mul_f64(scale)), scale, origin }
    }

    pub fn now(&self) -> Timestamp {
        later(self.from, self.started.elapsed().mul_f64(self.scale))
    }

    /// Waits for a length of simulated time.
    pub async fn sleep(&self, length: Duration) {
        if !length.is_zero() {
            tokio::time::sleep(length.div_f64(self.scale)).await;
        }
    }
}
