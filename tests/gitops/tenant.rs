//! A team whose Rollbacks come from Git: a place in the cluster, a repository, and what
//! gitops/flux tells Flux to make of it.

use serde_json::{Value, json};

use super::flux::Flux;
use super::place::Place;
use super::repository::Repository;
use super::support::checkout;

/// A namespace with an instance, a repository and two Kustomizations of it.
pub struct Tenant {
    pub flux: &'static Flux,
    pub place: Place<'static>,
    pub repository: Repository,
}

impl Tenant {
    /// One under this approval policy, in which alice was given access in some accounts, recorded
    /// in Git as `assign`.
    #[track_caller]
    pub fn new(policy: &str, accounts: &[String]) -> Self {
        let flux = Flux::shared();
        let place = Place::with(&flux.cluster, 8, &json!({"policy": {"approval": policy}}));
        let repository = Repository::new(&place.namespace);
        let tenant = Self { flux, place, repository };
        let change = json!({"grant": super::seed::alice_in(accounts)});
        tenant.place.simulator.post("/_sim/changes", &change);
        let record = tenant.place.record("assign", accounts);
        tenant.write("records/assign.yaml", "OperationRecord", "assign", &record);
        tenant
    }

    /// Gives Flux what gitops/flux says, for this namespace and this repository.
    #[track_caller]
    pub fn begin(&self) {
        for file in ["tenant.yaml", "access.yaml"] {
            let path = checkout().join("gitops/flux").join(file);
            let manifest = std::fs::read_to_string(path).unwrap();
            let manifest = manifest
                .replace("amespace: access", &format!("amespace: {}", self.place.namespace))
                .replace("https://git.example.com/access.git", &self.repository.url);
            self.flux.cluster.control_plane.apply(&manifest).succeeded();
        }
    }

    /// Writes a Rollback of `assign` into the repository, with some more fields of its spec.
    pub fn rollback(&self, name: &str, more: &Value) {
        let mut spec = json!({"operations": {"names": ["assign"]}});
        for (field, value) in more.as_object().unwrap() {
            spec[field] = value.clone();
        }
        self.write(&format!("rollbacks/{name}.yaml"), "Rollback", name, &spec);
    }

    fn write(&self, path: &str, kind: &str, name: &str, spec: &Value) {
        let object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec,
        });
        self.repository.write(path, &object.to_string());
    }

    /// Commits, and has Flux look at it; gives the revision.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        let revision = self.repository.commit(message);
        self.flux.fetch(&self.place.namespace, "access", &revision);
        revision
    }

    /// The Kustomization of the Rollbacks is ready at this revision.
    #[track_caller]
    pub fn wait_ready(&self, revision: &str) {
        self.flux.wait_ready(&self.place.namespace, "rollbacks", revision);
    }

    /// Has Flux apply all of it once more.
    #[track_caller]
    pub fn apply_again(&self) -> Value {
        self.flux.reconcile(&self.place.namespace, "access", "rollbacks")
    }

    /// Who made a Rollback and which one it is: changes when it is created again.
    #[track_caller]
    pub fn metadata(&self, rollback: &str) -> Value {
        self.place.get(&["rollback", rollback])["metadata"].clone()
    }
}
