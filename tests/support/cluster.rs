//! A control plane with the kinds and a running operator.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::{ControlPlane, Operator, OperatorOptions, Simulator, SimulatorOptions};

/// How much faster than life the operator and the simulators live, unless a test says otherwise.
pub const TIME_SCALE: f64 = 20.0;

/// Others take over sooner than they would by default; not so soon that a busy machine loses the
/// lease.
const QUICK_LEASE: [&str; 3] = ["--lease-duration=8s", "--renew-deadline=6s", "--retry-period=1s"];

/// When the clocks of all of them showed the same time.
#[expect(clippy::disallowed_methods, reason = "processes agree about the real time")]
pub fn time_origin() -> &'static str {
    static ORIGIN: OnceLock<String> = OnceLock::new();
    ORIGIN.get_or_init(|| jiff::Timestamp::now().to_string())
}

/// A control plane with the kinds and a running operator.
pub struct Cluster {
    pub control_plane: ControlPlane,
    account: PathBuf,
    time_scale: f64,
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
        Self::with(TIME_SCALE, &QUICK_LEASE)
    }

    /// One of its own that lives so much faster than life, with flags for the operator.
    pub fn with(time_scale: f64, flags: &[&str]) -> Self {
        let control_plane = ControlPlane::start();
        control_plane.install_crds();
        let account = control_plane.install_operator_access();
        Self::on(control_plane, account, time_scale, flags)
    }

    /// The same on a control plane where the operator has an account and its rights.
    pub fn on(
        control_plane: ControlPlane,
        account: PathBuf,
        time_scale: f64,
        flags: &[&str],
    ) -> Self {
        let operator = Operator::start(options(account.clone(), time_scale, flags));
        Self { control_plane, account, time_scale, operator: Mutex::new(operator) }
    }

    /// Starts one more operator beside the first.
    #[track_caller]
    pub fn another(&self, flags: &[&str], environment: &[(&str, &str)]) -> Operator {
        let environment = environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let options = options(self.account.clone(), self.time_scale, flags);
        Operator::start(OperatorOptions { environment, ..options })
    }

    /// The operator's process.
    pub fn operator(&self) -> MutexGuard<'_, Operator> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A simulator whose clock runs with the operator's.
    pub fn simulator(&self, world: &str) -> Simulator {
        let arguments = vec!["--time-origin".to_owned(), time_origin().to_owned()];
        Simulator::start(world, &SimulatorOptions { time_scale: self.time_scale, arguments })
    }
}

/// An operator with this account whose clock runs with the simulators'.
pub fn options(account: PathBuf, time_scale: f64, flags: &[&str]) -> OperatorOptions {
    let scale = time_scale.to_string();
    let clock = ["--time-scale", &scale, "--time-origin", time_origin()];
    OperatorOptions {
        kubeconfig: account,
        // Every instance names its simulator as endpoint: nothing may go anywhere else.
        simulator: "http://127.0.0.1:9".to_owned(),
        arguments: clock.iter().chain(flags).map(|flag| (*flag).to_owned()).collect(),
        environment: Vec::new(),
    }
}
