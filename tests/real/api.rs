//! The Kubernetes API without kubectl, whose start takes longer than a whole undo here.

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Where the kinds are.
const GROUP: &str = "/apis/identitycenter.dev/v1alpha1";

/// A client of the Kubernetes API that waits for each answer.
pub struct Api {
    runtime: Runtime,
    client: kube::Client,
}

impl Api {
    /// With the rights that a kubeconfig gives.
    pub fn new(kubeconfig: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let found = Kubeconfig::read_from(kubeconfig).unwrap();
            let options = KubeConfigOptions::default();
            let config = kube::Config::from_custom_kubeconfig(found, &options).await.unwrap();
            kube::Client::try_from(config).unwrap()
        });
        Self { runtime, client }
    }

    /// Makes a namespace.
    #[track_caller]
    pub fn create_namespace(&self, name: &str) {
        self.send("POST", "/api/v1/namespaces", &json!({"metadata": {"name": name}}));
    }

    /// Makes an object of one of the kinds; `place` is its namespace's path, or empty.
    #[track_caller]
    pub fn create(&self, place: &str, kind: &str, name: &str, spec: &Value) {
        let object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        });
        self.send("POST", &format!("{GROUP}{place}/{}s", kind.to_lowercase()), &object);
    }

    /// Reads an object, or a list, of the kinds.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.send("GET", &format!("{GROUP}{path}"), &Value::Null)
    }

    /// Changes an object of the kinds by a merge patch.
    #[track_caller]
    pub fn patch(&self, path: &str, change: &Value) {
        self.send("PATCH", &format!("{GROUP}{path}"), change);
    }

    /// Removes an object of the kinds if it is there.
    #[track_caller]
    pub fn delete(&self, path: &str) {
        match self.try_send("DELETE", &format!("{GROUP}{path}"), &Value::Null) {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("DELETE {path}: {error}"),
        }
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_send(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_send(&self, method: &str, path: &str, body: &Value) -> kube::Result<Value> {
        let kind =
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(bytes)
            .unwrap();
        self.runtime.block_on(self.client.request(request))
    }
}
