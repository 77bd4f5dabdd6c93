//! The only clock, and the only way to sleep.
//!
//! Everything else takes `now` as a parameter or holds a [`Clock`], so that a test can start at any
//! date, run on tokio's paused time, or run faster than life.
//!
//! The time of day is read once, at construction; from then on the monotonic clock counts. So
//! `now` never goes backwards, and a step of the machine's clock moves no deadline. A machine that
//! slept (laptops do) is behind until the process is started again.
#![allow(
    clippy::disallowed_methods,
    reason = "this is the room that the disallowed clock and sleep functions point to"
)]

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
pub use tokio::time::error::Elapsed;

/// A clock that may run faster than life. Durations and times given to it and got from it are its
/// own: on a clock with scale 20, `sleep(60 s)` takes 3 s.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    anchor: Timestamp,
    started: Instant,
    scale: f64,
}

impl Clock {
    /// The time of day, as fast as life.
    #[must_use]
    pub fn real() -> Self {
        Self::scaled(1.0)
    }

    /// Starts at the time of day and runs `scale` times as fast. For tests and demonstrations.
    ///
    /// A scale that is not a positive finite number counts as 1.
    #[must_use]
    pub fn scaled(scale: f64) -> Self {
        Self::starting_at(Timestamp::now(), scale)
    }

    /// Starts at a given time and runs `scale` times as fast.
    ///
    /// A scale that is not a positive finite number counts as 1.
    #[must_use]
    pub fn starting_at(anchor: Timestamp, scale: f64) -> Self {
        let scale = if scale.is_finite() && scale > 0.0 { scale } else { 1.0 };
        Self { anchor, started: Instant::now(), scale }
    }

    /// A clock that was at `origin` when the wall's clock was, and has run at `scale` since. Two
    /// processes with the same origin and scale show the same time whenever they were started.
    #[must_use]
    pub fn with_origin(origin: Timestamp, scale: f64) -> Self {
        let gone = Duration::try_from(Timestamp::now().duration_since(origin)).unwrap_or_default();
        let gone = SignedDuration::try_from(multiplied(gone, scale)).unwrap_or_default();
        Self::starting_at(origin.checked_add(gone).unwrap_or(origin), scale)
    }

    /// How much faster than life this clock runs.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let elapsed = multiplied(self.started.elapsed(), self.scale);
        SignedDuration::try_from(elapsed)
            .ok()
            .and_then(|elapsed| self.anchor.checked_add(elapsed).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// Waits for `duration` of this clock's time.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.real_duration(duration)).await;
    }

    /// Waits until this clock shows `deadline`; returns at once when that is past.
    ///
    /// Afterwards `now() >= deadline` holds.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        // Scaling rounds, so one sleep may end a few nanoseconds early.
        while let Ok(left) = Duration::try_from(deadline.duration_since(self.now())) {
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(self.real_duration(left).max(Duration::from_nanos(1))).await;
        }
    }

    /// Runs a future for at most `limit` of this clock's time.
    ///
    /// # Errors
    /// [`Elapsed`] when the future did not end in time; it is dropped then.
    pub async fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        tokio::time::timeout(self.real_duration(limit), future).await
    }

    /// How long `duration` of this clock's time takes in life.
    #[must_use]
    pub fn real_duration(&self, duration: Duration) -> Duration {
        multiplied(duration, self.scale.recip())
    }
}

/// `duration × factor`, without rounding for a factor of one, and without a panic when it overflows.
fn multiplied(duration: Duration, factor: f64) -> Duration {
    if factor.to_bits() == 1.0_f64.to_bits() {
        return duration;
    }
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_sleeps_shorter_and_shows_the_whole_time() {
        let clock = Clock::starting_at(noon(), 20.0);
        let began = Instant::now();
        clock.sleep(Duration::from_mins(1)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(3));
        assert_eq!(clock.now(), noon() + SignedDuration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_has_come_when_sleep_until_returns() {
        for scale in [0.7, 1.0, 3.0, 7.0, 1000.0 / 3.0] {
            let clock = Clock::starting_at(noon(), scale);
            for nanoseconds in [1, 999, 1_000_003, 5_000_000_001_i64] {
                let deadline = clock.now() + SignedDuration::from_nanos(nanoseconds);
                clock.sleep_until(deadline).await;
                assert!(clock.now() >= deadline, "scale {scale}, {nanoseconds} ns");
            }
            let began = Instant::now();
            clock.sleep_until(noon()).await;
            clock.sleep_until(clock.now()).await;
            assert_eq!(began.elapsed(), Duration::ZERO, "a past deadline waits for nothing");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_is_in_the_clocks_own_time() {
        let clock = Clock::starting_at(noon(), 10.0);
        let began = Instant::now();
        let outcome = clock.timeout(Duration::from_secs(10), std::future::pending::<()>()).await;
        assert!(outcome.is_err());
        // tokio's timer has a resolution of a millisecond.
        assert!(began.elapsed() <= Duration::from_millis(1001));
        assert_eq!(clock.timeout(Duration::from_secs(10), async { 7 }).await.unwrap(), 7);
    }

    #[test]
    fn it_works_outside_of_a_runtime_and_never_goes_backwards() {
        let clock = Clock::real();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert!(first.duration_since(Timestamp::now()).abs() < SignedDuration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn bad_scales_and_far_times_do_no_harm() {
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!((Clock::scaled(scale).scale() - 1.0).abs() < f64::EPSILON);
        }
        let fast = Clock::starting_at(Timestamp::MAX, 1e300);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(fast.now(), Timestamp::MAX);
    }
}
