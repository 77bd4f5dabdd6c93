//! What a process must have seen before it says that it is ready: the lease, and the kinds that it
//! works on. A process that never can work must not look as if it did.

use std::borrow::Cow;
use std::time::Duration;

use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::{IdentityCenterInstance, OperationRecord, Rollback, RollbackPlan};
use crate::runtime::Clock;
use crate::runtime::readiness::Handle;

/// How long to wait before looking again.
const AGAIN: Duration = Duration::from_secs(2);

/// Why the operator cannot work here.
#[derive(Debug, thiserror::Error)]
enum NotServed {
    #[error(
        "the API server does not serve {0}; install the kinds (crds.install in the chart, or \
         kubectl apply --server-side -f crds/)"
    )]
    Kind(Cow<'static, str>),
    #[error(
        "{0} cannot be listed{1}: {2}; see that the API server answers and that the role of the \
         operator is bound (rbac.create in the chart)"
    )]
    List(Cow<'static, str>, String, kube::Error),
    #[error("the API server does not say what it serves: {0}; see that it answers")]
    Discovery(kube::Error),
}

/// Looks until every kind is served and may be listed where it is watched, in one namespace at least,
/// then releases the handle.
pub async fn kinds(client: Client, namespaces: Vec<String>, handle: Handle) {
    let mut told = String::new();
    while let Err(error) = look(&client, &namespaces).await {
        let why = error.to_string();
        if why != told {
            tracing::warn!(%why, "not ready");
            handle.because(&why);
            told = why;
        }
        Clock::real().sleep(AGAIN).await;
    }
    handle.release();
}

async fn look(client: &Client, namespaces: &[String]) -> Result<(), NotServed> {
    let version = Rollback::api_version(&());
    let served = match client.list_api_group_resources(&version).await {
        Ok(list) => list.resources,
        Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
        // Whether it may look there says nothing of what it may do; the lists say that.
        Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403) => {
            return lists(client, namespaces).await;
        }
        Err(error) => return Err(NotServed::Discovery(error)),
    };
    for kind in [
        Rollback::plural(&()),
        RollbackPlan::plural(&()),
        OperationRecord::plural(&()),
        IdentityCenterInstance::plural(&()),
    ] {
        if !served.iter().any(|resource| resource.name == kind) {
            return Err(NotServed::Kind(kind));
        }
    }
    lists(client, namespaces).await
}

/// Lists what is watched. Of several namespaces one is enough: another one may be gone, with the
/// rights in it, and the work in the others must not wait for that.
async fn lists(client: &Client, namespaces: &[String]) -> Result<(), NotServed> {
    list(Api::<IdentityCenterInstance>::all(client.clone()), String::new()).await?;
    if namespaces.is_empty() {
        list(Api::<Rollback>::all(client.clone()), String::new()).await?;
        list(Api::<OperationRecord>::all(client.clone()), String::new()).await?;
    }
    let mut missing = Vec::new();
    for namespace in namespaces {
        if let Err(error) = lists_in(client, namespace).await {
            tracing::warn!(%namespace, %error, "a watched namespace cannot be read");
            missing.push(error);
        }
    }
    if missing.len() < namespaces.len() {
        return Ok(());
    }
    missing.pop().map_or(Ok(()), Err)
}

async fn lists_in(client: &Client, namespace: &str) -> Result<(), NotServed> {
    let place = format!(" in the namespace {namespace}");
    list(Api::<Rollback>::namespaced(client.clone(), namespace), place.clone()).await?;
    list(Api::<OperationRecord>::namespaced(client.clone(), namespace), place).await
}

async fn list<K>(api: Api<K>, place: String) -> Result<(), NotServed>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let listed = api.list_metadata(&ListParams::default().limit(1)).await;
    listed.map(|_| ()).map_err(|error| NotServed::List(K::plural(&()), place, error))
}
