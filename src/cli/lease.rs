//! The operator's lease: whether an operator is alive, as far as this cluster tells.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::error::CliError;
use super::session::Session;

/// How the chart's leases end: it names them after the release.
const ENDING: &str = "rollback-operator";
/// A lease that says no duration is taken to last so long, as the operator's default.
const DURATION: SignedDuration = SignedDuration::from_secs(15);
/// How often a lease is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where a lease is: `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((namespace, name))
                if !namespace.is_empty() && !name.is_empty() && !name.contains('/') =>
            {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(format!("{text:?} is not NAMESPACE/NAME, such as rollback-system/{ENDING}")),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The leases of operators: the one that is named, or all that are named as the chart names them.
pub async fn find(session: &Session, place: Option<&Place>) -> Result<Vec<Lease>, CliError> {
    if let Some(place) = place {
        let api: Api<Lease> = Api::namespaced(session.client.clone(), &place.namespace);
        let doing = format!("read the lease {place}");
        return Ok(session.call(&doing, api.get_opt(&place.name)).await?.into_iter().collect());
    }
    let api: Api<Lease> = Api::all(session.client.clone());
    let all = session.call("list the leases", api.list(&ListParams::default())).await?;
    let named = |lease: &Lease| lease.name_any().ends_with(ENDING);
    Ok(all.items.into_iter().filter(named).collect())
}

/// Where a lease is.
#[must_use]
pub fn place(lease: &Lease) -> Place {
    Place { namespace: lease.namespace().unwrap_or_default(), name: lease.name_any() }
}

/// Who holds it, if it was not given back.
#[must_use]
pub fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

/// When its holder last renewed it, by the holder's clock.
#[must_use]
pub fn renewed(lease: &Lease) -> Option<Timestamp> {
    lease.spec.as_ref()?.renew_time.as_ref().map(|time| time.0)
}

/// How long it lasts after a renewal.
#[must_use]
pub fn lasts(lease: &Lease) -> SignedDuration {
    let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
    seconds.filter(|it| *it > 0).map_or(DURATION, |it| SignedDuration::from_secs(it.into()))
}

/// Waits until one of the leases is renewed or taken, for as long as the longest of them lasts: then
/// nobody holds any. One that was given back is waited for too, as long as leases last: where pods
/// are replaced, the next one takes it. Gives the holder that was seen alive. Clocks are not
/// compared, as in client-go.
pub async fn alive(
    session: &Session,
    leases: &[Lease],
) -> Result<Option<(Place, String)>, CliError> {
    let before: BTreeMap<Place, Option<Timestamp>> =
        leases.iter().map(|lease| (place(lease), renewed(lease))).collect();
    // One that was given back says that it lasts for a second.
    let longest = |lease: &Lease| holder(lease).map_or(DURATION, |_| lasts(lease));
    let Some(longest) = leases.iter().map(longest).max() else { return Ok(None) };
    let deadline = session.clock.now().saturating_add(longest).unwrap_or(Timestamp::MAX);
    while session.clock.now() < deadline {
        session.clock.sleep(LOOK).await;
        for (at, known) in &before {
            for lease in find(session, Some(at)).await? {
                if let Some(name) = holder(&lease)
                    && renewed(&lease) != *known
                {
                    return Ok(Some((at.clone(), name.to_owned())));
                }
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_named_with_its_namespace() {
        let place: Place = "rollback-system/rollback-operator".parse().unwrap();
        assert_eq!(place.to_string(), "rollback-system/rollback-operator");
        for wrong in ["rollback-operator", "/x", "x/", "a/b/c", ""] {
            assert!(wrong.parse::<Place>().unwrap_err().contains("NAMESPACE/NAME"), "{wrong}");
        }
    }
}
