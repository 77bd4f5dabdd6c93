//! How exact an undo can be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The world before the operation against the world after its undo, from best to worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum Grade {
    /// Nothing can tell the two apart.
    Exact,
    /// The same access; something visible differs, such as the ARN of a re-created set.
    Equivalent,
    /// It rests on something that nobody recorded.
    Assumed,
    /// What was there is not given back, or not as it was: AWS cannot, or it is blocked.
    Lossy,
}

impl Grade {
    /// The name as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "Exact",
            Self::Equivalent => "Equivalent",
            Self::Assumed => "Assumed",
            Self::Lossy => "Lossy",
        }
    }
}
