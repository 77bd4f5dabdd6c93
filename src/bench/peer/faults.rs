//! Which of the changes that AWS accepts end badly.

use serde::Serialize;
use serde_json::{Value, json};

use crate::bench::{UndoArguments, world};

/// Which of the changes that AWS accepts end badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Faults {
    /// None.
    None,
    /// Each with a probability of a tenth, so that another try helps.
    ATenthOfTheChanges,
    /// All of every tenth account, so that nothing helps.
    ATenthOfTheAccounts,
}

impl Faults {
    /// What it is called.
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ATenthOfTheChanges => "a tenth of the changes",
            Self::ATenthOfTheAccounts => "all in a tenth of the accounts",
        }
    }

    /// The simulator's script for it.
    pub fn script(self, world: &UndoArguments) -> Value {
        let faults = match self {
            Self::None => json!([]),
            Self::ATenthOfTheChanges => json!([{
                "match": {"operations": ["DeleteAccountAssignment"]},
                "probability": 0.1,
                "do": {"fail": {"like": "internalError"}},
            }]),
            Self::ATenthOfTheAccounts => json!([{
                "match": {
                    "operations": ["DeleteAccountAssignment"],
                    "accounts": (0..world.accounts).step_by(10).map(world::account).collect::<Vec<_>>(),
                },
                "do": {"fail": {"like": "accountNotReady"}},
            }]),
        };
        json!({ "faults": faults })
    }
}
