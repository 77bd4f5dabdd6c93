//! Points in time for asking how long ago something was, also across a machine that slept.

use std::time::Duration;

use tokio::time::Instant;

/// A point in time that only answers how long ago it was.
///
/// Linux stops its monotonic clock while the machine is suspended (`clock_gettime(2)`:
/// `CLOCK_MONOTONIC` against `CLOCK_BOOTTIME`). A leader that slept through its lease must notice
/// when it wakes, so a moment remembers both and believes the one that went further. Tokio's clock
/// is the monotonic one, so that paused time works in tests.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    monotonic: Instant,
    since_boot: Option<Duration>,
}

impl Moment {
    /// The present.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "a clock that tests pause through tokio")]
    pub fn now() -> Self {
        Self { monotonic: Instant::now(), since_boot: since_boot() }
    }

    /// How long ago it was.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let monotonic = self.monotonic.elapsed();
        match (self.since_boot, since_boot()) {
            (Some(then), Some(now)) => monotonic.max(now.saturating_sub(then)),
            _ => monotonic,
        }
    }

    /// What is left of a span that began at this moment; zero when it is over.
    #[must_use]
    pub fn left_of(&self, span: Duration) -> Duration {
        span.saturating_sub(self.elapsed())
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::Boottime)).ok()
}

/// Elsewhere the monotonic clock alone counts.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_follows_paused_time() {
        let moment = Moment::now();
        tokio::time::advance(Duration::from_secs(7)).await;
        assert!(moment.elapsed() >= Duration::from_secs(7));
        assert!(moment.left_of(Duration::from_secs(10)) <= Duration::from_secs(3));
        assert_eq!(moment.left_of(Duration::from_secs(5)), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_slept_is_noticed() {
        let mut moment = Moment::now();
        if let Some(since_boot) = moment.since_boot {
            moment.since_boot = Some(since_boot.saturating_sub(Duration::from_millis(30)));
            assert!(moment.elapsed() >= Duration::from_millis(30));
        }
    }
}
