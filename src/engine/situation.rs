//! What a tick looks at, and whether new requests may be sent.

use jiff::{SignedDuration, Timestamp};

use super::journal::Journal;
use crate::api::Reason;
use crate::api::plan::PlanItem;
use crate::api::rollback::{OnDrift, OnFailure, RollbackSpec};
use crate::api::rollback_status::RollbackStatus;
use crate::model::time::parse_duration;
use crate::model::{ActionState, BlockedReason, Rule};

/// What a tick looks at.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The plan, all shards in order.
    pub items: &'a [PlanItem],
    /// What is asked for.
    pub spec: &'a RollbackSpec,
    /// What is persisted.
    pub status: &'a RollbackStatus,
    /// Whether the object is being deleted.
    pub deleting: bool,
    /// Slots of the instance now: no more intents than these are written ahead.
    pub slots: usize,
}

impl Situation<'_> {
    /// How long after the end of a request its key may be read back.
    #[must_use]
    pub fn settle(&self) -> SignedDuration {
        if !Rule::SettleIsWaited.holds() {
            return SignedDuration::ZERO;
        }
        let text = self
            .spec
            .verification
            .as_ref()
            .map_or("2s", |verification| verification.settle.as_str());
        parse_duration(text).unwrap_or(SignedDuration::from_secs(2))
    }

    /// When nothing new may be sent any more: what was approved, or earlier if that is asked now.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let planned = self.status.plan.as_ref().and_then(|plan| plan.deadline);
        planned.into_iter().chain(self.spec.deadline).min()
    }

    /// When sending may begin: what was approved, or later if that is asked now.
    fn not_before(&self) -> Option<Timestamp> {
        let planned = self.status.plan.as_ref().and_then(|plan| plan.not_before);
        planned.max(self.spec.not_before)
    }

    /// Whether new requests may be sent.
    #[must_use]
    pub fn halt(&self, now: Timestamp, journal: &Journal) -> Halt {
        match self.asked_to_halt(now, journal) {
            // The ledger is being written: what it says must stay true.
            Halt::None | Halt::Suspended | Halt::NotYet(_)
                if self.status.ledger.is_some() && journal.may_send() =>
            {
                Halt::Final(Reason::DeadlinePassed)
            }
            halt => halt,
        }
    }

    fn asked_to_halt(&self, now: Timestamp, journal: &Journal) -> Halt {
        let failed = journal.count(ActionState::Failed) > 0;
        let drifted = self
            .status
            .failures
            .iter()
            .any(|failure| failure.reason == BlockedReason::Drifted.to_string());
        if self.deleting {
            Halt::Final(Reason::DeletedWhileRunning)
        } else if self.spec.cancel || self.spec.approval.as_ref().is_some_and(|it| it.reject) {
            Halt::Final(Reason::Cancelled)
        } else if self.spec.on_failure == OnFailure::Stop && failed {
            Halt::Final(Reason::ActionFailed)
        } else if self.spec.on_drift == OnDrift::Fail && drifted {
            Halt::Final(Reason::Drifted)
        } else if self.deadline().is_some_and(|deadline| deadline <= now) {
            Halt::Final(Reason::DeadlinePassed)
        } else if self.spec.suspend {
            Halt::Suspended
        } else if let Some(not_before) = self.not_before().filter(|not_before| *not_before > now) {
            Halt::NotYet(not_before)
        } else {
            Halt::None
        }
    }
}

/// Whether new requests may be sent, and if not, for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// They may.
    None,
    /// Not while `spec.suspend` is set.
    Suspended,
    /// Not before this time.
    NotYet(Timestamp),
    /// Never again in this attempt.
    Final(Reason),
}
