//! What any long-running program needs, and nothing of what this one does: time, flags, logs,
//! metrics, shutdown, the admin port.
//!
//! This room knows no AWS, no Kubernetes kinds and no Rollback.

pub mod clock;

pub use clock::Clock;
