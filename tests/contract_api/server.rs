//! The two API servers behind one face.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DeleteParams, DynamicObject};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use rollback_operator::cluster::{ClientOptions, Clients};
use rollback_operator::runtime::Clock;

use crate::cluster::{Cluster, Kind, Store};
use crate::support::ControlPlane;

/// An API server with a namespace for one check.
pub struct Server {
    pub client: Client,
    pub namespace: String,
    clock: Clock,
    /// Unless it is a real one.
    memory: Option<Cluster>,
}

impl Server {
    pub fn in_memory() -> Self {
        let clock = Clock::real();
        let cluster = Cluster::new(clock, 0);
        let namespace = "access".to_owned();
        let service = cluster.service(0, false);
        let client = Clients::over(service, &namespace, &ClientOptions::default()).api;
        Self { client, namespace, clock, memory: Some(cluster) }
    }

    pub async fn real() -> Self {
        let control_plane = ControlPlane::shared();
        let file = Kubeconfig::read_from(control_plane.kubeconfig()).unwrap();
        let config =
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
        let client = Clients::from_config(config, &ClientOptions::default()).unwrap().api;
        Self { client, namespace: control_plane.namespace(), clock: Clock::real(), memory: None }
    }

    /// The objects of a kind, in the namespace if it is of a kind that has one.
    pub fn api(&self, kind: Kind) -> Api<DynamicObject> {
        match kind {
            Kind::Instance => self.everywhere(kind),
            _ => self.within(kind, &self.namespace),
        }
    }

    pub fn within(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &resource(kind))
    }

    pub fn everywhere(&self, kind: Kind) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &resource(kind))
    }

    /// The name of an object that is in no namespace and of this check only.
    pub fn own_name(&self) -> String {
        format!("{}-main", self.namespace)
    }

    /// One more namespace.
    pub fn another_namespace(&self) -> String {
        match self.memory {
            Some(_) => "other".to_owned(),
            None => ControlPlane::shared().namespace(),
        }
    }

    /// Begins to delete the namespace. Something in it must hold that up.
    pub async fn delete_namespace(&self) {
        if let Some(cluster) = &self.memory {
            cluster.change(|store| store.terminate(&self.namespace));
        } else {
            let namespaces: Api<Namespace> = Api::all(self.client.clone());
            namespaces.delete(&self.namespace, &DeleteParams::default()).await.unwrap();
        }
    }

    /// From now on version 1 is too old to watch from. A real one has forgotten it: it remembers
    /// what came after its own start.
    pub fn forget_version_1(&self) {
        if let Some(cluster) = &self.memory {
            cluster.change(Store::compact);
        }
    }

    /// Waits until the condition gives something; garbage is collected meanwhile.
    pub async fn eventually<T>(
        &self,
        what: &str,
        mut condition: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        for _ in 0..400 {
            if let Some(cluster) = &self.memory {
                cluster.collect_garbage();
            }
            if let Some(found) = condition().await {
                return found;
            }
            self.clock.sleep(Duration::from_millis(150)).await;
        }
        panic!("waited for {what}, in vain");
    }

    /// What the future gives, if it does in time.
    pub async fn soon<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        let waited = self.clock.timeout(Duration::from_secs(20), future).await;
        waited.unwrap_or_else(|_| panic!("waited for {what}, in vain"))
    }
}

fn resource(kind: Kind) -> ApiResource {
    ApiResource {
        group: kind.group().to_owned(),
        version: kind.version().to_owned(),
        api_version: kind.api_version(),
        kind: kind.name().to_owned(),
        plural: kind.plural().to_owned(),
    }
}
