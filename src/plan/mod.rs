//! From records and live state to a plan: pure, and the same for the same meaning.
//!
//! A key (an assignment, or the existence of a permission set) is there or it is not. For each
//! key that the selected records touch, `history` gathers what all records of the instance say
//! about it, `replay` finds out what records lead one to expect and what is wanted without the
//! records that are undone, `items` compares that with what AWS shows, `preflight` and `clone`
//! find what cannot be done, `roles` what is not quite as before, `given` what
//! restored access consists of, `guard` finds what the policy refuses, `effects` what it means for
//! people, and `planner` puts it all in order and signs it with a digest.

mod access;
mod catalogue;
mod clone;
mod criteria;
mod digest;
mod effects;
mod given;
mod guard;
mod history;
mod items;
mod ledger;
mod live;
mod marks;
mod order;
mod planner;
mod preflight;
mod record;
mod refusal;
mod replacements;
mod replay;
mod request;
mod roles;
mod sequence;
mod warnings;

#[cfg(test)]
mod tests;

pub use access::{Access, AdministrativeSets, Changes, OwnAccess, Place, place};
pub use criteria::Criteria;
pub use digest::{content_digest, record_digest};
pub use given::Given;
pub use guard::gives_administrator_access;
pub use items::accepted_in_plan;
pub use ledger::{Undone, redone_under_name, still_holds, undone};
pub use live::{AccountState, Denial, Live, PrincipalState, SetFacts};
pub use planner::{Proposal, check, plan, propose, shards};
pub use record::{Mention, Record, Touched, each_mention, record_refs, touched, touches};
pub use refusal::Refusal;
pub use replacements::Replacements;
pub use request::{Intent, Plan, Request};
