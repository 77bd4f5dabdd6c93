//! Exit codes: what scripts branch on.

use std::process::ExitCode;

use crate::api::condition::{ConditionType, Reason};
use crate::api::{Phase, Rollback};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line cannot be used.
    Usage = 2,
    /// A part is done.
    PartlyDone = 3,
    /// A plan waits for its approval.
    AwaitingApproval = 4,
    /// A named thing does not exist.
    NotFound = 5,
    /// A policy refuses it.
    RefusedByPolicy = 6,
    /// `plan --detailed-exitcode`: nothing would be written.
    NothingToDo = 10,
    /// `plan --detailed-exitcode`: the undo is exact.
    Exact = 11,
    /// `plan --detailed-exitcode`: the undo is less than exact.
    LessThanExact = 12,
    /// `plan --detailed-exitcode`: a part cannot be undone.
    Blocked = 13,
    /// It took longer than `--timeout`.
    TimedOut = 124,
    /// Ctrl-C, as shells count it, or a list from which nothing was picked.
    Interrupted = 130,
}

/// The part of `--help` that lists the codes.
pub const HELP: &str = "\
Exit codes:
  0 done    1 failed    2 usage    3 partly done    4 awaiting approval
  5 not found    6 refused by policy    124 timed out    130 interrupted";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// How a Rollback that will not go on by itself ended.
    #[must_use]
    pub fn of(rollback: &Rollback) -> Self {
        let Some(status) = &rollback.status else { return Self::Failed };
        let refused = status.conditions.iter().any(|condition| {
            let judged = [ConditionType::Ready, ConditionType::Stalled];
            judged.iter().any(|kind| condition.type_ == kind.as_str())
                && condition.reason == Reason::RefusedByPolicy.as_str()
        });
        match status.phase {
            Phase::Succeeded | Phase::AlreadyRolledBack | Phase::Planned => Self::Done,
            Phase::PartiallySucceeded => Self::PartlyDone,
            Phase::AwaitingApproval => Self::AwaitingApproval,
            _ if refused => Self::RefusedByPolicy,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;

    #[test]
    fn every_phase_has_its_code() {
        for (phase, exit) in [
            (Phase::Succeeded, Exit::Done),
            (Phase::AlreadyRolledBack, Exit::Done),
            (Phase::PartiallySucceeded, Exit::PartlyDone),
            (Phase::AwaitingApproval, Exit::AwaitingApproval),
            (Phase::Failed, Exit::Failed),
            (Phase::Cancelled, Exit::Failed),
            (Phase::Rejected, Exit::Failed),
        ] {
            assert_eq!(Exit::of(&fixtures::rollback(phase)), exit, "{phase}");
        }
        let mut refused = fixtures::rollback(Phase::Failed);
        fixtures::condition(&mut refused, ConditionType::Stalled, true, Reason::RefusedByPolicy);
        assert_eq!(Exit::of(&refused), Exit::RefusedByPolicy);
    }
}
