//! What can keep a reconcile from ending.

use crate::model::Class;
use crate::{aws, cluster, engine};

/// What can keep a reconcile from ending. The Rollback's phase stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server.
    #[error("the Kubernetes API server: {0}")]
    Kubernetes(#[from] kube::Error),
    /// AWS.
    #[error("AWS: {0}")]
    Aws(#[from] aws::Error),
    /// The plan's shards.
    #[error(transparent)]
    Plan(#[from] cluster::plans::PlanError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] engine::journal::JournalError),
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Kubernetes(error) | Self::Plan(cluster::plans::PlanError::Kubernetes(error)) => {
                cluster::classify::classify(error)
            }
            Self::Aws(error) => error.class(),
            Self::Plan(_) | Self::Journal(_) => {
                Class::Terminal(crate::model::FailureReason::InvalidRequest)
            }
        }
    }

    /// In words that stay the same as long as the error does: without the id of the request that met
    /// it.
    #[must_use]
    pub fn lasting(&self) -> String {
        match self {
            Self::Aws(aws::Error::Refused { operation, answer }) => {
                format!("AWS: {operation}: {}: {}", answer.code, answer.message)
            }
            error => error.to_string(),
        }
    }

    /// Whether the object changed since it was read.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Kubernetes(kube::Error::Api(status)) if status.is_conflict())
    }
}
