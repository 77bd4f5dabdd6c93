//! The instances that are ready, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::instance_handle::InstanceHandle;
use crate::aws;
use crate::model::InstanceArn;

/// The instances that are ready, by name.
#[derive(Debug, Default)]
pub struct Instances {
    ready: Mutex<BTreeMap<String, Arc<InstanceHandle>>>,
    gates: Mutex<BTreeMap<InstanceArn, aws::Gate>>,
}

impl Instances {
    /// The instance of this name, if it is ready.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<InstanceHandle>> {
        self.lock().get(name).cloned()
    }

    /// Every instance that is ready.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<InstanceHandle>> {
        self.lock().values().cloned().collect()
    }

    /// Puts an instance in. It stays as long as the process: actions may be at work in it, even
    /// when its object is gone.
    pub fn put(&self, handle: Arc<InstanceHandle>) {
        self.lock().insert(handle.name.clone(), handle);
    }

    /// The one gate of an instance, made when it is first asked for: a connection that failed has
    /// used up part of the quota, too.
    pub fn gate(&self, arn: &InstanceArn, make: impl FnOnce() -> aws::Gate) -> aws::Gate {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(arn.clone()).or_insert_with(make).clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<InstanceHandle>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
