//! A control plane with the kinds and a running operator.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::support::{ControlPlane, Operator, Simulator, SimulatorOptions};

/// How much faster than life the operator and the simulators live.
pub const TIME_SCALE: f64 = 20.0;

/// When the clocks of all of them showed the same time.
#[expect(clippy::disallowed_methods, reason = "processes agree about the real time")]
fn time_origin() -> &'static str {
    static ORIGIN: OnceLock<String> = OnceLock::new();
    ORIGIN.get_or_init(|| jiff::Timestamp::now().to_string())
}

/// A control plane with the kinds and a running operator.
pub struct Cluster {
    pub control_plane: ControlPlane,
    operator: Mutex<Operator>,
}

impl Cluster {
    /// The one of all tests that do no harm to it. It starts with the first test that asks; the
    /// guard of the support stops it after the last.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of its own, for a test that kills the operator or changes the kinds.
    pub fn start() -> Self {
        let control_plane = ControlPlane::start();
        control_plane.install_crds();
        let account = control_plane.install_operator_access();
        let scale = TIME_SCALE.to_string();
        let flags = [
            "--time-scale",
            &scale,
            "--time-origin",
            time_origin(),
            // Others take over sooner than they would by default; not so soon that a busy machine
            // loses the lease.
            "--lease-duration=8s",
            "--renew-deadline=6s",
            "--retry-period=1s",
        ];
        // Every instance names its simulator as endpoint: nothing may go anywhere else.
        let nowhere = "http://127.0.0.1:9";
        let operator = Mutex::new(Operator::start(&account, nowhere, &flags));
        Self { control_plane, operator }
    }

    /// The operator's process.
    pub fn operator(&self) -> MutexGuard<'_, Operator> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A simulator whose clock runs with the operator's.
    pub fn simulator(world: &str) -> Simulator {
        let arguments = vec!["--time-origin".to_owned(), time_origin().to_owned()];
        Simulator::start(world, &SimulatorOptions { time_scale: TIME_SCALE, arguments })
    }
}
