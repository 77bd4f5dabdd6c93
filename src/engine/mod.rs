//! What happens next to a Rollback: pure rules over what is persisted and what was observed.
//!
//! One tick has two halves. [`advance::advance`] turns observations into the next status, which
//! the shell persists by compare-and-swap; [`effects::effects`] then says what may be done, and
//! looks only at what is persisted. So no call leaves without its intent on record, and an
//! observation whose write failed is looked at again.

pub mod advance;
pub mod approval;
pub mod conclusion;
pub mod conditions;
pub mod cover;
pub mod creation;
pub mod dependencies;
pub mod effects;
pub mod expiry;
pub mod journal;
pub mod observations;
pub mod polling;
pub mod recommendations;
pub mod recovery;
pub mod situation;
pub mod timing;
pub mod verdict;
pub mod words;
pub mod write_budget;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

pub use advance::{Advance, advance};
pub use effects::{Effect, Effects, effects};
pub use journal::Journal;
pub use observations::{Event, Observations};
pub use situation::{Halt, Situation};
