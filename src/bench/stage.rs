//! What is measured: a control plane, the simulator and the operator, as processes of their own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::control_plane::ControlPlane;
use super::process::{Process, output};
use super::simulator::{Pages, Simulator, agent};
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
    /// Seconds from the start of the operator's process until it was ready, the instance not waited for.
    pub ready_seconds: f64,
    operator: Option<Operator>,
    simulator: Simulator,
    control_plane: ControlPlane,
    /// With the operator's own rights.
    kubeconfig: String,
    time: [String; 2],
}

struct Operator {
    process: Process,
    admin: String,
}

impl Stage {
    /// Starts a control plane and the simulator, with the namespace of the measurement, but no
    /// operator.
    pub async fn set(seed: &Value, time_scale: f64) -> Result<Self, BenchError> {
        let life = Clock::real();
        let origin = life.now();
        let control_plane = ControlPlane::start()?;
        let directory = control_plane.directory().to_owned();
        control_plane.install()?;
        let client = control_plane.client().await?;
        let kubeconfig = control_plane.operator()?;
        let time = [format!("--time-scale={time_scale}"), format!("--time-origin={origin}")];

        let simulator = Simulator::start(&directory, seed, &time).await?;
        Ok(Self {
            client,
            clock: Clock::with_origin(origin, time_scale),
            ready_seconds: 0.0,
            operator: None,
            simulator,
            control_plane,
            kubeconfig,
            time,
        })
    }

    /// Starts everything in a world that fits the arguments, up to a ready instance.
    pub async fn start(arguments: &UndoArguments) -> Result<Self, BenchError> {
        let mut stage = Self::set(&world::seed(arguments), arguments.time_scale).await?;
        let begun = stage.start_operator()?;
        stage.operator_is_ready().await?;
        stage.ready_seconds = Clock::real().now().duration_since(begun).as_secs_f64();
        stage.apply_instance(arguments.slots)?;
        stage.instance_is_ready()?;
        Ok(stage)
    }

    /// Where everything that belongs to the measurement lies.
    pub fn directory(&self) -> &Path {
        self.control_plane.directory()
    }

    /// A kubeconfig with every right.
    pub fn kubeconfig(&self) -> PathBuf {
        self.control_plane.kubeconfig()
    }

    /// Starts an operator, and ends the one that runs; gives the moment of the start.
    pub fn start_operator(&mut self) -> Result<Timestamp, BenchError> {
        self.operator = None;
        let admin = format!("127.0.0.1:{}", free_port()?);
        let directory = self.control_plane.directory();
        let begun = Clock::real().now();
        let process = Process::start("rollback-operator", directory, |command| {
            command
                .args(["--admin-address", &admin, "--lease-namespace", "rollback-system"])
                .args(&self.time)
                .env("KUBECONFIG", &self.kubeconfig)
                .env("AWS_ACCESS_KEY_ID", "AKIDSIMULATOR")
                .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
                .env("AWS_REGION", world::REGION)
                .env("AWS_ENDPOINT_URL", self.simulator.url())
                .env("AWS_EC2_METADATA_DISABLED", "true");
        })?;
        self.operator = Some(Operator { process, admin });
        Ok(begun)
    }

    /// Asks the operator to stop and waits until it has: it gives back its lease.
    pub async fn stop_operator(&mut self) -> Result<(), BenchError> {
        let Some(mut operator) = self.operator.take() else { return Ok(()) };
        output(std::process::Command::new("kill").arg(operator.process.id().to_string()))?;
        until(&Clock::real(), "the operator to end", || {
            Ok(operator.process.check().is_err().then_some(()))
        })
        .await
    }

    /// Waits until the operator says that it is ready.
    pub async fn operator_is_ready(&mut self) -> Result<(), BenchError> {
        let Some(operator) = &mut self.operator else { return Ok(()) };
        let ready = format!("http://{}/readyz", operator.admin);
        until(&Clock::real(), "the operator to be ready", || {
            operator.process.check()?;
            Ok(agent().get(&ready).call().ok().map(|_| ()))
        })
        .await
    }

    /// Declares the instance of the world.
    pub fn apply_instance(&self, slots: u32) -> Result<(), BenchError> {
        let instance = self.control_plane.directory().join("instance.json");
        write(&instance, &world::instance(slots, self.simulator.url()).to_string())?;
        self.control_plane.kubectl(&["apply", "-f", &instance.display().to_string()])?;
        Ok(())
    }

    /// Waits until the operator can work with the instance.
    pub fn instance_is_ready(&self) -> Result<(), BenchError> {
        self.control_plane.kubectl(&[
            "wait",
            "--for=condition=Ready",
            "--timeout=60s",
            "identitycenterinstance/bench",
        ])?;
        Ok(())
    }

    /// Fails when the operator or the simulator has ended.
    pub fn check(&mut self) -> Result<(), BenchError> {
        self.simulator.check()?;
        self.operator.as_mut().map_or(Ok(()), |operator| operator.process.check())
    }

    /// What the operator has used of the machine so far.
    pub fn usage(&self) -> Usage {
        self.operator.as_ref().map(|it| Usage::of(it.process.id())).unwrap_or_default()
    }

    /// The operator's metrics, as Prometheus reads them.
    pub fn metrics(&self) -> Result<String, BenchError> {
        let Some(operator) = &self.operator else { return Ok(String::new()) };
        let failed = |error: ureq::Error| BenchError::Metrics(error.to_string());
        let mut answer =
            agent().get(format!("http://{}/metrics", operator.admin)).call().map_err(failed)?;
        answer.body_mut().read_to_string().map_err(failed)
    }

    /// Reads one page of the simulator's own.
    pub fn simulator<T: DeserializeOwned>(&self, path: &str) -> Result<T, BenchError> {
        self.pages().get(path)
    }

    /// The pages that the simulator has beside the API of AWS.
    pub const fn pages(&self) -> &Pages {
        self.simulator.pages()
    }
}

/// Writes a file.
pub fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    std::fs::write(path, text).map_err(BenchError::io(path.display().to_string()))
}

/// A port that nothing listens on just now.
fn free_port() -> Result<u16, BenchError> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(bound.map_err(BenchError::io("a free port"))?.port())
}

/// Looks until something is seen, or for far longer than that may take.
pub async fn until<T>(
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
        life.sleep(Duration::from_millis(5)).await;
    }
}
