//! The Kubernetes side: the client, what its errors mean, what is read from and written to the API
//! server, the lease, events.

pub mod admission;
pub mod classify;
pub mod client;
pub mod events;
pub mod instances;
pub mod lease;
pub mod plans;
pub mod records;
pub mod rollbacks;

pub use classify::{
    classify, is_already_exists, is_namespace_terminating, is_not_found, is_too_large,
};
pub use client::{ClientOptions, Clients};
pub use events::Events;
pub use lease::{Elector, Leader, Leadership};
