//! What every reconcile needs.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssoadmin::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use kube::core::{DeserializeGuard, NamespaceResourceScope};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, Resource};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::instances::Instances;
use super::phases::Caches;
use super::record_index::RecordIndex;
use super::run::Runs;
use super::stamps::OwnName;
use crate::api::{IdentityCenterInstanceSpec, Reason, Rollback};
use crate::aws;
use crate::cluster::Events;
use crate::runtime::effects::ChokePoint;
use crate::runtime::{Clock, Metrics, Permit, Traces};

/// What every reconcile needs.
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// The clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
    /// Where spans go.
    pub traces: Traces,
    /// Where events go.
    pub events: Events,
    /// The instances that are ready.
    pub instances: Instances,
    /// The Rollbacks that are being executed.
    pub runs: Runs,
    /// The user name that the API server knows the operator by.
    pub own_name: OwnName,
    /// What the controllers have seen.
    pub caches: Caches,
    /// Which keys the records are about.
    pub records: RecordIndex,
    /// Requests that change AWS, from when they are asked for until they are answered.
    pub sends: TaskTracker,
    /// Ends every task.
    pub stop: CancellationToken,
    aws: AwsAccess,
    permit: Permit,
    request_timeout: Duration,
    namespaces: Vec<String>,
    wake: mpsc::UnboundedSender<ObjectRef<DeserializeGuard<Rollback>>>,
}

/// How AWS is reached, where that is not over HTTPS with the process's own identity: for tests.
#[derive(Debug, Clone, Default)]
pub struct AwsAccess {
    /// What carries the requests.
    pub transport: Option<SharedHttpClient>,
    /// Whose requests they are.
    pub identity: Option<SharedCredentialsProvider>,
    /// Where every request passes.
    pub choke_point: ChokePoint,
}

/// What a context is made of.
pub struct Parts {
    /// The cluster.
    pub client: Client,
    /// The clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
    /// Where spans go.
    pub traces: Traces,
    /// Where events go.
    pub events: Events,
    /// The way to AWS.
    pub aws: AwsAccess,
    /// Leave to change AWS.
    pub permit: Permit,
    /// Time limit of one request to AWS.
    pub request_timeout: Duration,
    /// Namespaces that are watched; all when empty.
    pub namespaces: Vec<String>,
    /// Ends every task.
    pub stop: CancellationToken,
}

/// Yields the Rollbacks that want another tick.
pub type Woken = mpsc::UnboundedReceiver<ObjectRef<DeserializeGuard<Rollback>>>;

impl Context {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> (Arc<Self>, Woken) {
        let (wake, woken) = mpsc::unbounded_channel();
        let context = Self {
            client: parts.client,
            clock: parts.clock,
            metrics: parts.metrics,
            traces: parts.traces,
            events: parts.events,
            instances: Instances::default(),
            runs: Runs::default(),
            own_name: OwnName::default(),
            caches: Caches::default(),
            records: RecordIndex::default(),
            sends: TaskTracker::new(),
            stop: parts.stop,
            aws: parts.aws,
            permit: parts.permit,
            request_timeout: parts.request_timeout,
            namespaces: parts.namespaces,
            wake,
        };
        (Arc::new(context), woken)
    }

    /// Asks for another tick of a Rollback.
    pub fn wake(&self, rollback: &ObjectRef<Rollback>) {
        let reference = ObjectRef::new(&rollback.name);
        let reference = match &rollback.namespace {
            Some(namespace) => reference.within(namespace),
            None => reference,
        };
        // The receiver is gone only when the operator stops.
        let _ = self.wake.send(reference);
    }

    /// Lets nothing that changes AWS leave any more.
    pub fn end_changes(&self) {
        self.permit.end();
    }

    /// Publishes an event about a Rollback.
    pub fn event(&self, rollback: &Rollback, reason: Reason, note: &str, warning: bool) {
        if warning {
            self.events.warning(rollback, reason, note);
        } else {
            self.events.normal(rollback, reason, note);
        }
    }

    /// The namespaces that are watched, or none for all of them at once.
    #[must_use]
    pub fn watched(&self) -> Vec<Option<String>> {
        if self.namespaces.is_empty() {
            return vec![None];
        }
        self.namespaces.iter().cloned().map(Some).collect()
    }

    /// The API of a kind in one namespace, or in all.
    #[must_use]
    pub fn api<K>(&self, namespace: Option<&str>) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    /// Whether this operator watches a namespace.
    #[must_use]
    pub fn watches(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|watched| watched == namespace)
    }

    /// A gate with the limits of an instance.
    #[must_use]
    pub fn new_gate(&self, spec: &IdentityCenterInstanceSpec) -> aws::Gate {
        aws::Gate::new(aws::GateOptions {
            requests_per_second: spec.limits.requests_per_second,
            outstanding_requests: spec.limits.outstanding_requests,
            request_timeout: self.request_timeout,
            permit: self.permit.clone(),
            choke_point: self.aws.choke_point.clone(),
            observer: Arc::new(self.metrics.clone()),
            traces: self.traces.clone(),
            ..aws::GateOptions::new(self.clock)
        })
    }

    /// A client for an instance, behind this gate.
    pub async fn connect_aws(
        &self,
        spec: &IdentityCenterInstanceSpec,
        gate: &aws::Gate,
    ) -> Result<aws::Client, aws::Error> {
        let credentials = spec.credentials.as_ref().map(|credentials| aws::Credentials {
            role_arn: credentials.role_arn.clone(),
            external_id: credentials.external_id.clone(),
        });
        let options = aws::ConnectOptions {
            endpoint: spec.endpoint.clone(),
            credentials,
            transport: self.aws.transport.clone(),
            ..aws::ConnectOptions::new(spec.instance_arn.clone(), spec.region.clone())
        };
        Ok(aws::Client::connect_as(options, gate, self.aws.identity.clone()).await)
    }
}
