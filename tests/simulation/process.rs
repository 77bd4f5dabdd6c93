//! An operator, run like a process: started, killed, started again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_ssoadmin::config::{Credentials, SharedCredentialsProvider};
use clap::Parser;
use jiff::{SignedDuration, Timestamp};
use rollback_operator::cluster::{ClientOptions, Clients};
use rollback_operator::controller::{AwsAccess, Operator};
use rollback_operator::runtime::admin::DebugState;
use rollback_operator::runtime::config::OperatorFlags;
use rollback_operator::runtime::effects::ChokePoint;
use rollback_operator::runtime::{Clock, Metrics, Traces};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::aws::Aws;
use super::cluster::Cluster;
use super::life::{CrashPoint, Hook, Life};
use super::trace::Trace;

/// Where the operators run.
pub const NAMESPACE: &str = "rollback-system";

/// What every process of one run is started with.
#[derive(Clone)]
pub struct Surroundings {
    pub clock: Clock,
    pub cluster: Cluster,
    pub aws: Aws,
    pub trace: Arc<Trace>,
    pub crashes: Arc<Mutex<Vec<CrashPoint>>>,
}

/// One process.
pub struct Process {
    pub life: Arc<Life>,
    main: JoinHandle<()>,
    stop: CancellationToken,
}

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    flags: OperatorFlags,
}

/// The flags of an operator, and more of them.
pub fn flags(operator: usize, more: &[&str]) -> OperatorFlags {
    let name = format!("--pod-name=operator-{operator}");
    let arguments = ["rollback-operator", &name].into_iter().chain(more.iter().copied());
    Program::parse_from(arguments).flags
}

/// Whose requests all operators send.
pub fn identity() -> SharedCredentialsProvider {
    let credentials = Credentials::new("AKIASIMULATED", "secret", None, None, "simulation");
    SharedCredentialsProvider::new(credentials)
}

impl Process {
    /// Starts an operator whose clock is off by `skew`.
    pub fn start(around: &Surroundings, operator: usize, skew: SignedDuration) -> Self {
        let Surroundings { clock, cluster, aws, trace, crashes } = around.clone();
        let life = Life::new(operator, clock, Arc::clone(&trace), crashes);
        let hook = || ChokePoint::new(Arc::new(Hook(Arc::clone(&life))));
        // One choke point, so that all effects of the process are numbered in one order.
        let choke_point = hook();
        let options =
            ClientOptions { choke_point: choke_point.clone(), ..ClientOptions::default() };
        let clients = Clients::over(cluster.service(operator, true), NAMESPACE, &options);
        let own = Clock::starting_at(clock.now().checked_add(skew).unwrap_or(Timestamp::MAX), 1.0);
        let process = Operator {
            flags: flags(operator, &[]),
            clock: own,
            clients,
            aws: AwsAccess {
                transport: Some(aws.transport()),
                identity: Some(identity()),
                choke_point,
            },
            metrics: Metrics::new().unwrap(),
            traces: Traces::default(),
            lease_seen: None,
        };
        trace.note(clock.now(), format!("operator {operator} starts, its clock off by {skew:#}"));
        let stop = CancellationToken::new();
        let main = {
            let (life, stop, trace) = (Arc::clone(&life), stop.clone(), Arc::clone(&trace));
            tokio::spawn(async move {
                let outcome = Box::pin(process.run(&DebugState::default(), stop)).await;
                // What stands still does not end either, and ends a moment after it goes on: long
                // enough for a request that was about to leave.
                life.thaw().await;
                clock.sleep(Duration::from_millis(5)).await;
                trace.note(clock.now(), format!("operator {operator} ends: {outcome:?}"));
                life.kill();
            })
        };
        Self { life, main, stop }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&self) {
        self.life.kill();
        self.bury();
    }

    /// Ends the tasks of a dead process, which nobody outside can notice.
    pub fn bury(&self) {
        self.main.abort();
        self.stop.cancel();
    }

    /// Asks it to stop, as the kubelet does first.
    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }
}
