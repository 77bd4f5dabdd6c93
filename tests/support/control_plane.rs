//! A real etcd, kube-apiserver and kube-controller-manager.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::{checkout, guard, wait_for};

/// A running control plane, stopped when dropped.
pub struct ControlPlane {
    directory: PathBuf,
    kubeconfig: PathBuf,
    namespaces: AtomicU32,
}

impl ControlPlane {
    /// The one that all tests of this program share, with the CRDs. It starts with the first test
    /// that asks; the guard stops it after the last.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(|| {
            let control_plane = Self::start();
            control_plane.install_crds();
            control_plane
        })
    }

    /// One of its own.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// One of its own without a controller manager: nothing is collected as garbage.
    pub fn start_without_controllers() -> Self {
        Self::start_with(&["--without-controller-manager"])
    }

    /// One of its own where who may not delete an object may change its owners, as Kubernetes has it
    /// by itself.
    pub fn start_without_owner_rule() -> Self {
        Self::start_with(&["--without-owner-rule"])
    }

    /// One of its own that writes down what service accounts ask.
    pub fn start_audited() -> Self {
        Self::start_with(&["--audit"])
    }

    /// What service accounts asked so far, as events of audit.k8s.io/v1, in order of their ends.
    #[track_caller]
    pub fn audit_events(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.directory.join("audit.log")).unwrap();
        // The last line may be half written.
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Runs the chart's Helm as administrator.
    pub fn helm(&self, arguments: &[&str]) -> Finished {
        self.run(&checkout().join("hack/tools/helm"), &self.kubeconfig, arguments, "")
    }

    /// Runs the operator's program with a kubeconfig until it ends.
    pub fn operator_once(&self, kubeconfig: &Path, arguments: &[&str]) -> Finished {
        let program = Path::new(env!("CARGO_BIN_EXE_rollback-operator"));
        self.run(program, kubeconfig, arguments, "")
    }

    fn start_with(options: &[&str]) -> Self {
        let directory = guard::directory("control-plane");
        guard::control_plane(&directory);
        let path = directory.to_str().unwrap();
        let kubeconfig = PathBuf::from(hack(&[&["start", path], options].concat()));
        Self { directory, kubeconfig, namespaces: AtomicU32::new(0) }
    }

    /// Ends a part (`etcd`, `kube-apiserver`, …) as a power cut would.
    #[track_caller]
    pub fn crash(&self, part: &str) {
        hack(&["crash", self.directory.to_str().unwrap(), part]);
    }

    /// Starts a part again as it was started, after a crash, and waits until it answers.
    #[track_caller]
    pub fn revive(&self, part: &str) {
        hack(&["revive", self.directory.to_str().unwrap(), part]);
    }

    /// Stops a part where it is: it is there, and does nothing.
    #[track_caller]
    pub fn freeze(&self, part: &str) {
        hack(&["freeze", self.directory.to_str().unwrap(), part]);
    }

    /// Lets a part go on.
    #[track_caller]
    pub fn thaw(&self, part: &str) {
        hack(&["thaw", self.directory.to_str().unwrap(), part]);
    }

    /// The kubeconfig of a member of `system:masters`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The kubeconfig of a user with a client certificate.
    pub fn user(&self, name: &str, groups: &[&str]) -> PathBuf {
        let directory = self.directory.to_str().unwrap();
        PathBuf::from(hack(&[&["kubeconfig-user", directory, name], groups].concat()))
    }

    /// The kubeconfig of a service account that exists, with a token.
    pub fn service_account(&self, namespace: &str, name: &str) -> PathBuf {
        let directory = self.directory.to_str().unwrap();
        PathBuf::from(hack(&["kubeconfig-service-account", directory, namespace, name]))
    }

    /// Where kubectl is, for what is to run beside a test.
    pub fn kubectl_program(&self) -> PathBuf {
        self.directory.join("bin/kubectl")
    }

    /// Runs kubectl as administrator.
    pub fn kubectl(&self, arguments: &[&str]) -> Finished {
        self.kubectl_as(&self.kubeconfig, arguments, "")
    }

    /// Runs kubectl with a kubeconfig and some standard input.
    pub fn kubectl_as(&self, kubeconfig: &Path, arguments: &[&str], input: &str) -> Finished {
        self.run(&self.kubectl_program(), kubeconfig, arguments, input)
    }

    /// Runs the plugin as administrator.
    pub fn plugin(&self, arguments: &[&str]) -> Finished {
        self.plugin_as(&self.kubeconfig, arguments)
    }

    /// Runs the plugin with a kubeconfig.
    pub fn plugin_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Finished {
        let program = Path::new(env!("CARGO_BIN_EXE_kubectl-rollback"));
        self.run(program, kubeconfig, arguments, "")
    }

    fn run(&self, program: &Path, kubeconfig: &Path, arguments: &[&str], input: &str) -> Finished {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("KUBECACHEDIR", self.directory.join("kubectl-cache"));
        Finished::run(&mut command, input)
    }

    /// `kubectl apply -f -` as administrator.
    pub fn apply(&self, manifest: &str) -> Finished {
        self.kubectl_as(&self.kubeconfig, &["apply", "-f", "-"], manifest)
    }

    /// `kubectl get … -o json` as administrator.
    #[track_caller]
    pub fn get(&self, arguments: &[&str]) -> Value {
        let found = self.kubectl(&[&["get", "-o", "json"], arguments].concat()).succeeded();
        serde_json::from_str(&found.stdout).unwrap()
    }

    /// A new namespace with its default service account.
    pub fn namespace(&self) -> String {
        let name = format!("test-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&["create", "namespace", &name]).succeeded();
        name
    }

    /// Applies the CRDs and waits until they are served.
    #[track_caller]
    pub fn install_crds(&self) {
        let crds = checkout().join("crds");
        self.kubectl(&["apply", "--server-side", "-f", crds.to_str().unwrap()]).succeeded();
        self.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])
            .succeeded();
        // Established is said a moment before discovery knows.
        wait_for("the kinds to be served", Duration::from_secs(30), || {
            self.kubectl(&["get", "identitycenter", "--all-namespaces"]).ok.then_some(())
        });
    }

    /// Applies the operator's namespace, service account and roles; gives its kubeconfig.
    #[track_caller]
    pub fn install_operator_access(&self) -> PathBuf {
        for file in [
            "hack/demo/operator.yaml",
            "charts/rollback-operator/files/operator-role.yaml",
            "charts/rollback-operator/files/lease-role.yaml",
        ] {
            let file = checkout().join(file);
            let file = file.to_str().unwrap();
            self.kubectl(&["apply", "--namespace=rollback-system", "-f", file]).succeeded();
        }
        self.service_account("rollback-system", "rollback-operator")
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let directory = self.directory.to_str().unwrap();
        hack(&["stop", directory]);
        let _ = std::fs::remove_dir_all(&self.directory);
        guard::done(directory);
    }
}

/// Runs hack/control-plane; gives the last line of its standard output.
#[track_caller]
fn hack(arguments: &[&str]) -> String {
    let output =
        Command::new(checkout().join("hack/control-plane")).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "hack/control-plane {} failed:\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().last().unwrap_or_default().to_owned()
}

/// A command that has ended.
pub struct Finished {
    command: String,
    pub ok: bool,
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Runs a command with some standard input to its end.
    #[track_caller]
    pub fn run(command: &mut Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        // It may end, refusing its arguments, before it has read.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Self {
            command: words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
            ok: output.status.success(),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, if it ended well.
    ///
    /// # Panics
    /// With all that it said, if not.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert!(self.ok, "{} failed:\n{}{}", self.command, self.stdout, self.stderr);
        self
    }

    /// Holds that it failed and said this.
    #[track_caller]
    pub fn refused(&self, because: &str) {
        assert!(
            !self.ok,
            "{} was expected to be refused: {because}\n{}",
            self.command, self.stdout
        );
        assert!(
            self.stderr.contains(because),
            "{} was refused, but not with '{because}':\n{}",
            self.command,
            self.stderr
        );
    }
}
