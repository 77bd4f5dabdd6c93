//! A real cluster of one node, with pods: kubelet, containerd, kube-proxy and a control plane.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Finished, checkout, guard};

/// A running cluster of one node, stopped when dropped.
pub struct Node {
    directory: PathBuf,
    kubeconfig: PathBuf,
}

impl Node {
    /// Starts one; installs what packages it needs.
    #[track_caller]
    pub fn start() -> Self {
        let directory = guard::directory("node");
        guard::node(&directory);
        let said = run(&["start", directory.to_str().unwrap()]);
        let kubeconfig = PathBuf::from(said.lines().last().unwrap_or_default());
        Self { directory, kubeconfig }
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Gives its containers the images of an archive.
    #[track_caller]
    pub fn import(&self, archive: &Path) {
        run(&["import", self.directory.to_str().unwrap(), archive.to_str().unwrap()]);
    }

    /// Ends the process of a container as a power cut would (SIGKILL).
    #[track_caller]
    pub fn kill9(&self, container: &str) {
        let mut command = Command::new(self.directory.join("bin/ctr"));
        command.arg("--address").arg(self.directory.join("containerd.sock"));
        command.args(["--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container]);
        Finished::run(&mut command, "").succeeded();
    }

    /// Runs kubectl as administrator.
    pub fn kubectl(&self, arguments: &[&str]) -> Finished {
        self.kubectl_with(arguments, "")
    }

    /// Runs kubectl as administrator with some standard input.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> Finished {
        let program = self.directory.join("bin/kubectl");
        self.inside(&program, arguments, input)
    }

    /// `kubectl get … -o json` as administrator.
    #[track_caller]
    pub fn get(&self, arguments: &[&str]) -> Value {
        let found = self.kubectl(&[&["get", "-o", "json"], arguments].concat()).succeeded();
        serde_json::from_str(&found.stdout).unwrap()
    }

    /// Runs Helm as administrator.
    pub fn helm(&self, arguments: &[&str]) -> Finished {
        self.inside(&checkout().join("hack/tools/helm"), arguments, "")
    }

    /// Runs a line of a shell as a person does who has kubectl, the plugin and Helm.
    pub fn shell(&self, line: &str) -> Finished {
        let plugin = Path::new(env!("CARGO_BIN_EXE_kubectl-rollback")).parent().unwrap();
        let search = [&self.directory.join("bin"), plugin, &checkout().join("hack/tools")]
            .map(|directory| directory.display().to_string())
            .join(":");
        let line = format!("PATH={search}:$PATH; cd {}; {line}", checkout().display());
        self.inside(Path::new("/bin/bash"), &["-o", "pipefail", "-c", &line], "")
    }

    /// Runs a program in the network of the node.
    fn inside(&self, program: &Path, arguments: &[&str], input: &str) -> Finished {
        let mut command = Command::new(checkout().join("hack/node/run"));
        command
            .arg("enter")
            .arg(&self.directory)
            .arg(program)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.directory.join("kubectl-cache"))
            .env("HELM_CACHE_HOME", self.directory.join("helm/cache"))
            .env("HELM_CONFIG_HOME", self.directory.join("helm/config"))
            .env("HELM_DATA_HOME", self.directory.join("helm/data"));
        Finished::run(&mut command, input)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let directory = self.directory.to_str().unwrap();
        run(&["stop", directory]);
        guard::done(directory);
    }
}

/// Runs hack/node/run; gives its standard output.
#[track_caller]
fn run(arguments: &[&str]) -> String {
    let mut command = Command::new(checkout().join("hack/node/run"));
    Finished::run(command.args(arguments), "").succeeded().stdout
}
