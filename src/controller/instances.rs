//! The instances that are ready, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;

use super::instance_handle::InstanceHandle;
use crate::api::IdentityCenterInstance;
use crate::aws;
use crate::model::InstanceArn;

/// The instances that are ready, by name.
#[derive(Debug, Default)]
pub struct Instances {
    ready: Mutex<BTreeMap<String, Arc<InstanceHandle>>>,
    gates: Mutex<BTreeMap<InstanceArn, aws::Gate>>,
    failed: Mutex<BTreeMap<String, Failed>>,
}

/// The last try to reach an instance, which failed.
#[derive(Debug)]
struct Failed {
    uid: Option<String>,
    generation: Option<i64>,
    at: Timestamp,
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

    /// Notes that an instance, as it is specified now, could not be reached.
    pub fn note_failed(&self, instance: &IdentityCenterInstance, at: Timestamp) {
        let (uid, generation) = (instance.uid(), instance.metadata.generation);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.insert(instance.name_any(), Failed { uid, generation, at });
    }

    /// When the same was last tried in vain.
    #[must_use]
    pub fn failed_at(&self, instance: &IdentityCenterInstance) -> Option<Timestamp> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let last = failed.get(&instance.name_any())?;
        let same = last.uid == instance.uid() && last.generation == instance.metadata.generation;
        same.then_some(last.at)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<InstanceHandle>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
