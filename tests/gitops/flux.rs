//! Flux as its users run it: source-controller and kustomize-controller, on a control plane where
//! the chart was installed by Helm.

use std::net::TcpListener;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::cluster::{Cluster, TIME_SCALE};
use super::place::condition;
use super::support::process::Process;
use super::support::{ControlPlane, checkout, guard, wait_for};
use super::tools;

const SYSTEM: &str = "rollback-system";
/// How long Flux may take; it looks at the health of what it applied every five seconds.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A control plane with the chart, an operator and Flux.
pub struct Flux {
    pub cluster: Cluster,
    _controllers: [Process; 2],
}

impl Flux {
    /// The one of all tests of this program.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Flux> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    #[expect(clippy::disallowed_methods, reason = "policies come into force in real time")]
    fn start() -> Self {
        let control_plane = ControlPlane::start();
        for kinds in [checkout().join("crds"), tools::directory().join("crds")] {
            let kinds = kinds.to_str().unwrap();
            control_plane.kubectl(&["apply", "--server-side", "-f", kinds]).succeeded();
        }
        control_plane.kubectl(&["create", "namespace", SYSTEM]).succeeded();
        let chart = checkout().join("charts/rollback-operator");
        let install = ["install", "rollback-operator", chart.to_str().unwrap()];
        let more = ["--namespace", SYSTEM, "--set", "crds.install=false"];
        control_plane.helm(&[install.as_slice(), &more].concat()).succeeded();
        wait_for("all kinds to be served", Duration::from_mins(1), || {
            let kinds = "identitycenter,kustomizations.kustomize.toolkit.fluxcd.io,gitrepositories.source.toolkit.fluxcd.io";
            control_plane.kubectl(&["get", kinds, "--all-namespaces"]).ok.then_some(())
        });
        let account = control_plane.service_account(SYSTEM, "rollback-operator");
        // Names are believed on what is younger than the policies, by a margin.
        std::thread::sleep(Duration::from_secs(12));
        let flags = ["--lease-duration=8s", "--renew-deadline=6s", "--retry-period=1s"];
        let controllers = controllers(&control_plane);
        let cluster = Cluster::on(control_plane, account, TIME_SCALE, &flags);
        Self { cluster, _controllers: controllers }
    }

    /// Has a source and what is made of it looked at, as `flux reconcile` does; gives the
    /// Kustomization once Flux has done with it, whether it succeeded or not.
    #[track_caller]
    pub fn reconcile(&self, namespace: &str, source: &str, kustomization: &str) -> Value {
        self.ask(namespace, "gitrepository", source);
        let token = self.ask_only(namespace, "kustomization", kustomization);
        self.handled(namespace, "kustomization", kustomization, &token)
    }

    /// Has the source looked at until it shows this revision.
    #[track_caller]
    pub fn fetch(&self, namespace: &str, source: &str, revision: &str) {
        wait_for(&format!("{source} to show {revision}"), PATIENCE, || {
            let found = self.ask(namespace, "gitrepository", source);
            (found["status"]["artifact"]["revision"] == revision).then_some(())
        });
    }

    /// One object of Flux.
    #[track_caller]
    pub fn get(&self, namespace: &str, kind: &str, name: &str) -> Value {
        self.cluster.control_plane.get(&["--namespace", namespace, kind, name])
    }

    /// Waits until a Kustomization applied this revision and is ready.
    #[track_caller]
    pub fn wait_ready(&self, namespace: &str, kustomization: &str, revision: &str) -> Value {
        wait_for(&format!("{kustomization} to be ready at {revision}"), PATIENCE, || {
            let found = self.get(namespace, "kustomization", kustomization);
            let ready = is_ready(&found) && found["status"]["lastAppliedRevision"] == revision;
            ready.then_some(found)
        })
    }

    /// Waits until a Kustomization failed with this revision; gives the reason and the message.
    #[track_caller]
    pub fn wait_failed(
        &self,
        namespace: &str,
        kustomization: &str,
        revision: &str,
    ) -> (String, String) {
        wait_for(&format!("{kustomization} to fail at {revision}"), PATIENCE, || {
            let found = self.get(namespace, "kustomization", kustomization);
            let ready = condition(&found["status"], "Ready")?;
            let failed =
                ready["status"] == "False" && found["status"]["lastAttemptedRevision"] == revision;
            let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
            failed.then(|| (text("reason"), text("message")))
        })
    }

    /// Asks for a look at an object and waits for its end.
    #[track_caller]
    fn ask(&self, namespace: &str, kind: &str, name: &str) -> Value {
        let token = self.ask_only(namespace, kind, name);
        self.handled(namespace, kind, name, &token)
    }

    /// Asks for a look at an object.
    #[track_caller]
    fn ask_only(&self, namespace: &str, kind: &str, name: &str) -> String {
        let token = unused_token();
        let annotation = format!("reconcile.fluxcd.io/requestedAt={token}");
        let annotate =
            ["--namespace", namespace, "annotate", "--overwrite", kind, name, &annotation];
        self.cluster.control_plane.kubectl(&annotate).succeeded();
        token
    }

    #[track_caller]
    fn handled(&self, namespace: &str, kind: &str, name: &str, token: &str) -> Value {
        wait_for(&format!("Flux to look at {kind} {name}"), PATIENCE, || {
            let found = self.get(namespace, kind, name);
            (found["status"]["lastHandledReconcileAt"] == token).then_some(found)
        })
    }
}

/// A word that no other request for a look has.
fn unused_token() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("test-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Whether the condition Ready of the newest generation is True.
pub fn is_ready(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
        && condition(&object["status"], "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// Starts both as cluster administrators, which Flux's own installation makes them; they apply as
/// the service account that a Kustomization names.
fn controllers(control_plane: &ControlPlane) -> [Process; 2] {
    let directory = guard::directory("flux");
    control_plane.kubectl(&["create", "namespace", "flux-system"]).succeeded();
    let address = format!("127.0.0.1:{}", free_port());
    let storage = directory.join("artifacts");
    std::fs::create_dir(&storage).unwrap();
    let start = |name: &str, more: &[&str]| {
        let mut command = Command::new(tools::directory().join(name));
        command
            .args(["--watch-all-namespaces=true", "--metrics-addr=0", "--health-addr=0"])
            .args(["--log-level=info", "--log-encoding=console", "--interval-jitter-percentage=0"])
            .args(more)
            .env("KUBECONFIG", control_plane.kubeconfig())
            .env("RUNTIME_NAMESPACE", "flux-system")
            .env("TMPDIR", &directory);
        Process::start(name, &directory, &mut command)
    };
    let path = format!("--storage-path={}", storage.display());
    let listen = format!("--storage-addr={address}");
    let told = format!("--storage-adv-addr={address}");
    [start("source-controller", &[&path, &listen, &told]), start("kustomize-controller", &[])]
}

/// A port that nothing listens on just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
