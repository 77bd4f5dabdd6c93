//! When to ask AWS which requests are still in progress, and what follows from its answer.
//!
//! One list with the filter `IN_PROGRESS` shows all that are at work, so one call serves every
//! Rollback of the instance. A request that was seen in it and then is absent once has ended. One
//! that was never seen may be too young to be listed: it needs an age and two absences.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::time::later;
use crate::model::{ActionKind, RequestId, Rule};

/// AWS keeps creates and deletes in two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pool {
    /// `ListAccountAssignmentCreationStatus`.
    Creations,
    /// `ListAccountAssignmentDeletionStatus`.
    Deletions,
}

impl Pool {
    /// The pool of an action; none for calls that are synchronous.
    #[must_use]
    pub const fn of(action: ActionKind) -> Option<Self> {
        match action {
            ActionKind::CreateAssignment => Some(Self::Creations),
            ActionKind::DeleteAssignment => Some(Self::Deletions),
            ActionKind::DeletePermissionSet | ActionKind::CreatePermissionSet => None,
        }
    }
}

/// Youngest age at which a request that was never listed may be taken for ended.
const UNSEEN_AGE: SignedDuration = SignedDuration::from_secs(2);
const SHORTEST: SignedDuration = SignedDuration::from_millis(150);
const LONGEST: SignedDuration = SignedDuration::from_secs(2);

/// A request that is followed until it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tracked<T> {
    owner: T,
    pool: Pool,
    accepted_at: Timestamp,
    /// When the last list that showed it was asked for.
    seen_at: Option<Timestamp>,
    absences: u8,
}

/// A request that is not in progress any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended<T> {
    /// Whose it was.
    pub owner: T,
    /// The request.
    pub request_id: RequestId,
    /// In which pool.
    pub pool: Pool,
    /// Seconds from acceptance until its end was seen.
    pub latency_seconds: f64,
}

/// Follows the requests of one instance.
#[derive(Debug, Clone)]
pub struct Poller<T> {
    tracked: BTreeMap<RequestId, Tracked<T>>,
    last_poll: BTreeMap<Pool, Timestamp>,
    /// Provisioning latency of each pool in seconds, smoothed.
    latency: BTreeMap<Pool, f64>,
}

impl<T> Default for Poller<T> {
    fn default() -> Self {
        Self { tracked: BTreeMap::new(), last_poll: BTreeMap::new(), latency: BTreeMap::new() }
    }
}

impl<T: Clone> Poller<T> {
    /// Follows a request.
    pub fn track(&mut self, request_id: RequestId, owner: T, pool: Pool, accepted_at: Timestamp) {
        self.tracked.entry(request_id).or_insert(Tracked {
            owner,
            pool,
            accepted_at,
            seen_at: None,
            absences: 0,
        });
    }

    /// Whether a request is followed.
    #[must_use]
    pub fn is_tracked(&self, request_id: &RequestId) -> bool {
        self.tracked.contains_key(request_id)
    }

    /// Stops following requests.
    pub fn forget(&mut self, mut whose: impl FnMut(&T) -> bool) {
        self.tracked.retain(|_, tracked| !whose(&tracked.owner));
    }

    /// The provisioning latency of a pool in seconds, once one request of it has ended.
    #[must_use]
    pub fn latency(&self, pool: Pool) -> Option<f64> {
        self.latency.get(&pool).copied()
    }

    /// When to poll next, and which pool; none while nothing is followed.
    #[must_use]
    pub fn next(&self) -> Option<(Timestamp, Pool)> {
        [Pool::Creations, Pool::Deletions]
            .into_iter()
            .filter_map(|pool| Some((self.due(pool)?, pool)))
            .min()
    }

    fn due(&self, pool: Pool) -> Option<Timestamp> {
        let latency = self.latency(pool);
        let interval = latency.map_or(LONGEST / 4, |seconds| {
            SignedDuration::try_from_secs_f64(seconds / 10.0).unwrap_or(LONGEST)
        });
        let interval = interval.clamp(SHORTEST, LONGEST);
        // Nothing is learned from asking before the first of them is due to end.
        let expected =
            SignedDuration::try_from_secs_f64(latency.unwrap_or(0.25) * 0.8).unwrap_or(LONGEST);
        let first_end = self
            .tracked
            .values()
            .filter(|t| t.pool == pool)
            .map(|t| later(t.accepted_at, expected))
            .min()?;
        let after_last = self.last_poll.get(&pool).map_or(first_end, |last| later(*last, interval));
        Some(first_end.max(after_last))
    }

    /// Takes in a complete list of what is in progress in a pool. `begun` is when the first page
    /// was asked for, `now` when the last came.
    pub fn observe(
        &mut self,
        pool: Pool,
        in_progress: &[RequestId],
        begun: Timestamp,
        now: Timestamp,
    ) -> Vec<Ended<T>> {
        self.last_poll.insert(pool, begun);
        for request_id in in_progress {
            if let Some(tracked) = self.tracked.get_mut(request_id) {
                tracked.seen_at = Some(begun);
                tracked.absences = 0;
            }
        }
        let mut ended = Vec::new();
        for (request_id, tracked) in &mut self.tracked {
            // A list that was asked for before the request was accepted says nothing about it.
            if tracked.pool != pool
                || tracked.accepted_at >= begun
                || in_progress.contains(request_id)
            {
                continue;
            }
            tracked.absences = tracked.absences.saturating_add(1);
            let old_enough = !Rule::AbsentTwice.holds()
                || (begun.duration_since(tracked.accepted_at) >= UNSEEN_AGE
                    && tracked.absences >= 2);
            if tracked.seen_at.is_some() || old_enough {
                ended.push(Ended {
                    owner: tracked.owner.clone(),
                    request_id: request_id.clone(),
                    pool,
                    latency_seconds: now.duration_since(tracked.accepted_at).as_secs_f64(),
                });
            }
        }
        for end in &ended {
            self.end(&end.request_id, now);
        }
        ended
    }

    /// Takes in that one request has ended, where AWS was asked about it alone.
    pub fn ended(&mut self, request_id: &RequestId, now: Timestamp) -> Option<Ended<T>> {
        let tracked = self.tracked.get(request_id)?;
        let end = Ended {
            owner: tracked.owner.clone(),
            request_id: request_id.clone(),
            pool: tracked.pool,
            latency_seconds: now.duration_since(tracked.accepted_at).as_secs_f64(),
        };
        self.end(request_id, now);
        Some(end)
    }

    /// The requests of a pool that are followed, oldest first: for asking about them one by one
    /// where lists are not permitted.
    #[must_use]
    pub fn oldest(&self, pool: Pool) -> Vec<RequestId> {
        let mut requests: Vec<_> = self.tracked.iter().filter(|(_, t)| t.pool == pool).collect();
        requests.sort_by_key(|(_, tracked)| tracked.accepted_at);
        requests.into_iter().map(|(request_id, _)| request_id.clone()).collect()
    }

    /// Notes that a pool was asked about at this time.
    pub fn polled(&mut self, pool: Pool, begun: Timestamp) {
        self.last_poll.insert(pool, begun);
    }

    /// Whose requests of a pool are followed.
    #[must_use]
    pub fn owners(&self, pool: Pool) -> Vec<T> {
        let of_pool = self.tracked.values().filter(|tracked| tracked.pool == pool);
        of_pool.map(|tracked| tracked.owner.clone()).collect()
    }

    /// Forgets a request that has ended and learns from it. It ended between the last list that
    /// showed it and now. One that no list showed ended before anybody looked, perhaps long ago:
    /// the next ones are looked at earlier.
    fn end(&mut self, request_id: &RequestId, now: Timestamp) {
        let Some(tracked) = self.tracked.remove(request_id) else { return };
        let at_most = now.duration_since(tracked.accepted_at).as_secs_f64();
        let known = self.latency.get(&tracked.pool).copied();
        let learned = match (tracked.seen_at, known) {
            (Some(seen_at), known) => {
                let at_least = seen_at.duration_since(tracked.accepted_at).as_secs_f64();
                let sample = f64::midpoint(at_least, at_most);
                known.map_or(sample, |known| 0.8 * known + 0.2 * sample)
            }
            (None, Some(known)) => 0.8 * known.min(at_most),
            (None, None) => return,
        };
        self.latency.insert(tracked.pool, learned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> RequestId {
        format!("00000000-0000-4000-8000-{n:012}").parse().unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn ids(ended: &[Ended<u32>]) -> Vec<u32> {
        ended.iter().map(|end| end.owner).collect()
    }

    #[test]
    fn seen_then_absent_once_has_ended() {
        let mut poller = Poller::default();
        poller.track(id(1), 1, Pool::Deletions, at(0));
        assert!(poller.observe(Pool::Deletions, &[id(1)], at(100), at(105)).is_empty());
        let ended = poller.observe(Pool::Deletions, &[], at(300), at(305));
        assert_eq!(ids(&ended), [1]);
        assert!((ended[0].latency_seconds - 0.305).abs() < 1e-9);
        assert_eq!(poller.next(), None);
    }

    #[test]
    fn never_seen_needs_an_age_and_two_absences() {
        let mut poller = Poller::default();
        poller.track(id(1), 1, Pool::Deletions, at(0));
        assert!(poller.observe(Pool::Deletions, &[], at(500), at(505)).is_empty());
        assert!(poller.observe(Pool::Deletions, &[], at(1500), at(1505)).is_empty());
        assert_eq!(ids(&poller.observe(Pool::Deletions, &[], at(2000), at(2005))), [1]);

        let mut poller = Poller::default();
        poller.track(id(2), 2, Pool::Deletions, at(0));
        assert!(
            poller.observe(Pool::Deletions, &[], at(5000), at(5005)).is_empty(),
            "one absence is not enough"
        );
        assert_eq!(ids(&poller.observe(Pool::Deletions, &[], at(5200), at(5205))), [2]);
    }

    #[test]
    fn a_list_begun_before_the_request_says_nothing() {
        let mut poller = Poller::default();
        poller.track(id(1), 1, Pool::Deletions, at(0));
        poller.observe(Pool::Deletions, &[id(1)], at(10), at(15));
        poller.track(id(2), 2, Pool::Deletions, at(5000));
        for _ in 0..3 {
            assert!(!ids(&poller.observe(Pool::Deletions, &[], at(4900), at(5100))).contains(&2));
        }
    }

    #[test]
    fn the_other_pool_says_nothing() {
        let mut poller = Poller::default();
        poller.track(id(1), 1, Pool::Creations, at(0));
        for poll in 1..5 {
            assert!(
                poller.observe(Pool::Deletions, &[], at(poll * 3000), at(poll * 3000)).is_empty()
            );
        }
        assert_eq!(poller.next().map(|(_, pool)| pool), Some(Pool::Creations));
    }

    #[test]
    fn polls_wait_for_the_expected_end_and_are_spaced() {
        let mut poller = Poller::default();
        poller.track(id(1), 1, Pool::Deletions, at(0));
        poller.observe(Pool::Deletions, &[id(1)], at(1000), at(1000));
        poller.observe(Pool::Deletions, &[], at(5000), at(5000));
        assert_eq!(poller.latency(Pool::Deletions), Some(3.0), "between the two polls");
        poller.track(id(2), 2, Pool::Deletions, at(10_000));
        assert_eq!(poller.next(), Some((at(12_400), Pool::Deletions)));
        poller.observe(Pool::Deletions, &[id(2)], at(12_400), at(12_405));
        assert_eq!(poller.next(), Some((at(12_700), Pool::Deletions)));
    }

    #[test]
    fn what_ended_unseen_makes_the_next_poll_come_earlier() {
        let mut poller = Poller::default();
        poller.track(id(1), 1, Pool::Deletions, at(0));
        poller.observe(Pool::Deletions, &[id(1)], at(99_000), at(99_000));
        poller.observe(Pool::Deletions, &[], at(101_000), at(101_000));
        assert_eq!(poller.latency(Pool::Deletions), Some(100.0));
        let mut now = 200_000;
        for n in 2..20 {
            poller.track(id(n), n, Pool::Deletions, at(now));
            for _ in 0..2 {
                let (due, _) = poller.next().unwrap();
                now = due.as_millisecond().max(now + 200);
                poller.observe(Pool::Deletions, &[], at(now), at(now));
            }
        }
        assert!(
            poller.latency(Pool::Deletions).unwrap() < 4.0,
            "{:?}",
            poller.latency(Pool::Deletions)
        );
    }
}
