//! The whole operator: election, rebuild, controllers, shutdown.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, future, stream};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::Config;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Controller, watcher};
use kube::{Api, Client};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::context::{AwsAccess, Context, Parts, Woken};
use super::{instance, orphan, rollback, startup};
use crate::api::{IdentityCenterInstance, OperationRecord, Phase, Rollback};
use crate::cluster::client::ConnectError;
use crate::cluster::lease::{Ended, LeaseSettings, host_name};
use crate::cluster::{ClientOptions, Clients, Elector, Events, Leader};
use crate::runtime::admin::{AdminServer, BindError, DebugState, Shown};
use crate::runtime::config::OperatorFlags;
use crate::runtime::shutdown::drain;
use crate::runtime::{Clock, Metrics, Readiness, Shutdown};

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
    let shutdown = Shutdown::on_signals()?;
    let admin = AdminServer::bind(flags.admin_address).await?;
    tracing::info!(address = %admin.address(), "the admin server listens");
    let (readiness, caches) = Readiness::new("caches");
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
    // Caches are filled by the leader's controllers; a standby is ready without them.
    caches.release();
    let aws = AwsAccess { choke_point, ..AwsAccess::default() };
    let operator = Operator { flags, clock, clients, aws, metrics };
    let outcome = Box::pin(operator.run(&debug, shutdown.token())).await;
    admin_stop.cancel();
    let _ = drain(Duration::from_secs(2), serving).await;
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
}

impl Operator {
    /// Takes part in the election and, once elected, undoes, until it is asked to stop or loses
    /// leadership.
    ///
    /// # Errors
    /// When leadership was lost.
    pub async fn run(
        self,
        debug: &DebugState,
        stop: CancellationToken,
    ) -> Result<(), OperatorError> {
        let (leader, election, elector_stop) = self.elect();
        let mut election = election;
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
            events,
            permit: leader.permit.clone(),
            request_timeout: self.flags.request_timeout,
            namespaces: self.flags.watch_namespaces.clone(),
            stop: stop.clone(),
        });
        provide_debug(debug, &context);
        tokio::select! {
            biased;
            () = startup::rebuild(&context) => {}
            () = stop.cancelled() => return,
        }
        tokio::spawn(orphan::sweep(Arc::clone(&context)));
        let controllers = controllers(&context, woken, self.flags.concurrency, stop.clone());
        tokio::pin!(controllers);
        tokio::select! {
            biased;
            () = &mut controllers => {}
            () = stop.cancelled() => {
                // Reconciles that run come to their end; what is at work in AWS is in the journal.
                let _ = drain(self.flags.shutdown_grace, controllers).await;
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

/// A watch of this many seconds, then another: one whose connection is dead without a word is
/// noticed no later. kube's own is 290.
const WATCH: u32 = 60;

fn watching() -> watcher::Config {
    watcher::Config::default().any_semantic().timeout(WATCH)
}

/// Runs the controllers of both kinds until `stop`.
pub async fn controllers(
    context: &Arc<Context>,
    woken: Woken,
    concurrency: u16,
    stop: CancellationToken,
) {
    let client = context.client.clone();
    let instances = Controller::new(
        Api::<DeserializeGuard<IdentityCenterInstance>>::all(client.clone()),
        watching(),
    )
    .graceful_shutdown_on(stop.clone().cancelled_owned())
    .run(instance::reconcile, instance::error_policy, Arc::clone(context))
    .for_each_concurrent(4, |_| future::ready(()));

    // One stream of wakes serves all controllers of Rollbacks; each drops what is not its own.
    let mut apis = context.rollback_apis();
    let rollbacks = match apis.pop() {
        Some(api) if apis.is_empty() => {
            rollbacks(context, api, &client, woken, concurrency, stop).boxed()
        }
        Some(api) => {
            let mut senders = Vec::new();
            let mut running = Vec::new();
            for api in apis.into_iter().chain([api]) {
                let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
                senders.push(sender);
                running.push(
                    rollbacks(context, api, &client, receiver, concurrency, stop.clone()).boxed(),
                );
            }
            let relay = relay(woken, senders);
            future::join(future::join_all(running), relay).map(|_| ()).boxed()
        }
        None => future::ready(()).boxed(),
    };
    future::join(instances, rollbacks).await;
}

async fn relay(
    mut woken: Woken,
    senders: Vec<tokio::sync::mpsc::UnboundedSender<ObjectRef<DeserializeGuard<Rollback>>>>,
) {
    while let Some(reference) = woken.recv().await {
        let mut open = false;
        for sender in &senders {
            open |= sender.send(reference.clone()).is_ok();
        }
        if !open {
            return;
        }
    }
}

async fn rollbacks(
    context: &Arc<Context>,
    api: Api<DeserializeGuard<Rollback>>,
    client: &Client,
    mut woken: Woken,
    concurrency: u16,
    stop: CancellationToken,
) {
    let controller = Controller::new(api, watching());
    let store = controller.store();
    let records_store = store.clone();
    let wakes = stream::poll_fn(move |task| woken.poll_recv(task));
    controller
        .with_config(Config::default().concurrency(concurrency))
        .watches(
            Api::<PartialObjectMeta<OperationRecord>>::all(client.clone()),
            watching(),
            move |record| waiting_for(&records_store, &record),
        )
        .watches(
            Api::<DeserializeGuard<IdentityCenterInstance>>::all(client.clone()),
            watching(),
            move |_| waiting(&store),
        )
        .reconcile_on(wakes)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(rollback::reconcile, rollback::error_policy, Arc::clone(context))
        .for_each_concurrent(16, |_| future::ready(()))
        .await;
}

type Guarded = DeserializeGuard<Rollback>;

/// Rollbacks that wait for a record of this name.
fn waiting_for(
    store: &Store<Guarded>,
    record: &PartialObjectMeta<OperationRecord>,
) -> Vec<ObjectRef<Guarded>> {
    let (name, namespace) = (record.metadata.name.as_ref(), record.metadata.namespace.as_ref());
    in_order(store, |rollback| {
        phase(rollback) == Phase::Pending
            && rollback.metadata.namespace.as_ref() == namespace
            && names(rollback).any(|named| Some(named) == name)
    })
}

/// The records that a Rollback names, or that its criteria found.
fn names(rollback: &Rollback) -> impl Iterator<Item = &String> {
    let found = rollback.status.iter().flat_map(|status| &status.record_refs);
    rollback.spec.operations.names.iter().chain(found.map(|found| &found.name))
}

/// Rollbacks that may wait for an instance.
fn waiting(store: &Store<Guarded>) -> Vec<ObjectRef<Guarded>> {
    in_order(store, |rollback| matches!(phase(rollback), Phase::Pending | Phase::AwaitingApproval))
}

/// Some Rollbacks, by name: a store has another order in each process.
fn in_order(store: &Store<Guarded>, wanted: impl Fn(&Rollback) -> bool) -> Vec<ObjectRef<Guarded>> {
    let mut found: Vec<ObjectRef<Guarded>> = store
        .state()
        .into_iter()
        .filter(|guarded| guarded.0.as_ref().is_ok_and(&wanted))
        .map(|guarded| ObjectRef::from_obj(&*guarded))
        .collect();
    found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    found
}

fn phase(rollback: &Rollback) -> Phase {
    rollback.status.as_ref().map(|status| status.phase).unwrap_or_default()
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
