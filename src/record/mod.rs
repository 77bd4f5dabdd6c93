//! Reading operations in from where they were recorded.
//!
//! Each source has a module that turns its own files into `OperationRecord`s and a [`Report`]: what
//! was taken, what had to be repaired, what was refused and where a file was torn. Nothing here
//! talks to a server.

pub mod awsideman;
pub mod cloudtrail;
mod damage;
pub mod files;
pub mod instances;
mod names;
pub mod neutral;
pub mod report;
mod scan;

pub use files::{ReadError, SourceFile};
pub use instances::Instances;
pub use report::{ImportedRecord, Origin, Refusal, Repair, Report, Tear};
