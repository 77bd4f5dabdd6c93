//! The connection to the API server, with a limit on how long each request may take.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config, ResourceExt as _};
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::times;
use crate::api::{IdentityCenterInstance, OperationRecord, Rollback, RollbackPlan};
use crate::runtime::Clock;

/// The field manager of everything that the plugin writes. Flux takes over fields of any manager
/// whose name begins with `kubectl`, so an approval must not be written under such a name.
pub const FIELD_MANAGER: &str = "rollback-approver";

/// Where to connect to, as in kubectl.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// File with clusters and credentials, in place of $KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace; without it the context's
    #[arg(short, long, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// All namespaces, where a command lists
    #[arg(short = 'A', long, global = true, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Longest time that one request to the API server may take
    #[arg(long, global = true, value_name = "TIME", default_value = "30s", value_parser = times::parse_duration)]
    pub request_timeout: Duration,
}

/// A connection to one cluster and namespace.
#[derive(Clone)]
pub struct Session {
    /// The client.
    pub client: Client,
    /// The clock.
    pub clock: Clock,
    /// The namespace that commands are about.
    pub namespace: String,
    /// The options by which another command finds the same place, to be pasted.
    pub place: String,
    limit: Duration,
}

impl Session {
    /// Reads the kubeconfig. Nothing is sent yet.
    pub async fn connect(connection: &Connection) -> Result<Self, CliError> {
        let options = KubeConfigOptions {
            context: connection.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = match &connection.kubeconfig {
            Some(path) => match Kubeconfig::read_from(path) {
                Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
                Err(error) => Err(error),
            },
            None => Config::from_kubeconfig(&options).await,
        };
        let mut config = match config {
            Ok(config) => config,
            // In a pod there is no kubeconfig but a service account.
            Err(_)
                if connection.kubeconfig.is_none() && connection.context.is_none() && in_pod() =>
            {
                Config::incluster().map_err(|error| no_cluster(&error.to_string()))?
            }
            Err(KubeconfigError::ReadConfig(error, path)) => {
                return Err(no_cluster(&format!("cannot read {}: {error}", path.display())));
            }
            Err(KubeconfigError::LoadContext(name)) => {
                return Err(no_cluster(&format!("the kubeconfig has no context {name}")));
            }
            Err(error) => return Err(no_cluster(&error.to_string())),
        };
        config.connect_timeout = Some(connection.request_timeout.min(Duration::from_secs(10)));
        let namespace =
            connection.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| no_cluster(&error.to_string()))?;
        let place = place(connection, &namespace);
        Ok(Self {
            client,
            clock: Clock::real(),
            namespace,
            place,
            limit: connection.request_timeout,
        })
    }

    /// Waits for one request; `doing` is a clause such as `read rollback x`.
    pub async fn call<T>(
        &self,
        doing: &str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, CliError> {
        self.raw(doing, request).await?.map_err(|error| CliError::request(doing, &error))
    }

    /// As [`Self::call`], with the API server's refusal for the caller to judge.
    pub async fn raw<T>(
        &self,
        doing: &str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<Result<T, kube::Error>, CliError> {
        self.clock.timeout(self.limit, request).await.map_err(|_| {
            let limit = times::seconds(self.limit.as_secs_f64());
            let message = format!(
                "cannot {doing}: the API server did not answer within {limit}; try again or raise \
                 --request-timeout"
            );
            CliError::new(Exit::TimedOut, message)
        })
    }

    /// Rollbacks of the namespace.
    #[must_use]
    pub fn rollbacks(&self) -> Api<Rollback> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Plans of the namespace.
    #[must_use]
    pub fn plans(&self) -> Api<RollbackPlan> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Records of the namespace.
    #[must_use]
    pub fn records(&self) -> Api<OperationRecord> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Instances of the cluster.
    #[must_use]
    pub fn instances(&self) -> Api<IdentityCenterInstance> {
        Api::all(self.client.clone())
    }

    /// Reads one Rollback.
    pub async fn rollback(&self, name: &str) -> Result<Rollback, CliError> {
        let doing = format!("read rollback {name} in namespace {}", self.namespace);
        self.call(&doing, self.rollbacks().get(name)).await
    }

    /// Changes parts of one Rollback's spec: of the one that was read, and of no other that was
    /// created under its name since.
    pub async fn patch(
        &self,
        doing: &str,
        read: &Rollback,
        spec: Value,
    ) -> Result<Rollback, CliError> {
        let (name, patch) = (read.name_any(), Patch::Merge(of_it(read, &spec)));
        let request = self.rollbacks();
        match self.raw(doing, request.patch(&name, &patch_parameters(), &patch)).await? {
            Ok(patched) => Ok(patched),
            Err(error) if is_another(&error) => Err(CliError::failed(format!(
                "cannot {doing}: it was deleted, and another one has its name now; look at that \
                 one first: kubectl rollback plan --rollback {name} {}",
                self.place
            ))),
            Err(error) => Err(CliError::request(doing, &error)),
        }
    }

    /// As [`Self::patch`], only if the Rollback is still as it was read.
    pub async fn patch_as_read(
        &self,
        doing: &str,
        read: &Rollback,
        spec: Value,
    ) -> Result<Result<Rollback, kube::Error>, CliError> {
        let patch = Patch::Merge(as_read(read, &spec));
        self.raw(doing, self.rollbacks().patch(&read.name_any(), &patch_parameters(), &patch)).await
    }
}

/// The API server refuses to change the uid of an object.
fn of_it(read: &Rollback, spec: &Value) -> Value {
    json!({"metadata": {"uid": read.metadata.uid}, "spec": spec})
}

/// Whether a change was refused because the object has another uid.
fn is_another(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    matches!(status.code, 409 | 422)
        && (status.message.contains("metadata.uid") || status.message.contains("Precondition"))
}

/// `-n access`, and what else was given to find the cluster.
fn place(connection: &Connection, namespace: &str) -> String {
    let kubeconfig = connection.kubeconfig.as_ref().map(|path| path.display().to_string());
    let given = [
        ("-n", Some(namespace)),
        ("--context", connection.context.as_deref()),
        ("--kubeconfig", kubeconfig.as_deref()),
    ];
    let given = given.into_iter().filter_map(|(option, value)| Some((option, value?)));
    given.map(|(option, value)| format!("{option} {}", quoted(value))).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The API server refuses, with a conflict, what names another version than the present one.
fn as_read(read: &Rollback, spec: &Value) -> Value {
    json!({"metadata": {"resourceVersion": read.resource_version()}, "spec": spec})
}

/// How objects are changed.
#[must_use]
pub fn patch_parameters() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// How objects are created.
#[must_use]
pub fn create_parameters() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

fn in_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

fn no_cluster(error: &str) -> CliError {
    CliError::failed(format!(
        "no cluster to talk to: {error}; check --kubeconfig, $KUBECONFIG and --context"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Phase;
    use crate::cli::fixtures;

    #[test]
    fn an_approval_is_of_the_object_that_was_read() {
        let read = fixtures::rollback(Phase::AwaitingApproval);
        assert_eq!(
            of_it(&read, &json!({"suspend": false})),
            json!({"metadata": {"uid": read.metadata.uid.clone().unwrap()}, "spec": {"suspend": false}})
        );
    }

    #[test]
    fn a_hint_leads_to_the_same_cluster() {
        let mut connection = Connection {
            kubeconfig: None,
            context: None,
            namespace: None,
            all_namespaces: false,
            request_timeout: Duration::ZERO,
        };
        assert_eq!(place(&connection, "access"), "-n access");
        connection.context = Some("arn:aws:eks:eu-west-1:1:cluster/a".to_owned());
        connection.kubeconfig = Some("/tmp/it's here".into());
        assert_eq!(
            place(&connection, "access"),
            r"-n access --context arn:aws:eks:eu-west-1:1:cluster/a --kubeconfig '/tmp/it'\''s here'"
        );
    }

    #[test]
    fn a_change_of_what_was_read_names_its_version() {
        let mut read = fixtures::rollback(Phase::AwaitingApproval);
        read.metadata.resource_version = Some("7".to_owned());
        assert_eq!(
            as_read(&read, &json!({"cancel": true})),
            json!({"metadata": {"resourceVersion": "7"}, "spec": {"cancel": true}})
        );
    }
}
