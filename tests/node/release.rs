//! The release: what Helm installs, and the pods that come of it.

use std::path::PathBuf;

use serde_json::Value;

use super::PATIENCE;
use super::support::seed::Identity;
use super::support::{Finished, Node, checkout, wait_for};

/// Where the operator runs: a namespace in which the API server refuses what is not restricted.
pub const NAMESPACE: &str = "rollback-system";
/// Where Rollbacks are.
pub const ACCESS: &str = "access";
/// The release, and the chart: so all objects have this name.
pub const NAME: &str = "rollback-operator";
/// The pods of the operator.
pub const PODS: &str =
    "app.kubernetes.io/name=rollback-operator,app.kubernetes.io/component=operator";
/// A version before all others. No chart was released yet, so it is made of the same sources.
const PREVIOUS: &str = "0.0.1";
/// The accounts of the simulated organization.
pub const ACCOUNTS: usize = 60;

/// A release of the chart on a node.
pub struct Release<'a> {
    pub node: &'a Node,
    pub identity: Identity,
    image: String,
    values: Vec<String>,
}

impl<'a> Release<'a> {
    /// Not installed yet; the namespaces are there.
    pub fn new(node: &'a Node, (registry, repository, tag): (&str, &str, &str)) -> Self {
        for (name, level) in [(NAMESPACE, "restricted"), (ACCESS, "restricted")] {
            node.kubectl(&["create", "namespace", name]).succeeded();
            let label = format!("pod-security.kubernetes.io/enforce={level}");
            node.kubectl(&["label", "namespace", name, &label]).succeeded();
        }
        let identity = Identity::new(1);
        let world = node.directory().join("world.yaml");
        std::fs::write(&world, identity.world(ACCOUNTS).to_string()).unwrap();
        let values = vec![
            format!("--set=image.registry={registry}"),
            format!("--set=image.repository={repository}"),
            format!("--set-string=image.tag={tag}"),
            "--set=image.pullPolicy=Never".to_owned(),
            "--set=simulator.enabled=true".to_owned(),
            format!("--set=simulator.allowedNamespaces={{{ACCESS}}}"),
            format!("--set-file=simulator.world={}", world.display()),
        ];
        let image = format!("{registry}/{repository}:{tag}");
        Self { node, identity, image, values }
    }

    /// The image of all pods.
    pub fn image(&self) -> &str {
        &self.image
    }

    fn chart() -> PathBuf {
        checkout().join("charts/rollback-operator")
    }

    /// Installs the version before this one and waits until all is ready.
    #[track_caller]
    pub fn install_previous(&self) {
        let (chart, to) = (Self::chart(), self.node.directory());
        let arguments = ["package", chart.to_str().unwrap(), "--version", PREVIOUS];
        self.node
            .helm(&[&arguments[..], &["--destination", to.to_str().unwrap()]].concat())
            .succeeded();
        let package = to.join(format!("{NAME}-{PREVIOUS}.tgz"));
        self.helm_with_values("install", &package, &[]).succeeded();
    }

    /// Upgrades to the chart of the sources, with other pods, and waits until all is ready.
    #[track_caller]
    pub fn upgrade(&self) {
        let other = ["--set=podAnnotations.round=second"];
        self.helm_with_values("upgrade", &Self::chart(), &other).succeeded();
    }

    fn helm_with_values(&self, command: &str, chart: &std::path::Path, more: &[&str]) -> Finished {
        let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        let arguments = [command, NAME, chart.to_str().unwrap(), "--namespace", NAMESPACE];
        self.node.helm(&[&arguments[..], &["--wait", "--timeout=3m"], &values, more].concat())
    }

    /// `helm test`.
    #[track_caller]
    pub fn test(&self) {
        let said = self.node.helm(&["test", NAME, "--namespace", NAMESPACE, "--logs"]).succeeded();
        assert!(said.stdout.contains("Succeeded"), "no test was run:\n{}", said.stdout);
    }

    /// The version of the chart that is installed, such as `0.1.0`.
    pub fn version(&self) -> String {
        let found =
            self.node.helm(&["list", "--namespace", NAMESPACE, "--output=json"]).succeeded();
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        let chart = found[0]["chart"].as_str().unwrap();
        chart.strip_prefix(&format!("{NAME}-")).unwrap().to_owned()
    }

    /// `helm uninstall`.
    pub fn try_uninstall(&self) -> Finished {
        let arguments = ["uninstall", NAME, "--namespace", NAMESPACE, "--wait", "--timeout=2m"];
        self.node.helm(&arguments)
    }

    /// The operator's pods that are not being deleted.
    #[track_caller]
    pub fn pods(&self) -> Vec<Value> {
        let found = self.node.get(&["pods", "--namespace", NAMESPACE, "--selector", PODS]);
        let all = found["items"].as_array().unwrap().iter();
        all.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).cloned().collect()
    }

    /// Those that are ready.
    #[track_caller]
    pub fn ready_pods(&self) -> Vec<Value> {
        let mut pods = self.pods();
        pods.retain(|pod| since(pod, "Ready").is_some());
        pods
    }

    /// Waits until both are ready.
    #[track_caller]
    pub fn both_ready(&self) {
        wait_for("both pods to be ready", PATIENCE, || {
            (self.ready_pods().len() == 2).then_some(())
        });
    }

    /// The name of the pod that leads, if one does.
    #[track_caller]
    pub fn leader(&self) -> Option<String> {
        let lease = self.node.get(&["lease", NAME, "--namespace", NAMESPACE]);
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
        let names = self.pods().into_iter().map(|pod| name(&pod));
        names.into_iter().find(|name| holder.starts_with(name.as_str()))
    }

    /// Reads an address of a pod or a service through the API server.
    #[track_caller]
    pub fn read(&self, kind: &str, name: &str, path: &str) -> String {
        self.node.kubectl(&["get", "--raw", &address(kind, name, path)]).succeeded().stdout
    }

    /// Sends a document there.
    #[track_caller]
    pub fn post(&self, kind: &str, name: &str, path: &str, body: &Value) {
        let arguments = ["create", "--raw", &address(kind, name, path), "-f", "-"];
        self.node.kubectl_with(&arguments, &body.to_string()).succeeded();
    }
}

fn address(kind: &str, name: &str, path: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/{kind}/{name}:8080/proxy{path}")
}

/// The name of an object.
pub fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap().to_owned()
}

/// Since when a condition of a pod is true.
pub fn since(pod: &Value, condition: &str) -> Option<jiff::Timestamp> {
    let conditions = pod["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|found| found["type"] == condition)?;
    (found["status"] == "True")
        .then(|| found["lastTransitionTime"].as_str().unwrap().parse().unwrap())
}
