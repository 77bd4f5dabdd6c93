//! The control plane that is measured against, as processes.

use std::path::{Path, PathBuf};
use std::process::Command;

use kube::config::{KubeConfigOptions, Kubeconfig};

use super::process::output;
use super::{BenchError, world};

/// A control plane in a directory of its own; stopped and removed when it is dropped.
pub struct ControlPlane {
    directory: tempfile::TempDir,
}

impl ControlPlane {
    /// Starts one.
    pub fn start() -> Result<Self, BenchError> {
        let directory = tempfile::Builder::new()
            .prefix("rollback-bench.")
            .tempdir()
            .map_err(BenchError::io("a directory for the measurement"))?;
        let control_plane = Self { directory };
        control_plane.hack("start", &[])?;
        Ok(control_plane)
    }

    /// Where everything that belongs to the measurement lies.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("control-plane")
    }

    /// A kubeconfig with every right.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path().join("kubeconfig")
    }

    fn hack(&self, verb: &str, arguments: &[&str]) -> Result<String, BenchError> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hack/control-plane");
        output(Command::new(script).arg(verb).arg(self.path()).args(arguments))
    }

    /// Runs kubectl with every right.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, BenchError> {
        output(
            Command::new(self.path().join("bin/kubectl"))
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .arg("--kubeconfig")
                .arg(self.kubeconfig())
                .args(arguments),
        )
    }

    /// Installs the kinds, and the operator's account with the rights that the chart gives it.
    pub fn install(&self) -> Result<(), BenchError> {
        let roles = "charts/rollback-operator/files";
        self.kubectl(&["apply", "--server-side", "-f", "crds/"])?;
        self.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "-f", "crds/"])?;
        let role = format!("{roles}/operator-role.yaml");
        self.kubectl(&["apply", "-f", "hack/demo/operator.yaml", "-f", &role])?;
        let lease = format!("{roles}/lease-role.yaml");
        self.kubectl(&["apply", "-n", "rollback-system", "-f", &lease])?;
        self.kubectl(&["create", "namespace", world::NAMESPACE])?;
        Ok(())
    }

    /// The kubeconfig of the operator's account.
    pub fn operator(&self) -> Result<String, BenchError> {
        let text =
            self.hack("kubeconfig-service-account", &["rollback-system", "rollback-operator"])?;
        Ok(text.lines().last().unwrap_or_default().to_owned())
    }

    /// A client with every right.
    pub async fn client(&self) -> Result<kube::Client, BenchError> {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig())?;
        let config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        kube::Client::try_from(config).map_err(BenchError::kubernetes("connect"))
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if let Err(error) = self.hack("stop", &[]) {
            eprintln!("rollback-bench: the control plane was not stopped: {error}");
        }
    }
}
