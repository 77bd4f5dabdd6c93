//! What follows when AWS was asked what became of a request.

use jiff::{SignedDuration, Timestamp};

use super::advance::{MAX_ATTEMPTS, PATIENCE, RETRY_WINDOW};
use super::observations::Answer;
use crate::api::rollback_status::InFlight;
use crate::model::{BlockedReason, Class, FailureReason};

/// How long reads may contradict a request that AWS does not know any more: lists lag by seconds.
const FORGOTTEN_PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// What to do about an ended request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Read the key again later.
    Wait,
    /// Send it again as a new attempt.
    TryAgain,
    /// It cannot be done.
    Block(BlockedReason, String),
    /// It failed for good.
    Fail(FailureReason, String),
}

/// Judges an ended request by AWS's answer and by whether a read since then contradicts the goal.
///
/// A success that reads keep contradicting is taken for a lagging list for a while. Then somebody
/// has changed the key since: that is drift.
#[must_use]
pub fn verdict(now: Timestamp, answer: &Answer, entry: &InFlight, contradicted: bool) -> Verdict {
    let waited = |span| entry.ended_at.is_some_and(|ended| now.duration_since(ended) >= span);
    let patience_is_over = contradicted && waited(PATIENCE);
    match answer {
        Answer::Failed { reason, class } => match class {
            Class::Blocked(blocked) => Verdict::Block(*blocked, reason.clone()),
            Class::Terminal(failure) => Verdict::Fail(*failure, reason.clone()),
            Class::Retry | Class::Throttled { .. } | Class::Conflict => {
                let window_is_open = now.duration_since(entry.first_at) < RETRY_WINDOW;
                if entry.tries() < MAX_ATTEMPTS && window_is_open {
                    Verdict::TryAgain
                } else {
                    Verdict::Fail(FailureReason::AsynchronousFailure, reason.clone())
                }
            }
        },
        Answer::Succeeded if patience_is_over => Verdict::Block(
            BlockedReason::Drifted,
            "AWS reported success, but for four minutes every read showed another state".to_owned(),
        ),
        // It may have had its effect, and somebody else undone it since: it is not sent again.
        Answer::Forgotten if contradicted && waited(FORGOTTEN_PATIENCE) => Verdict::Fail(
            FailureReason::NotVerified,
            "AWS does not know the request any more, and reads show another state".to_owned(),
        ),
        Answer::Succeeded | Answer::Forgotten | Answer::InProgress => Verdict::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ActionKind;
    use crate::model::time::later;

    fn entry(attempt: i32) -> InFlight {
        InFlight {
            item: 0,
            action: ActionKind::DeleteAssignment,
            intent_at: Timestamp::UNIX_EPOCH,
            attempt,
            unsent: 0,
            first_at: Timestamp::UNIX_EPOCH,
            request_id: None,
            requested_at: Some(Timestamp::UNIX_EPOCH),
            ended_at: Some(Timestamp::UNIX_EPOCH),
        }
    }

    fn failed(class: Class) -> Answer {
        Answer::Failed { reason: "as AWS says".into(), class }
    }

    fn after(seconds: i64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(seconds))
    }

    #[test]
    fn a_retryable_failure_is_tried_three_times_within_five_minutes() {
        let transient = failed(Class::Retry);
        assert_eq!(verdict(after(10), &transient, &entry(1), true), Verdict::TryAgain);
        assert_eq!(verdict(after(10), &transient, &entry(2), true), Verdict::TryAgain);
        let reason = "as AWS says".to_owned();
        let over = Verdict::Fail(FailureReason::AsynchronousFailure, reason);
        assert_eq!(verdict(after(10), &transient, &entry(3), true), over);
        assert_eq!(verdict(after(300), &transient, &entry(1), true), over);
    }

    #[test]
    fn success_that_is_not_seen_is_waited_for_and_then_taken_for_drift() {
        assert_eq!(verdict(after(239), &Answer::Succeeded, &entry(1), true), Verdict::Wait);
        assert!(matches!(
            verdict(after(240), &Answer::Succeeded, &entry(1), true),
            Verdict::Block(BlockedReason::Drifted, _)
        ));
        assert_eq!(verdict(after(300), &Answer::Succeeded, &entry(1), false), Verdict::Wait);
    }

    #[test]
    fn a_forgotten_request_is_not_sent_again_and_not_waited_for_for_ever() {
        assert_eq!(verdict(after(60), &Answer::Forgotten, &entry(1), false), Verdict::Wait);
        assert_eq!(verdict(after(59), &Answer::Forgotten, &entry(1), true), Verdict::Wait);
        assert!(matches!(
            verdict(after(60), &Answer::Forgotten, &entry(1), true),
            Verdict::Fail(FailureReason::NotVerified, _)
        ));
    }

    #[test]
    fn what_cannot_be_done_is_said_with_aws_words() {
        let missing = failed(Class::Blocked(BlockedReason::PrincipalMissing));
        assert_eq!(
            verdict(after(1), &missing, &entry(1), true),
            Verdict::Block(BlockedReason::PrincipalMissing, "as AWS says".into())
        );
    }
}
