//! The shell: it looks, lets the pure rooms decide, persists, and does.

pub mod access;
pub mod administrators;
mod advice;
pub mod approve;
pub mod by_criteria;
pub mod check;
pub mod context;
pub mod controllers;
pub mod create_set;
pub mod declared;
pub mod delete_set;
pub mod denied;
pub mod error;
pub mod estimate;
pub mod execute;
pub mod finish;
pub mod found_before;
pub mod grants;
pub mod instance;
pub mod instance_handle;
pub mod instances;
pub mod key_table;
pub mod known_names;
pub mod live;
pub mod operator;
pub mod orphan;
pub mod perform;
pub mod phases;
pub mod plan_stage;
pub mod poll;
pub mod ready;
pub mod record_index;
pub mod records_watch;
pub mod redone;
pub mod related;
pub mod resolve;
pub mod rollback;
pub mod run;
pub mod select;
pub mod size;
pub mod stamps;
pub mod startup;
pub mod take_up;

pub use context::AwsAccess;
pub use operator::{Operator, OperatorError, run};

use crate::runtime::metrics::StatusWrite;

/// How a status write counts in the metrics.
fn outcome_of_write<T>(outcome: &Result<T, kube::Error>) -> StatusWrite {
    match outcome {
        Ok(_) => StatusWrite::Written,
        Err(kube::Error::Api(status)) if status.is_conflict() => StatusWrite::Conflict,
        Err(_) => StatusWrite::Failed,
    }
}
