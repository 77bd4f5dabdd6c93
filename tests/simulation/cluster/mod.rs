//! An API server in memory, behind kube's real client.
//!
//! It does what the operator can notice of a real one: optimistic concurrency, the status
//! subresource, server-side apply by one manager, defaults of the schemas, finalizers, garbage
//! collection, terminating namespaces, lists in pages and from a stale cache, watches that resume,
//! lag, coalesce, break and expire. `tests/contract_api` holds it against a real one.

mod faults;
mod garbage;
mod kinds;
mod refusal;
mod request;
mod service;
mod store;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rollback_operator::runtime::Clock;
use serde_json::Value;
use tokio::sync::watch as channel;

pub use faults::ApiFaults;
pub use kinds::{DEFAULTS_VARIABLE, Kind, defaults};
pub use refusal::Refusal;
pub use service::ApiService;
pub use store::{Change, PatchKind, Store};

/// Is told of every change, in order, at the moment when it is made.
pub trait Witness: Send + Sync {
    fn changed(&self, store: &Store, change: &Change);
}

/// The API server. Clones are the same one.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    store: Mutex<Store>,
    revision: channel::Sender<u64>,
    random: Mutex<fastrand::Rng>,
    faults: Mutex<ApiFaults>,
    witness: Mutex<Option<Arc<dyn Witness>>>,
}

impl Cluster {
    pub fn new(clock: Clock, seed: u64) -> Self {
        let shared = Shared {
            clock,
            store: Mutex::new(Store::new()),
            revision: channel::Sender::new(0),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            faults: Mutex::default(),
            witness: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The way in for one client; `faults` says whether what goes wrong goes wrong for it.
    pub fn service(&self, client: usize, faults: bool) -> ApiService {
        ApiService::new(self.clone(), client, faults)
    }

    pub fn set_witness(&self, witness: Option<Arc<dyn Witness>>) {
        *lock(&self.shared.witness) = witness;
    }

    pub fn set_faults(&self, faults: ApiFaults) {
        *lock(&self.shared.faults) = faults;
    }

    /// Looks at the objects.
    pub fn look<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.store())
    }

    /// Changes objects; whoever watches is told.
    pub fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let witness = lock(&self.shared.witness).clone();
        let mut store = self.store();
        let before = store.revision();
        let outcome = change(&mut store);
        let after = store.revision();
        if after > before {
            if let Some(witness) = witness {
                for change in store.changes_after(before) {
                    witness.changed(&store, change);
                }
            }
            drop(store);
            self.shared.revision.send_replace(after);
        }
        outcome
    }

    /// An object.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        self.look(|store| store.get(kind, &(namespace.to_owned(), name.to_owned())).cloned())
    }

    /// Creates what a user or the harness brings.
    pub fn create(&self, kind: Kind, namespace: &str, object: &Value) -> Result<Value, Refusal> {
        let now = self.shared.clock.now();
        self.change(|store| store.create(kind, namespace, object.clone(), now))
    }

    /// Merges into the part of an object that is not its status.
    pub fn merge(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value, Refusal> {
        let now = self.shared.clock.now();
        let key = (namespace.to_owned(), name.to_owned());
        self.change(|store| store.patch(kind, &key, false, patch, PatchKind::Merge, now))
    }

    pub fn delete(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, Refusal> {
        let now = self.shared.clock.now();
        let key = (namespace.to_owned(), name.to_owned());
        self.change(|store| store.delete(kind, &key, now))
    }

    /// Runs the garbage collector once.
    pub fn collect_garbage(&self) {
        let now = self.shared.clock.now();
        self.change(|store| store.collect_garbage(now));
    }

    /// Follows the revision.
    pub fn follow(&self) -> channel::Receiver<u64> {
        self.shared.revision.subscribe()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.shared.store)
    }

    fn random(&self) -> MutexGuard<'_, fastrand::Rng> {
        lock(&self.shared.random)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
