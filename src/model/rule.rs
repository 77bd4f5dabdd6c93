//! Rules that a test can break, to see that breaking them is noticed.
//!
//! A test that never fails shows nothing. The simulation plays its runs with each of these rules
//! broken in turn and has to find every one. In release builds they hold, always, at no cost.

/// A rule of the operator that a test can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// An intent is persisted before its call.
    IntentBeforeCall,
    /// A conflict is no success.
    ConflictIsNoSuccess,
    /// Lists are read to their last page.
    EveryPage,
    /// A request is followed until it ends.
    EveryRequestIsFollowed,
    /// A request that a list lacks once has not ended yet.
    AbsentTwice,
    /// An intent in doubt is looked for before it is sent again.
    DoubtIsResolved,
    /// The search for an intent in doubt describes so many requests and no more.
    RecoveryIsBounded,
    /// The permit is asked right before the bytes leave.
    PermitAtTheDoor,
    /// The ledger is written before Ready.
    LedgerBeforeReady,
    /// The ledger is written before a deleted Rollback is let go.
    LedgerBeforeGone,
    /// What was observed is kept until a status that has it is persisted.
    KeptUntilPersisted,
    /// Keys are taken again when work is taken up.
    KeysAreTakenAgain,
    /// Whether a Rollback has begun is looked up before its keys are let go of.
    BegunIsLookedUp,
    /// A conflict gives the slot back.
    SlotComesBack,
    /// Throttling is no failure.
    ThrottlingIsNoFailure,
    /// What is verified is read after the request ended.
    FreshVerification,
    /// It is read some time after that end: as long as `verification.settle` says.
    SettleIsWaited,
    /// Where another request came shortly before, a list alone shows nothing.
    ContestedIsAsked,
    /// Reads and writes together keep to the rate.
    RateIsKept,
}

impl Rule {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::IntentBeforeCall,
        Self::ConflictIsNoSuccess,
        Self::EveryPage,
        Self::EveryRequestIsFollowed,
        Self::AbsentTwice,
        Self::DoubtIsResolved,
        Self::RecoveryIsBounded,
        Self::PermitAtTheDoor,
        Self::LedgerBeforeReady,
        Self::LedgerBeforeGone,
        Self::KeptUntilPersisted,
        Self::KeysAreTakenAgain,
        Self::BegunIsLookedUp,
        Self::SlotComesBack,
        Self::ThrottlingIsNoFailure,
        Self::FreshVerification,
        Self::SettleIsWaited,
        Self::ContestedIsAsked,
        Self::RateIsKept,
    ];

    /// Whether it holds.
    #[cfg(not(debug_assertions))]
    #[must_use]
    pub const fn holds(self) -> bool {
        true
    }
}

#[cfg(debug_assertions)]
mod breaking {
    use std::cell::Cell;

    use super::Rule;

    std::thread_local! {
        static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    impl Rule {
        /// Whether it holds: always, unless this thread's test broke it.
        #[must_use]
        pub fn holds(self) -> bool {
            BROKEN.get() != Some(self)
        }

        /// Does something with this rule broken, on this thread.
        pub fn broken<T>(self, something: impl FnOnce() -> T) -> T {
            BROKEN.set(Some(self));
            let outcome = something();
            BROKEN.set(None);
            outcome
        }
    }
}
