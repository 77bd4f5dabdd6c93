//! The Kubernetes side: what is read from and written to the API server.

pub mod instances;
pub mod plans;
pub mod records;
pub mod rollbacks;
