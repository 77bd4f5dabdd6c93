//! Actions of a plan and how far each has come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Presence;

/// What one action does in AWS.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum ActionKind {
    /// `CreateAccountAssignment`.
    CreateAssignment,
    /// `DeleteAccountAssignment`.
    DeleteAssignment,
    /// `DeletePermissionSet`.
    DeletePermissionSet,
    /// `CreatePermissionSet` and its content, in place of one that was deleted.
    CreatePermissionSet,
}

impl ActionKind {
    /// The state that the action leads its key to.
    #[must_use]
    pub const fn goal(self) -> Presence {
        match self {
            Self::CreateAssignment | Self::CreatePermissionSet => Presence::Present,
            Self::DeleteAssignment | Self::DeletePermissionSet => Presence::Absent,
        }
    }

    /// The name as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateAssignment => "CreateAssignment",
            Self::DeleteAssignment => "DeleteAssignment",
            Self::DeletePermissionSet => "DeletePermissionSet",
            Self::CreatePermissionSet => "CreatePermissionSet",
        }
    }
}

/// Shorthand: the goal of an action is a presence.
pub type Goal = Presence;

/// How far an action has come. Within one attempt of an action it only moves forward.
///
/// The journal in `status.progress.shards[]` holds one character for each action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ActionState {
    /// Planned, nothing sent.
    Planned,
    /// The intent to send is persisted.
    Intent,
    /// AWS accepted the request; its id is in `inFlight`.
    Requested,
    /// The request ended; a fresh read has yet to show its outcome.
    Settled,
    /// A fresh read showed the goal.
    Verified,
    /// The key was at its goal, or is kept for another record: no call.
    AlreadySo,
    /// AWS refused for good.
    Failed,
    /// Found impossible before anything was sent.
    Blocked,
    /// What became of it could not be found out.
    Unknown,
}

impl ActionState {
    /// Every state, in order.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Intent,
        Self::Requested,
        Self::Settled,
        Self::Verified,
        Self::AlreadySo,
        Self::Failed,
        Self::Blocked,
        Self::Unknown,
    ];

    /// The journal's character for this state.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Planned => '.',
            Self::Intent => 'i',
            Self::Requested => 'r',
            Self::Settled => 's',
            Self::Verified => 'v',
            Self::AlreadySo => 'k',
            Self::Failed => 'f',
            Self::Blocked => 'b',
            Self::Unknown => 'u',
        }
    }

    /// The state that a journal character stands for.
    #[must_use]
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.letter() == letter)
    }

    /// Whether nothing more will happen to the action in this attempt.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Verified | Self::AlreadySo | Self::Failed | Self::Blocked | Self::Unknown
        )
    }

    /// Whether the key is as wanted.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Verified | Self::AlreadySo)
    }

    /// Whether a request may be on its way or at work in AWS.
    #[must_use]
    pub const fn is_in_flight(self) -> bool {
        matches!(self, Self::Intent | Self::Requested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_letter() {
        for state in ActionState::ALL {
            assert_eq!(ActionState::from_letter(state.letter()), Some(state));
        }
        assert_eq!(ActionState::from_letter('x'), None);
    }
}
