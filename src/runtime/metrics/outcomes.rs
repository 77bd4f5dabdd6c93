//! How things ended, as labels.

/// What became of a status write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusWrite {
    /// It is written.
    Written,
    /// Nothing had changed, so nothing was sent.
    Unchanged,
    /// Somebody else wrote first.
    Conflict,
    /// The API server refused it or could not be reached.
    Failed,
}

impl StatusWrite {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPublication {
    /// The API server has it.
    Published,
    /// The API server refused it, could not be reached or took too long.
    Failed,
    /// Too many were waiting.
    Dropped,
}

impl EventPublication {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// What became of a ledger record, the account of an undo without which it is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerOutcome {
    /// It is written.
    Written,
    /// The API server refused it or could not be reached. It is tried again.
    Failed,
    /// Another object has its name. It is tried again.
    NameTaken,
    /// Its namespace is being deleted, so there is no place for it.
    Skipped,
}

impl LedgerOutcome {
    /// Every outcome.
    pub(super) const ALL: [Self; 4] = [Self::Written, Self::Failed, Self::NameTaken, Self::Skipped];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Failed => "failed",
            Self::NameTaken => "name_taken",
            Self::Skipped => "skipped",
        }
    }
}
