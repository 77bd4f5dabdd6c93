//! The four kinds of `identitycenter.dev/v1alpha1`, their conditions and their names.
//!
//! Schemas come from these types: `cargo run --bin crdgen` writes `crds/` and the chart's copy.

#![allow(
    clippy::duplicated_attributes,
    reason = "printer columns and rules of kube's derive name the same members again and again"
)]

pub mod condition;
pub mod crd;
pub mod instance;
pub mod names;
pub mod plan;
pub mod plan_status;
pub mod record;
pub mod rollback;
pub mod rollback_status;
mod schema;
pub mod size;
pub mod timing;

pub use condition::{ConditionType, Reason};
pub use instance::{IdentityCenterInstance, IdentityCenterInstanceSpec};
pub use plan::{RollbackPlan, RollbackPlanSpec};
pub use plan_status::PlanStatus;
pub use record::{OperationRecord, OperationRecordSpec};
pub use rollback::{Rollback, RollbackSpec};
pub use rollback_status::{Phase, RollbackStatus};

/// The API group of all kinds.
pub const GROUP: &str = "identitycenter.dev";
/// The version of all kinds.
pub const VERSION: &str = "v1alpha1";
/// The field manager that the operator writes status with.
pub const FIELD_MANAGER: &str = "rollback-operator";
/// The finalizer on Rollbacks that have begun to write, and on their plan shards.
pub const FINALIZER: &str = "identitycenter.dev/ledger";
