//! What any long-running program needs, and nothing of what this one does: time, flags, logs,
//! metrics, shutdown, the admin port.
//!
//! This room knows no AWS, no Kubernetes kinds and no Rollback.

#[cfg(all(feature = "operator", debug_assertions))]
pub mod abort;
#[cfg(feature = "operator")]
pub mod admin;
pub mod clock;
#[cfg(feature = "operator")]
pub mod config;
#[cfg(feature = "operator")]
pub mod declarations;
#[cfg(feature = "operator")]
pub mod effects;
#[cfg(feature = "operator")]
pub mod logs;
#[cfg(feature = "operator")]
pub mod metrics;
#[cfg(feature = "operator")]
pub mod moment;
#[cfg(feature = "operator")]
pub mod permit;
#[cfg(feature = "operator")]
pub mod readiness;
#[cfg(feature = "operator")]
pub mod shutdown;
#[cfg(feature = "operator")]
pub mod traces;

pub use clock::Clock;
#[cfg(feature = "operator")]
pub use {
    effects::{Effect, Effects, Transport},
    metrics::Metrics,
    moment::Moment,
    permit::Permit,
    readiness::Readiness,
    shutdown::Shutdown,
    traces::Traces,
};
