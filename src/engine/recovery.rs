//! Intents of which nobody knows whether they were sent: what AWS's lists say about them.
//!
//! AWS takes no client token, but every request can be described, and the description names the
//! key. So a request whose answer was lost is found again by its key and its time.

use jiff::{SignedDuration, Timestamp};

use super::observations::Found;
use crate::model::time::later;
use crate::model::{AssignmentKey, RequestId};

/// How far AWS's clock may be behind ours.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// At most so many ended requests are described, newest first: with all else that an operator asks
/// meanwhile, a recovery stays below a hundred calls and eight seconds.
pub const MAX_ENDED_DESCRIBED: usize = 40;
/// Two reads this far apart must agree before an intent counts as never sent.
pub const READS_APART: SignedDuration = SignedDuration::from_secs(2);

/// An intent in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The item.
    pub item: usize,
    /// Its key.
    pub key: AssignmentKey,
    /// When the intent was written.
    pub intent_at: Timestamp,
}

/// A request of AWS with everything that its description says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedRequest {
    /// The request.
    pub request_id: RequestId,
    /// What it is about.
    pub key: AssignmentKey,
    /// When AWS took it.
    pub created_at: Timestamp,
    /// Whether it is still at work.
    pub in_progress: bool,
}

/// The earliest creation time that a request for one of these intents can have.
#[must_use]
pub fn earliest(doubts: &[Doubt]) -> Option<Timestamp> {
    doubts.iter().map(|doubt| doubt.intent_at).min().map(|at| later(at, -CLOCK_MARGIN))
}

/// Which intents these requests belong to: the newest request for the key since the intent. One
/// that is at work is, whatever the clocks say: nobody else is sending for the key.
#[must_use]
pub fn match_requests(doubts: &[Doubt], requests: &[DescribedRequest]) -> Vec<(usize, Found)> {
    doubts
        .iter()
        .filter_map(|doubt| {
            let since = later(doubt.intent_at, -CLOCK_MARGIN);
            let request = requests
                .iter()
                .filter(|request| request.key == doubt.key)
                .filter(|request| request.in_progress || request.created_at >= since)
                .max_by_key(|request| request.created_at)?;
            let found = if request.in_progress {
                Found::AtWork(request.request_id.clone())
            } else {
                Found::Ended(request.request_id.clone())
            };
            Some((doubt.item, found))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures;
    use crate::model::{ActionKind, Key};

    fn key(account: usize) -> AssignmentKey {
        match fixtures::assignment(ActionKind::DeleteAssignment, account, 0).key() {
            Key::Assignment(key) => key,
            Key::PermissionSet(_) => unreachable!("the fixture is an assignment"),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn request(n: u32, account: usize, second: i64, in_progress: bool) -> DescribedRequest {
        DescribedRequest {
            request_id: format!("00000000-0000-4000-8000-{n:012}").parse().unwrap(),
            key: key(account),
            created_at: at(second),
            in_progress,
        }
    }

    #[test]
    fn a_request_is_found_by_its_key_and_time() {
        let doubts = [
            Doubt { item: 0, key: key(0), intent_at: at(100) },
            Doubt { item: 1, key: key(1), intent_at: at(100) },
            Doubt { item: 2, key: key(2), intent_at: at(100) },
        ];
        let requests = [
            request(1, 0, 101, true),
            request(2, 1, 96, false),
            request(3, 2, 90, false),
            request(4, 9, 101, true),
        ];
        assert_eq!(earliest(&doubts), Some(at(95)));
        assert_eq!(
            match_requests(&doubts, &requests),
            [
                (0, Found::AtWork(requests[0].request_id.clone())),
                (1, Found::Ended(requests[1].request_id.clone())),
            ],
            "the request at 90 is older than the intent"
        );
    }

    #[test]
    fn the_newest_request_for_the_key_counts() {
        let doubts = [Doubt { item: 7, key: key(0), intent_at: at(100) }];
        let requests = [request(1, 0, 99, false), request(2, 0, 103, true)];
        assert_eq!(
            match_requests(&doubts, &requests),
            [(7, Found::AtWork(requests[1].request_id.clone()))]
        );
    }
}
