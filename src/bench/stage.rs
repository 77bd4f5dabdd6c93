//! What is measured: a control plane, the simulator and the operator, as processes of their own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::process::{Process, output};
use super::usage::Usage;
use super::{BenchError, UndoArguments, world};
use crate::runtime::clock::Clock;

const PATIENCE: Duration = Duration::from_mins(1);

/// The running components; all are stopped when it is dropped.
pub struct Stage {
    /// A client with every right.
    pub client: kube::Client,
    /// Time as the operator and the simulator have it.
    pub clock: Clock,
    operator: Process,
    _simulator: Process,
    _control_plane: ControlPlane,
    simulator_url: String,
}

impl Stage {
    /// Starts everything in a world that fits the arguments, up to a ready instance.
    pub async fn start(arguments: &UndoArguments) -> Result<Self, BenchError> {
        let life = Clock::real();
        let origin = life.now();
        let control_plane = ControlPlane::start()?;
        let directory = control_plane.directory.path().to_owned();
        control_plane.install()?;
        let client = control_plane.client().await?;
        let time =
            [format!("--time-scale={}", arguments.time_scale), format!("--time-origin={origin}")];

        let seed = directory.join("world.yaml");
        write(&seed, &world::seed(arguments).to_string())?;
        let port = directory.join("port");
        let mut simulator = Process::start("idc-sim", &directory, |command| {
            command.arg("--seed").arg(&seed).arg("--port-file").arg(&port).args(&time);
        })?;
        let simulator_url = until(&life, "the simulator to listen", || {
            simulator.check()?;
            let text = std::fs::read_to_string(&port).unwrap_or_default();
            Ok(text.trim().parse::<u16>().ok().map(|port| format!("http://127.0.0.1:{port}")))
        })
        .await?;

        let admin = format!("127.0.0.1:{}", free_port()?);
        let kubeconfig = control_plane.operator()?;
        let mut operator = Process::start("rollback-operator", &directory, |command| {
            command
                .args(["--admin-address", &admin, "--lease-namespace", "rollback-system"])
                .args(&time)
                .env("KUBECONFIG", kubeconfig)
                .env("AWS_ACCESS_KEY_ID", "AKIDSIMULATOR")
                .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
                .env("AWS_REGION", world::REGION)
                .env("AWS_ENDPOINT_URL", &simulator_url)
                .env("AWS_EC2_METADATA_DISABLED", "true");
        })?;
        until(&life, "the operator to be ready", || {
            operator.check()?;
            Ok(ureq::get(format!("http://{admin}/readyz")).call().ok().map(|_| ()))
        })
        .await?;
        let clock = Clock::with_origin(origin, arguments.time_scale);
        let instance = directory.join("instance.json");
        write(&instance, &world::instance(arguments, &simulator_url).to_string())?;
        control_plane.kubectl(&["apply", "-f", &instance.display().to_string()])?;
        control_plane.kubectl(&[
            "wait",
            "--for=condition=Ready",
            "--timeout=60s",
            "identitycenterinstance/bench",
        ])?;
        Ok(Self {
            client,
            clock,
            operator,
            _simulator: simulator,
            _control_plane: control_plane,
            simulator_url,
        })
    }

    /// Fails when the operator has ended.
    pub fn check(&mut self) -> Result<(), BenchError> {
        self.operator.check()
    }

    /// What the operator has used of the machine so far.
    pub fn usage(&self) -> Usage {
        Usage::of(self.operator.id())
    }

    /// Reads one page of the simulator's own.
    pub fn simulator<T: DeserializeOwned>(&self, path: &str) -> Result<T, BenchError> {
        let failed = |error: ureq::Error| BenchError::Simulator(format!("{path}: {error}"));
        let mut answer =
            ureq::get(format!("{}{path}", self.simulator_url)).call().map_err(failed)?;
        answer.body_mut().read_json().map_err(failed)
    }

    /// The assignments that the simulator holds, all principals together.
    pub fn assignments(&self) -> Result<usize, BenchError> {
        let state: Value = self.simulator("/_sim/state?view=access&format=json")?;
        let rows = state["instances"][0]["assignments"].as_array().cloned().unwrap_or_default();
        Ok(rows.iter().filter_map(|row| row["accounts"].as_array()).map(Vec::len).sum())
    }
}

struct ControlPlane {
    directory: tempfile::TempDir,
}

impl ControlPlane {
    fn start() -> Result<Self, BenchError> {
        let directory = tempfile::Builder::new()
            .prefix("rollback-bench.")
            .tempdir()
            .map_err(BenchError::io("a directory for the measurement"))?;
        let control_plane = Self { directory };
        control_plane.hack("start", &[])?;
        Ok(control_plane)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("control-plane")
    }

    fn hack(&self, verb: &str, arguments: &[&str]) -> Result<String, BenchError> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hack/control-plane");
        output(Command::new(script).arg(verb).arg(self.path()).args(arguments))
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String, BenchError> {
        output(
            Command::new(self.path().join("bin/kubectl"))
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .arg("--kubeconfig")
                .arg(self.path().join("kubeconfig"))
                .args(arguments),
        )
    }

    /// Installs the kinds, and the operator's account with the rights that the chart gives it.
    fn install(&self) -> Result<(), BenchError> {
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
    fn operator(&self) -> Result<String, BenchError> {
        let text =
            self.hack("kubeconfig-service-account", &["rollback-system", "rollback-operator"])?;
        Ok(text.lines().last().unwrap_or_default().to_owned())
    }

    async fn client(&self) -> Result<kube::Client, BenchError> {
        let kubeconfig = Kubeconfig::read_from(self.path().join("kubeconfig"))?;
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

fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    std::fs::write(path, text).map_err(BenchError::io(path.display().to_string()))
}

/// A port that nothing listens on just now.
fn free_port() -> Result<u16, BenchError> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(bound.map_err(BenchError::io("a free port"))?.port())
}

async fn until<T>(
    life: &Clock,
    what: &str,
    mut seen: impl FnMut() -> Result<Option<T>, BenchError>,
) -> Result<T, BenchError> {
    let begun = life.now();
    loop {
        if let Some(seen) = seen()? {
            return Ok(seen);
        }
        if life.now().duration_since(begun).unsigned_abs() > PATIENCE {
            return Err(BenchError::Late {
                what: what.to_owned(),
                seconds: PATIENCE.as_secs(),
                last: "nothing".to_owned(),
            });
        }
        life.sleep(Duration::from_millis(50)).await;
    }
}
