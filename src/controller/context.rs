//! What every reconcile needs.

use std::sync::Arc;

use kube::Client;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc;

use super::instances::Instances;
use super::run::Runs;
use crate::api::{Reason, Rollback};
use crate::cluster::events::Events;
use crate::runtime::{Clock, Metrics};

/// What every reconcile needs.
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// The clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Where events go.
    pub events: Events,
    /// The instances that are ready.
    pub instances: Instances,
    /// The Rollbacks that are being executed.
    pub runs: Runs,
    wake: mpsc::UnboundedSender<ObjectRef<Rollback>>,
}

impl Context {
    /// Puts the parts together. The receiver yields the Rollbacks that want another tick.
    #[must_use]
    pub fn new(
        client: Client,
        clock: Clock,
        metrics: Arc<Metrics>,
        events: Events,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<ObjectRef<Rollback>>) {
        let (wake, woken) = mpsc::unbounded_channel();
        let (instances, runs) = (Instances::default(), Runs::default());
        (Arc::new(Self { client, clock, metrics, events, instances, runs, wake }), woken)
    }

    /// Asks for another tick of a Rollback.
    pub fn wake(&self, rollback: &ObjectRef<Rollback>) {
        // The receiver is gone only when the operator stops.
        let _ = self.wake.send(rollback.clone());
    }

    /// Asks for another tick of a Rollback that is being executed.
    pub fn wake_run(&self, uid: &str) {
        if let Some(run) = self.runs.get(uid) {
            self.wake(&run.reference);
        }
    }

    /// Publishes an event about a Rollback.
    pub fn event(&self, rollback: &Rollback, reason: Reason, note: &str, warning: bool) {
        self.events.rollback(rollback, reason, note, warning);
    }
}
