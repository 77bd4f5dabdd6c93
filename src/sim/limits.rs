//! The request quota: so many requests in any one second.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::time::later;

const SECOND: Duration = Duration::from_secs(1);

/// The requests of the last second, and the most there ever were in one.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    recent: VecDeque<Timestamp>,
    pub peak: usize,
}

impl Window {
    /// Counts a request whatever the quota says.
    pub fn count(&mut self, now: Timestamp) {
        self.forget(now);
        self.recent.push_back(now);
        self.peak = self.peak.max(self.recent.len());
    }

    /// Counts a request if fewer than `limit` came in the second before it; 0 is no limit.
    pub fn admit(&mut self, now: Timestamp, limit: usize) -> bool {
        self.forget(now);
        let admitted = limit == 0 || self.recent.len() < limit;
        if admitted {
            self.count(now);
        }
        admitted
    }

    fn forget(&mut self, now: Timestamp) {
        while self.recent.front().is_some_and(|first| later(*first, SECOND) <= now) {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_holds_more_than_the_limit() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let mut window = Window::default();
        let admitted: Vec<i64> =
            (0..300).map(|i| i * 10).filter(|millis| window.admit(at(*millis), 20)).collect();
        assert_eq!(admitted.len(), 60);
        for start in 0..2000 {
            let within = admitted.iter().filter(|at| (start..start + 1000).contains(*at)).count();
            assert!(within <= 20);
        }
        assert_eq!(window.peak, 20);
        assert!((0..100).all(|_| window.admit(at(9000), 0)), "0 is no limit");
    }
}
