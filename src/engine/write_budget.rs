//! How often the status of one Rollback may be written: five at once, then one a second.

use jiff::{SignedDuration, Timestamp};

use crate::model::time::later;

const BURST: i32 = 5;
const REFILL: SignedDuration = SignedDuration::from_secs(1);

/// A bucket of five writes that is refilled at one a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteBudget {
    /// When the bucket would be full, were nothing taken any more.
    full_at: Timestamp,
}

impl WriteBudget {
    /// A full bucket.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self { full_at: now }
    }

    /// Takes one write, or says when there will be one.
    ///
    /// # Errors
    /// The time of the next write.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let base = self.full_at.max(now);
        let next = later(base, REFILL);
        let latest = later(now, REFILL * BURST);
        if next <= latest {
            self.full_at = next;
            Ok(())
        } else {
            Err(later(now, next.duration_since(latest)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_at_once_then_one_a_second() {
        let start = Timestamp::UNIX_EPOCH;
        let at = |millis| later(start, SignedDuration::from_millis(millis));
        let mut budget = WriteBudget::new(start);
        for _ in 0..5 {
            assert_eq!(budget.take(start), Ok(()));
        }
        assert_eq!(budget.take(at(400)), Err(at(1000)));
        assert_eq!(budget.take(at(1000)), Ok(()));
        assert_eq!(budget.take(at(1001)), Err(at(2000)));
        assert_eq!(budget.take(at(60_000)), Ok(()));
        for _ in 0..4 {
            assert_eq!(budget.take(at(60_000)), Ok(()));
        }
        assert!(budget.take(at(60_000)).is_err());
    }
}
