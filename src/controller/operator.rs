//! The whole operator: election, rebuild, controllers, shutdown.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, future};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::context::{AwsAccess, Context, Parts};
use super::controllers::controllers;
use super::{declared, orphan, phases, ready, startup};
use crate::cluster::client::ConnectError;
use crate::cluster::lease::{Ended, LeaseSettings, host_name};
use crate::cluster::{ClientOptions, Clients, Elector, Events, Leader};
use crate::runtime::admin::{AdminServer, BindError, DebugState, Shown};
use crate::runtime::config::OperatorFlags;
use crate::runtime::readiness::Handle;
use crate::runtime::shutdown::drain;
use crate::runtime::traces::TracesError;
use crate::runtime::{Clock, Metrics, Readiness, Shutdown, Traces};

/// How long giving back the lease may take: a read and a write, five seconds each.
const GIVE_BACK: Duration = Duration::from_secs(12);
/// How long the last events may take.
const LAST_EVENTS: Duration = Duration::from_secs(3);

/// Why the operator ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The flags do not go together.
    #[error(transparent)]
    Flags(#[from] crate::runtime::config::InvalidFlags),
    /// No way to the API server.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The admin port is taken.
    #[error(transparent)]
    Admin(#[from] BindError),
    /// The metrics could not be registered.
    #[error("the metrics could not be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The traces that were asked for cannot be sent.
    #[error(transparent)]
    Traces(#[from] TracesError),
    /// The signal handlers could not be installed.
    #[error("the signal handlers could not be installed: {0}")]
    Signals(#[from] std::io::Error),
    /// Another operator leads now.
    #[error("leadership was lost: {0}; the process ends so that it starts again as a standby")]
    LeadershipLost(String),
}

/// Runs the operator until it is asked to stop or loses leadership.
///
/// # Errors
/// When it cannot start, or when leadership was lost.
pub async fn run(flags: OperatorFlags) -> Result<(), OperatorError> {
    flags.validate()?;
    let clock = flags.clock();
    let metrics = Metrics::new()?;
    let traces = Traces::from_environment()?;
    let shutdown = Shutdown::on_signals()?;
    let admin = AdminServer::bind(flags.admin_address).await?;
    tracing::info!(address = %admin.address(), "the admin server listens");
    let (readiness, clients_made) = Readiness::new("the way to the Kubernetes API");
    let (lease_seen, kinds_seen) =
        (readiness.register("the lease"), readiness.register("the kinds"));
    let debug = DebugState::default();
    let admin_stop = CancellationToken::new();
    let shown = Shown { readiness, metrics: metrics.clone(), debug: debug.clone() };
    let serving = tokio::spawn(admin.serve(shown, admin_stop.clone().cancelled_owned()));

    // One for both ways out, so that all requests of the process are numbered in one order.
    let choke_point = flags.choke_point();
    let options = ClientOptions {
        metrics: Some(metrics.clone()),
        choke_point: choke_point.clone(),
        ..ClientOptions::default()
    };
    let clients = Clients::infer(&options).await?;
    clients_made.release();
    // Caches are filled by the leader's controllers; a standby is ready without them.
    let looking = ready::kinds(clients.api.clone(), flags.watch_namespaces.clone(), kinds_seen);
    tokio::spawn(looking);
    let aws = AwsAccess { choke_point, ..AwsAccess::default() };
    let traces_sent = traces.clone();
    let lease_seen = Some(lease_seen);
    let operator = Operator { flags, clock, clients, aws, metrics, traces, lease_seen };
    let outcome = Box::pin(operator.run(&debug, shutdown.token())).await;
    admin_stop.cancel();
    let _ = drain(Duration::from_secs(2), serving).await;
    let _ = tokio::task::spawn_blocking(move || traces_sent.shutdown()).await;
    outcome
}

type Election = future::BoxFuture<'static, Ended>;

/// The operator without what a process has but once: signals, ports, a configuration to find.
pub struct Operator {
    /// How it behaves.
    pub flags: OperatorFlags,
    /// Its clock. The lease runs on real time.
    pub clock: Clock,
    /// The way to the Kubernetes API.
    pub clients: Clients,
    /// The way to AWS.
    pub aws: AwsAccess,
    /// Where it counts.
    pub metrics: Metrics,
    /// Where its spans go.
    pub traces: Traces,
    /// Released once it is known who holds the lease.
    pub lease_seen: Option<Handle>,
}

impl Operator {
    /// Takes part in the election and, once elected, undoes, until it is asked to stop or loses
    /// leadership.
    ///
    /// # Errors
    /// When leadership was lost.
    pub async fn run(
        mut self,
        debug: &DebugState,
        stop: CancellationToken,
    ) -> Result<(), OperatorError> {
        let (leader, election, elector_stop) = self.elect();
        let mut election = election;
        if let Some(handle) = self.lease_seen.take() {
            tokio::spawn(leader.clone().seen(handle));
        }
        let outcome = tokio::select! {
            biased;
            ended = &mut election => Some(ended),
            () = self.lead(leader, debug, stop) => None,
        };
        // Nothing is sent any more: the lease is given back, so that the next leader starts at once.
        elector_stop.cancel();
        if outcome.is_none() && self.flags.leader_election() {
            let _ = drain(GIVE_BACK, election).await;
        }
        match outcome {
            Some(Ended::Lost(loss)) => Err(OperatorError::LeadershipLost(loss.to_string())),
            _ => Ok(()),
        }
    }

    /// Takes part in the election in a task of its own, so that no work delays a renewal. The
    /// future ends when the election does.
    fn elect(&self) -> (Leader, Election, CancellationToken) {
        let stop = CancellationToken::new();
        if !self.flags.leader_election() {
            return (Leader::unopposed(&self.metrics), future::pending().boxed(), stop);
        }
        let settings = LeaseSettings::from_flags(&self.flags, &self.clients.namespace);
        let (elector, leader) =
            Elector::new(self.clients.lease.clone(), settings, self.metrics.clone());
        let task = tokio::spawn(elector.run(stop.clone()));
        let election = async move { task.await.unwrap_or(Ended::Stopped) };
        (leader, election.boxed(), stop)
    }

    /// Waits until this process leads, rebuilds, and runs the controllers until it is asked to stop.
    async fn lead(&self, mut leader: Leader, debug: &DebugState, stop: CancellationToken) {
        let term = tokio::select! {
            biased;
            term = leader.leading() => term,
            () = stop.cancelled() => None,
        };
        let Some(term) = term else { return };
        tokio::select! {
            biased;
            () = term.predecessor_is_done(self.clock.real_duration(self.flags.request_timeout)) => {}
            () = stop.cancelled() => return,
        }
        let reporter = self.flags.pod_name.clone().unwrap_or_else(host_name);
        let (events, publishing) =
            Events::start(self.clients.api.clone(), reporter, self.metrics.clone());
        tokio::spawn(publishing);
        let (context, woken) = Context::new(Parts {
            client: self.clients.api.clone(),
            clock: self.clock,
            aws: self.aws.clone(),
            metrics: self.metrics.clone(),
            traces: self.traces.clone(),
            events,
            permit: leader.permit.clone(),
            request_timeout: self.flags.request_timeout,
            namespaces: self.flags.watch_namespaces.clone(),
            stop: stop.clone(),
        });
        provide_debug(debug, &context);
        provide_metrics(&context);
        tokio::select! {
            biased;
            () = startup::rebuild(&context) => {}
            () = stop.cancelled() => return,
        }
        tokio::spawn(orphan::sweep(Arc::clone(&context)));
        if let Some(directory) = &self.flags.instances_directory {
            tokio::spawn(declared::keep_applied(Arc::clone(&context), directory.clone()));
        }
        self.metrics.set_leader_ready(true);
        let controllers = controllers(&context, woken, self.flags.concurrency, stop.clone());
        tokio::pin!(controllers);
        tokio::select! {
            biased;
            () = &mut controllers => {}
            () = stop.cancelled() => {
                // Reconciles that run come to their end; what is at work in AWS is in the journal.
                let _ = drain(self.flags.shutdown_grace, controllers).await;
                // The next leader cannot find a request that AWS has not taken yet, and would send
                // it again: what left is waited for, and nothing else leaves.
                context.end_changes();
                context.sends.close();
                let answered = self.clock.real_duration(self.flags.request_timeout);
                let _ = drain(answered, context.sends.wait()).await;
            }
        }
        let _ = drain(LAST_EVENTS, async {
            while !context.events.none_waits() {
                Clock::real().sleep(Duration::from_millis(50)).await;
            }
            // Those that left the queue last are on their way.
            Clock::real().sleep(Duration::from_millis(200)).await;
        })
        .await;
    }
}

fn provide_metrics(context: &Arc<Context>) {
    // Weak, because the context holds the metrics.
    let leader = Arc::downgrade(context);
    context
        .metrics
        .provide(move || leader.upgrade().map(|it| phases::snapshot(&it)).unwrap_or_default());
}

fn provide_debug(debug: &DebugState, context: &Arc<Context>) {
    let context = Arc::clone(context);
    debug.provide(move || {
        let instances: Vec<_> = context
            .instances
            .all()
            .iter()
            .map(|instance| {
                let view = instance.gate.governor().view();
                json!({
                    "name": instance.name,
                    "requestsPerSecond": view.requests_per_second,
                    "slots": view.slots,
                    "inFlight": view.in_flight,
                    "queued": view.queued,
                })
            })
            .collect();
        json!({"now": context.clock.now().to_string(), "instances": instances, "executing": context.runs.len()})
    });
}
